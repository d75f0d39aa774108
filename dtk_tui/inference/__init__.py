"""Models: the only room that imports onnxruntime and tokenizers."""

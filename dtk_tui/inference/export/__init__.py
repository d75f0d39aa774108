"""ONNX of models whose hub has none: towers of CLIP and SigLIP, made with torch and compared with it."""

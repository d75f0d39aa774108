"""What stands in an ONNX file: the part of a graph that is kept, the files that it names, what it takes and gives."""

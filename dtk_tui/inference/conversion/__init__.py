"""Making ONNX models of files that are published in other forms, without the libraries that wrote them."""

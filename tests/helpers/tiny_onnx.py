"""Tiny ONNX models made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def save_onnx(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: list[Any]) -> Path:
    """Write a tiny model of the given nodes."""
    import onnx

    graph = onnx.helper.make_graph(nodes, "tiny", inputs, outputs, weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path

"""Truncating an ONNX graph: only what computes one tensor in its middle is kept."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.errors import ModelError


def truncate_graph(source: Path, output: str, target: Path) -> None:
    """Write to ``target`` the part of the model ``source`` that computes the tensor ``output``, its only output.

    Raises:
        ModelError: the file is no ONNX model, or has no such tensor.
    """
    import onnx

    try:
        model = onnx.load(str(source))
    except Exception as error:
        raise ModelError(f"{source} is not an ONNX model.", str(error)) from error
    graph = model.graph
    needed = {output}
    nodes = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(node.input)
            needed.update(name for part in node.attribute for name in _outer_inputs(part))
    if not nodes:
        raise ModelError(f"{source} has no tensor {output}.", "Another export of the model needs another output name.")
    nodes.reverse()
    kept = onnx.helper.make_graph(
        nodes,
        graph.name,
        [value for value in graph.input if value.name in needed],
        [onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)],
        [tensor for tensor in graph.initializer if tensor.name in needed],
    )
    smaller = onnx.helper.make_model(kept, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.save(smaller, str(target))


def _outer_inputs(attribute: object) -> set[str]:
    """Return the names that the subgraphs of a control-flow node take from outside."""
    graphs = [attribute.g, *attribute.graphs] if hasattr(attribute, "graphs") else []  # type: ignore[attr-defined]
    names: set[str] = set()
    for graph in graphs:
        for node in graph.node:
            names.update(node.input)
            for part in node.attribute:
                names |= _outer_inputs(part)
    return names

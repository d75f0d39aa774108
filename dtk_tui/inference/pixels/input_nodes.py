"""Nodes at the head of a graph that take pictures as bytes: what is the same for each pixel, the device does.

Bytes are a quarter of what floats would be on the way there, and one array serves models that want other means.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dtk_tui.errors import ModelError
from dtk_tui.inference.graphs.external_data import read_graph
from dtk_tui.inference.model_spec import ModelSpec

#: Elementwise nodes broadcast from this version of the operators on (ONNX changelog, Mul-7).
_LEAST_OPSET = 7


def with_byte_input(path: Path, spec: ModelSpec, model: Any = None) -> bytes:
    """Return a model whose input is uint8 [n, size, size, 3] (red, green, blue), as a serialised graph.

    Channel order, layout, division, mean and std come before the model's own input, in float32 and in the order
    (byte * 1 / (divide * std)) - mean / std; a model of another type is given what that is rounded to. Weights in files
    beside the model stay there.

    Args:
        path: of the ONNX file.
        spec: with a section image.
        model: what ``read_graph`` gave, where the file was read already; it is changed.

    Raises:
        ModelError: it is no ONNX model, or takes something else than the manifest says.
    """
    model = read_graph(path) if model is None else model
    value = _picture_input(model, spec)
    opset = next((int(one.version) for one in model.opset_import if one.domain in ("", "ai.onnx")), _LEAST_OPSET)
    if opset < _LEAST_OPSET:
        raise ModelError(
            f"The model {spec.name} is written in operators of version {opset}.",
            f"Export it again, with opset {_LEAST_OPSET} or newer.",
        )
    _put_before(model.graph, value, spec)
    try:
        data: bytes = model.SerializeToString()
    except Exception as error:  # a message has 2 GB at most
        raise ModelError(f"The model {path} cannot be prepared.", str(error)) from error
    return data


def _picture_input(model: Any, spec: ModelSpec) -> Any:
    """Return the graph's one input; raises ModelError when it is not of the shape that the manifest says."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise ModelError(f"The model {spec.name} takes {len(inputs)} inputs, not one picture.")
    shape = [dim.dim_value or dim.dim_param or None for dim in inputs[0].type.tensor_type.shape.dim]
    wanted = spec.image.shape if spec.image else ()
    if len(shape) != 4 or any(isinstance(n, int) and n != m for n, m in zip(shape[1:], wanted, strict=True)):
        raise ModelError(f"The model {spec.name} takes input of shape {shape}, the manifest says {wanted}.")
    return inputs[0]


def _put_before(graph: Any, value: Any, spec: ModelSpec) -> None:
    """Put the nodes before an input, whose name becomes that of what they give, and the new input in its place."""
    from onnx import TensorProto, helper, numpy_helper

    if spec.image is None:
        raise ModelError(f"The model {spec.name} takes no pictures.")
    image = spec.image
    nodes: list[Any] = []
    names = {name for node in graph.node for name in (*node.input, *node.output)}
    prefix = "dtk"
    while any(name.startswith(prefix) for name in names):
        prefix += "_"
    first = current = f"{prefix}pixels"

    def add(operator: str, *others: np.ndarray, **attributes: Any) -> None:
        nonlocal current
        inputs = [current]
        for other in others:
            inputs.append(f"{prefix}constant{len(nodes)}")
            nodes.append(helper.make_node("Constant", [], inputs[-1:], value=numpy_helper.from_array(other)))
        current = f"{prefix}step{len(nodes)}"
        nodes.append(helper.make_node(operator, inputs, [current], **attributes))

    is_planar = image.layout == "nchw"
    if is_planar or image.channels == "bgr":
        add("Transpose", perm=[0, 3, 1, 2])
    if image.channels == "bgr":
        # Whole planes: picking from the innermost axis, byte by byte, takes four times as long on a processor.
        add("Gather", np.array([2, 1, 0], np.int64), axis=1)
        if not is_planar:
            add("Transpose", perm=[0, 2, 3, 1])
    add("Cast", to=TensorProto.FLOAT)
    std = np.asarray(image.std, np.float64)
    scale = (1.0 / (image.divide * std)).astype(np.float32)
    shift = (np.asarray(image.mean, np.float64) / std).astype(np.float32)
    shape = (3, 1, 1) if is_planar else (3,)
    if np.any(scale != 1):
        add("Mul", scale.reshape(shape))
    if np.any(shift != 0):
        add("Sub", shift.reshape(shape))
    add("Cast", to=value.type.tensor_type.elem_type)
    nodes[-1].output[0] = value.name
    batch = value.type.tensor_type.shape.dim[0]
    given = helper.make_tensor_value_info(
        first, TensorProto.UINT8, [batch.dim_value or batch.dim_param or "n", image.size, image.size, 3]
    )
    nodes.extend(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    graph.input.remove(value)
    graph.input.append(given)

"""EfficientNet-lite0 as an ONNX model: the graph is written here, the weights come from a state dict.

Source: tensorflow/tpu, models/official/efficientnet/lite (efficientnet_lite_builder.py): blocks of B0 without squeeze
and excitation, ReLU6, convolutions padded as TensorFlow's SAME; names of the weights as in EfficientNet-PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dtk_tui.errors import ModelError

Floats = npt.NDArray[np.float32]

EDGE, CLASSES = 224, 1000
#: The step of each block's depthwise convolution; everything else follows from the shapes of the weights.
_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
#: Of the batch normalisations.
_EPSILON = 1e-3
_OPSET, _IR = 17, 8


def efficientnet_lite0(weights: Mapping[str, npt.NDArray[Any]], vectors: Floats | None = None) -> Any:
    """Return an ONNX model that takes pictures, float32 [n, 3, 224, 224].

    It gives the probabilities of the classes, [n, 1000]; or, where ``vectors`` float32 [1000, dims] has one a class,
    the mean of these by the probabilities, [n, dims] (ConSE: Norouzi et al., Zero-Shot Learning by Convex Combination
    of Semantic Embeddings, 2014, over all classes).

    Raises:
        ModelError: the weights are those of another model.
    """
    graph = _Graph(weights)
    try:
        probabilities = _network(graph)
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError("The weights are not those of EfficientNet-lite0.", f"{error}") from error
    if vectors is None:
        return graph.model(probabilities, "scores", CLASSES)
    found = graph.add("MatMul", [probabilities, graph.constant("class_vectors", vectors)])
    return graph.model(found, "vectors", vectors.shape[1])


class _Graph:
    """Nodes that are added one behind the other, and the weights that they take."""

    def __init__(self, weights: Mapping[str, npt.NDArray[Any]]) -> None:
        self.weights = weights
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        self._constants.append(numpy_helper.from_array(np.array(value, np.float32, order="C"), name))
        return name

    def add(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node and return the name of what it gives."""
        from onnx import helper

        name = f"value{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def convolution(self, source: str, name: str, norm: str, edge: int, stride: int = 1) -> str:
        """Add a convolution with the batch normalisation behind it, as one: the norm scales its weights and shifts."""
        kernel = self.weights[f"{name}.weight"]
        scale = self.weights[f"{norm}.weight"] / np.sqrt(self.weights[f"{norm}.running_var"] + _EPSILON)
        shift = self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * scale
        size = kernel.shape[2]
        # TensorFlow's SAME: as many outputs as steps fit, and where the padding is odd, the more of it at the end.
        padding = max((-(-edge // stride) - 1) * stride + size - edge, 0)
        before, after = padding // 2, padding - padding // 2
        inputs = [
            source,
            self.constant(f"{name}.weight", kernel * scale[:, None, None, None]),
            self.constant(f"{name}.bias", shift),
        ]
        group = kernel.shape[0] if kernel.shape[1] == 1 else 1
        return self.add(
            "Conv", inputs, kernel_shape=[size, size], strides=[stride, stride], group=group,
            pads=[before, before, after, after],
        )  # fmt: skip

    def relu6(self, source: str) -> str:
        """Add a clipping to 0 and 6."""
        names = {constant.name for constant in self._constants}
        if "zero" not in names:
            self.constant("zero", np.array(0.0))
            self.constant("six", np.array(6.0))
        return self.add("Clip", [source, "zero", "six"])

    def model(self, found: str, name: str, length: int) -> Any:
        """Return the model that gives ``found`` under another name, [n, length]."""
        from onnx import TensorProto, checker, helper

        self._nodes[-1].output[0] = name
        taken = helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, EDGE, EDGE])
        given = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", length])
        graph = helper.make_graph(self._nodes, "efficientnet-lite0", [taken], [given], self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
        checker.check_model(model)
        return model


def _network(graph: _Graph) -> str:
    """Add the whole network and return the name of its probabilities."""
    edge = EDGE
    value = graph.relu6(graph.convolution("picture", "_conv_stem", "_bn0", edge, 2))
    edge = -(-edge // 2)
    for number, stride in enumerate(_STRIDES):
        value, edge = _block(graph, f"_blocks.{number}", value, edge, stride)
    value = graph.relu6(graph.convolution(value, "_conv_head", "_bn1", edge))
    value = graph.add("Flatten", [graph.add("GlobalAveragePool", [value])])
    matrix, bias = graph.weights["_fc.weight"], graph.weights["_fc.bias"]
    if matrix.shape[0] != CLASSES:
        raise ValueError(f"they tell {matrix.shape[0]} classes apart")
    inputs = [value, graph.constant("_fc.weight", matrix), graph.constant("_fc.bias", bias)]
    return graph.add("Softmax", [graph.add("Gemm", inputs, transB=1)], axis=1)


def _block(graph: _Graph, name: str, source: str, edge: int, stride: int) -> tuple[str, int]:
    """Add a block (wider by the expansion, a depthwise convolution, narrower again); return its value and edge."""
    value = source
    if f"{name}._expand_conv.weight" in graph.weights:
        value = graph.relu6(graph.convolution(value, f"{name}._expand_conv", f"{name}._bn0", edge))
    value = graph.relu6(graph.convolution(value, f"{name}._depthwise_conv", f"{name}._bn1", edge, stride))
    edge = -(-edge // stride)
    value = graph.convolution(value, f"{name}._project_conv", f"{name}._bn2", edge)
    taken = graph.weights.get(f"{name}._expand_conv.weight", graph.weights[f"{name}._depthwise_conv.weight"])
    narrow_in = taken.shape[1] if f"{name}._expand_conv.weight" in graph.weights else taken.shape[0]
    if stride == 1 and narrow_in == graph.weights[f"{name}._project_conv.weight"].shape[0]:
        value = graph.add("Add", [value, source])
    return value, edge

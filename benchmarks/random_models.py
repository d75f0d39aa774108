"""Models of real sizes with random weights, in half precision: what a device has to compute, without a download."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save


class _Graph:
    """Collects nodes and weights."""

    def __init__(self, dtype: type[np.floating[Any]]) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._dtype = dtype
        self._pool = np.random.default_rng(0).standard_normal(1 << 22).astype(dtype)
        self._count = 0

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """Add a constant; return its name."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def random(self, *shape: int) -> str:
        """Add a weight of this shape, scaled by what it multiplies; return its name."""
        values = np.resize(np.roll(self._pool, len(self.weights)), shape)
        fan_in = math.prod(shape[1:]) if len(shape) == 4 else shape[0] if len(shape) == 2 else 100
        return self.constant(values * self._dtype(1 / math.sqrt(fan_in)), self._dtype)

    def floats(self, value: Any) -> str:
        """Add a constant of the model's own type; return its name."""
        return self.constant(value, self._dtype)

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output; return the output's name."""
        self._count += 1
        self.nodes.append(helper.make_node(kind, list(inputs), [f"v{self._count}"], **attributes))
        return f"v{self._count}"

    def norm(self, x: str, width: int) -> str:
        """Add a layer normalisation."""
        return self.node("LayerNormalization", x, self.floats(np.ones(width)), self.floats(np.zeros(width)), axis=-1)

    def linear(self, x: str, width: int, out: int) -> str:
        """Add a dense layer with a bias."""
        return self.node("Add", self.node("MatMul", x, self.random(width, out)), self.random(out))

    def attention(self, x: str, width: int, heads: int) -> str:
        """Add self-attention of several heads, with its two projections."""
        parts = self.node("Reshape", self.linear(x, width, 3 * width), self.constant([0, 0, 3, heads, width // heads]))
        parts = self.node("Transpose", parts, perm=[2, 0, 3, 1, 4])
        q, k, v = (self.node("Gather", parts, self.constant(n), axis=0) for n in range(3))
        scores = self.node("MatMul", q, self.node("Transpose", k, perm=[0, 1, 3, 2]))
        scores = self.node("Mul", scores, self.floats(1 / math.sqrt(width // heads)))
        found = self.node("MatMul", self.node("Softmax", scores, axis=-1), v)
        found = self.node("Reshape", self.node("Transpose", found, perm=[0, 2, 1, 3]), self.constant([0, 0, width]))
        return self.linear(found, width, width)

    def gelu(self, x: str) -> str:
        """Add the exact GELU."""
        inner = self.node("Erf", self.node("Div", x, self.floats(math.sqrt(2))))
        return self.node("Mul", self.node("Mul", x, self.node("Add", inner, self.floats(1.0))), self.floats(0.5))

    def save(self, path: Path, inputs: list[Any], outputs: list[Any]) -> None:
        """Write the model."""
        graph = helper.make_graph(self.nodes, "random", inputs, outputs, self.weights)
        path.parent.mkdir(parents=True, exist_ok=True)
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


def vision_transformer(
    path: Path,
    *,
    layers: int = 32,
    width: int = 1280,
    heads: int = 16,
    patch: int = 14,
    edge: int = 224,
    out: int | None = None,
) -> None:
    """Write a vision transformer in half precision; without arguments one of the size of CLIP ViT-H/14.

    Its input is float16 [n, 3, edge, edge], its output the class token behind the last norm, float16 [n, width], or
    projected to ``out`` values.
    """
    g, tokens = _Graph(np.float16), (edge // patch) ** 2
    x = g.node("Conv", "pixel_values", g.random(width, 3, patch, patch), strides=[patch, patch])
    x = g.node("Transpose", g.node("Reshape", x, g.constant([0, width, tokens])), perm=[0, 2, 1])
    number = g.node("Slice", g.node("Shape", "pixel_values"), g.constant([0]), g.constant([1]))
    first = g.node("Expand", g.random(1, 1, width), g.node("Concat", number, g.constant([1, width]), axis=0))
    x = g.node("Add", g.node("Concat", first, x, axis=1), g.random(1, tokens + 1, width))
    x = g.norm(x, width)
    for _ in range(layers):
        x = g.node("Add", x, g.attention(g.norm(x, width), width, heads))
        inner = g.gelu(g.linear(g.norm(x, width), width, 4 * width))
        x = g.node("Add", x, g.linear(inner, 4 * width, width))
    token = g.norm(g.node("Gather", x, g.constant(0), axis=1), width)
    if out is not None:
        token = g.linear(token, width, out)
    g.nodes.append(helper.make_node("Identity", [token], ["pooler_output"]))
    half = TensorProto.FLOAT16
    g.save(
        path,
        [helper.make_tensor_value_info("pixel_values", half, ["n", 3, edge, edge])],
        [helper.make_tensor_value_info("pooler_output", half, ["n", out or width])],
    )


def text_model(path: Path, width: int) -> None:
    """Write a text model of next to no work: the states of the tokens are rows of a random table, float32."""
    g = _Graph(np.float32)
    row = g.node("Mod", "input_ids", g.constant(997))
    g.nodes.append(helper.make_node("Gather", [g.random(997, width), row], ["last_hidden_state"]))
    g.save(
        path,
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "t"])],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", "t", width])],
    )

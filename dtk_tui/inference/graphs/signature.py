"""What an ONNX model takes and gives, as its file says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Value:
    """An input or an output; an edge that is open is None."""

    name: str
    kind: Literal["integer", "float", "other"]
    shape: tuple[int | None, ...]
    operator: str = ""
    """What computes it, of an output: the name of an operator such as Sigmoid."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Inputs and outputs in the order of the file."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]

    def outputs_of_rank(self, rank: int) -> tuple[Value, ...]:
        """Return the outputs with so many edges."""
        return tuple(value for value in self.outputs if len(value.shape) == rank)


def signature_of(model: Any) -> Signature:
    """Return what a model takes and gives, as ``external_data.read_graph`` read it."""
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    makers = {name: str(node.op_type) for node in graph.node for name in node.output}
    return Signature(
        tuple(_value(value) for value in graph.input if value.name not in weights),
        tuple(_value(value, makers.get(value.name, "")) for value in graph.output),
    )


def _value(value: Any, operator: str = "") -> Value:
    from onnx import TensorProto

    of_tensor = value.type.tensor_type
    integers = {TensorProto.INT32, TensorProto.INT64}
    floats = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16}
    kind: Literal["integer", "float", "other"] = (
        "integer" if of_tensor.elem_type in integers else "float" if of_tensor.elem_type in floats else "other"
    )
    shape = tuple(int(dim.dim_value) if dim.dim_value > 0 else None for dim in of_tensor.shape.dim)
    return Value(str(value.name), kind, shape, operator)

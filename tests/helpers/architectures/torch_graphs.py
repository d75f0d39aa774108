"""Writing a model of torch as a graph whose weights follow from their names; for the scripts that make references."""

from __future__ import annotations

import lzma
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from tests.helpers.architectures.families import REFERENCES
from tests.helpers.architectures.weights import weights


class Outputs(nn.Module):
    """A model of transformers that gives one of its outputs."""

    def __init__(self, model: nn.Module, output: str) -> None:
        super().__init__()
        self.model = model
        self.output = output

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = getattr(self.model(*inputs), self.output)
        return found


def dress(model: nn.Module) -> nn.Module:
    """Give a model the weights of the rule."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weights(name, parameter.shape)))
    return model.eval()


def write_graph(family: str, model: nn.Module, inputs: Sequence[torch.Tensor], names: Sequence[str]) -> None:
    """Write the graph of a dressed model, without the weights that follow from their names."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        axes = {name: {0: "n", 1: "t"} if "ids" in name or "mask" in name else {0: "n"} for name in names}
        if "-text" in family:
            axes = {name: {0: "n"} for name in names}
        rank3 = {"bert-cls": {0: "n", 1: "t"}}.get(family, {0: "n"})
        torch.onnx.export(
            model, tuple(inputs), str(path), input_names=list(names), output_names=["found"], opset_version=17,
            dynamic_axes=axes | {"found": rank3}, do_constant_folding=False, dynamo=False,
        )  # fmt: skip
        graph = onnx.load(str(path))
    parameters = dict(model.named_parameters())
    for tensor in graph.graph.initializer:
        if tensor.name in parameters:
            stored = onnx.numpy_helper.to_array(tensor)
            if np.array_equal(stored, weights(tensor.name, tensor.dims)):
                tensor.ClearField("raw_data")
            else:
                raise SystemExit(f"{family}: {tensor.name} is not as its rule says")
    del graph.metadata_props[:]
    for node in graph.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del graph.graph.value_info[:]
    data = lzma.compress(graph.SerializeToString(), preset=9 | lzma.PRESET_EXTREME)
    (REFERENCES / f"{family}.onnx.xz").write_bytes(data)
    print(f"{family}: {len(data):,} bytes, {sum(p.numel() for p in parameters.values()):,} parameters")


def padded(rows: Sequence[Sequence[int]]) -> np.ndarray:
    """Return ids as a table, -1 behind the end of each row."""
    table = np.full((len(rows), max(map(len, rows))), -1, np.int32)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return table

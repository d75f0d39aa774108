"""Models that take the input of the starter models and do next to nothing with it: what is left is everything else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_files import remember_verified


def _graph(shape: Sequence[int | str], outputs: int) -> Any:
    """Return a model that looks at the first value alone: it moves the first of its outputs a little."""
    from onnx import TensorProto, helper, numpy_helper

    numbers: dict[str, np.ndarray[Any, Any]] = {
        "starts": np.zeros(3, np.int64),
        "ends": np.ones(3, np.int64),
        "axes": np.array([1, 2, 3], np.int64),
        "shape": np.array([-1, 1], np.int64),
        "weights": np.eye(1, outputs, dtype=np.float32) * (0.2 if outputs > 2 else 0),
        "bias": np.full(outputs, 0.5, np.float32),
    }
    nodes = [
        helper.make_node("Slice", ["pixels", "starts", "ends", "axes"], ["one"]),
        helper.make_node("Reshape", ["one", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["found"]),
    ]
    ends = [
        helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape),
        helper.make_tensor_value_info("found", TensorProto.FLOAT, ["n", outputs]),
    ]
    constants = [numpy_helper.from_array(value, name) for name, value in numbers.items()]
    graph = helper.make_graph(nodes, "idle", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def idle_models(folder: Path, real: Path, *, tagger: bool = False) -> Path:
    """Fill a models folder: the image embedder (and the tagger) idle, everything else as in ``real``."""
    idle = {"dinov2-small", "open-nsfw"} if tagger else {"dinov2-small"}
    folder.mkdir(parents=True, exist_ok=True)
    for model in real.iterdir():
        if model.name not in idle:
            (folder / model.name).symlink_to(model)
    made = folder / "dinov2-small"
    made.mkdir()
    (made / "vit_s_focus.onnx").symlink_to(real / "dinov2-small" / "vit_s_focus.onnx")
    (made / "backbone.onnx").write_bytes(_graph(["n", 3, 224, 224], 384).SerializeToString())
    if tagger:
        home = folder / "open-nsfw"
        home.mkdir()
        size = (real / "open-nsfw" / "open-nsfw.onnx").stat().st_size
        (home / "open-nsfw.onnx").write_bytes(_of_size(_graph(["n", 224, 224, 3], 2), size))
        # It stands for the real one, whose checksum it cannot have.
        remember_verified(load_manifest().get("open-nsfw"), home, {"open-nsfw.onnx"})
    return folder


def _of_size(model: Any, size: int) -> bytes:
    """Serialise a model to exactly ``size`` bytes, which is what an installed model is recognised by."""
    model.doc_string = " " * size
    model.doc_string = " " * (2 * size - len(model.SerializeToString()))
    data: bytes = model.SerializeToString()
    return data

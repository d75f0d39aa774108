"""Embedders of the manifest that compute next to nothing: what they need of a library is what the real ones need."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.helpers.tiny_onnx import save_onnx


def plain_image_embedder(folder: Path) -> str:
    """Put a model in the place of clip-h-vision, whose vectors follow from the mean colour; return its name."""
    from onnx import TensorProto, helper, numpy_helper

    mix = np.random.RandomState(3).random_sample((3, 1280)).astype(np.float32)
    save_onnx(
        folder / "clip-h-vision" / "vision_model.onnx",
        [
            helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[2, 3], keepdims=0),
            helper.make_node("Gemm", ["mean", "mix", "bias"], ["found"]),
        ],
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, 224, 224])],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, ["n", 1280])],
        [numpy_helper.from_array(mix, "mix"), numpy_helper.from_array(np.full(1280, 0.1, np.float32), "bias")],
    )
    return "clip-h-vision"


def plain_text_embedder(folder: Path) -> str:
    """Put a model in the place of bge-large-en-v1.5, whose vectors follow from how many tokens; return its name."""
    from onnx import TensorProto, helper, numpy_helper

    table = np.random.RandomState(4).random_sample((513, 1024)).astype(np.float32)
    save_onnx(
        folder / "bge-large-en-v1.5" / "model.onnx",
        [
            helper.make_node("ReduceSum", ["attention_mask", "one"], ["length"], keepdims=1),
            helper.make_node("Gather", ["table", "length"], ["states"]),
        ],
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "t"]),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["n", "t"]),
        ],
        [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["n", 1, 1024])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1], np.int64), "one")],
    )
    return "bge-large-en-v1.5"

"""Embedders of the manifest that compute next to nothing: what they need of a library is what the real ones need."""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np

from tests.helpers.architectures.families import REFERENCES
from tests.helpers.model_entries import add_entry
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
    """Add a model with the entry of bge-large-en-v1.5, whose vectors follow from how many tokens; return its name."""
    from onnx import TensorProto, helper, numpy_helper

    table = np.random.RandomState(4).random_sample((513, 1024)).astype(np.float32)
    save_onnx(
        add_entry(folder, "bge-large-en-v1.5", "plain-bge") / "model.onnx",
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
    return "plain-bge"


#: What the words mean to the text tower: mean colours as the picture tower sees them, after CLIP's mean and deviation.
_COLOURS = {"red": (1.9, -1.7, -1.5), "green": (-1.8, 2.1, -1.5), "blue": (-1.8, -1.7, 2.1)}


def plain_joint_towers(folder: Path) -> str:
    """Put two towers in the places of clip-h-joint and clip-h-text: mean colours, and words for them.

    Both end in one random projection, so that a text lies near the pictures of its colour. Return the pictures' name.
    """
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer

    projection = numpy_helper.from_array(np.random.RandomState(5).normal(size=(3, 1024)).astype(np.float32), "mix")
    save_onnx(
        folder / "clip-h-joint" / "vision_model.onnx",
        [
            helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["mean", "mix"], ["image_embeds"]),
        ],
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, 224, 224])],
        [helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["n", 1024])],
        [projection],
    )
    words = folder / "clip-h-text" / "tokenizer.json"
    words.parent.mkdir(parents=True, exist_ok=True)
    words.write_bytes(lzma.decompress((REFERENCES / "clip-tokenizer.json.xz").read_bytes()))
    tokens = Tokenizer.from_file(str(words))
    table = np.full((tokens.get_vocab_size(), 3), 0.001, np.float32)
    for word, colour in _COLOURS.items():
        table[tokens.token_to_id(f"{word}</w>")] = colour
    save_onnx(
        folder / "clip-h-text" / "text_model.onnx",
        [
            helper.make_node("Gather", ["table", "input_ids"], ["states"]),
            helper.make_node("ReduceMean", ["states"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["mean", "mix"], ["text_embeds"]),
        ],
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "t"])],
        [helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, ["n", 1024])],
        [projection, numpy_helper.from_array(table, "table")],
    )
    return "clip-h-joint"

"""The graph that is written for EfficientNet-lite0, with narrow random weights and with the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from msgspec.structs import replace

from dtk_tui.errors import ModelError
from dtk_tui.inference.conversion.efficientnet import efficientnet_lite0
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.tagger import Tagger
from tests.helpers.architectures.families import references
from tests.helpers.architectures.inputs import odd_pictures
from tests.helpers.architectures.lite0 import lite0_weights

_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)


def _weights() -> dict[str, np.ndarray]:
    """Return random weights of the network's form with 4 to 8 channels."""
    chance = np.random.default_rng(8)
    found: dict[str, np.ndarray] = {}

    def layer(name: str, norm: str, out: int, into: int, size: int) -> None:
        found[f"{name}.weight"] = chance.normal(0, 0.4, (out, into, size, size)).astype(np.float32)
        for key, low, high in (("weight", 0.5, 1.5), ("bias", -0.2, 0.6), ("running_mean", -0.2, 0.2)):
            found[f"{norm}.{key}"] = chance.uniform(low, high, out).astype(np.float32)
        found[f"{norm}.running_var"] = chance.uniform(0.5, 1.5, out).astype(np.float32)

    layer("_conv_stem", "_bn0", 4, 3, 3)
    for number, stride in enumerate(_STRIDES):
        block = f"_blocks.{number}"
        wide = 4 if number == 0 else 8
        if number:
            layer(f"{block}._expand_conv", f"{block}._bn0", wide, 4, 1)
        layer(f"{block}._depthwise_conv", f"{block}._bn1", wide, 1, 5 if stride == 2 and number > 2 else 3)
        layer(f"{block}._project_conv", f"{block}._bn2", 4, wide, 1)
    layer("_conv_head", "_bn1", 8, 4, 1)
    found["_fc.weight"] = chance.normal(0, 1, (1000, 8)).astype(np.float32)
    found["_fc.bias"] = chance.normal(0, 1, 1000).astype(np.float32)
    return found


def _run(model: object, pictures: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())  # type: ignore[attr-defined]
    (found,) = session.run(None, {"picture": pictures})
    return np.asarray(found)


def _expected(weights: dict[str, np.ndarray], picture: np.ndarray) -> np.ndarray:
    """Compute the network step by step, as its paper and TensorFlow's SAME say; picture [3, 224, 224]."""

    def convolved(x: np.ndarray, name: str, norm: str, stride: int = 1) -> np.ndarray:
        kernel = weights[f"{name}.weight"]
        size, edge = kernel.shape[2], x.shape[1]
        out = -(-edge // stride)
        padding = max((out - 1) * stride + size - edge, 0)
        ends = (padding // 2, padding - padding // 2)
        x = np.pad(x, ((0, 0), ends, ends))
        found = np.zeros((kernel.shape[0], out, out), np.float64)
        for row in range(size):
            for column in range(size):
                part = x[:, row : row + out * stride : stride, column : column + out * stride : stride][:, :out, :out]
                if kernel.shape[1] == 1 and x.shape[0] > 1:
                    found += part * kernel[:, 0, row, column][:, None, None]
                else:
                    found += np.tensordot(kernel[:, :, row, column], part, 1)
        keys = ("weight", "bias", "running_mean", "running_var")
        scale, shift, mean, variance = (weights[f"{norm}.{key}"][:, None, None] for key in keys)
        return np.asarray((found - mean) / np.sqrt(variance + 1e-3) * scale + shift)

    def clipped(x: np.ndarray) -> np.ndarray:
        return np.clip(x, 0, 6)

    x = clipped(convolved(picture, "_conv_stem", "_bn0", 2))
    for number, stride in enumerate(_STRIDES):
        name, before = f"_blocks.{number}", x
        if number:
            x = clipped(convolved(x, f"{name}._expand_conv", f"{name}._bn0"))
        x = clipped(convolved(x, f"{name}._depthwise_conv", f"{name}._bn1", stride))
        x = convolved(x, f"{name}._project_conv", f"{name}._bn2")
        x = x + before if stride == 1 else x
    x = clipped(convolved(x, "_conv_head", "_bn1")).mean(axis=(1, 2))
    logits = weights["_fc.weight"] @ x + weights["_fc.bias"]
    found = np.exp(logits - logits.max())
    return np.asarray(found / found.sum())


def test_the_graph_computes_the_network() -> None:
    weights = _weights()
    pictures = np.random.default_rng(3).uniform(-1, 1, (2, 3, 224, 224)).astype(np.float32)
    scores = _run(efficientnet_lite0(weights), pictures)
    assert scores.shape == (2, 1000)
    for picture, found in zip(pictures, scores, strict=True):
        assert np.abs(found - _expected(weights, picture)).max() <= 1e-5
    assert np.abs(scores[0] - scores[1]).max() > 1e-4, "the pictures are told apart"
    vectors = np.random.default_rng(4).normal(size=(1000, 6)).astype(np.float32)
    assert np.allclose(_run(efficientnet_lite0(weights, vectors), pictures), scores @ vectors, atol=1e-5)


def test_other_weights_are_refused() -> None:
    weights = _weights()
    del weights["_blocks.7._bn1.bias"]
    with pytest.raises(ModelError, match="not those of EfficientNet-lite0"):
        efficientnet_lite0(weights)
    weights = _weights()
    weights["_fc.weight"] = weights["_fc.weight"][:10]
    with pytest.raises(ModelError, match="not those of EfficientNet-lite0"):
        efficientnet_lite0(weights)


def test_pictures_have_the_scores_that_torch_gives(tmp_path: Path) -> None:
    """The whole way, from odd files to tags; see references/make_efficientnet.py."""
    plain = load_manifest().get("efficientnet-lite0")
    spec = replace(plain, files=tuple(replace(file, size=None, sha256=None) for file in plain.files))
    home = tmp_path / spec.name
    home.mkdir()
    onnx.save(efficientnet_lite0(lite0_weights()), str(home / spec.session_file))
    (home / "names.txt").write_text("".join(f"thing {n}\n" for n in range(1000)))
    for file in spec.files:
        (home / file.path).touch()
    files = odd_pictures()
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    tagger = Tagger(spec, tmp_path, 1)
    batch = np.stack([tagger.load(str(tmp_path / name)) for name in files])
    expected = references()["efficientnet-lite0"].astype(np.float32)
    scores = tagger.infer(batch)
    tagger.close()
    assert np.abs(scores - expected).max() <= 1e-3, list(files)[int(np.abs(scores - expected).max(axis=1).argmax())]
    # What the bound is worth: another picture is further away.
    assert np.abs(scores[0] - expected[1]).max() > 0.02

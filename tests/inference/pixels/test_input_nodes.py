"""The nodes at the head of a graph give what the code of the models gives, from bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from dtk_tui.errors import ModelError
from dtk_tui.inference.devices.session import Session
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import ImageInput, ModelFile, ModelSpec
from dtk_tui.inference.pixels.input_nodes import with_byte_input
from tests.helpers.tiny_onnx import save_onnx

_EDGE = 32


def _spec(image: ImageInput) -> ModelSpec:
    files = (ModelFile("m.onnx", origin="m.onnx"),)
    return ModelSpec(
        "tiny", "Tiny", "image-embedder", "hub", "MIT", "m.onnx", files, repository="x/y", dims=3, image=image
    )


def _echo(folder: Path, shape: list[Any], kind: str = "FLOAT", name: str = "picture") -> Path:
    """A model that gives its input back."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(end, getattr(TensorProto, kind), shape) for end in (name, "same")]
    return save_onnx(folder / "m.onnx", [helper.make_node("Identity", [name], ["same"])], ends[:1], ends[1:], [])


def _run(path: Path, image: ImageInput, batch: np.ndarray) -> np.ndarray:
    session = Session(path, 1, graph=with_byte_input(path, _spec(image)))
    try:
        ((name, (shape, kind)),) = session.inputs.items()
        assert (shape[1:], kind) == ([image.size, image.size, 3], np.uint8)
        return session.run(["same"], {name: batch})[0]
    finally:
        session.close()


def _on_the_host(batch: np.ndarray, image: ImageInput) -> np.ndarray:
    """Every step in float32, as numpy does it."""
    values = batch[..., ::-1] if image.channels == "bgr" else batch
    std = np.asarray(image.std, np.float64)
    scale = (1.0 / (image.divide * std)).astype(np.float32)
    shift = (np.asarray(image.mean, np.float64) / std).astype(np.float32)
    values = values * scale - shift
    return values.transpose(0, 3, 1, 2) if image.layout == "nchw" else values


IMAGES = {spec.name: spec.image for spec in load_manifest().models if spec.image is not None}


@pytest.mark.parametrize("name", IMAGES)
def test_each_model_gets_what_it_got_from_the_host(tmp_path: Path, name: str) -> None:
    image = replace(IMAGES[name], size=_EDGE, resize=None)
    batch = np.random.default_rng(0).integers(0, 256, (3, _EDGE, _EDGE, 3), np.uint8)
    path = _echo(tmp_path, ["n", *image.shape])
    got = _run(path, image, batch)
    assert got.dtype == np.float32
    assert np.array_equal(got, _on_the_host(batch, image)), "equal to the bit"
    plain = (batch[..., ::-1] if image.channels == "bgr" else batch) / image.divide
    plain = (plain - np.array(image.mean)) / np.array(image.std)
    plain = plain.transpose(0, 3, 1, 2) if image.layout == "nchw" else plain
    assert np.abs(got - plain).max() <= 1e-6 * max(1.0, np.abs(plain).max())


def test_another_order_of_channels_and_layout(tmp_path: Path) -> None:
    batch = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    for layout in ("nchw", "nhwc"):
        for channels in ("rgb", "bgr"):
            image = ImageInput(4, layout, channels, "squash", "bicubic", mean=(1.0, 2.0, 3.0), std=(0.5, 4.0, 8.0))
            path = _echo(tmp_path, [None, *image.shape], name="dtkpixels")
            assert np.array_equal(_run(path, image, batch), _on_the_host(batch, image))


@pytest.mark.parametrize(("kind", "dtype"), [("FLOAT16", np.float16), ("DOUBLE", np.float64), ("UINT8", np.uint8)])
def test_a_model_of_another_type_gets_that_type(tmp_path: Path, kind: str, dtype: type[np.generic]) -> None:
    normal = {} if kind == "UINT8" else {"divide": 255.0, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}
    image = ImageInput(4, "nchw", "rgb", "squash", "bicubic", **normal)
    batch = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    got = _run(_echo(tmp_path, [2, 3, 4, 4], kind), image, batch)
    assert got.dtype == dtype
    assert np.array_equal(got, _on_the_host(batch, image).astype(dtype))


def test_weights_in_a_file_of_their_own_stay_there(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = np.random.default_rng(0).normal(size=(1, 3, 64, 64)).astype(np.float32)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, 64, 64]) for name in ("x", "same")]
    path = save_onnx(
        tmp_path / "m.onnx",
        [helper.make_node("Add", ["x", "w"], ["same"])],
        ends[:1],
        ends[1:],
        [numpy_helper.from_array(weight, "w")],
    )
    onnx.save(onnx.load(str(path)), str(path), save_as_external_data=True, location="m.data", size_threshold=100)
    assert path.stat().st_size < 1000 < (tmp_path / "m.data").stat().st_size
    image = ImageInput(64, "nchw", "rgb", "squash", "bicubic")
    assert len(with_byte_input(path, _spec(image))) < 2000
    batch = np.full((1, 64, 64, 3), 7, np.uint8)
    assert np.array_equal(_run(path, image, batch), weight + 7)


def test_what_cannot_be_fed_is_named(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    image = ImageInput(4, "nchw", "rgb", "squash", "bicubic")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, 4, 4]) for name in ("a", "b", "same")]
    two = save_onnx(tmp_path / "two.onnx", [helper.make_node("Add", ["a", "b"], ["same"])], ends[:2], ends[2:], [])
    with pytest.raises(ModelError, match="takes 2 inputs"):
        with_byte_input(two, _spec(image))
    with pytest.raises(ModelError, match=r"shape \['n', 3, 8, 8\], the manifest says \(3, 4, 4\)"):
        with_byte_input(_echo(tmp_path, ["n", 3, 8, 8]), _spec(image))
    old = onnx.load(str(_echo(tmp_path, ["n", 3, 4, 4])))
    old.opset_import[0].version = 6
    onnx.save(old, str(tmp_path / "old.onnx"))
    with pytest.raises(ModelError, match="version 6"):
        with_byte_input(tmp_path / "old.onnx", _spec(image))
    (tmp_path / "none.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="not an ONNX model"):
        with_byte_input(tmp_path / "none.onnx", _spec(image))

"""Preprocessing against the plain way that each model's own code goes, written out here with Pillow and numpy."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dtk_tui.errors import UnreadableFileError
from dtk_tui.inference import preprocessing
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import ImageInput
from tests.helpers.drawn_images import noise

SIZES = [(224, 224), (512, 512), (640, 360), (333, 517), (100, 180), (31, 30), (1, 1), (225, 1000)]


def _rules(name: str) -> ImageInput:
    image = load_manifest().get(name).image
    assert image is not None
    return image


def _prepared(tmp_path: Path, name: str, picture: Image.Image) -> np.ndarray:
    """Return what the model's own graph gets: the bytes, after the arithmetic of the nodes before it."""
    picture.save(tmp_path / "a.png")
    rules = _rules(name)
    pixels = preprocessing.Picture.open(str(tmp_path / "a.png")).pixels(rules)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (rules.size, rules.size, 3))
    ordered = pixels[:, :, ::-1] if rules.channels == "bgr" else pixels
    values = (ordered.astype(np.float64) / rules.divide - rules.mean) / rules.std
    return values.transpose(2, 0, 1) if rules.layout == "nchw" else values


def _resized(picture: Image.Image, size: tuple[int, int], resample: Image.Resampling) -> Image.Image:
    """Pillow up to 12.3, with which the models' code was used, scales across first; 13 does not always."""
    return picture.resize((size[0], picture.height), resample).resize(size, resample)


def _reference_vit(picture: Image.Image, edge: int, mean: Any, std: Any) -> np.ndarray:
    """transformers' BitImageProcessor / CLIPImageProcessor: shortest edge, centre crop 224, rescale, normalise."""
    width, height = picture.size
    short, long = min(width, height), max(width, height)
    longer = int(edge * long / short)
    picture = _resized(picture, (edge, longer) if width <= height else (longer, edge), Image.Resampling.BICUBIC)
    array = np.array(picture)
    top, left = (array.shape[0] - 224) // 2, (array.shape[1] - 224) // 2
    array = array[top : top + 224, left : left + 224].astype(np.float64) / 255
    return ((array - mean) / std).transpose(2, 0, 1)


@pytest.mark.parametrize("size", SIZES)
def test_dinov2_follows_its_processor(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = noise(*size)
    expected = _reference_vit(picture, 256, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    got = _prepared(tmp_path, "dinov2-small", picture)
    assert np.allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_clip_h_follows_its_processor(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = noise(*size)
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    got = _prepared(tmp_path, "clip-h-vision", picture)
    assert np.allclose(got, _reference_vit(picture, 224, mean, std), atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_open_nsfw_follows_yahoo(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = noise(*size)
    buffer = io.BytesIO()
    _resized(picture, (256, 256), Image.Resampling.BILINEAR).save(buffer, format="JPEG")
    array = np.array(Image.open(buffer))[16:240, 16:240, ::-1].astype(np.float32)
    expected = array - np.array([104, 117, 123], np.float32)
    assert np.array_equal(_prepared(tmp_path, "open-nsfw", picture), expected)


def _padded(picture: Image.Image, edge: int) -> np.ndarray:
    longest = max(picture.size)
    square = Image.new("RGB", (longest, longest), (255, 255, 255))
    square.paste(picture, ((longest - picture.width) // 2, (longest - picture.height) // 2))
    if longest != edge:
        square = _resized(square, (edge, edge), Image.Resampling.BICUBIC)
    return np.array(square)


@pytest.mark.parametrize("size", [*SIZES, (448, 448), (448, 300)])
def test_joytag_follows_its_code(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = noise(*size)
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    expected = ((_padded(picture, 448) / 255.0 - mean) / std).transpose(2, 0, 1)
    assert np.allclose(_prepared(tmp_path, "joytag", picture), expected, atol=1e-5)


@pytest.mark.parametrize("size", [*SIZES, (448, 448), (448, 300)])
def test_wd_taggers_follow_their_space(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = noise(*size)
    expected = _padded(picture, 448)[:, :, ::-1].astype(np.float32)
    assert np.array_equal(_prepared(tmp_path, "wd-vit-tagger-v3", picture), expected)


def test_wd_taggers_put_transparent_pictures_onto_white(tmp_path: Path) -> None:
    picture = noise(200, 120).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((200, 120)))
    ground = Image.new("RGBA", picture.size, (255, 255, 255))
    ground.alpha_composite(picture)
    expected = _padded(ground.convert("RGB"), 448)[:, :, ::-1]
    assert np.array_equal(_prepared(tmp_path, "wd-vit-tagger-v3", picture), expected)


def test_joycaption_squashes_with_lanczos(tmp_path: Path) -> None:
    picture = noise(640, 360)
    array = np.array(_resized(picture, (384, 384), Image.Resampling.LANCZOS)).astype(np.float64)
    expected = ((array / 255 - 0.5) / 0.5).transpose(2, 0, 1)
    assert np.allclose(_prepared(tmp_path, "joycaption-beta-one", picture), expected, atol=1e-5)


def test_models_that_want_the_same_share_it(tmp_path: Path) -> None:
    noise(300, 200).save(tmp_path / "a.png")
    picture = preprocessing.Picture.open(str(tmp_path / "a.png"))
    shared = [picture.pixels(_rules(name)) for name in ("joytag", "wd-vit-tagger-v3", "wd-swinv2-tagger-v3")]
    assert shared[0] is shared[1] is shared[2], "they differ in layout, channel order and mean alone"
    assert picture.pixels(_rules("dinov2-small")) is not picture.pixels(_rules("clip-h-vision"))
    assert not shared[0].flags.writeable, "what one model did to it another one would see"


@pytest.mark.parametrize("size", [(6000, 1), (1, 6000), (4000, 30)])
def test_very_long_pictures_need_no_more_memory_than_others(size: tuple[int, int]) -> None:
    import tracemalloc

    picture = noise(*size)
    tracemalloc.start()
    got = preprocessing.prepare(picture, _rules("dinov2-small"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert got.shape == (224, 224, 3)
    assert peak < 20_000_000


def test_a_bad_file_fails_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(UnreadableFileError, match="not a picture"):
        preprocessing.Picture.open(str(tmp_path / "a.png"))

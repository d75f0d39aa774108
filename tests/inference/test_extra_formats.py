"""Formats that Pillow alone does not decode."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from dtk_tui.errors import UnreadableFileError
from dtk_tui.inference import extra_formats
from dtk_tui.inference.image_decoder import decode_image
from dtk_tui.metadata.reader import read_file
from dtk_tui.services.library import previews


@pytest.mark.parametrize(("ending", "plugin"), [("jxl", "pillow_jxl"), ("heic", "pillow_heif")])
def test_a_plugin_decodes_it_upright(ending: str, plugin: str, tmp_path: Path) -> None:
    module = pytest.importorskip(plugin)
    if plugin == "pillow_heif":
        module.register_heif_opener()
    path = str(tmp_path / f"a.{ending}")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 64), (200, 30, 30)).save(path, exif=exif.tobytes())
    picture, reading = decode_image(path), read_file(path)
    assert picture.size == (reading.width, reading.height) == (64, 80)
    red, green, _ = picture.getpixel((5, 5))  # type: ignore[misc]
    assert red > 150 > 90 > green
    assert previews.load(path, (16, 16)).size == (13, 16)


@pytest.mark.parametrize(
    ("data", "package"),
    [
        (b"\xff\x0a\x4f\x06\0\0", "pillow-jxl-plugin"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "pillow-heif"),
    ],
)
def test_without_its_plugin_it_says_what_to_install(
    data: bytes, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pillow_jxl", "pillow_heif"):
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    for read in (lambda: decode_image(str(path)), lambda: previews.load(str(path), (8, 8))):
        with pytest.raises(UnreadableFileError, match=package) as caught:
            read()
        assert "pip install" in caught.value.detail


def test_a_drawing_says_that_no_model_sees_it(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    path.write_text('<?xml version="1.0"?><svg width="8" height="8"/>')
    with pytest.raises(UnreadableFileError, match="drawing"):
        decode_image(str(path))


def test_linear_light_is_shown_as_a_screen_shows_it(tmp_path: Path) -> None:
    encoder = av.CodecContext.create("exr", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "gbrpf32le", Fraction(1, 1)
    pixels = np.zeros((48, 64, 3), np.float32)
    pixels[:] = (0.5, 4.0, 0.0)
    frame = av.VideoFrame.from_ndarray(pixels, format="gbrpf32le")
    frame.pts, frame.time_base = 0, Fraction(1, 1)
    path = tmp_path / "a.exr"
    path.write_bytes(b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]))
    assert decode_image(str(path)).getpixel((5, 5)) == (188, 255, 0)
    assert previews.load(str(path), (32, 32)).size == (32, 24)


def test_a_bomb_is_refused_before_the_plugin_decodes_it(tmp_path: Path) -> None:
    pytest.importorskip("pillow_jxl")
    path = tmp_path / "a.jxl"
    # both sides 2^30: not small, 30 bits of height, ratio 1
    path.write_bytes(b"\xff\x0a" + (0b1_001 << 33 | (2**30 - 1) << 3 | 0b11_0).to_bytes(16, "little"))
    with pytest.raises(UnreadableFileError, match="more pixels"):
        decode_image(str(path))


def test_endings_that_cannot_be_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra_formats, "find_spec", lambda name: None if name == "pillow_jxl" else object())
    assert extra_formats.undecodable_endings() == [".jxl", ".svg"]

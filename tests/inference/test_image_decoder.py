from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from dtk_tui.errors import DtkError, UnreadableFileError
from dtk_tui.inference import image_decoder
from dtk_tui.inference.image_decoder import decode_image
from dtk_tui.inference.pixels import fast_decoder
from tests.helpers.drawn_images import noise


def test_pixels_of_a_plain_picture_are_untouched(tmp_path: Path) -> None:
    picture = noise(64, 40)
    picture.save(tmp_path / "a.png")
    opened = decode_image(str(tmp_path / "a.png"))
    assert opened.mode == "RGB"
    assert np.array_equal(np.asarray(opened), np.asarray(picture))


def test_transparent_pixels_show_the_background(tmp_path: Path) -> None:
    layer = Image.new("RGBA", (4, 1), (200, 0, 0, 255))
    layer.putpixel((1, 0), (0, 200, 0, 0))
    layer.putpixel((2, 0), (0, 0, 0, 128))
    layer.save(tmp_path / "a.png")
    row = np.asarray(decode_image(str(tmp_path / "a.png")))[0]
    assert row[0].tolist() == [200, 0, 0]
    assert row[1].tolist() == [255, 255, 255]
    assert np.all(np.abs(row[2].astype(int) - 127) <= 1)
    assert np.asarray(decode_image(str(tmp_path / "a.png"), (0, 0, 255)))[0, 1].tolist() == [0, 0, 255]


def test_palettes_with_and_without_transparency(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "plain.png")
    palette.save(tmp_path / "clear.png", transparency=1)
    assert np.asarray(decode_image(str(tmp_path / "plain.png")))[0].tolist() == [[10, 20, 30], [200, 100, 50]]
    assert np.asarray(decode_image(str(tmp_path / "clear.png")))[0].tolist() == [[10, 20, 30], [255, 255, 255]]


def test_sixteen_bits_keep_their_high_byte(tmp_path: Path) -> None:
    values = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert np.asarray(decode_image(str(tmp_path / "a.png")))[0, :, 0].tolist() == [0, 0, 1, 128, 255]
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert np.asarray(decode_image(str(tmp_path / "a.tif")))[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_floats_from_zero_to_one_become_bytes(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.0, 0.5, 1.0]], np.float32)).save(tmp_path / "a.tif")
    assert np.asarray(decode_image(str(tmp_path / "a.tif")))[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "CMYK", "YCbCr"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode in ("CMYK", "YCbCr") else "a.png")
    noise(48, 48).convert(mode).save(path)
    opened = decode_image(str(path))
    assert (opened.mode, opened.size) == ("RGB", (48, 48))


def test_a_turned_picture_stands_upright(tmp_path: Path) -> None:
    picture = Image.new("RGB", (64, 32), (255, 0, 0))
    picture.paste((0, 0, 255), (0, 0, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95)
    opened = decode_image(str(tmp_path / "a.jpg"))
    assert opened.size == (32, 64)
    assert np.asarray(opened)[8, 16, 2] > 200
    assert np.asarray(opened)[56, 16, 0] > 200


@pytest.mark.parametrize("name", ["a.avif", "a.webp", "a.jpg", "a.bmp", "a.tif", "a.gif"])
def test_the_pixels_outlive_the_file(tmp_path: Path, name: str) -> None:
    noise(64, 48).save(tmp_path / name)
    opened = decode_image(str(tmp_path / name))
    (tmp_path / name).unlink()
    assert (opened.mode, opened.resize((32, 24)).size) == ("RGB", (32, 24))
    assert np.asarray(opened).shape == (48, 64, 3)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_the_first_frame_stands_for_an_animation(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    assert np.asarray(decode_image(str(tmp_path / name)))[8, 8, 0] > 200


def test_a_large_workflow_beside_good_pixels_is_no_obstacle(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("workflow", "x" * 3_000_000, zip=True)
    info.add_text("prompt", "y" * 3_000_000, zip=True)
    picture = noise(32, 32)
    picture.save(tmp_path / "a.png", pnginfo=info)
    assert np.array_equal(np.asarray(decode_image(str(tmp_path / "a.png"))), np.asarray(picture))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _bomb(path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0" * 100)) + _chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


def _truncated(path: Path) -> None:
    noise(200, 200).save(path)
    path.write_bytes(path.read_bytes()[:-3000])


def _broken_data(path: Path) -> None:
    noise(64, 64).save(path)
    raw = bytearray(path.read_bytes())
    raw[200:260] = b"\xff" * 60
    path.write_bytes(raw)


def _script(path: Path) -> None:
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(%pipe%touch /tmp/owned) (r) file\n")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_bomb, "more pixels than the limit"),
        (_truncated, "damaged"),
        (_broken_data, "damaged"),
        (lambda path: path.write_text("a prompt, not a picture"), "not a picture"),
        (lambda path: path.write_bytes(b""), "not a picture"),
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "not a picture|damaged"),
        (_script, "not a picture"),
        (lambda path: path.mkdir(), "not a file"),
        (lambda path: os.mkfifo(path), "not a file"),
        (lambda path: None, "not there any more"),
    ],
    ids=["bomb", "truncated", "broken", "text", "empty", "signature", "postscript", "folder", "fifo", "gone"],
)
def test_what_is_no_good_picture_is_refused_with_its_reason(tmp_path: Path, make: object, said: str) -> None:
    path = tmp_path / "a.png"
    make(path)  # type: ignore[operator]
    with pytest.raises(UnreadableFileError, match=said) as caught:
        decode_image(str(path))
    assert str(path) in caught.value.title


def test_names_that_are_not_utf8_can_be_opened(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff\xfe.png")
    noise(8, 8).save(tmp_path / "a.png")
    try:
        (tmp_path / "a.png").rename(name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert decode_image(name).size == (8, 8)


def test_a_fault_that_may_pass_is_not_blamed_on_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise(8, 8).save(tmp_path / "a.png")
    noise(8, 8).save(tmp_path / "a.jpg")

    def fail(*args: object, **kwargs: object) -> object:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(image_decoder.Image, "open", fail)
    with pytest.raises(DtkError) as caught:
        decode_image(str(tmp_path / "a.jpg"))
    assert not isinstance(caught.value, UnreadableFileError)
    monkeypatch.setattr(fast_decoder, "open", fail, raising=False)
    with pytest.raises(DtkError) as caught:
        decode_image(str(tmp_path / "a.png"))
    assert not isinstance(caught.value, UnreadableFileError)

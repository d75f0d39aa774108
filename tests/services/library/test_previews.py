"""Decoding at preview size: real files of each kind, damaged ones, and ones that are no pictures."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from dtk_tui.errors import UnreadableFileError
from dtk_tui.services.library import previews
from tests.helpers.pictures import picture

KINDS = [("PNG", {}), ("JPEG", {"quality": 90}), ("WEBP", {}), ("GIF", {}), ("BMP", {}), ("TIFF", {}), ("AVIF", {})]


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_every_kind_of_file_comes_out_small_in_rgb(tmp_path: Path, kind: str, options: dict[str, int]) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    picture(3, (800, 600)).save(path, kind, **options)
    image = previews.load(str(path), (100, 100))
    assert (image.mode, image.size) == ("RGB", (100, 75))


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    picture(1, (20, 30)).save(tmp_path / "a.png")
    assert previews.load(str(tmp_path / "a.png"), (400, 400)).size == (20, 30)


def test_a_picture_that_lies_on_its_side_is_set_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (80, 40), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert previews.load(str(tmp_path / "a.jpg"), (40, 40)).size == (20, 40)


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (30, 30), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    red, _, blue = previews.load(str(tmp_path / "a.gif"), (30, 30)).getpixel((5, 5))  # type: ignore[misc]
    assert red > 200 and blue < 50


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    image = Image.new("I;16", (8, 8), 32768) if mode == "I;16" else picture(2, (8, 8)).convert(mode)
    image.save(tmp_path / "a", kind)
    shown = previews.load(str(tmp_path / "a"), (8, 8))
    assert shown.mode == "RGB"
    if mode == "I;16":
        assert shown.getpixel((0, 0)) == (128, 128, 128)


def test_what_is_transparent_shows_a_dark_ground(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert max(previews.load(str(tmp_path / "a.png"), (8, 8)).getpixel((0, 0))) < 64  # type: ignore[arg-type]


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.png")
    with open(path, "wb") as out:
        picture(1).save(out, "PNG")
    assert previews.load(path, (10, 10)).size == (10, 10)


def bomb() -> bytes:
    """Return a PNG that claims 100,000 x 100,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def truncated() -> bytes:
    out = io.BytesIO()
    picture(5, (300, 300)).save(out, "PNG")
    return out.getvalue()[: len(out.getvalue()) // 2]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be shown"),
        (b"not a picture", "cannot be shown"),
        (b"%PDF-1.4 also no picture", "cannot be shown"),
        (truncated(), "cannot be decoded"),
        (bomb(), "too large"),
    ],
)
def test_a_bad_file_says_why(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(UnreadableFileError, match=words):
        previews.load(str(path), (50, 50))


def test_what_is_no_file_says_why(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="not there"):
        previews.load(str(tmp_path / "gone.png"), (50, 50))
    with pytest.raises(UnreadableFileError, match="not a regular file"):
        previews.load(str(tmp_path), (50, 50))
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableFileError, match="not a regular file"):
        previews.load(str(tmp_path / "pipe.png"), (50, 50))
    with pytest.raises(UnreadableFileError):
        previews.load("zero\x00.png", (50, 50))


def test_a_damaged_video_has_no_preview(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"\x00\x00\x00\x18ftypisom")
    with pytest.raises(UnreadableFileError) as caught:
        previews.load(str(tmp_path / "a.mp4"), (50, 50))
    assert caught.value.detail.startswith("No frame can be decoded")


def test_real_samples(sample_images: Path) -> None:
    files = [path for path in sorted(sample_images.rglob("*")) if path.suffix in {".png", ".jpg", ".jpeg", ".webp"}]
    assert files
    for path in files[::7]:
        assert max(previews.load(str(path), (96, 96)).size) <= 96

"""The picture that is sent: one size, one byte string."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from dtk_tui.errors import UnreadableFileError
from dtk_tui.inference.captioner.picture import encode, plain


@pytest.mark.parametrize(
    ("pixels", "size", "sent"),
    [
        ((640, 480), (384, 384), (384, 384)),
        ((640, 480), 320, (320, 240)),
        ((100, 50), 320, (100, 50)),
        ((3000, 2), 1000, (1000, 1)),
    ],
)
def test_it_has_the_pixels_that_the_model_sees(
    tmp_path: Path, pixels: tuple[int, int], size: int | tuple[int, int], sent: tuple[int, int]
) -> None:
    file = tmp_path / "a.webp"
    Image.new("RGBA", pixels, (200, 30, 30, 255)).save(file)
    data = encode(str(file), size)
    with Image.open(io.BytesIO(data)) as seen:
        assert (seen.format, seen.mode, seen.size) == ("JPEG", "RGB", sent)
        assert seen.getpixel((0, 0)) == pytest.approx((200, 30, 30), abs=5)
    assert encode(str(file), size) == data, "the server knows a picture by its bytes"


def test_what_is_no_picture_is_refused_here(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(UnreadableFileError):
        encode(str(tmp_path / "a.png"), 320)


def test_nothing_but_pixels_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x010E] = "a secret prompt"
    Image.new("RGB", (64, 48)).save(
        file, comment=b"a secret prompt", exif=exif, xmp=b"<x>a secret prompt</x>", icc_profile=b"a secret prompt"
    )
    assert file.read_bytes().count(b"a secret prompt") == 4
    for size in (64, 32, (64, 48), (20, 20)):
        assert b"secret" not in encode(str(file), size)


@pytest.mark.parametrize(("size", "made"), [((384, 380), (384, 380)), (1024, (64, 64)), (16, (16, 16))])
def test_a_plain_one_has_the_size_that_the_model_sees(size: int | tuple[int, int], made: tuple[int, int]) -> None:
    with Image.open(io.BytesIO(plain(size))) as seen:
        assert (seen.format, seen.size) == ("JPEG", made)

"""The fast decoder gives the pixels of Pillow, or leaves the file to it."""

from __future__ import annotations

import struct
import zlib
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dtk_tui.domain.looks import PerceptualHash
from dtk_tui.errors import DtkError
from dtk_tui.inference.image_decoder import decode_image, decode_picture
from dtk_tui.inference.pixels import fast_decoder
from tests.helpers.drawn_images import noise, scene
from tests.helpers.raw_pngs import DEPTHS, chunk, raw_png, transparency

Seen = tuple[bytes, bytes, tuple[int, int], PerceptualHash] | tuple[str, str]

_ICC = chunk(b"iCCP", b"p\0\0" + zlib.compress(b"profile"))
_TURNED = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
_ANIMATION = chunk(b"acTL", struct.pack(">II", 1, 0))
_TEXT = chunk(b"tEXt", b"parameters\0a castle")


def _seen(path: Path) -> Seen:
    """Return the pixels of a file on two grounds, its size and what it looks like; or why there are none."""
    try:
        picture = decode_picture(str(path))
        on_white, on_blue = picture.on(), picture.on((10, 20, 200))
        return on_white.tobytes(), on_blue.tobytes(), on_white.size, picture.look
    except DtkError as error:
        return error.title, type(error).__name__


def _both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[bool, Seen, Seen]:
    """Return whether the fast decoder took a file, what the program sees, and what Pillow alone sees."""
    was_fast, ours = fast_decoder.decode(str(path)) is not None, _seen(path)
    with monkeypatch.context() as patch:
        patch.setattr(fast_decoder, "decode", lambda path: None)
        return was_fast, ours, _seen(path)


# What has an alpha channel has no tRNS chunk.
_KINDS = [kind for kind in product(DEPTHS, (False, True), (False, True)) if not (kind[2] and kind[0] in (4, 6))]


@pytest.mark.parametrize(("colour", "interlaced", "clear"), _KINDS)
def test_every_kind_of_png_has_the_pixels_of_pillow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colour: int, interlaced: bool, clear: bool
) -> None:
    for depth in DEPTHS[colour]:
        for number, size in enumerate([(1, 1), (5, 3), (37, 23), (120, 97)]):
            path = tmp_path / f"{depth}-{number}.png"
            before = [transparency(colour, depth, number)] if clear else []
            path.write_bytes(raw_png(colour, depth, size, interlaced=interlaced, before=before, seed=number))
            was_fast, ours, pillows = _both(path, monkeypatch)
            assert ours == pillows, (depth, size)
            assert len(ours) == 4, "it can be decoded"
            assert was_fast == (depth == 8 and colour in (0, 2, 6) and not interlaced and not clear)


@pytest.mark.parametrize(
    ("before", "after", "is_fast"),
    [
        ([_TEXT, chunk(b"iTXt", b"workflow\0\0\0\0\0{}")], [_TEXT], True),
        ([chunk(b"gAMA", b"\0\0\xb1\x8f"), chunk(b"sRGB", b"\0"), chunk(b"pHYs", bytes(9))], [], True),
        ([chunk(b"sBIT", b"\5\5\5"), chunk(b"bKGD", bytes(6)), chunk(b"caBX", b"x")], [chunk(b"tIME", bytes(7))], True),
        ([chunk(b"PLTE", bytes(30))], [], True),
        ([chunk(b"eXIf", _TURNED)], [], False),
        ([], [chunk(b"eXIf", _TURNED)], False),
        ([chunk(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>')], [], False),
        ([], [chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 4\n45786966")], False),
        ([chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"a" * 3_000_000))], [], False),
        ([chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(b"a" * 3_000_000))], [], False),
        ([_ICC], [], False),
        ([_ANIMATION], [], False),
        ([chunk(b"gAMA", b"\0")], [], False),
        ([chunk(b"ABCD", b"critical")], [], False),
        ([_TEXT[:-1] + b"x"], [], False),
        ([chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0))], [], False),
        ([], [_TEXT, chunk(b"IDAT", b"")], False),
    ],
)  # fmt: skip
def test_what_stands_beside_the_pixels_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: list[bytes], after: list[bytes], is_fast: bool
) -> None:
    (tmp_path / "a.png").write_bytes(raw_png(2, 8, before=before, after=after))
    was_fast, ours, pillows = _both(tmp_path / "a.png", monkeypatch)
    assert ours == pillows
    assert was_fast == is_fast


def test_a_picture_that_lies_in_its_file_stands(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(raw_png(2, 8, (37, 23), after=[chunk(b"eXIf", _TURNED)]))
    assert decode_image(str(tmp_path / "a.png")).size == (23, 37)


def test_whatever_is_broken_fails_as_it_does_with_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene(1).resize((64, 48)).save(tmp_path / "a.png")
    whole, chance = (tmp_path / "a.png").read_bytes(), np.random.default_rng(4)
    verdicts = set()
    for number in range(120):
        data = bytearray(whole)
        if number % 3:
            data[int(chance.integers(8, len(data)))] ^= 1 << int(chance.integers(0, 8))
        else:
            del data[int(chance.integers(8, len(data))) :]
        path = tmp_path / f"{number}.png"
        path.write_bytes(data)
        _, ours, pillows = _both(path, monkeypatch)
        assert ours == pillows, number
        verdicts.add(len(ours))
    assert verdicts == {2, 4}, "some were good, some were not"


def test_without_the_library_pillow_decodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_decoder, "_imagecodecs", lambda: None)
    picture = noise(40, 30)
    picture.save(tmp_path / "a.png")
    assert fast_decoder.decode(str(tmp_path / "a.png")) is None
    assert decode_image(str(tmp_path / "a.png")).tobytes() == picture.tobytes()


def test_a_picture_of_too_many_pixels_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise(40, 30).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1199)
    assert fast_decoder.decode(str(tmp_path / "a.png")) is None
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1200)
    assert fast_decoder.decode(str(tmp_path / "a.png")) is not None

"""Pictures at the size of a tile: decoded once for each content."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from dtk_tui.domain.library import PictureFile
from dtk_tui.metadata.bounded_file import fingerprint_of
from dtk_tui.services.library import previews
from dtk_tui.services.library.thumbnails.cache import ThumbnailCache
from dtk_tui.services.library.thumbnails.thumbnails import Thumbnails
from tests.helpers.pictures import picture, write_png


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that were decoded."""
    names: list[str] = []
    load = previews.load

    def noting(path: str, max_size: tuple[int, int]) -> Image.Image:
        names.append(Path(path).name)
        return load(path, max_size)

    monkeypatch.setattr(previews, "load", noting)
    return names


def known(path: Path) -> PictureFile:
    """Return a file with what a scan saw of it."""
    status = path.stat()
    return PictureFile(str(path), fingerprint_of(str(path)), status.st_size, status.st_mtime_ns)


def test_a_content_is_decoded_once(tmp_path: Path, decoded: list[str]) -> None:
    thumbnails = Thumbnails(ThumbnailCache(tmp_path / "cache"))
    first = write_png(tmp_path / "a.png", size=(600, 300))
    found = thumbnails.load(known(first), (40, 28))
    assert found.image is not None and found.image.size == (40, 20)
    second = first.rename(tmp_path / "moved.png")
    again = thumbnails.load(known(second), (128, 128))
    assert again.image is not None and again.image.size == (128, 64)
    assert thumbnails.load(PictureFile(str(second)), (40, 28)).image is not None, "also where no scan saw it"
    assert decoded == ["a.png"]
    larger = thumbnails.load(known(second), (400, 400))
    assert larger.image is not None and larger.image.size == (400, 200)
    thumbnails.load(known(second), (40, 28))
    assert decoded == ["a.png", "moved.png"]
    largest = thumbnails.load(known(second), (2000, 2000))
    assert largest.image is not None and largest.image.size == (600, 300)


def test_a_file_that_became_another_is_decoded_again(tmp_path: Path, decoded: list[str]) -> None:
    thumbnails = Thumbnails(ThumbnailCache(tmp_path / "cache"))
    path = write_png(tmp_path / "a.png", seed=1)
    before = known(path)
    old = thumbnails.load(before, (64, 64)).image
    write_png(path, seed=2)
    new = thumbnails.load(before, (64, 64)).image
    assert decoded == ["a.png", "a.png"]
    assert old is not None and new is not None
    ground = picture(2).getpixel((0, 0))
    assert isinstance(ground, tuple)
    seen = new.getpixel((0, 0))
    assert isinstance(seen, tuple) and max(abs(a - b) for a, b in zip(seen, ground, strict=True)) < 12


def test_a_file_that_is_gone_is_shown_as_it_was(tmp_path: Path) -> None:
    thumbnails = Thumbnails(ThumbnailCache(tmp_path / "cache"))
    path = write_png(tmp_path / "a.png")
    file = known(path)
    thumbnails.load(file, (64, 64))
    path.unlink()
    found = thumbnails.load(file, (64, 64))
    assert found.image is not None and "not there" in found.reason
    other = thumbnails.load(PictureFile(str(tmp_path / "b.png")), (64, 64))
    assert other.image is None and "b.png is not there" in other.reason


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + b"\0" * 100])
def test_what_cannot_be_decoded_says_why(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "\x1b[31m[red].png"
    path.write_bytes(content)
    found = Thumbnails(ThumbnailCache(tmp_path / "cache")).load(PictureFile(str(path)), (64, 64))
    assert found.image is None and found.reason
    assert not (tmp_path / "cache").exists()


def test_transparent_and_turned_pictures(tmp_path: Path) -> None:
    thumbnails = Thumbnails(ThumbnailCache(tmp_path / "cache"))
    Image.new("RGBA", (300, 100), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (300, 100), (0, 0, 255)).save(tmp_path / "turned.jpg", exif=exif)
    for _ in range(2):
        clear = thumbnails.load(PictureFile(str(tmp_path / "clear.png")), (64, 64)).image
        assert clear is not None and clear.mode == "RGB" and clear.getpixel((5, 5)) == (24, 24, 24)
        turned = thumbnails.load(PictureFile(str(tmp_path / "turned.jpg")), (64, 64)).image
        assert turned is not None and turned.width < turned.height

"""Thumbnails on disk: found by content, bounded, and never in the way."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from PIL import Image

from dtk_tui.atomic_file import UNFINISHED
from dtk_tui.domain.events import Event, ProblemReported
from dtk_tui.services.library.thumbnails import cache as module
from dtk_tui.services.library.thumbnails.cache import ThumbnailCache
from tests.helpers.pictures import picture

_CONTENT = bytes(range(16))


def files(folder: Path) -> list[Path]:
    """Return all files of a cache, by name."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_was_kept_is_found_also_for_a_smaller_size(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path / "thumbnails")
    assert cache.get(_CONTENT, 128) is None
    image = picture(1, (256, 100))
    cache.put(_CONTENT, 256, image)
    for size in (128, 256):
        found = ThumbnailCache(tmp_path / "thumbnails").get(_CONTENT, size)
        assert found is not None and (found.size, found.mode) == (image.size, "RGB")
        ours, theirs = found.resize((1, 1)).tobytes(), image.resize((1, 1)).tobytes()
        assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) < 6
    assert cache.get(_CONTENT, 512) is None
    assert cache.get(_CONTENT[::-1], 128) is None
    assert (tmp_path / "thumbnails").stat().st_mode & 0o077 == 0
    assert [path.stat().st_mode & 0o077 for path in files(tmp_path)] == [0]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:200] + b"\0" * 64 + data[264:],
        lambda data: b"GIF89a" + data,
        lambda data: data + b"\0" * (2 << 20),
    ],
)
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: object) -> None:
    cache = ThumbnailCache(tmp_path)
    cache.put(_CONTENT, 128, picture(1, (128, 128)))
    (file,) = files(tmp_path)
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    assert cache.get(_CONTENT, 128) is None
    assert not files(tmp_path)
    cache.put(_CONTENT, 128, picture(1, (128, 128)))
    assert cache.get(_CONTENT, 128) is not None


def test_a_picture_of_another_program_is_none(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path)
    cache.put(_CONTENT, 128, picture(1, (128, 128)))
    (file,) = files(tmp_path)
    Image.new("RGB", (4000, 4000)).save(file, "JPEG")
    assert cache.get(_CONTENT, 128) is None


def test_the_longest_unused_are_dropped(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path, most_bytes=40_000)
    contents = [bytes([number]) * 16 for number in range(40)]
    for age, content in enumerate(contents):
        cache.put(content, 128, picture(age, (128, 128)))
        for file in tmp_path.rglob(f"{content.hex()}-*"):
            os.utime(file, (1_750_000_000 + age, 1_750_000_000 + age))
        if age == 3:
            assert cache.get(contents[0], 128) is not None, "used now"
        assert sum(path.stat().st_size for path in files(tmp_path)) <= 40_000
    assert cache.get(contents[0], 128) is not None
    assert cache.get(contents[1], 128) is None
    assert cache.get(contents[-1], 128) is not None


def test_where_nothing_can_be_written_there_is_only_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = ThumbnailCache(tmp_path / "file" / "thumbnails")
    cache.put(_CONTENT, 128, picture(1, (128, 128)))
    assert cache.get(_CONTENT, 128) is None
    full = ThumbnailCache(tmp_path / "full")

    def no_room(descriptor: int, mode: str) -> object:
        os.close(descriptor)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "fdopen", no_room)
        full.put(_CONTENT, 128, picture(1, (128, 128)))
    assert not files(tmp_path / "full")
    full.put(_CONTENT, 128, picture(1, (128, 128)))
    assert not files(tmp_path / "full"), "it is not tried again at once"


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "00" / f"{UNFINISHED}left"
    left.parent.mkdir()
    left.write_bytes(b"a part")
    os.utime(left, (1_750_000_000, 1_750_000_000))
    ThumbnailCache(tmp_path).put(_CONTENT, 128, picture(1, (128, 128)))
    assert [path.name for path in files(tmp_path)] == [f"{_CONTENT.hex()}-128.jpg"]


@pytest.mark.parametrize(
    ("number", "title", "advice"),
    [
        (errno.ENOSPC, "Thumbnails are not kept: the disk is full.", "Free some of it"),
        (errno.EDQUOT, "Thumbnails are not kept: the disk is full.", "Free some of it"),
        (errno.EACCES, "Thumbnails are not kept: Permission denied.", "Let dtk write into"),
    ],
)
def test_that_nothing_is_kept_is_told_once_until_something_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, title: str, advice: str
) -> None:
    told: list[Event] = []
    kept = ThumbnailCache(tmp_path / "cache", emit=told.append)
    write, is_full = module.write_whole, True

    def write_or_not(path: Path, data: bytes) -> None:
        if is_full:
            raise OSError(number, os.strerror(number))
        write(path, data)

    monkeypatch.setattr(module, "write_whole", write_or_not)
    monkeypatch.setattr(module, "_PAUSE_S", 0.0)
    for _ in range(3):
        kept.put(b"a" * 16, 128, Image.new("RGB", (8, 8)))
    (problem,) = told
    assert isinstance(problem, ProblemReported) and problem.title == title
    assert advice in problem.detail and str(tmp_path / "cache") in problem.detail
    is_full = False
    kept.put(b"a" * 16, 128, Image.new("RGB", (8, 8)))
    is_full = True
    kept.put(b"b" * 16, 128, Image.new("RGB", (8, 8)))
    assert len(told) == 2

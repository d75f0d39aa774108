"""A file of the program, its tests and its benchmarks has at most 400 lines: one that outgrows them has two trades."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.paths import REPOSITORY

_LONGEST = 400
_FOLDERS = ("dtk_tui", "tests", "benchmarks", "tour")


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n")


def test_no_file_is_longer_than_the_bound() -> None:
    found = [file for folder in _FOLDERS for file in (REPOSITORY / folder).rglob("*.py")]
    assert len(found) > 500
    assert {str(file.relative_to(REPOSITORY)): _lines(file) for file in found if _lines(file) > _LONGEST} == {}

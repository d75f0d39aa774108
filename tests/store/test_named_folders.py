"""Folders found by words of their paths, and what a folder lies in."""

from __future__ import annotations

import pytest

from dtk_tui.store.database import Database
from dtk_tui.store.library import folders

_PATHS = (
    "/out",
    "/out/Fox",
    "/out/Fox/2025 snow",
    "/out/fox_and_snow",
    "/out/100%",
    "/out/a\udcff\\b",
    "/out/Fox/2025 snow/raw",
)


@pytest.fixture
def known(db: Database) -> dict[str, int]:
    """The ids of some folders."""
    ids: dict[str, int] = {}
    with db.connection() as conn:
        for path in _PATHS:
            parent = ids.get(path.rpartition("/")[0])
            ids.update(folders.add(conn, [(parent, path)]))
    return ids


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("fox snow", ["/out/fox_and_snow", "/out/Fox/2025 snow", "/out/Fox/2025 snow/raw"]),
        ("SNOW", ["/out/fox_and_snow", "/out/Fox/2025 snow", "/out/Fox/2025 snow/raw"]),
        ("fox", ["/out/Fox", "/out/fox_and_snow", "/out/Fox/2025 snow", "/out/Fox/2025 snow/raw"]),
        ("100%", ["/out/100%"]),
        ("x_a", ["/out/fox_and_snow"]),
        ("\udcff\\", ["/out/a\udcff\\b"]),
        ("cat", []),
    ],
)
def test_all_words_in_any_case_the_names_that_have_them_first(
    db: Database, known: dict[str, int], words: str, found: list[str]
) -> None:
    with db.connection() as conn:
        rows = folders.named(conn, words.split(" "), 10)
        assert [row.path for row in rows] == found
        assert [row.path for row in folders.named(conn, words.split(" "), 1)] == found[:1]
        assert len(folders.named(conn, [], 5)) == 5


def test_what_a_folder_lies_in(db: Database, known: dict[str, int]) -> None:
    with db.connection() as conn:
        way = ["/out/Fox/2025 snow/raw", "/out/Fox/2025 snow", "/out/Fox", "/out"]
        assert folders.way_to(conn, known[way[0]]) == [known[path] for path in way]
        assert folders.way_to(conn, 10**9) == []

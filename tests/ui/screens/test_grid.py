"""Thumbnails in the app: the keys of the table work there, and the next session shows them again."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from msgspec import structs

from dtk_tui.config import Config
from dtk_tui.services.library import previews
from dtk_tui.settings import PreviewSettings
from dtk_tui.store.database import Database
from tests.helpers.running_app import NARROW, WIDE, library_app


def execute(db: Database, statement: str) -> list[tuple[object, ...]]:
    """Run a statement in a transaction of its own."""
    with db.connection() as conn:
        cursor = conn.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_keys_of_the_table_work_in_the_grid(
    db: Database, config: Config, library: Path, size: tuple[int, int]
) -> None:
    async with library_app(db, config, size) as run:
        await run.shows("029.png")
        assert not run.main.table.is_grid
        await run.press("G")
        await run.shows("1 of 30  029.png")
        await run.shows("\u2580" * 4)
        await run.press("7", "f")
        await run.shows("\u203a 7\u2665 029.png")
        await run.press("ctrl+z")
        await run.shows("\u203a 7 029.png")
        await run.press("space", "space", "3")
        await run.shows(" \u25cf3 028.png")
        await run.until(lambda: execute(db, "SELECT count(*) FROM image WHERE rating = 3") == [(2,)])
        await run.press("m")
        await run.shows("Find similar")
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.press("escape")
        await run.until(lambda: "\u25cf" not in run.text())
        await run.press("u")
        await run.shows("1 queued")
        await run.press("home", "enter")
        await run.until(lambda: run.app.screen is not run.main)
        await run.shows("1 of 30")
        await run.press("right", "escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.shows("2 of 30  028.png")


async def test_it_is_remembered_with_its_size(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("G")
        await run.shows("1 of 30  029.png")
        smaller = run.main.table.across
        await run.press("greater_than_sign")
        await run.until(lambda: run.main.table.across < smaller)
        larger = run.main.table.across
        state = config.paths.state / "view.json"
        await run.until(lambda: state.is_file() and '"grid_width": 2' in state.read_text())
    async with library_app(db, config, WIDE) as run:
        await run.shows("1 of 30  029.png")
        assert run.main.table.across == larger
        await run.press("G")
        await run.shows("Created")
        await run.until(lambda: '"grid": 0' in state.read_text())
    state.write_text("[[[")
    async with library_app(db, config, WIDE) as run:
        await run.shows("Created")


async def test_a_picture_that_comes_late_leaves_the_headings_of_a_table(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_load = threading.Event()
    load = previews.load

    def waiting(path: str, max_size: tuple[int, int]) -> object:
        may_load.wait(60)
        return load(path, max_size)

    monkeypatch.setattr(previews, "load", waiting)
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("G")
        await run.shows("1 of 30  029.png")
        await run.until(lambda: run.main.table._places)
        await run.press("G")
        await run.shows("Created")
        may_load.set()
        await run.until(lambda: int(run.main.table.ids[0]) in run.main.table._memory)
        await run.pilot.pause()
        assert "Created" in run.text() and "1 of 30" not in run.text()


async def test_each_picture_is_decoded_once_in_all_sessions(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    load = previews.load

    def noting(path: str, max_size: tuple[int, int]) -> object:
        if max_size == (128, 128):
            decoded.append(Path(path).name)
        return load(path, max_size)

    monkeypatch.setattr(previews, "load", noting)
    for session in ("first", "second"):
        async with library_app(db, config, WIDE) as run:
            await run.shows("029.png")
            if session == "first":
                await run.press("G")
            await run.shows("1 of 30  029.png")
            await run.until(lambda: all(int(one) in run.main.table._memory for one in run.main.table.ids))
        if session == "first":
            assert set(decoded) == {f"{number:03d}.png" for number in range(30)}
            decoded.clear()
    assert not decoded


async def test_missing_and_damaged_files_say_why(db: Database, config: Config, library: Path) -> None:
    (library / "final" / "029.png").unlink()
    (library / "final" / "028.png").write_bytes(b"no picture")
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("G")
        await run.shows("029.png is not there (any more).")
        await run.shows("known")
        await run.press("right")
        await run.shows("028.png cannot be shown.")


async def test_without_pictures_it_stays_a_table(db: Database, config: Config, library: Path) -> None:
    off = structs.replace(config.settings, preview=PreviewSettings(protocol="off"))
    async with library_app(db, Config(config.paths, off), NARROW) as run:
        await run.shows("029.png")
        await run.press("G")
        await run.shows("Pictures are off")
        assert not run.main.table.is_grid


async def test_that_thumbnails_are_not_kept_is_said_once_with_what_to_do(
    db: Database, config: Config, library: Path
) -> None:
    config.paths.thumbnails.parent.mkdir(parents=True, exist_ok=True)
    config.paths.thumbnails.write_text("something else stands where they belong")
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("G")
        await run.shows("Thumbnails are not kept:")
        await run.until(lambda: all(int(one) in run.main.table._memory for one in run.main.table.ids))
        assert len([words for words in run.told if "Thumbnails are not kept" in words]) == 1
        assert str(config.paths.thumbnails) in "".join(run.told)

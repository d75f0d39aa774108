"""Folding, sorting by a heading and the choice of columns, as text at two sizes; see test_snapshots.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from tests.helpers.running_app import NARROW, SUBJECTS, WIDE, library_app, write_picture
from tests.helpers.screens import Screens
from tests.helpers.snapshots import SNAPSHOTS, close

_DAY = 86_400
_GROUPS = """
UPDATE image SET is_embedding_representative = false, embedding_source_id = first.id
  FROM image AS first, (VALUES ('000', '009'), ('003', '009'), ('006', '009'), ('007', '010')) AS pair (one, other)
 WHERE image.file_name = pair.one || '.png' AND first.file_name = pair.other || '.png';
UPDATE image SET rating = 5, favorite = true WHERE file_name = '008.png';
UPDATE image SET file_size = 400 + left(file_name, 3)::int
"""


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_columns_and_folds(store: Database, settings: Config, place: Path, size: tuple[int, int]) -> None:
    for number in range(12):
        path = place / "outputs" / f"{number:03d}.png"
        write_picture(path, SUBJECTS[number % 3], made_at=1_750_000_000 + number * _DAY, seed=number)
    scanner.scan(store, settings, [str(place / "outputs")])
    with store.connection() as conn:
        conn.execute(_GROUPS)
    async with library_app(store, settings, size) as run:
        screens = Screens(run, SNAPSHOTS, size, place.name)
        await run.shows("All images  12")
        await run.press("Z")
        await screens.step("browser-folded", "12 in 8 rows", "\u00d74 009.png")
        await run.press("down", "down", "z")
        await screens.step("browser-unfolded", "12 in 11 rows", "\u2514 000.png")
        await run.press("z", "m")
        await screens.step("menu-folded", "009.png and 3 folded with it")
        await close(run, "escape")
        await run.press("space", "Z")
        await run.shows("All images  12  newest first   4 selected")
        await run.press("S")
        await run.shows("date, oldest first")
        await run.press("down", "down", "down", "enter")
        await screens.step("browser-sorted", "by name up", "Name\u25b4")
        await run.press("vertical_line")
        await screens.step("columns", "width and height")
        await run.press("down", "space", "end", "space", "K", "K", "right")
        await run.shows("17 wide")
        await screens.step("columns-chosen", "17 wide")
        await close(run, "escape")
        await screens.step("browser-columns", "Folder")
        screens.end()

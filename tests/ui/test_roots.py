"""Roots and rules of the library, as the app shows and changes them."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.services import scanner
from dtk_tui.store.database import Database
from tests.ui.conftest import WIDE, library_app, write_picture


async def test_a_scan_of_all_says_which_roots_are_not_there(
    db: Database, config: Config, library: Path, tmp_path: Path
) -> None:
    other = tmp_path / "usb"
    write_picture(other / "one.png", "a lamp")
    scanner.scan(db, config, [str(other)])
    other.rename(tmp_path / "elsewhere")
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("shift+tab", "home", "ctrl+r")
        await run.shows("is not there; its 1 image stays as it is.")
        await run.shows("Scan done: 30 seen")
        library.rename(tmp_path / "away")
        await run.press("ctrl+r")
        await run.shows("No folder of the library can be read: nothing was scanned.")
        await run.shows("dtk library remove FOLDER")

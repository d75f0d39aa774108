"""What thumbnails show, as text, at two sizes; the golden files are written as those of ``test_snapshots``."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from tests.helpers.running_app import NARROW, WIDE, library_app
from tests.helpers.screens import Screens
from tests.helpers.snapshots import SNAPSHOTS
from tests.ui.test_snapshots import execute, fill


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_thumbnails(store: Database, settings: Config, place: Path, size: tuple[int, int]) -> None:
    fill(store, settings, place)
    execute(store, "UPDATE image SET rating = 10, nsfw = true, for_deletion = true WHERE file_name = '027.png'")
    (place / "outputs" / "final" / "026.png").unlink()
    (place / "outputs" / "final" / "028.png").write_bytes(b"no picture")
    async with library_app(store, settings, size) as run:
        screens = Screens(run, SNAPSHOTS, size, place.name)
        await run.shows("029.png")
        await run.press("G")
        await screens.step("grid", "1 of 30  029.png", "known", "there")
        await run.press("space", "shift+right", "right")
        await screens.step("grid-selected", "3 selected", "4 of 30")
        await run.press("escape", "less_than_sign")
        await screens.step("grid-small", "4 of 30")
        await run.press("greater_than_sign", "greater_than_sign", "greater_than_sign")
        await screens.step("grid-large", "4 of 30")
        screens.end()

"""``python -m tour``: makes the pictures of all screens at two sizes in two themes, a recording, and docs/tour.md."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from PIL import Image

from dtk_tui.config import Config
from dtk_tui.errors import DtkError, ServerAwayError
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.store.database import Database
from dtk_tui.ui.app import DtkApp
from dtk_tui.ui.waiting import WaitingApp
from tour import route
from tour.library import PLACE, TourLibrary, tour_library
from tour.page import SIZES, THEMES, file_name, page
from tour.recording import SIZE, record
from tour.stops import STOPS
from tour.walk import Walk

_DOCS = Path(__file__).parents[1] / "docs"


async def _record(db: Database, config: Config) -> None:
    app = DtkApp(LibraryBrowser(db, config), None)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await record(Walk(app, pilot, _DOCS, SIZE), _DOCS / "app.gif")


async def _walk(db: Database, config: Config, size: tuple[int, int], *, empty: bool) -> list[str]:
    app = DtkApp(LibraryBrowser(db, config), None)
    async with app.run_test(size=size, notifications=True) as pilot:
        walk = Walk(app, pilot, _DOCS / "tour", size)
        await (route.empty(walk) if empty else route.whole(walk, db))
        return walk.reached


async def _wait(config: Config, size: tuple[int, int]) -> list[str]:
    def ask() -> None:
        raise reason

    reason = ServerAwayError(
        "The database cannot be reached.",
        'connection failed: connection to server at "192.0.2.7", port 5432 failed: Connection refused',
    )
    app = WaitingApp(config, reason, ask)
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot, _DOCS / "tour", size)
        await route.away(walk)
        return walk.reached


def _make(library: TourLibrary, size: tuple[int, int]) -> None:
    name = f"{size[0]}x{size[1]}"
    with library.copy(name) as (db, config):
        reached = asyncio.run(_walk(db, config, size, empty=False))
    with library.empty(f"empty{name}") as (db, config):
        reached += asyncio.run(_walk(db, config, size, empty=True))
        reached += asyncio.run(_wait(config, size))
    left_out = {stop.name for stop in STOPS} - set(reached)
    if left_out:
        raise DtkError(f"No way leads to {', '.join(sorted(left_out))}.", "Put it into tour/route.py.")
    print(f"{name}: {len(reached)} screens")


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    """Make everything."""
    signal.signal(signal.SIGTERM, _leave)  # so that the library, and its server, end with it
    os.environ |= {"TZ": "UTC", "COLORTERM": "truecolor", "TERM": "xterm-256color"}
    time.tzset()
    (_DOCS / "tour").mkdir(exist_ok=True)
    with tour_library() as library:
        os.chdir(PLACE)
        for size in SIZES:
            _make(library, size)
        with library.copy("recording") as (db, config):
            asyncio.run(_record(db, config))
    with Image.open(_DOCS / "tour" / file_name("grid", SIZES[-1], THEMES[0])) as shown:
        shown.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(_DOCS / "app.png", optimize=True)
    (_DOCS / "tour.md").write_text(page(), encoding="utf-8")


try:
    main()
except DtkError as error:
    sys.exit(f"tour: {error.title}\n{error.detail}")

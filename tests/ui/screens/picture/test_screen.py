"""A picture alone: zoom, place, next and previous, slideshow, by every protocol."""

from __future__ import annotations

import io
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.services.library import previews
from dtk_tui.services.scan import scanner
from dtk_tui.settings import PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui.screens.image import ImageScreen
from dtk_tui.ui.screens.picture import screen as picture_screen
from dtk_tui.ui.screens.picture.screen import PictureScreen
from dtk_tui.ui.widgets import picture as picture_widget
from dtk_tui.ui.widgets.picture import Picture
from dtk_tui.ui.widgets.viewer.viewport import Zoom
from dtk_tui.ui.widgets.viewer.zoom_picture import ZoomPicture, _Whole, _ZoomedLoader
from tests.helpers.pictures import picture
from tests.helpers.running_app import NARROW, WIDE, Running, library_app


@pytest.fixture
def large(db: Database, config: Config, tmp_path: Path) -> Path:
    """Three pictures, each larger than a terminal shows it."""
    root = tmp_path / "outputs"
    root.mkdir()
    for number in range(3):
        path = root / f"{number}.png"
        picture(number, (640, 480)).save(path)
        os.utime(path, (1_750_000_000 + number, 1_750_000_000 + number))
    scanner.scan(db, config, [str(root)])
    return root


def drawn_by(config: Config, protocol: str) -> Config:
    """Settings by which pictures are drawn in one way."""
    return Config(config.paths, Settings(preview=PreviewSettings(protocol=protocol)))


async def opened(run: Running) -> ZoomPicture:
    """Open the picture under the cursor alone, and wait until it is drawn."""
    await run.until(lambda: run.main.table.current_row is not None)
    await run.press("v")
    await run.until(lambda: isinstance(run.app.screen, PictureScreen) and run.app.screen.is_mounted)
    view = run.app.screen.query_one(ZoomPicture)
    await run.until(lambda: view._drawn[0] is not None)
    return view


@pytest.mark.parametrize("protocol", ["kitty", "sixel", "halfblock", "text"])
async def test_zoom_and_place(
    db: Database, config: Config, large: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", terminal)
    async with library_app(db, drawn_by(config, protocol), NARROW) as run:
        view = await opened(run)
        await run.shows("1 of 3 640\u00d7480 fit")
        await run.press("a")
        await run.shows("100%")
        await run.until(lambda: view.is_movable)
        assert view._part is not None
        top = view._part.box[1]
        await run.press("down")
        await run.until(lambda: view._part is not None and view._part.box[1] > top)
        await run.press("greater_than_sign")
        await run.shows("150%")
        await run.press("F")
        await run.shows("640\u00d7480 fit")
        assert not view.is_movable
        await run.press("right")
        await run.shows("2 of 3")
        await run.press("pagedown", "n")
        await run.shows("This is the last image.")
        await run.press("b")
        await run.shows("2 of 3")
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        assert run.main.table.cursor == 1
    if protocol == "kitty":
        made, freed = (terminal.getvalue().count(sign) for sign in ("U=1", "a=d"))
        assert made == freed > 3, "nothing stays in the memory of the terminal"


def test_pixels_are_shown_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    whole = picture(2, (640, 480))
    whole.save(path)
    loader = _ZoomedLoader(Zoom(is_actual=True), _Whole())
    assert loader.load(str(path), (80, 44)).tobytes() == whole.crop((280, 218, 360, 262)).tobytes()
    path.unlink()
    larger = replace(loader, zoom=Zoom(steps=2, is_actual=True, x=0, y=0)).load(str(path), (90, 90))
    assert larger.getpixel((0, 0)) == whole.getpixel((0, 0)), "it is not decoded again"
    assert larger.size == (90, 90)


async def test_marked_pictures_follow_each_other_by_themselves(
    db: Database, config: Config, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_screen, "SLIDE_S", 0.01)
    async with library_app(db, drawn_by(config, "text"), NARROW) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        await run.press("space", "down", "space", "up", "up")
        view = await opened(run)
        await run.shows("2.png 1 of 2")
        await run.press("p")
        await run.shows("The slideshow is over")
        await run.shows("0.png 2 of 2")
        assert "slideshow" not in run.text().splitlines()[0]
        assert not view.is_movable


async def test_work_is_for_the_picture_that_is_shown(db: Database, config: Config, large: Path) -> None:
    async with library_app(db, drawn_by(config, "text"), WIDE) as run:
        await opened(run)
        await run.press("n")
        await run.shows("1.png 2 of 3")
        await run.press("8")
        await run.shows("rating 8")
        with db.connection() as conn:
            rated = conn.execute("SELECT file_name FROM image WHERE rating = 8").fetchall()
        assert rated == [("1.png",)]
        wanted = int(run.main.table.ids[1])
        await run.press("m")
        await run.shows("Find similar")
        await run.press("escape")
        await run.until(lambda: isinstance(run.app.screen, PictureScreen))
        await run.press("s")
        await run.until(lambda: run.main._view.like == wanted)


async def test_it_opens_from_the_facts_and_says_where_there_is_nothing(
    db: Database, config: Config, large: Path
) -> None:
    async with library_app(db, drawn_by(config, "text"), NARROW) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        await run.press("enter")
        await run.until(lambda: isinstance(run.app.screen, ImageScreen))
        await run.press("v")
        await run.until(lambda: isinstance(run.app.screen, PictureScreen))
        await run.shows("1 of 3")
        await run.press("n")
        await run.shows("2 of 3")
        (large / "0.png").unlink()
        await run.press("n")
        await run.shows("0.png is not there (any more).")
        await run.press("q")
        await run.until(lambda: isinstance(run.app.screen, ImageScreen))
        await run.shows("3 of 3")
    async with library_app(db, drawn_by(config, "off"), NARROW) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        await run.press("v")
        await run.shows("Pictures are off")


class Slow:
    """Decodes one file only when it may go on, and notes what was drawn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.name = name
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self.drawn = 0
        self._load, self._draw = previews.load, picture_widget.drawn
        monkeypatch.setattr(previews, "load", self.load)
        monkeypatch.setattr(picture_widget, "drawn", self.draw)

    def load(self, path: str, room: tuple[int, int]) -> Any:
        """Wait, then decode."""
        if path.endswith(self.name) and not self.goes_on.is_set():
            self.begun.set()
            self.goes_on.wait(60)
        return self._load(path, room)

    def draw(self, *args: Any) -> Any:
        """Draw."""
        self.drawn += 1
        return self._draw(*args)


async def test_a_picture_that_was_left_is_not_drawn(
    db: Database, config: Config, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch, "1.png")
    async with library_app(db, drawn_by(config, "halfblock"), NARROW) as run:
        view = await opened(run)
        assert slow.drawn == 1
        await run.press("n")
        await run.until(slow.begun.is_set)
        await run.press("n")
        await run.until(lambda: (view._drawn[0] or "").endswith("0.png"))
        slow.goes_on.set()
        await run.press("b")
        await run.until(lambda: (view._drawn[0] or "").endswith("1.png"))
        assert slow.drawn == 3, "the first try was given up"


async def test_the_preview_draws_what_the_cursor_came_back_to(
    db: Database, config: Config, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch, "1.png")
    async with library_app(db, drawn_by(config, "halfblock"), WIDE) as run:
        shown = run.main.query_one(Picture)
        await run.until(lambda: (shown._drawn[0] or "").endswith("2.png"))
        await run.press("down")
        await run.until(slow.begun.is_set)
        await run.press("down", "up")
        slow.goes_on.set()
        await run.until(lambda: (shown._drawn[0] or "").endswith("1.png"))

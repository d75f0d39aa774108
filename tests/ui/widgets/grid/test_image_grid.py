"""Thumbnails by themselves: what is asked for, what is drawn, and moving about among a million."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.geometry import Offset

from dtk_tui.domain.library import ImageRow, PictureFile
from dtk_tui.services.library.thumbnails.thumbnails import Thumbnail
from dtk_tui.ui.theme import OWN_VARIABLES
from dtk_tui.ui.widgets.grid.image_grid import ImageGrid
from dtk_tui.ui.widgets.grid.pictures import LOADERS, PictureSource
from dtk_tui.ui.widgets.grid.tiles import WIDTHS
from dtk_tui.ui.widgets.image_pane import ImagePane
from dtk_tui.ui.widgets.tables.folds import Folds
from tests.helpers.pictures import picture
from tests.helpers.running_app import NARROW, WIDE, Running, running

_DAY = datetime(2025, 11, 5, tzinfo=UTC)
_BLOCKS = "\u2580" * 4


def rows(ids: Sequence[int]) -> list[ImageRow]:
    """Return images of these ids."""
    return [ImageRow(number, 1, f"{number:07d}.png", 1000, _DAY, 64, 48) for number in ids]


class Files:
    """Pictures that can be counted, held back, and broken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.queries: list[list[int]] = []
        self.loaded: list[int] = []
        self.broken: dict[int, Thumbnail] = {}
        self.gate = threading.Event()
        self.gate.set()

    def files(self, ids: Sequence[int]) -> dict[int, PictureFile]:
        """Return a path for each image."""
        with self._lock:
            self.queries.append(list(ids))
        return {number: PictureFile(str(number)) for number in ids}

    def load(self, file: PictureFile, room: tuple[int, int]) -> Thumbnail:
        """Draw a picture."""
        with self._lock:
            self.loaded.append(int(file.path))
        assert self.gate.wait(120)
        return self.broken.get(int(file.path)) or Thumbnail(picture(int(file.path), room))

    def seen(self) -> set[int]:
        """Return the images of which pictures were loaded so far."""
        with self._lock:
            return set(self.loaded)


class GridApp(App[None]):
    CSS_PATH: ClassVar = [f"../../../../dtk_tui/ui/styles/{name}.tcss" for name in ("base", "browser")]

    def __init__(self, protocol: str = "halfblock") -> None:
        super().__init__()
        self.source = Files()
        self._protocol = protocol

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return OWN_VARIABLES

    def compose(self) -> ComposeResult:
        yield ImagePane(rows, pictures=PictureSource(self._protocol, self.source.files, self.source.load))

    @property
    def grid(self) -> ImageGrid:
        return self.query_one(ImageGrid)


async def opened(run: Running, count: int, width: int = 1) -> tuple[GridApp, ImageGrid]:
    """Show so many images as tiles, the largest id first, and wait for the first of them."""
    app = run.app
    assert isinstance(app, GridApp)
    app.grid.show(np.arange(count, 0, -1, dtype=np.int64))
    app.grid.show_as(grid=True, width=width)
    app.grid.focus()
    await run.shows(f"\u203a {count:07d}.png")
    return app, app.grid


def ahead(grid: ImageGrid) -> set[int]:
    """Return the images in sight, and those one screen on."""
    shown = grid.visible_rows
    return set(grid.ids[shown.start : shown.stop + len(shown)].tolist())


async def all_shown(run: Running, app: GridApp) -> None:
    """Wait until the pictures of all tiles in sight and one screen on are here."""
    await run.until(lambda: all(number in app.grid._memory for number in ahead(app.grid)))


@pytest.mark.parametrize("size", [NARROW, WIDE, (60, 20)])
async def test_of_a_million_only_what_is_in_sight_is_asked_for(size: tuple[int, int]) -> None:
    async with running(GridApp(), size) as run:
        app, grid = await opened(run, 1_000_000)
        await all_shown(run, app)
        await run.shows(_BLOCKS)
        assert app.source.seen() == ahead(grid)
        assert len(app.source.queries) == 1, "one query for all of them"
        for key, number in (("end", 1), ("home", 1_000_000)):
            await run.press(key)
            await run.shows(f"\u203a {number:07d}.png")
            await all_shown(run, app)
        assert len(app.source.loaded) <= 4 * len(ahead(grid)), "what is here is not asked for again"


async def test_what_is_passed_by_is_not_decoded() -> None:
    async with running(GridApp(), WIDE) as run:
        app, grid = await opened(run, 100_000)
        await all_shown(run, app)
        before = len(app.source.loaded)
        app.source.gate.clear()
        grid.cursor = 50_000
        await run.until(lambda: len(app.source.loaded) == before + LOADERS)
        grid.cursor = 90_000
        await run.shows(f"\u203a {10_000:07d}.png")
        app.source.gate.set()
        await all_shown(run, app)
        passed = {number for number in app.source.loaded if 40_000 < number <= 50_000}
        assert len(passed) <= LOADERS, "only what was being decoded already"


async def test_moving_and_selecting() -> None:
    async with running(GridApp(), NARROW) as run:
        _app, grid = await opened(run, 1000)
        across = grid.across
        assert across > 1
        await run.press("right", "down")
        assert grid.cursor == 1 + across
        await run.press("up", "up", "left", "left")
        assert grid.cursor == 0
        await run.press("end", "down")
        assert grid.cursor == 999
        await run.press("home", "space", "shift+right", "shift+down")
        await run.shows("\u25cf")
        marked = list(range(1000, 1000 - 3 - across, -1))
        assert sorted(grid.chosen_ids(), reverse=True) == marked
        assert grid.cursor == 2 + across
        assert grid.clear_selection()
        await run.until(lambda: "\u25cf" not in run.text())
        await run.press("a")
        assert grid.selected_count == 1000
        top = grid.scroll_offset.y
        await run.press("pagedown")
        assert grid.scroll_offset.y > top and grid.scroll_offset.y % grid.tall == 0


async def test_a_tile_says_how_many_images_it_stands_for() -> None:
    async with running(GridApp(), NARROW) as run:
        app, grid = await opened(run, 6)
        ids = np.arange(6, 0, -1, dtype=np.int64)
        grid.show(ids, folds=Folds(ids, np.array([0, 1, 1, 1, 0, 2])))
        for words in ("\u203a \u00d72 0000006.png", "\u00d73 0000005.png", " 0000001.png"):
            await run.shows(words)
        await run.press("right")
        app.grid.toggle_fold()
        await run.shows("\u25be3 0000005.png")
        await run.shows("\u2514 0000004.png")


async def test_the_mouse_finds_its_tile() -> None:
    async with running(GridApp(), WIDE) as run:
        app, grid = await opened(run, 1000)
        opened_rows: list[int] = []
        app.grid.action_choose = lambda: opened_rows.append(grid.cursor)  # type: ignore[method-assign]
        wanted = grid.across + 2
        place = Offset(2 * grid.tiles.width + 1, grid.tall + 1)
        await run.pilot.click(ImageGrid, offset=place)
        await run.until(lambda: grid.cursor == wanted)
        await run.pilot.click(ImageGrid, offset=place + Offset(0, 2), times=2)
        await run.until(lambda: opened_rows == [wanted])
        await run.pilot.click(ImageGrid, offset=Offset(1, 1), control=True)
        await run.until(lambda: grid.chosen_ids().tolist() == [1000])


async def test_every_width_keeps_cursor_and_selection() -> None:
    async with running(GridApp(), WIDE) as run:
        _app, grid = await opened(run, 5000)
        grid.cursor = 3210
        await run.press("space")
        current = grid.current_id
        for width in (*range(len(WIDTHS)), 1):
            grid.show_as(grid=True, width=width)
            await run.shows(f"\u203a {current:07d}"[:8])
        grid.show_as(grid=False, width=1)
        await run.shows("Created")
        assert (grid.current_id, grid.chosen_ids().tolist()) == (current, [5000 - 3210])
        assert grid.cursor in grid.visible_rows
        await run.press("down", "left", "right")
        assert grid.cursor == 3212


async def test_resizing_keeps_the_cursor_in_sight() -> None:
    async with running(GridApp(), WIDE) as run:
        app, grid = await opened(run, 5000)
        grid.cursor = 777
        for size in ((60, 20), (200, 50), (30, 10), (80, 24)):
            await run.pilot.resize_terminal(*size)
            await run.shows(f"\u203a {5000 - 777:07d}.png"[: 11 if size[0] == 30 else 14])
            await all_shown(run, app)
            assert grid.cursor in grid.visible_rows


async def test_what_cannot_be_shown_says_why() -> None:
    async with running(GridApp(), WIDE) as run:
        app = run.app
        assert isinstance(app, GridApp)
        app.source.broken[99] = Thumbnail(None, "99 cannot be shown.", "It is [red]no\x1b[31m picture.")
        app.source.broken[98] = Thumbnail(picture(3, (8, 8)), "The file is not there.")
        await opened(run, 100)
        await run.shows("[red]no\u241b[31m")
        await run.press("right")
        await run.shows("99 cannot be shown. It is [red]no\u241b[31m picture.")
        await run.press("right")
        await run.shows("3 of 100  0000098.png  64\u00d748  The file is not there.")
        del app.source.broken[99]
        app.grid.show(app.grid.ids, keep=True)
        await run.until(lambda: "[red]no" not in run.text())


async def test_sixel_data_stand_at_their_tiles_and_are_gone_while_one_moves() -> None:
    async with running(GridApp("sixel"), NARROW) as run:
        app, grid = await opened(run, 100)
        await all_shown(run, app)
        whole = len([row for row in grid.visible_rows if grid.top_of(row) + grid.tall <= grid.size.height])
        await run.until(lambda: run.text().count("\x1bP") == whole)
        text = run.text()
        for row in range(grid.across):
            left = grid.region.x + row * grid.tiles.width
            assert any(
                f"\x1b[{grid.region.y + 1 + down};{left + 1 + aside}H\x1bP" in text
                for down in range(grid.tall)
                for aside in range(grid.tiles.width)
            )
        app.source.gate.clear()
        await run.press("pagedown", "pagedown", "pagedown", "pagedown")
        await run.until(lambda: "\x1bP" not in run.text())
        app.source.gate.set()
        await run.until(lambda: "\x1bP" in run.text())


async def test_kitty_gets_each_picture_once_and_all_are_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", terminal)
    async with running(GridApp("kitty"), NARROW) as run:
        _app, grid = await opened(run, 100)
        await run.until(lambda: all(number in grid._memory for number in ahead(grid)))
        await run.shows("\U0010eeee")
        assert terminal.getvalue().count("U=1") == len(ahead(grid))
        await run.press("right", "space", "left", "left")
        await run.shows("\u203a 0000100.png")
        assert terminal.getvalue().count("U=1") == len(ahead(grid))
        sent = len(ahead(grid))
        grid.show_as(grid=False, width=1)
        await run.until(lambda: terminal.getvalue().count("a=d") == sent)

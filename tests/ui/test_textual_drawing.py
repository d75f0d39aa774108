"""What is drawn for a change: as much as Textual draws of it, and no more than what it changes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
from textual._compositor import Compositor
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.geometry import Region
from textual.screen import Screen
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from dtk_tui.ui.dialogs import Confirm
from dtk_tui.ui.textual_drawing import LineScrollBar, SettledScreen, UpdatingScreen
from dtk_tui.ui.theme import OWN_VARIABLES
from dtk_tui.ui.widgets.image_pane import ImagePane
from dtk_tui.ui.widgets.tables.image_table import ImageTable
from tests.helpers.running_app import NARROW, running
from tests.ui.widgets.test_virtual_table import Source

_ROWS = 1500


class ListScreen(UpdatingScreen[None]):
    """A table between two texts, and a box that lies over some of it."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static("beside it\n" * 40, id="aside")
            yield ImagePane(self._source.fetch)
        yield Static("over it", id="box")


class ListApp(App[None]):
    CSS_PATH: ClassVar = [f"../../dtk_tui/ui/styles/{name}.tcss" for name in ("base", "browser")]
    CSS = """
    ListScreen { layers: below above; }
    Horizontal { height: 1fr; }
    ImagePane { width: 1fr; }
    #aside { width: 20; height: 100%; border-right: vkey red; }
    #box { layer: above; offset: 12 6; width: 30; height: 4; border: round blue; }
    """

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return OWN_VARIABLES

    def get_default_screen(self) -> ListScreen:
        return ListScreen(Source())

    @property
    def table(self) -> ImageTable:
        return self.screen.query_one(ImageTable)


def _drawn(compositor: Compositor, region: Region) -> dict[tuple[int, int], Strip]:
    """Return what is drawn of a region, by line and column: pieces of lines, of which some go beyond it."""
    lines = compositor._render_chops(region, lambda y: True)
    return {
        (y, x): lines[y][x]
        for y in region.line_range
        for x, end in zip(compositor.cuts[y], compositor.cuts[y][1:], strict=False)
        if x < region.right and end > region.x
    }


async def test_an_update_is_drawn_as_textual_draws_it() -> None:
    app, chance = ListApp(), random.Random(5)
    async with running(app, NARROW) as run:
        app.table.show(np.arange(1, _ROWS, dtype=np.int64))
        await run.shows("0000001.png")
        await run.press("down", "pagedown", "up")
        own, textuals = app.screen._compositor, Compositor()
        assert type(own) is not Compositor
        textuals.__dict__.update(own.__dict__)
        for _ in range(300):
            x, y = chance.randrange(80), chance.randrange(24)
            region = Region(x, y, chance.randint(1, 80 - x), chance.randint(1, 24 - y))
            assert _drawn(own, region) == _drawn(textuals, region), region


async def test_a_move_of_the_cursor_asks_one_widget_for_two_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    app, asked = ListApp(), list[tuple[Widget, int]]()
    async with running(app, NARROW) as run:
        app.table.show(np.arange(1, _ROWS, dtype=np.int64))
        await run.shows("0000001.png")
        app.screen.query_one("#box").display = False
        await run.pilot.pause()
        for kind in (Widget, ImageTable):
            draw = kind.render_lines

            def noted(self: Widget, crop: Region, draw: object = draw) -> list[Strip]:
                asked.append((self, crop.height))
                return draw(self, crop)  # type: ignore[operator,no-any-return]

            monkeypatch.setattr(kind, "render_lines", noted)
        await run.press("down")
        await run.until(lambda: bool(asked))
        await run.pilot.pause()
        assert asked == [(app.table, 2)]


async def test_a_line_that_stays_in_sight_is_not_drawn_again() -> None:
    app = ListApp()
    async with running(app, NARROW) as run:
        app.table.show(np.arange(1, _ROWS, dtype=np.int64))
        await run.shows("0000001.png")
        await run.press("pagedown", "pageup")
        drawn: list[int] = []
        draw = app.table._draw_row
        app.table._draw_row = lambda row, *rest: drawn.append(row) or draw(row, *rest)  # type: ignore[method-assign,func-returns-value]
        await run.press("down", "down", "up", "up", "down")
        await run.pilot.pause()
        assert len(drawn) <= 4, "each of three lines with and without the cursor, but what was drawn before"


async def test_a_dialogue_that_opens_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app, frames = ListApp(), list[str]()
    async with running(app, NARROW) as run:
        app.table.show(np.arange(1, _ROWS, dtype=np.int64))
        await run.shows("0000001.png")
        display = App._display

        def noted(self: App[None], screen: Screen[object], frame: object) -> None:
            frames.append(type(frame).__name__)
            display(self, screen, frame)  # type: ignore[arg-type]

        monkeypatch.setattr(App, "_display", noted)
        app.push_screen(Confirm("Is it so?", "It is.", "Yes"))
        await run.shows("It is.")
        await run.pilot.pause()
        # A part of it may follow, where something came late.
        assert frames[0] == "LayoutUpdate" and frames.count("LayoutUpdate") == 1


class NoteScreen(SettledScreen[None]):
    """A text that is as high as it has to be."""

    CSS = "#note { height: auto; }"

    def compose(self) -> ComposeResult:
        yield Static("one line", id="note", markup=False)


async def test_a_text_has_its_height_however_soon_it_follows_another() -> None:
    class NoteApp(App[None]):
        def get_default_screen(self) -> NoteScreen:
            return NoteScreen()

    app = NoteApp()
    async with running(app, NARROW) as run:
        await run.shows("one line")
        note = app.screen.query_one("#note", Static)
        note.update("another line")
        app.screen._clear_arrangement_cache()
        app.screen._refresh_layout()  # as a change beside it brings it about
        note.update("words " * 20)
        await run.until(lambda: note.size.height == 2, 5.0)


async def test_what_changed_below_a_dialogue_is_drawn_once() -> None:
    app = ListApp()
    async with running(app, NARROW) as run:
        app.table.show(np.arange(1, _ROWS, dtype=np.int64))
        await run.shows("0000001.png")
        below, table = app.screen, app.table
        app.push_screen(Confirm("Is it so?", "It is.", "Yes"))
        await run.shows("It is.")
        drawn: list[Region] = []
        refresh = app.screen.refresh
        app.screen.refresh = lambda *regions, **more: drawn.extend(regions) or refresh(*regions, **more)  # type: ignore[method-assign,assignment,func-returns-value]
        row = Region(table.region.x, table.region.y, table.region.width, 1)
        table.refresh_row(0)
        await run.until(lambda: row in drawn)  # and its scrollbar, where that is still on its way
        below._on_timer_update()
        assert drawn.count(row) == 1 and run.app.screen.size.region not in drawn


class FrontScreen(UpdatingScreen[None]):
    """A text at the top of a screen before another one."""

    def compose(self) -> ComposeResult:
        yield Static("one line", id="note", markup=False)


async def test_what_changed_is_drawn_beside_what_a_screen_behind_has_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    app, drawn = ListApp(), list[Widget]()
    async with running(app, NARROW) as run:
        await run.pilot.pause()
        app.push_screen(FrontScreen())
        await run.shows("one line")
        await run.pilot.pause()
        front, note = app.screen, app.screen.query_one("#note", Static)
        draw = Static.render_lines

        def noted(self: Static, crop: Region) -> list[Strip]:
            drawn.append(self)
            return draw(self, crop)

        monkeypatch.setattr(Static, "render_lines", noted)
        note.update("another one", layout=False)
        while note not in front._dirty_widgets:
            await asyncio.sleep(0)
        front.refresh(Region(0, 20, 10, 1))  # as Textual does for a line of the screen behind
        await run.until(lambda: not front._dirty_widgets and not front._repaint_required)
        await run.pilot.pause()
        assert note in drawn


def _shown(lines: Sequence[Strip]) -> list[list[tuple[object, ...]]]:
    return [[(one.text, one.style, one.style and one.style.meta) for one in line] for line in lines]


async def test_a_scrollbar_is_drawn_as_textual_draws_it_and_only_where_it_changed() -> None:
    app, chance = ListApp(), random.Random(7)
    async with running(app, NARROW) as run:
        app.table.show(np.arange(1, _ROWS, dtype=np.int64))
        await run.shows("0000001.png")
        bar = app.table.vertical_scrollbar
        assert isinstance(bar, LineScrollBar)
        refreshed: list[Region] = []
        bar.refresh = lambda *regions, **_: refreshed.extend(regions)  # type: ignore[method-assign,assignment,return-value,misc]
        whole, before = bar.size.region, _shown(bar.render_lines(bar.size.region))
        for _ in range(200):
            refreshed.clear()
            bar.position = chance.choice((chance.randrange(_ROWS), bar.position + 1))
            bar._layout_cache.clear()
            bar._set_dirty()
            after = _shown(bar.render_lines(whole))
            assert after == _shown(ScrollBar.render_lines(bar, whole))
            changed = {y for y, (old, new) in enumerate(zip(before, after, strict=True)) if old != new}
            assert changed <= {y for region in refreshed for y in region.line_range}
            assert not refreshed or changed
            before = after

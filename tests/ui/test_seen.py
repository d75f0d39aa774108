"""What the terminal shows after updates is what the screen would draw whole; and a moved focus updates little."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.segment import Segment
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.screen import Screen
from textual.strip import Strip

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from dtk_tui.ui.textual_drawing import BarredView, LineScrollBar
from tests.helpers.running_app import NARROW, WIDE, Running, library_app

_Cell = tuple[str, str]
_WALK = (
    *("tab", "down", "tab", "pagedown", "shift+tab", "end", "shift+tab", "down", "end", "home", "tab"),
    *("p", "tab", "p", "G", "right", "down", "shift+tab", "tab", "G", "slash", "c", "escape", "escape"),
    *("m", "down", "escape", "question_mark", "pagedown", "escape", "space", "down", "a", "F", "down", "tab", "F"),
    *("q", "down", "escape", "alt+w", "escape", "comma", "tab", "down", "tab", "down", "shift+tab", "escape"),
)


def _cells(segments: list[Segment]) -> list[_Cell]:
    """Return cells, each with its character and its style."""
    found: list[_Cell] = []
    for text, style, _ in segments:
        look = "" if style is None else str(style.without_color) + str((style.color, style.bgcolor))
        for char in text:
            found += [(char, look), *[("", look)] * (Segment(char).cell_length - 1)]
    return found


class Seen:
    """What a terminal shows of the frames that it got.

    Attributes:
        whole: how many frames were of the whole screen.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[list[_Cell]] = []
        self.whole = 0
        display = App._display

        def noted(app: App[None], screen: Screen[object], frame: object) -> None:
            if screen is app.screen and not app._batch_count:
                self._take(frame)
            display(app, screen, frame)  # type: ignore[arg-type]

        monkeypatch.setattr(App, "_display", noted)

    def _take(self, frame: object) -> None:
        if isinstance(frame, LayoutUpdate):
            self.whole += 1
            self.lines = [_cells([segment for strip in line for segment in strip]) for line in frame.strips]
        elif isinstance(frame, ChopsUpdate):
            for y, start, end in frame.spans:
                for x, strip in frame.chops[y].items():
                    if strip is not None and x < end and x + strip.cell_length > start:
                        first, last = max(x, start), min(x + strip.cell_length, end)
                        self.lines[y][first:last] = _cells(list(strip))[first - x : last - x]


def _drawn(run: Running) -> list[list[_Cell]]:
    strips: list[Strip] = run.app.screen._compositor.render_strips()
    return [_cells(list(strip)) for strip in strips]


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_terminal_shows_what_is_drawn(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    seen = Seen(monkeypatch)
    async with library_app(db, config, size) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        for key in _WALK:
            await run.press(key)
            await run.until(lambda: seen.lines == _drawn(run), 20.0)


async def test_a_moved_focus_draws_what_looks_different(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(monkeypatch)
    async with library_app(db, config, WIDE) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        await run.press("tab", "tab", "tab")
        await run.pilot.pause(0.3)
        seen.whole = 0
        for key in ("tab", "tab", "shift+tab"):
            before = run.app.focused
            await run.press(key)
            await run.until(lambda before=before: run.app.focused is not before)  # type: ignore[misc]
            await run.pilot.pause(0.1)
        assert seen.whole == 0


async def test_a_layout_leaves_a_scrollbar_as_it_is(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        await run.pilot.pause(0.3)
        assert isinstance(run.main.table, BarredView) and run.main.table.show_vertical_scrollbar
        drawn: list[LineScrollBar] = []
        refresh = LineScrollBar.refresh

        def noted(bar: LineScrollBar, *regions: object, **options: object) -> LineScrollBar:
            drawn.append(bar)
            return refresh(bar, *regions, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(LineScrollBar, "refresh", noted)
        run.app.screen._clear_arrangement_cache()
        run.app.screen._refresh_layout()
        assert not drawn

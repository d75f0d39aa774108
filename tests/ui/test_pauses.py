"""What the event loop is not held up by: full collections of garbage, and the screen below a dialogue."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.renderables.background_screen import BackgroundScreen
from textual.strip import Strip, StripRenderable
from textual.visual import RenderOptions, RichVisual
from textual.widget import Widget

from dtk_tui.ui import collector
from dtk_tui.ui.collector import is_due, is_old_due
from dtk_tui.ui.textual_compat import HALF_BLOCK
from dtk_tui.ui.textual_drawing import TintedScreen


@pytest.mark.parametrize(
    ("younger", "rest_s", "due"),
    [(3, 60.0, False), (4, 60.0, True), (10, 0.3, False), (49, 0.3, False), (50, 0.3, True), (0, 60.0, False)],
)
def test_a_full_collection_waits_for_a_pause_but_not_for_ever(younger: int, rest_s: float, due: bool) -> None:
    assert is_due(younger, rest_s) is due


@pytest.mark.parametrize(
    ("collections", "rest_s", "due"), [(49, 60.0, False), (50, 60.0, True), (50, 3.0, False), (6000, 3.0, True)]
)
def test_what_is_old_is_looked_at_in_a_long_pause(collections: int, rest_s: float, due: bool) -> None:
    assert is_old_due(collections, rest_s) is due


def test_where_nothing_is_made_garbage_is_looked_for_seldom_until_somebody_types(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, younger = 1000.0, 0
    monkeypatch.setattr(collector, "monotonic", lambda: now)
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, younger))
    collect = collector.IdleCollector()
    now += 60
    assert collect.look() > 2
    assert collect.note_input(), "the next look is far"
    assert collect.look() <= 1
    assert not collect.note_input()
    now += 60
    younger = 1
    assert collect.look() <= 1, "something was made meanwhile"
    assert collect.look() > 2


def test_garbage_that_was_old_goes_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Node:
        pass

    node = Node()
    node.itself = node  # type: ignore[attr-defined]
    gone = weakref.ref(node)
    times = iter(range(0, 100_000, 100))
    monkeypatch.setattr(collector, "monotonic", lambda: float(next(times)))
    monkeypatch.setattr(collector, "is_due", lambda younger, rest_s: True)
    collect = collector.IdleCollector()
    enabled, thresholds = gc.isenabled(), gc.get_threshold()
    gc.disable()
    try:
        collect.look()
        del node
        for _ in range(48):
            collect.look()
        assert gone() is not None, "what outlived one is passed over"
        collect.look()
        assert gone() is None
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        if enabled:
            gc.enable()


def test_what_the_start_imports_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((0.0, 10.0, 14.0, 16.0))
    monkeypatch.setattr(collector, "monotonic", lambda: next(times))
    monkeypatch.setattr(collector, "is_due", lambda younger, rest_s: True)
    collect, collected = collector.IdleCollector(), list[str]()
    thresholds = gc.get_threshold()
    monkeypatch.setattr(gc, "collect", lambda: collected.append("all"))
    try:
        collect.begin()
        collect.look()
        assert not collected
        collect.look()
        assert collected == ["all"]
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


_colors = st.one_of(
    st.none(), st.tuples(*[st.integers(0, 255)] * 3).map(lambda rgb: "#{:02x}{:02x}{:02x}".format(*rgb))
)
_styles = st.builds(
    Style, color=_colors, bgcolor=_colors, bold=st.none() | st.booleans(), link=st.none() | st.just("x")
)
_segments = st.builds(Segment, st.text("ab \u4e00", min_size=1, max_size=2), st.none() | _styles, st.none())
_lines = st.lists(st.lists(_segments, max_size=3), max_size=6)
_tints = st.sampled_from([Color(0, 0, 0, 0.6), Color(200, 10, 90, 0.3), Color(0, 0, 0, 0)])


class _Below(Widget):
    """Stands for a screen: lines that are there."""

    def __init__(self, lines: list[list[Segment]]) -> None:
        super().__init__()
        self._compositor = self
        self.lines = lines

    def render_strips(self) -> list[Strip]:
        return [Strip(line) for line in self.lines]

    def __rich__(self) -> StripRenderable:
        return StripRenderable(self.render_strips())


async def test_what_is_below_a_dialogue_looks_as_textual_draws_it() -> None:
    app = App[None]()
    async with app.run_test(size=(12, 6)):
        base = app.screen.visual_style
        options = RenderOptions(app.screen._get_style, app.screen.styles.get_rules())

        @given(_lines, _tints)
        def compare(lines: list[list[Segment]], color: Color) -> None:
            below: Any = _Below(lines)
            ours = TintedScreen(below, color, is_without_pictures=False).render_strips(12, 6, base, options)
            theirs = RichVisual(app.screen, BackgroundScreen(below, color)).render_strips(12, 6, base, options)
            assert [_cells(strip) for strip in ours] == [_cells(strip) for strip in theirs[: len(ours)]]
            assert not any(strip.text for strip in theirs[len(ours) :])

        compare()


async def test_over_a_slow_link_pictures_are_left_out_below_a_dialogue() -> None:
    app = App[None]()
    async with app.run_test(size=(12, 6)):
        style = app.screen.visual_style
        options = RenderOptions(app.screen._get_style, app.screen.styles.get_rules())
        picture = [Segment(HALF_BLOCK, Style.parse(f"#{n:02x}0000 on #00{n:02x}00")) for n in range(8)]
        below: Any = _Below([[Segment("text", Style.parse("#ffffff on #202020")), *picture]])
        plain, tinted = (
            TintedScreen(below, Color(0, 0, 0, 0.6), is_without_pictures=is_slow).render_strips(12, 1, style, options)[
                0
            ]
            for is_slow in (True, False)
        )
        assert (plain.text, tinted.text) == ("text" + " " * 8, "text" + HALF_BLOCK * 8)
        assert _cells(plain)[:4] == _cells(tinted)[:4]
        assert (len(list(plain)), len(list(tinted))) == (2, 9), "the room of a picture is one piece of text"


def _cells(strip: Strip) -> list[tuple[str, Style | None]]:
    """Return a line character by character."""
    return [(char, segment.style) for segment in strip for char in segment.text]

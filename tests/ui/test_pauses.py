"""What the event loop is not held up by: full collections of garbage, and the screen below a dialogue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.renderables.background_screen import BackgroundScreen

from dtk_tui.ui.collector import is_due
from dtk_tui.ui.textual_compat import TintedScreen


@pytest.mark.parametrize(
    ("younger", "rest_s", "due"),
    [(9, 60.0, False), (10, 60.0, True), (10, 0.3, False), (299, 0.3, False), (300, 0.3, True), (0, 60.0, False)],
)
def test_a_full_collection_waits_for_a_pause_but_not_for_ever(younger: int, rest_s: float, due: bool) -> None:
    assert is_due(younger, rest_s) is due


_colors = st.one_of(
    st.none(), st.tuples(*[st.integers(0, 255)] * 3).map(lambda rgb: "#{:02x}{:02x}{:02x}".format(*rgb))
)
_styles = st.builds(
    Style, color=_colors, bgcolor=_colors, bold=st.none() | st.booleans(), link=st.none() | st.just("x")
)
_segments = st.lists(st.builds(Segment, st.text(max_size=3), st.none() | _styles), max_size=8)


@given(_segments, st.sampled_from([Color(0, 0, 0, 0.6), Color(200, 10, 90, 0.3), Color(0, 0, 0, 0)]))
def test_what_is_below_a_dialogue_looks_as_textual_draws_it(segments: list[Segment], color: Color) -> None:
    ours = list(TintedScreen.process_segments(segments, color))
    theirs = list(BackgroundScreen.process_segments(segments, color))
    assert [(one.text, one.style, one.control) for one in ours] == [
        (one.text, one.style, one.control) for one in theirs
    ]

"""Lines that begin with blanks go on below their first letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from dtk_tui.ui.hung_text import hung


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("  one two three four five six seven", 24, "  one two three four\n  five six seven"),
        ("no blanks: left as it is, whatever its length", 24, "no blanks: left as it is, whatever its length"),
        ("  short", 24, "  short"),
        ("a\n\n  b", 24, "a\n\n  b"),
        ("      too narrow for words below it", 20, "      too narrow for words below it"),
        ("", 24, ""),
    ],
)
def test_what_does_not_fit(text: str, width: int, expected: str) -> None:
    assert "\n".join(line.rstrip() for line in hung(Content(text), width).plain.split("\n")) == expected


@given(st.text("ab \n\u4e00", max_size=200), st.integers(21, 60))
def test_nothing_is_lost_and_lines_fit(text: str, width: int) -> None:
    broken = hung(Content(text), width)
    assert "".join(broken.plain.split()) == "".join(text.split())
    for line in broken.plain.split("\n"):
        words = line.lstrip(" ")
        if words and line != words and width - (len(line) - len(words)) >= 20:
            assert cell_len(line.rstrip()) <= width


def test_styles_stay() -> None:
    broken = hung(Content("  one two ") + Content.styled("three four five six seven", "bold"), 24)
    bold = [broken.plain[span.start : span.end] for span in broken.spans if span.style == "bold"]
    assert " ".join(" ".join(bold).split()) == "three four five six seven"

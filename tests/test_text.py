"""Untrusted text is safe to show."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.text import cell_width, counted, display, one_line

_ANY = st.text(st.characters(codec=None))


@given(_ANY)
def test_nothing_that_a_terminal_acts_on_is_left(text: str) -> None:
    for shown in (display(text), one_line(text)):
        left = {c for c in shown if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"}
        assert not left
        assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
        shown.encode()


@given(_ANY, st.integers(1, 50))
def test_one_line_is_one_short_line(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit and "\n" not in line and "\t" not in line


def test_what_was_hidden_is_seen() -> None:
    assert display("\x1b[31mred\x07") == "\u241b[31mred\u2407"
    assert one_line("a\r\nb\tc  d") == "a b c d"
    assert one_line("x" * 20, 10) == "x" * 9 + "\u2026"


def test_wide_characters_take_two_cells() -> None:
    assert cell_width("ab") == 2
    assert cell_width("\u5b87\u5b99") == 4
    assert cell_width("e\u0301") == 1


def test_a_count_is_written_as_people_say_it() -> None:
    assert counted(1, "image") == "1 image" and counted(0, "image") == "0 images"
    assert counted(2000, "job is", "jobs are") == "2,000 jobs are"

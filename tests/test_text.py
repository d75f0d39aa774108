"""Untrusted text is safe to show."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.text import cell_width, counted, cut, display, duration, file_size, one_line

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


def test_a_time_span_is_told_in_its_two_largest_units() -> None:
    spans = {0.4: "0s", 59.6: "1m 00s", 65: "1m 05s", 250: "4m 10s", 3_900: "1h 05m", 90_000: "1d 1h", -3: "0s"}
    assert {seconds: duration(seconds) for seconds in spans} == spans
    assert duration(None) == "-"


def test_a_size_has_a_decimal_unit() -> None:
    sizes = {0: "0 B", 999: "999 B", 1_000: "1.0 kB", 1_550_000: "1.6 MB", 3 * 10**9: "3.0 GB", 2 * 10**15: "2000.0 TB"}
    assert {count: file_size(count) for count in sizes} == sizes


def test_what_is_cut_fits_and_keeps_the_end_that_tells_most() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 4) == "abc\u2026"
    assert cut("/a/b/name.png", 9, keep_end=True) == "\u2026name.png"
    assert cut("\u5b87\u5b99\u5b87", 4) == "\u5b87\u2026"


@given(_ANY, st.integers(1, 30), st.booleans())
def test_what_is_cut_takes_no_more_cells_than_there_are(text: str, width: int, keep_end: bool) -> None:
    assert cell_width(cut(text, width, keep_end=keep_end)) <= width

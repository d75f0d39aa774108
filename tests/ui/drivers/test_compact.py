"""What is written to the terminal is shorter than what was drawn, and shows the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style

from dtk_tui.ui.drivers.compact import compact

_TOKEN = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|\x1b[^\[]|(.)", re.S)
_COLORS = ("default", "red", "bright_blue", "color(28)", "#87afd7", "#1c1c1c", "#005f87")
_FLAGS = ("bold", "dim", "italic", "underline", "reverse", "strike", "overline", "underline2")

_Shown = list[tuple[str, tuple[str, ...]]]


def _shown(written: str) -> tuple[_Shown, tuple[str, ...]]:
    """Return every sign and move with the look it has, and the look that is left: as a terminal keeps it."""
    look: dict[str, str] = {}
    shown: _Shown = []
    for parameters, kind, sign in _TOKEN.findall(written):
        if kind == "m":
            codes = [int(code or 0) for code in parameters.split(";")]
            while codes:
                code = codes.pop(0)
                if code == 0:
                    look = {}
                elif code in (38, 48):
                    count = 1 if codes[0] == 5 else 3
                    look[str(code)] = str(codes[: count + 1])
                    del codes[: count + 1]
                elif code in (39, 49):
                    look.pop(str(code - 1), None)
                elif 30 <= code <= 37 or 90 <= code <= 97:
                    look["38"] = str(code)
                elif 40 <= code <= 47 or 100 <= code <= 107:
                    look["48"] = str(code)
                else:
                    look[f"is {code}"] = "on"
        elif kind:
            shown.append((f"{parameters}{kind}", ()))
        elif sign:
            shown.append((sign, () if sign in "\r\n" else _items(look)))
    return shown, _items(look)


def _items(look: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{key}={value}" for key, value in sorted(look.items()))


@st.composite
def _styles(draw: st.DrawFn) -> Style:
    flags = draw(st.lists(st.sampled_from(_FLAGS), max_size=2, unique=True))
    return Style(
        color=draw(st.none() | st.sampled_from(_COLORS)),
        bgcolor=draw(st.none() | st.sampled_from(_COLORS)),
        **dict.fromkeys(flags, True),
    )


_PIECES = st.one_of(
    st.tuples(
        _styles(), st.sampled_from(["a", "some words ", " ", "▀", "▀", "宽", "\x1b]8;;x\x1b\\link\x1b]8;;\x1b\\"])
    ).map(lambda piece: piece[0].render(piece[1], color_system=ColorSystem.TRUECOLOR)),
    st.sampled_from(["\x1b[8;25H", "\r\n", "plain", "\x1b[2J", "\x1b[K", ""]),
)


@given(st.lists(_PIECES, max_size=30).map("".join))
@example(Style(color="#87afd7", bgcolor="#1c1c1c").render("▀", color_system=ColorSystem.TRUECOLOR) * 5 + "after it")
@example(Style(bgcolor="red").render("x") + "\x1b[2J" + Style(bgcolor="red").render("y"))
def test_it_shows_the_same(drawn: str) -> None:
    short = compact(drawn)
    assert _shown(short) == _shown(drawn)
    assert len(short) <= len(drawn)


def test_what_erases_does_so_in_its_own_style() -> None:
    red = Style(bgcolor="red").render("x")
    assert compact(f"{red}\x1b[2J{red}") == f"{red}\x1b[2J{red}"


@pytest.mark.parametrize(
    "drawn", ["\x1b[1mleft bold", "\x1b[58;2;1;2;3munder a colour\x1b[0m", "\x1b[38;2;1mcut short\x1b[0m"]
)
def test_what_is_not_known_stays_as_it_is(drawn: str) -> None:
    assert compact(drawn) == drawn


def test_a_row_of_a_table_takes_little_more_than_its_colours() -> None:
    grey, blue = Style(color="#d0d0d0", bgcolor="#1c1c1c"), Style(color="#87afd7", bgcolor="#1c1c1c")
    cells = [(blue, "· "), (grey, "00001.png "), (grey, "1024 "), (blue, "5 "), (blue, "  ")]
    drawn = "".join(style.render(text, color_system=ColorSystem.TRUECOLOR) for style, text in cells)
    assert compact(drawn) == (
        "\x1b[38;2;135;175;215;48;2;28;28;28m· \x1b[38;2;208;208;208m00001.png 1024 \x1b[38;2;135;175;215m5   \x1b[0m"
    )
    assert len(compact(drawn)) < len(drawn) / 2

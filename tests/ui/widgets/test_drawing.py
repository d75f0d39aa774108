"""A drawing that is given up frees what it holds, whenever that is."""

from __future__ import annotations

import pytest

from dtk_tui.ui.widgets.drawing import Drawing, GivenUpError


def test_what_is_wanted_is_handed_over() -> None:
    freed: list[str] = []
    drawing = Drawing[str](freed.append)
    drawing.check()
    assert drawing.finish("picture") == "picture"
    assert not freed


def test_what_is_done_after_it_was_given_up_is_freed() -> None:
    freed: list[str] = []
    drawing = Drawing[str](freed.append)
    drawing.give_up()
    with pytest.raises(GivenUpError):
        drawing.check()
    with pytest.raises(GivenUpError):
        drawing.finish("picture")
    assert freed == ["picture"]


def test_what_was_done_before_it_was_given_up_is_freed_once() -> None:
    freed: list[str] = []
    drawing = Drawing[str](freed.append)
    drawing.finish("picture")
    drawing.give_up()
    drawing.give_up()
    assert freed == ["picture"]

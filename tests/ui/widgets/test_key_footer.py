"""The line of keys shows those that work now, and is made anew only for others."""

from __future__ import annotations

from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from dtk_tui.ui.widgets.key_footer import KeyFooter


class _Pane(Widget, can_focus=True):
    BINDINGS: ClassVar = [Binding("a", "all", "All")]


class _Other(Widget, can_focus=True):
    BINDINGS: ClassVar = [Binding("b", "best", "Best")]


class _Panes(App[None]):
    def compose(self) -> ComposeResult:
        yield _Pane(id="one")
        yield _Pane(id="two")
        yield _Other(id="three")
        yield KeyFooter()


async def test_keys_are_made_anew_only_where_they_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    recompose = Footer.recompose

    async def counted(footer: Footer) -> None:
        nonlocal made
        made += 1
        await recompose(footer)

    monkeypatch.setattr(Footer, "recompose", counted)
    async with _Panes().run_test() as pilot:

        async def keys_at(pane: str) -> list[str]:
            pilot.app.query_one(f"#{pane}").focus()
            await pilot.pause()
            await pilot.pause()
            return [key.description for key in pilot.app.query(FooterKey)]

        assert await keys_at("one") == ["All"]
        before = made
        assert await keys_at("two") == ["All"]
        assert made == before
        assert await keys_at("three") == ["Best"]
        assert made == before + 1
        assert await keys_at("one") == ["All"]


class _Many(App[None]):
    BINDINGS: ClassVar = [
        *(Binding(key, f"do('{key}')", f"Work of {key}") for key in "abcdefgh"),
        Binding("escape", "leave", "Back", key_display="Esc"),
        Binding("ctrl+s", "save", "Save"),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]

    def compose(self) -> ComposeResult:
        yield KeyFooter()


@pytest.mark.parametrize(("width", "shown"), [(30, "a"), (80, "abcd"), (93, "abcde"), (200, "abcdefgh")])
async def test_what_does_not_fit_is_left_out_whole_but_never_how_to_leave_or_the_help(width: int, shown: str) -> None:
    async with _Many().run_test(size=(120, 10)) as pilot:
        await pilot.pause()
        await pilot.resize_terminal(width, 10)
        await pilot.pause()
        await pilot.pause()
        await pilot.pause()
        keys = [key for key in pilot.app.query(FooterKey) if key.description not in ("Back", "Help", "Save")]
        told = [key.description for key in pilot.app.query(FooterKey)]
        assert told[-1] == "Help" and "Back" in told
        assert "".join(key.key_display for key in keys) == shown
        assert all(key.region.right <= width for key in pilot.app.query(FooterKey))

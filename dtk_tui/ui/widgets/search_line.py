"""The search line at the bottom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from dtk_tui.errors import DtkError
from dtk_tui.ui.format import line
from dtk_tui.ui.widgets.safe_input import SafeInput
from dtk_tui.ui.widgets.status import Line

_COLUMN = re.compile(r"column (\d+)")


class QueryInput(SafeInput):
    """The line itself, with a history."""

    BINDING_GROUP_TITLE = "Search line"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "older", "Older", key_display="\u2191", id="search.older"),
        Binding("down", "newer", "A newer query", show=False, id="search.newer"),
        Binding("escape", "leave", "Back to the folder", key_display="Esc", id="search.leave"),
    ]

    class Left(Message):
        """A person has done with searching."""

    def __init__(self, *, id: str | None = None) -> None:
        hint = 'press / to search: words, "a phrase", -not, tag:, model:, like:, about:\u2026'
        super().__init__(placeholder=hint, compact=True, id=id, select_on_focus=False)
        self.can_focus = False
        self._history: list[str] = []
        self._place = 0

    def on_blur(self) -> None:
        """Stay out of the way of Tab until a person searches again."""
        self.can_focus = False

    def remember(self, query: str) -> None:
        """Keep a query for the history, the newest last, each once."""
        self._history = [*(old for old in self._history if old != query), query][-200:]
        self._place = len(self._history)

    def action_older(self) -> None:
        """Step back in the history."""
        self._recall(self._place - 1)

    def action_newer(self) -> None:
        """Step forward in the history; after the newest the line is empty."""
        self._recall(self._place + 1)

    def _recall(self, place: int) -> None:
        if self._history:
            self._place = max(0, min(place, len(self._history)))
            self.value = self._history[self._place] if self._place < len(self._history) else ""
            self.action_end()

    def action_leave(self) -> None:
        """Stop searching."""
        self.post_message(self.Left())


class SearchLine(Vertical):
    """A prompt, the line, and above it what is wrong with the query, or to be known about its results."""

    class Asked(Message):
        """Enter was pressed; an empty query asks for the folder again."""

        def __init__(self, query: str) -> None:
            super().__init__()
            self.query_text = query

    def compose(self) -> ComposeResult:
        """The fault first, hidden while there is none."""
        yield Line(id="search-fault")
        with Horizontal():
            yield Line(id="search-sign")
            yield QueryInput(id="search-input")

    def on_mount(self) -> None:
        """Draw the sign."""
        self.query_one("#search-sign", Line).show(line("/", "bold $accent"))
        self.query_one("#search-fault", Line).display = False

    def start(self) -> None:
        """Let a person type."""
        query = self.query_one(QueryInput)
        query.can_focus = True
        query.focus()

    def on_click(self) -> None:
        """A click does the same as the key."""
        self.start()

    def clear(self) -> None:
        """Empty the line."""
        self.query_one(QueryInput).value = ""
        self.show_fault(None)

    def ask(self, query: str) -> None:
        """Ask a query as if it was typed."""
        typed = self.query_one(QueryInput)
        typed.value = query
        typed.remember(query)
        self.post_message(self.Asked(query))

    def is_typing(self, query: str) -> bool:
        """Return whether a person is at another query by now than this one."""
        typed = self.query_one(QueryInput)
        return typed.has_focus and typed.value.strip() != query

    def show_fault(self, error: DtkError | None) -> None:
        """Say what is wrong with the query and put the cursor there; None takes it away."""
        fault = self.query_one("#search-fault", Line)
        fault.display = error is not None
        if error is None:
            return
        fault.show(line(error.title, "$error", 400))
        where = _COLUMN.search(error.title)
        query = self.query_one(QueryInput)
        self.start()
        if where is not None:
            query.cursor_position = min(int(where.group(1)) - 1, len(query.value))

    def show_notes(self, notes: Sequence[str]) -> None:
        """Say what a person should know about the results, in the place of a fault."""
        fault = self.query_one("#search-fault", Line)
        fault.display = bool(notes)
        fault.show(line(" ".join(notes), "$muted", 400))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask, and remember the query."""
        event.stop()
        if query := event.value.strip():
            self.ask(query)
        else:
            self.post_message(self.Asked(""))

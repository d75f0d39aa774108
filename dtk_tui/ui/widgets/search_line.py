"""The search line at the bottom."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from dtk_tui.domain.query.candidates import Completion
from dtk_tui.errors import DtkError
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.text import display
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.format import line
from dtk_tui.ui.widgets.completions import Completions
from dtk_tui.ui.widgets.safe_input import SafeInput
from dtk_tui.ui.widgets.status import Line

_COLUMN = re.compile(r"Query, column (\d+)")
#: Whoever types goes on for so long before candidates are looked for.
_REST_S = 0.12
_KEPT = 500


class QueryInput(SafeInput):
    """The line itself, with a history and completion."""

    BINDING_GROUP_TITLE = "Search line"
    ABOUT: ClassVar[str] = (
        "Words and conditions; what may follow is offered while you type, and what is not understood is told below."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "older", "Older", key_display="\u2191", id="search.older"),
        Binding("down", "newer", "A newer query", show=False, id="search.newer"),
        Binding("tab", "complete(1)", "Complete", key_display="Tab", id="search.complete"),
        Binding("shift+tab", "complete(-1)", "The completion before", show=False, id="search.complete_back"),
        Binding("escape", "leave", "Back to the folder", key_display="Esc", id="search.leave"),
    ]

    class Left(Message):
        """A person has done with searching."""

    class Offered(Message):
        """There are candidates for what is typed, of which the one called ``taken`` stands in the line."""

        def __init__(self, completion: Completion | None, taken: int | None = None) -> None:
            super().__init__()
            self.completion = completion
            self.taken = taken

    def __init__(self, library: LibraryBrowser, *, id: str | None = None) -> None:
        hint = 'press / to search: words, "a phrase", -not, tag:, model:, like:, about:\u2026'
        super().__init__(placeholder=hint, compact=True, id=id, select_on_focus=False)
        self.can_focus = False
        self._library = library
        self._history: list[str] = []
        self._place = 0
        self._taken: int | None = None
        self._completion: Completion | None = None
        #: The line that has no candidates but those that are shown: it was put there, not typed.
        self._put: str | None = ""

    @task("history")
    async def load_history(self) -> None:
        """Fetch the queries that were asked."""
        with suppress(DtkError):  # without a database there is more to be told than this
            stored = await in_thread(self._library.asked_queries)
            older = [old for old in stored if old not in self._history]
            self._history = [*older, *self._history]
            self._place += len(older)

    def on_blur(self) -> None:
        """Stay out of the way of Tab until a person searches again."""
        self.can_focus = False
        self.forget_completion()

    def put(self, query: str) -> None:
        """Put a query into the line, safe to show, the cursor behind it."""
        self._put = self.value = display(query).replace("\n", " ").replace("\t", " ")
        self.forget_completion()
        self.action_end()

    # -- history ------------------------------------------------------------------------------------------------------

    @property
    def history(self) -> list[str]:
        """The queries that were asked, the newest last."""
        return list(self._history)

    def remember(self, query: str) -> None:
        """Keep a query for the history, the newest last, each once."""
        self._history = [*(old for old in self._history if old != query), query][-_KEPT:]
        self._place = len(self._history)
        self._note(query)

    @task("note", exclusive=False)
    async def _note(self, query: str) -> None:
        with suppress(DtkError):
            await in_thread(self._library.note_query, query)

    def action_older(self) -> None:
        """Step back in the history."""
        self._recall(self._place - 1)

    def action_newer(self) -> None:
        """Step forward in the history; after the newest the line is empty."""
        self._recall(self._place + 1)

    def _recall(self, place: int) -> None:
        if self._history:
            self._place = max(0, min(place, len(self._history)))
            self.put(self._history[self._place] if self._place < len(self._history) else "")

    # -- completion ---------------------------------------------------------------------------------------------------

    def forget_completion(self) -> None:
        """Offer nothing until somebody types again."""
        self._completion = self._taken = None
        self.post_message(self.Offered(None))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for candidates for what was typed, soon."""
        if event.value == self.value != self._put:
            cursor, shown = self.cursor_position, self._completion
            self._put = self._completion = self._taken = None
            if shown is not None:
                # Until others are found, those that still fit stay.
                typed = event.value[shown.start : cursor].lower().strip('"')
                fitting = tuple(one for one in shown.candidates if typed in one.text.lower())
                self.post_message(self.Offered(Completion(shown.start, cursor, fitting)))
            self._offer(event.value, cursor)

    @task("completion")
    async def _offer(self, value: str, cursor: int) -> None:
        await asyncio.sleep(_REST_S)
        found = await in_thread(self._library.complete_query, value, cursor)
        if self.has_focus and (self.value, self.cursor_position) == (value, cursor) and self._put is None:
            self._completion = found
            self.post_message(self.Offered(found))

    async def action_complete(self, step: int) -> None:
        """Put the first candidate in place of what is typed, or the next one in place of the last."""
        found = self._completion
        if found is None:
            found = await in_thread(self._library.complete_query, self.value, self.cursor_position)
        if not found.candidates:
            return
        count = len(found.candidates)
        taken = (0 if step > 0 else count - 1) if self._taken is None else (self._taken + step) % count
        text = found.candidates[taken].text
        self._put = self.value[: found.start] + text + self.value[found.end :]
        self.value = self._put
        self.cursor_position = found.start + len(text)
        # What was put in is what the next candidate takes the place of.
        self._completion, self._taken = Completion(found.start, self.cursor_position, found.candidates), taken
        self.post_message(self.Offered(self._completion, taken))

    def action_leave(self) -> None:
        """Stop searching."""
        self.post_message(self.Left())


class SearchLine(Vertical):
    """A prompt, the line, above it what may stand there, and what is wrong or to be known of its results."""

    class Asked(Message):
        """Enter was pressed; an empty query asks for the folder again."""

        def __init__(self, query: str) -> None:
            super().__init__()
            self.query_text = query

    def __init__(self, library: LibraryBrowser, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._library = library

    def compose(self) -> ComposeResult:
        """The fault and the candidates first, hidden while there are none."""
        yield Line(id="search-fault")
        yield Completions(id="search-candidates")
        with Horizontal():
            yield Line(id="search-sign")
            yield QueryInput(self._library, id="search-input")

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

    @property
    def text(self) -> str:
        """What stands in the line."""
        return self.query_one(QueryInput).value.strip()

    def clear(self) -> None:
        """Empty the line."""
        self.query_one(QueryInput).put("")
        self.show_fault(None)

    def ask(self, query: str) -> None:
        """Ask a query as if it had been typed."""
        typed = self.query_one(QueryInput)
        typed.put(query)
        if query:
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
        where = _COLUMN.match(error.title)
        query = self.query_one(QueryInput)
        self.start()
        if where is not None:
            query.cursor_position = min(int(where.group(1)) - 1, len(query.value))

    def on_query_input_offered(self, event: QueryInput.Offered) -> None:
        """Show the candidates."""
        event.stop()
        self.query_one(Completions).show(event.completion, event.taken)

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

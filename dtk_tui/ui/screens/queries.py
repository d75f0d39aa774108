"""Queries to choose from: saved ones, and those that were asked before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from dtk_tui.domain.query.saved import SavedQuery
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.library.queries import saved_queries
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.dialogs import Choices, Confirm, Dialog, ErrorDialog, InputDialog, MenuList
from dtk_tui.ui.format import line, name_words
from dtk_tui.ui.widgets.safe_input import SafeInput
from dtk_tui.ui.widgets.tables.cursor_list import fit

#: So many are listed; typing finds the others.
_LISTED = 200
_NAME = 24
_CHOICES = (
    ("Enter", "Ask", "screen.ask"),
    ("F2", "Save", "screen.save"),
    ("F4", "Pin", "screen.pin"),
    ("F8", "Delete", "screen.delete"),
    ("Esc", "Close", "screen.leave"),
)
_NOTHING = "Nothing yet: what you search for is kept here."
_NO_SUCH = "No query has these words."
_NOT_SAVED = "This query is not saved yet: F2 saves it under a name."


@dataclass(frozen=True, slots=True)
class _Listed:
    """A query in the list: a saved one, or one that was only asked."""

    line: str | None
    saved: SavedQuery | None = None

    @property
    def searched(self) -> str:
        """What typing is compared with."""
        return f"{self.saved.name if self.saved else ''} {self.line or ''}".lower()

    @property
    def row(self) -> Content:
        """What the list shows."""
        if self.saved is None:
            return Content.assemble("  ", (" " * _NAME, ""), "  ", one_line(self.line or "", 300))
        sign = ("\u2605 ", "$warning") if self.saved.is_pinned else ("  ", "")
        name = (fit(name_words(self.saved.name, 100), _NAME), "bold")
        said = one_line(self.line, 300) if self.line is not None else f"not translated: {one_line(self.why, 200)}"
        return Content.assemble(sign, name, "  ", (said, "" if self.line is not None else "$muted"))

    @property
    def why(self) -> str:
        """Why it cannot be asked."""
        return (self.saved.problem if self.saved else None) or "unknown"


class QueriesScreen(Dialog[str]):
    """Lists saved queries, the pinned ones first, and then those that were asked; its result is the chosen line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("f2", "save", "Save", show=False),
        Binding("f4", "pin", "Pin", show=False),
        Binding("f8", "delete", "Delete", show=False),
    ]

    def __init__(self, library: LibraryBrowser, typed: str) -> None:
        super().__init__("Queries: saved ones, and those that were asked")
        self._library = library
        self._typed = typed
        self._all: list[_Listed] = []
        self._shown: list[_Listed] = []

    def body(self) -> ComposeResult:
        """A line to find one, the list, and what can be done."""
        yield SafeInput(placeholder="find a query", compact=True, select_on_focus=False)
        yield MenuList(markup=False, compact=True)
        yield Choices(*_CHOICES)

    def on_mount(self) -> None:
        """Fetch them."""
        self.query_one(MenuList).can_focus = False
        self._load()

    @task("queries")
    async def _load(self) -> None:
        saved = await in_thread(saved_queries.saved, self._library.db)
        asked = await in_thread(self._library.asked_queries)
        known = {one.line for one in saved}
        lines = [text for text in dict.fromkeys([self._typed, *reversed(asked)]) if text and text not in known]
        self._all = [_Listed(one.line, one) for one in saved] + [_Listed(text) for text in lines]
        self._show(self.query_one(MenuList).highlighted or 0)

    def _show(self, at: int = 0) -> None:
        words = self.query_one(SafeInput).value.lower().split()
        self._shown = [one for one in self._all if all(word in one.searched for word in words)][:_LISTED]
        menu = self.query_one(MenuList)
        menu.clear_options()
        if self._shown:
            menu.add_options([Option(one.row) for one in self._shown])
            menu.highlighted = min(at, len(self._shown) - 1)
        else:
            menu.add_option(Option(line(_NO_SUCH if self._all else _NOTHING, "$muted"), disabled=True))

    @on(Input.Changed)
    def _find(self) -> None:
        self._show()

    @property
    def _current(self) -> _Listed | None:
        at = self.query_one(MenuList).highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    def action_move(self, step: int) -> None:
        """Move in the list."""
        menu = self.query_one(MenuList)
        if self._shown:
            menu.highlighted = max(0, min((menu.highlighted or 0) + step, len(self._shown) - 1))

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def action_ask(self) -> None:
        """Ask the chosen query."""
        one = self._current
        if one is not None and one.line is not None:
            self.dismiss(one.line)
        elif one is not None:
            self.app.push_screen(ErrorDialog(DtkError("This query of Diffusion Toolkit was not translated.", one.why)))

    def _say(self, words: str) -> None:
        self.notify(one_line(words, 300), markup=False, timeout=6)

    # -- saved ones ---------------------------------------------------------------------------------------------------

    def action_save(self) -> None:
        """Save the query under the cursor under a name."""
        one = self._current
        if one is not None and one.line is not None:
            text, name = one.line, one.saved.name if one.saved else ""
            ask = InputDialog("Save this query", f"a name for  {one_line(text, 200)}", value=one_line(name, 200))

            def named(given: str | None) -> None:
                if given:
                    self._save(given, text)

            self.app.push_screen(ask, named)
        else:
            self._say(one.why if one is not None else _NO_SUCH if self._all else _NOTHING)

    @task("save", asked=True)
    async def _save(self, name: str, text: str, *, replace: bool = False) -> None:
        if not replace and any(one.saved and one.saved.name == name and one.line != text for one in self._all):
            question = Confirm("Replace the saved query?", f"{name} asks something else now.", "Replace it")

            def answered(yes: bool | None) -> None:
                if yes:
                    self._save(name, text, replace=True)

            self.app.push_screen(question, answered)
            return
        try:
            await in_thread(saved_queries.save, self._library.db, name, text, replace=True)
        except UsageError as error:
            self.app.push_screen(ErrorDialog(error))
        self._load()

    @task("save", asked=True)
    async def action_pin(self) -> None:
        """Put a saved query at the head of the list, or back."""
        one = self._current
        if one is not None and one.saved is not None:
            await in_thread(saved_queries.pin, self._library.db, one.saved.name, pinned=not one.saved.is_pinned)
            self._load()
        else:
            self._say(_NOT_SAVED)

    def action_delete(self) -> None:
        """Delete a saved query, after a question."""
        one = self._current
        if one is not None and one.saved is not None:
            name = one.saved.name
            question = Confirm("Delete the saved query?", f"{name}\n{one.line or one.why}", "Delete it")

            def answered(yes: bool | None) -> None:
                if yes:
                    self._delete(name)

            self.app.push_screen(question, answered)
        else:
            self._say("Only saved queries are deleted here; what was only asked goes by itself." if one else _NOTHING)

    @task("save", asked=True)
    async def _delete(self, name: str) -> None:
        await in_thread(saved_queries.delete, self._library.db, name)
        self._load()

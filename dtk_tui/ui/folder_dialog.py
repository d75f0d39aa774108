"""Finding a folder of the library by words of its path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from dtk_tui.domain.library import FolderRow
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.dialogs import Dialog
from dtk_tui.ui.widgets.safe_input import SafeInput
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList, fit

#: What is typed must rest for so long before folders are looked for.
_REST_S = 0.1
_LONGEST_PATH = 500
_COUNT = 9


class FolderList(CursorList):
    """Folders by name, with their places and how many images are directly in them."""

    def __init__(self) -> None:
        super().__init__(id="found-folders")
        self.can_focus = False
        self.rows: Sequence[FolderRow] = ()

    @property
    def count(self) -> int:
        """How many folders there are."""
        return len(self.rows)

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw a folder: its name, its images, what it lies in from the nearest on."""
        found = self.rows[row]
        name = one_line(found.name, _LONGEST_PATH)
        place = one_line(found.path[: -len(found.name)], _LONGEST_PATH) if found.path.endswith(found.name) else ""
        left = max(0, width - _COUNT - 1)
        shown = fit(name, min(left, max(20, left // 2)))
        room = max(0, left - len(shown) - 1)
        cut = place if len(place) <= room else "\u2026" + place[len(place) - max(0, room - 1) :]
        count = f"{found.images:,}" if found.images else ""
        return [(shown, ""), (" " + fit(cut, room), "list--dim"), (fit(count, _COUNT, right=True) + " ", "list--dim")]


class FolderFinder(Dialog[FolderRow]):
    """Asks for words of a path and lists the folders that have all of them; its result is the chosen one.

    Args:
        find: returns the folders that have all words of a line, the best first, and blocks.
        most: so many it returns where there are more.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", "page(-1)", "A page up", show=False, priority=True),
        Binding("pagedown", "page(1)", "A page down", show=False, priority=True),
    ]

    def __init__(self, find: Callable[[str], Sequence[FolderRow]], most: int) -> None:
        super().__init__("Go to a folder")
        self._find = find
        self._most = most
        self._found_for: str | None = None
        self._is_chosen = False

    def body(self) -> ComposeResult:
        """The line, the folders, and how many they are."""
        yield SafeInput(placeholder="words of its path", compact=True)
        yield FolderList()
        yield Line(classes="choices")

    def on_mount(self) -> None:
        """List the first folders."""
        self._look()

    @property
    def _list(self) -> FolderList:
        return self.query_one(FolderList)

    @on(Input.Changed)
    def _typed(self) -> None:
        self._is_chosen = False
        self._look(_REST_S)

    @task("find folders")
    async def _look(self, rest_s: float = 0.0) -> None:
        await asyncio.sleep(rest_s)
        words = self.query_one(SafeInput).value
        rows = await in_thread(self._find, words)
        self._list.rows = rows
        self._found_for = words
        self._list.say_empty("No folder has all of these words." if words.split() else "The library has no folders.")
        self._list.count_changed()
        more = "the first " if len(rows) >= self._most else ""
        said = f"{more}{counted(len(rows), 'folder')}   " if rows else ""
        self.query_one(Line).show(Content(f"{said}Enter goes there, Esc leaves"))
        if self._is_chosen:
            self._is_chosen = False
            self._chosen()

    @on(Input.Submitted)
    @on(CursorList.Chosen)
    def _chosen(self) -> None:
        rows = self._list.rows
        if self.query_one(SafeInput).value != self._found_for:
            self._is_chosen = True  # of what is typed, when that is found
        elif rows:
            self.dismiss(rows[self._list.cursor])

    def action_move(self, step: int) -> None:
        """Move the cursor of the list."""
        self._list.action_cursor_by(step)

    def action_page(self, step: int) -> None:
        """Move the cursor of the list by a page."""
        self._list.action_cursor_page(step)

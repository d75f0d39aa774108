"""The tree of folders, with badges of queued jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from dtk_tui.domain.library import Badge, Badges, FolderRow, FolderRows
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.format import short_count
from dtk_tui.ui.refresh_policy import CostlyLook
from dtk_tui.ui.widgets.folder_lines import EVERYTHING, FolderLines, places_of
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList, fit

#: What a folder's rule leaves to its name at least, in terminal cells.
_NAME = 10


def _rule_words(row: FolderRow) -> str:
    words = ["excluded"] if row.excluded else []
    words += ["archived"] if row.archived else []
    words += [] if row.recursive else ["alone"]
    return f" {', '.join(words)} " if words else ""


class FolderTree(CursorList):
    """Folders of the library; children are fetched when a folder is opened.

    ``fetch`` is called in a thread with a folder id, or None for the roots, and so is ``fetch_badges``. Only visible
    lines are made and drawn, so twenty thousand folders side by side cost no more than twenty; new badges repaint only
    the lines whose badge changed.
    """

    BINDING_GROUP_TITLE = "Folders"
    ABOUT: ClassVar[str] = (
        "The folders of the library; the images of the one under the cursor stand beside. Keys for work act "
        "on the folder, capitals with its subfolders."
    )
    HELP: ClassVar[str] = "The number is how many jobs wait in a folder and all below it; ! marks jobs with priority."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "expand", "Open the folder", show=False, id="folders.expand"),
        Binding("left,h", "collapse", "Close the folder, or go to its parent", show=False, id="folders.collapse"),
    ]

    def __init__(
        self, fetch: Callable[[int | None], FolderRows], fetch_badges: Callable[[], Badges], *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._fetch = fetch
        self._fetch_badges = fetch_badges
        self._badge_look = CostlyLook()
        self._lines = FolderLines()
        self._opened: set[int] = set()
        self._badges = Badges()
        self._everything: Badge | None = None
        self._sought: int | None = None

    @property
    def count(self) -> int:
        """How many lines there are."""
        return self._lines.count

    @property
    def folder(self) -> FolderRow | None:
        """The folder under the cursor, None for the line that stands for all images."""
        return self._lines.row(self.cursor)

    @property
    def has_folders(self) -> bool:
        """Whether the library has any."""
        return bool(self._lines.roots)

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw a folder with its badge at the right: how many jobs are queued, with a mark where some are urgent."""
        folder, badge = self._lines.row(row), self._badge(row)
        number, name = ("", "")
        if badge is not None and badge.urgent:
            number, name = f"!{short_count(badge.pending)}", "list--urgent"
        elif badge is not None and badge.pending:
            number, name = short_count(badge.pending), "list--accent"
        room = max(0, width - len(number) - 1)
        if folder is None:
            return [(fit(" All images", room), ""), (f"{number} ", name)]
        arrow = ("\u25be" if self._lines.is_open(row) else "\u25b8") if folder.has_children else " "
        label = f"{' ' * min(self._lines.depth(row) * 2, room // 2)} {arrow} {one_line(folder.name, 200)}"
        words = _rule_words(folder)
        dim = "list--dim" if folder.unavailable or folder.error or words else ""
        words = words[: max(0, room - _NAME)]
        return [(fit(label, room - len(words)), dim), (words, "list--dim"), (f"{number} ", name)]

    def _badge(self, row: int) -> Badge | None:
        key = self._lines.key(row)
        return self._everything if key == EVERYTHING else self._badges.of(key)

    def look_again(self, everything: Badge) -> None:
        """Take over the badge of the whole library, and fetch those of folders if it is time for it."""
        if everything != self._everything:
            self._everything = everything
            self.refresh_row(0)
        if self._badge_look.begin():
            self._take_badges()

    def ask_for_badges(self, *, now: bool) -> None:
        """Fetch the badges of folders again: now, or after a rest in proportion to what that takes."""
        self._badge_look.ask(now=now)
        if self._badge_look.begin():
            self._take_badges()

    @task("badges", exclusive=False)
    async def _take_badges(self) -> None:
        badges: Badges | None = None
        try:
            badges = await in_thread(self._fetch_badges)
        finally:
            self._badge_look.end(failed=badges is None)
        self.show_badges(badges)
        if self._badge_look.begin():  # asked for meanwhile
            self._take_badges()

    def show_badges(self, badges: Badges) -> None:
        """Take over new badges of folders."""
        old = [self._badge(row) for row in self.visible_rows]
        self._badges = badges
        for row, badge in zip(self.visible_rows, old, strict=True):
            if badge != self._badge(row):
                self.refresh_row(row)

    @task("folders")
    async def reload(self) -> None:
        """Fetch all open folders again; the cursor stays on its folder and open ones stay open."""
        first = not self.has_folders
        opened: set[int] | None = None
        while opened != self._opened:  # one that is opened or closed meanwhile is there, too
            opened = set(self._opened)
            roots = await in_thread(self._fetch, None)
            if first and len(roots) == 1:
                opened.add(roots.ids[0])
                self._opened.add(roots.ids[0])
            lines = FolderLines(roots, await self._fetch_opened(roots, opened))
        self._opened &= lines.opened.keys()
        if lines != self._lines:
            place = lines.nearest(self._lines, self.cursor)
            self._lines = lines
            self.count_changed(place, still=not first)
        sought, self._sought = self._sought, None
        if sought is not None and (place_sought := self._lines.line_of(sought)) is not None:
            self.cursor = place_sought

    def reveal(self, way: Sequence[int]) -> None:
        """Open all that a folder lies in and put the cursor on it, when it is fetched.

        Args:
            way: its id, then those of the folders that it lies in, the nearest first.
        """
        self._sought = way[0]
        self._opened.update(way[1:])
        self.reload()

    async def _fetch_opened(self, roots: FolderRows, opened: Set[int]) -> dict[int, FolderRows]:
        found: dict[int, FolderRows] = {}
        waiting = [roots]
        while waiting:
            rows = waiting.pop()
            for place in places_of(rows, opened):
                if rows[place].has_children:
                    found[rows.ids[place]] = children = await in_thread(self._fetch, rows.ids[place])
                    waiting.append(children)
        return found

    @task("open", exclusive=False)
    async def _open(self, key: int) -> None:
        children = await in_thread(self._fetch, key)
        line = self._lines.line_of(key)
        if line is None or self._lines.is_open(line) or key not in self._opened:
            return
        self._lines = FolderLines(self._lines.roots, {**self._lines.opened, key: children})
        self.count_changed(self.cursor + (len(children) if self.cursor > line else 0))

    def _close(self, line: int) -> None:
        lines, end = self._lines, self._lines.end(line)
        closed = set(lines.open_between(line, end))
        opening = self._opened - lines.opened.keys()
        self._opened -= closed | {key for key in opening if line <= (lines.line_of(key) or 0) < end}
        still_open = {key: rows for key, rows in lines.opened.items() if key not in closed}
        self._lines = FolderLines(lines.roots, still_open)
        cursor = self.cursor
        self.count_changed(cursor - (end - line - 1) if cursor >= end else min(cursor, line))

    def clicked(self, row: int, event: events.Click) -> None:
        """A click on the arrow opens or closes."""
        offset = event.get_content_offset(self)
        folder = self._lines.row(row)
        arrow = self._lines.depth(row) * 2 + 2
        if offset is not None and folder is not None and folder.has_children and offset.x <= arrow:
            self._toggle(row)

    def _toggle(self, line: int) -> None:
        folder = self._lines.row(line)
        if self._lines.is_open(line):
            self._close(line)
        elif folder is not None and folder.has_children:
            self._opened.add(folder.id)
            self._open(folder.id)

    def action_expand(self) -> None:
        """Open the folder, or step into it if it is open."""
        if self._lines.is_open(self.cursor):
            self.cursor += 1
        else:
            self._toggle(self.cursor)

    def action_collapse(self) -> None:
        """Close the folder, or go up to its parent."""
        key = self._lines.key(self.cursor)
        if self._lines.is_open(self.cursor):
            self._close(self.cursor)
        elif key in self._opened:  # it is opening
            self._opened.discard(key)
        elif (parent := self._lines.parent(self.cursor)) is not None:
            self.cursor = parent

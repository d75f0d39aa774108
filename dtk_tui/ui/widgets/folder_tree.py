"""The tree of folders, with badges of queued jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from dtk_tui.domain.library import Badge, FolderRow
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.format import short_count
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList, fit

#: The key of the first line, which stands for all images.
EVERYTHING = 0
#: What a folder's rule leaves to its name at least, in terminal cells.
_NAME = 10


@dataclass(slots=True)
class _Line:
    row: FolderRow | None
    depth: int
    expanded: bool = False

    @property
    def key(self) -> int:
        return EVERYTHING if self.row is None else self.row.id


def _rule_words(row: FolderRow) -> str:
    words = ["excluded"] if row.excluded else []
    words += ["archived"] if row.archived else []
    words += [] if row.recursive else ["alone"]
    return f" {', '.join(words)} " if words else ""


class FolderTree(CursorList):
    """Folders of the library; children are fetched when a folder is opened.

    ``fetch`` is called in a thread with a folder id, or None for the roots. Only visible lines are drawn, so twenty
    thousand folders side by side cost no more than twenty; new badges repaint only the lines whose badge changed.
    """

    BINDING_GROUP_TITLE = "Folders"
    HELP: ClassVar[str] = "The number is how many jobs wait in a folder and all below it; ! marks jobs with priority."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "expand", "Open the folder", show=False, id="folders.expand"),
        Binding("left,h", "collapse", "Close the folder, or go to its parent", show=False, id="folders.collapse"),
    ]

    def __init__(self, fetch: Callable[[int | None], Sequence[FolderRow]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fetch = fetch
        self._lines: list[_Line] = []
        self._opened: set[int] = set()
        self._badges: dict[int, Badge] = {}
        self._sought: int | None = None

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    @property
    def folder(self) -> FolderRow | None:
        """The folder under the cursor, None for the line that stands for all images."""
        return self._lines[self.cursor].row if self._lines else None

    @property
    def roots(self) -> list[FolderRow]:
        """The roots that are shown."""
        return [line.row for line in self._lines if line.depth == 0 and line.row is not None]

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw a folder with its badge at the right."""
        line = self._lines[row]
        badge = self._badges.get(line.key)
        number, name = ("", "")
        if badge is not None and badge.urgent:
            number, name = f"!{short_count(badge.urgent)}", "list--urgent"
        elif badge is not None and badge.pending:
            number, name = short_count(badge.pending), "list--accent"
        room = max(0, width - len(number) - 1)
        if line.row is None:
            return [(fit(" All images", room), ""), (f"{number} ", name)]
        arrow = ("\u25be" if line.expanded else "\u25b8") if line.row.has_children else " "
        label = f"{' ' * min(line.depth * 2, room // 2)} {arrow} {one_line(line.row.name, 200)}"
        words = _rule_words(line.row)
        dim = "list--dim" if line.row.unavailable or line.row.error or words else ""
        words = words[: max(0, room - _NAME)]
        return [(fit(label, room - len(words)), dim), (words, "list--dim"), (f"{number} ", name)]

    def show_badges(self, badges: Mapping[int, Badge]) -> None:
        """Take over new badges; ``EVERYTHING`` is the key of the whole library."""
        old, self._badges = self._badges, dict(badges)
        for row in self.visible_rows:
            key = self._lines[row].key
            if old.get(key) != self._badges.get(key):
                self.refresh_row(row)

    @task("folders")
    async def reload(self) -> None:
        """Fetch all open folders again; the cursor stays on its folder and open ones stay open."""
        first = not self.roots
        opened: set[int] | None = None
        while opened != self._opened:  # one that is opened or closed meanwhile is there, too
            opened = set(self._opened)
            roots = await in_thread(self._fetch, None)
            if first and len(roots) == 1:
                opened.add(roots[0].id)
                self._opened.add(roots[0].id)
            lines = [_Line(None, 0), *await self._with_children(roots, 0, opened)]
        self._opened &= {line.key for line in lines}
        if lines != self._lines:
            place = self._place_in(lines)
            self._lines = lines
            self.count_changed(place, still=not first)
        sought, self._sought = self._sought, None
        if sought is not None:
            self.cursor = next((place for place, line in enumerate(self._lines) if line.key == sought), self.cursor)

    def reveal(self, way: Sequence[int]) -> None:
        """Open all that a folder lies in and put the cursor on it, when it is fetched.

        Args:
            way: its id, then those of the folders that it lies in, the nearest first.
        """
        self._sought = way[0]
        self._opened.update(way[1:])
        self.reload()

    async def _with_children(self, rows: Sequence[FolderRow], depth: int, opened: Set[int]) -> list[_Line]:
        lines: list[_Line] = []
        for row in rows:
            is_open = row.has_children and row.id in opened
            lines.append(_Line(row, depth, is_open))
            if is_open:
                children = await in_thread(self._fetch, row.id)
                lines += await self._with_children(children, depth + 1, opened)
        return lines

    def _place_in(self, lines: Sequence[_Line]) -> int:
        """Return where in other lines the one under the cursor is, or the nearest one above it that is left."""
        places = {line.key: place for place, line in enumerate(lines)}
        return next((places[old.key] for old in self._lines[self.cursor :: -1] if old.key in places), 0)

    @task("open", exclusive=False)
    async def _open(self, key: int) -> None:
        children = await in_thread(self._fetch, key)
        place = next((index for index, line in enumerate(self._lines) if line.key == key), None)
        if place is None or self._lines[place].expanded or key not in self._opened:
            return
        line = self._lines[place]
        line.expanded = True
        self._lines[place + 1 : place + 1] = [_Line(row, line.depth + 1) for row in children]
        self.count_changed(self.cursor + (len(children) if self.cursor > place else 0))

    def _close(self, place: int) -> None:
        line = self._lines[place]
        end = place + 1
        while end < len(self._lines) and self._lines[end].depth > line.depth:
            end += 1
        self._opened.difference_update([closed.key for closed in self._lines[place:end]])
        line.expanded = False
        del self._lines[place + 1 : end]
        cursor = self.cursor
        self.count_changed(cursor - (end - place - 1) if cursor >= end else min(cursor, place))

    def clicked(self, row: int, event: events.Click) -> None:
        """A click on the arrow opens or closes."""
        offset = event.get_content_offset(self)
        line = self._lines[row]
        if offset is not None and line.row is not None and line.row.has_children and offset.x <= line.depth * 2 + 2:
            self._toggle(row)

    def _toggle(self, place: int) -> None:
        line = self._lines[place]
        if line.expanded:
            self._close(place)
        elif line.row is not None and line.row.has_children:
            self._opened.add(line.row.id)
            self._open(line.row.id)

    def action_expand(self) -> None:
        """Open the folder, or step into it if it is open."""
        if not self._lines:
            return
        line = self._lines[self.cursor]
        if line.expanded:
            self.cursor += 1
        else:
            self._toggle(self.cursor)

    def action_collapse(self) -> None:
        """Close the folder, or go up to its parent."""
        if not self._lines:
            return
        line = self._lines[self.cursor]
        if line.expanded:
            self._close(self.cursor)
            return
        if line.key in self._opened:  # it is opening
            self._opened.discard(line.key)
            return
        for place in range(self.cursor - 1, -1, -1):
            if self._lines[place].depth < line.depth:
                self.cursor = place
                return

"""What the images of a result have in common, counted beside it; Enter or a click narrows the result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.message import Message

from dtk_tui.domain.facets import FACETS, Facet, FacetValue
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList, fit

if TYPE_CHECKING:
    from dtk_tui.services.library.facets import FacetCounter

#: A result must stay for this long before it is counted.
_REST_S = 0.2
_TITLES = {
    "model": "Model",
    "tag": "Tag",
    "folder": "Folder",
    "rating": "Rating",
    "month": "Month",
    "dialect": "Dialect",
    "caption": "Caption",
}


@dataclass(frozen=True, slots=True)
class _Line:
    """A heading, or one value of the facet above it."""

    text: str
    note: str = ""
    value: FacetValue | None = None

    @property
    def narrows(self) -> bool:
        """Whether Enter narrows the result to it."""
        return self.value is not None and self.value.query is not None


class FacetList(CursorList):
    """The facets of what is shown; counted only while they are in sight, and no longer than anybody wants them.

    Args:
        counter: gives what counts the facets of a query line.
    """

    BINDING_GROUP_TITLE = "Facets"
    ABOUT: ClassVar[str] = "How many of the images that are shown have which model, tag, folder, rating and month."
    HELP: ClassVar[str] = "Enter narrows the search to one line; a number after \u2265 is the least that there are."

    class Narrowed(Message):
        """Another query was chosen, which finds part of what is shown."""

        def __init__(self, query: str) -> None:
            super().__init__()
            self.query_text = query

    def __init__(self, counter: Callable[[str], FacetCounter], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._make_counter = counter
        self._counter: FacetCounter | None = None
        self._lines: list[_Line] = []
        self._asked: str | None = None

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw a heading, or a value with its count at the right."""
        line = self._lines[row]
        note = f" {line.note} "
        name = fit(f" {line.text}", max(0, width - len(note)))
        if line.value is None:
            return [(name, "list--accent"), (note, "list--dim")]
        return [(name, "" if line.value.query else "list--dim"), (note, "")]

    def follow(self, query: str) -> None:
        """Count the facets of another result, or of the same one again."""
        self._asked = query
        if self._is_seen:
            self._count()

    @property
    def _is_seen(self) -> bool:
        """Whether somebody sees the facets."""
        return self.is_attached and self.display

    def show(self) -> None:
        """Come into sight."""
        self.display = True
        if self._asked is not None:
            self._count()

    def hide(self) -> None:
        """Leave, and stop counting."""
        self.display = False
        self._stop_counting()

    def on_unmount(self) -> None:
        """Nobody is there to see more."""
        self._stop_counting()

    def _stop_counting(self) -> None:
        if self._counter is not None:
            self._counter.stop()
            self._counter = None

    @task("facets")
    async def _count(self) -> None:
        self._stop_counting()
        query = self._asked or ""
        await asyncio.sleep(_REST_S)
        counter = self._counter = await in_thread(self._make_counter, query)
        from dtk_tui.services.library.facets import CountStoppedError

        try:
            found = await in_thread(counter.fields)
            self._take(found.facets, found.images, is_whole=False)
            tags = await in_thread(counter.tags)
            self._take([*found.facets, tags], found.images, is_whole=True)
        except CountStoppedError:
            return

    def _take(self, facets: Sequence[Facet], images: int, *, is_whole: bool) -> None:
        """Show facets; the cursor stays on its line where that is still there."""
        here = self._lines[self.cursor] if self._lines else None
        by_name = {facet.name: facet for facet in facets}
        lines = [_Line("Images", f"{images:,}")]
        for name in FACETS:
            facet = by_name.get(name)
            if facet is None:
                lines.append(_Line(_TITLES[name], "counting\u2026"))
            elif facet.values:
                lines += _lines(facet)
        if is_whole and len(lines) == 1:
            lines.append(_Line("Nothing to narrow by"))
        self._lines = lines
        places = [place for place, line in enumerate(lines) if here is not None and line.text == here.text]
        first = next((place for place, line in enumerate(lines) if line.narrows), 0)
        self.count_changed(min(places, key=lambda place: abs(place - self.cursor)) if places else first)

    def clicked(self, row: int, event: events.Click) -> None:
        """One click narrows: there is nothing else to do here."""
        if event.button == 1 and event.chain == 1:
            self.call_after_refresh(self.action_choose)

    def action_choose(self) -> None:
        """Narrow to the line under the cursor."""
        line = self._lines[self.cursor] if self._lines else None
        if line is not None and line.value is not None and line.value.query is not None:
            self.post_message(self.Narrowed(line.value.query))
        elif line is not None:
            self.notify("This line narrows nothing: choose one with a count below a heading.", timeout=6)


def _lines(facet: Facet) -> list[_Line]:
    sign = "" if facet.is_exact else "\u2265"
    values = [_Line(f"  {_words(facet.name, value.name)}", f"{sign}{value.count:,}", value) for value in facet.values]
    more = [_Line(f"  and {facet.others:,} more")] if facet.others > 0 else []
    return [_Line(_TITLES[facet.name]), *values, *more]


def _words(facet: str, name: str) -> str:
    if facet == "caption":
        return "captioned" if name == "yes" else "without"
    if facet == "folder":  # its end tells most
        return one_line(name.rstrip("/").rsplit("/", 1)[-1] or "/", 200)
    return one_line(name, 200)

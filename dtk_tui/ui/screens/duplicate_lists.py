"""The list of sets of duplicates, and the images of one set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import ClassVar

from dtk_tui.domain.duplicates import DuplicateImage, differences, facts
from dtk_tui.text import cell_width, cut, one_line
from dtk_tui.ui.widgets.tables.columns import Column
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList, fit
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

#: Cells of the facts in the list of images; what differs is shown first, as far as there is room.
_WIDTHS: Mapping[str, int] = {
    "dimensions": 10,
    "size": 9,
    "date": 19,
    "rating": 11,
    "albums": 14,
    "captions": 8,
    "tags": 5,
    "for deletion": 12,
}
_LEAST_NAME = 16
_LEAST_FOLDER = 14


@dataclass(frozen=True, slots=True)
class SetRow:
    """A set of duplicates; ``id`` is its place in the result, from 1."""

    id: int
    images: Sequence[DuplicateImage]

    @property
    def marked(self) -> int:
        """How many of its images are marked for deletion."""
        return sum(image.for_deletion for image in self.images)


def file_name(image: DuplicateImage) -> str:
    """Return the name of an image's file, as one safe line."""
    return one_line(image.path.replace("\\", "/").rsplit("/", 1)[-1], 300)


def own_folders(images: Sequence[DuplicateImage]) -> list[str]:
    """Return the folder of each image below the one that holds them all, as one safe line; copies have one name."""
    parts = [image.path.replace("\\", "/").split("/")[:-1] for image in images]
    levels = zip(*parts, strict=False)
    shared = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, levels))
    return [one_line("/".join(names[shared:]), 400) for names in parts]


def _state(row: SetRow) -> Cell:
    if row.marked >= len(row.images) - 1:
        return "\u2713", "list--good"
    return ("\u00b7", "list--urgent") if row.marked else (" ", "")


_COLUMNS: tuple[Column[SetRow], ...] = (
    Column("", _state, 1),
    Column("Images", lambda row: (f"{len(row.images):,}", ""), 6, right=True),
    Column("First", lambda row: (file_name(row.images[0]) if row.images else "(gone)", ""), 16, share=2),
    Column("What differs", lambda row: (", ".join(differences(row.images)), "list--dim"), 14, share=3, rank=1),
)


class SetTable(VirtualTable[SetRow]):
    """Sets of duplicates."""

    BINDING_GROUP_TITLE = "Sets"
    ABOUT: ClassVar[str] = (
        "Images that are the same or nearly so, a set in each line. Nothing is deleted here, images are only marked."
    )
    HELP: ClassVar[str] = "\u2713 all but one are marked for deletion   \u00b7 some are"

    def columns(self) -> Sequence[Column[SetRow]]:
        """The columns."""
        return _COLUMNS


class MemberList(CursorList):
    """The images of one set, with what differs in them.

    Args:
        is_kept: says of an image whether it is the one to keep.
    """

    BINDING_GROUP_TITLE = "Images of a set"
    ABOUT: ClassVar[str] = "The images of the set, and what differs in them."
    HELP: ClassVar[str] = "\u2605 stays   \u2717 is marked for deletion"

    def __init__(self, is_kept: Callable[[DuplicateImage], bool], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._is_kept = is_kept
        self._images: Sequence[DuplicateImage] = ()
        self._folders: Sequence[str] = ()
        self._differing: Sequence[str] = ()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._images)

    @property
    def current(self) -> DuplicateImage | None:
        """The image under the cursor."""
        return self._images[self.cursor] if self._images else None

    def show(self, images: Sequence[DuplicateImage]) -> None:
        """Show images; the cursor stays on its own where it is among them."""
        current = self.current
        self._images = images
        self._folders = own_folders(images)
        self._differing = differences(images)
        places = [place for place, image in enumerate(images) if current is not None and image.id == current.id]
        self.count_changed(places[0] if places else min(1, max(0, len(images) - 1)))

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw an image: whether it stays, its name, its folder where they lie in several, and what differs."""
        image = self._images[row]
        sign: Cell = (" ", "")
        if self._is_kept(image):
            sign = ("\u2605", "list--good")
        elif image.for_deletion:
            sign = ("\u2717", "list--bad")
        placed, shown = self._placed(width), facts(image)
        told: list[Cell] = [
            (" " + fit(one_line(shown[name], 100) or "\u2013", _WIDTHS[name], right=name == "size"), "list--accent")
            for name in placed
        ]
        return [sign, (" ", ""), *self._named(row, self._name_width(placed, width)), *told]

    def _named(self, row: int, width: int) -> list[Cell]:
        name = file_name(self._images[row])
        longest = max(cell_width(file_name(image)) for image in self._images)
        named = min(longest, max(_LEAST_NAME, width - _LEAST_FOLDER))
        room = width - named - 2
        if not any(self._folders) or room < _LEAST_FOLDER - 2:
            return [(fit(name, width), "")]
        return [(fit(name, named), ""), ("  " + fit(cut(self._folders[row], room, keep_end=True), room), "list--dim")]

    def heads(self, title: str) -> str:
        """Return a line above the images that says what stands where; ``title`` stands above their names."""
        width = self.scrollable_content_region.width
        placed = self._placed(width)
        heads = [fit(name.capitalize(), _WIDTHS[name], right=name == "size") for name in placed]
        return " ".join((fit(title, self._name_width(placed, width)), *heads))

    def _placed(self, width: int) -> list[str]:
        """Return those of the facts that differ for which there is room."""
        room, placed = width - 2, []
        for name in self._differing:
            if name != "for deletion" and room - _WIDTHS[name] - 1 >= _LEAST_NAME:
                placed.append(name)
                room -= _WIDTHS[name] + 1
        return placed

    @staticmethod
    def _name_width(placed: Sequence[str], width: int) -> int:
        return max(0, width - 2 - sum(_WIDTHS[name] + 1 for name in placed))

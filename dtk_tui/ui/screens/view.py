"""What the image table can show, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dtk_tui.domain.library import Hit
from dtk_tui.ui.messages import ImageCursor
from dtk_tui.ui.widgets.folder_tree import EVERYTHING
from dtk_tui.ui.widgets.image_table import ImageTable
from dtk_tui.ui.widgets.pages import Ids

Scores = npt.NDArray[np.float32]

#: What the menu of images offers.
IMAGE_MENU = (
    "work.queue",
    "work.embed_now",
    "work.tag",
    "work.caption",
    "work.tag_caption",
    "work.edit_caption",
    "work.similar",
)
#: What the menu of folders offers: first for all images as well, then for a folder alone.
FOLDER_WORK = ("work.queue", "work.embed_now", "work.tag", "work.caption", "work.tag_caption")
FOLDER_MENU = (
    "app.scan_again",
    "folders.exclude",
    "folders.archive",
    "folders.include",
    "folders.alone",
    "folders.remove",
)


@dataclass(frozen=True, slots=True)
class View:
    """What the table shows: a folder with all below it, the hits of a query, or images like one."""

    folder_id: int = EVERYTHING
    name: str = "All images"
    query: str = ""
    like: int | None = None

    @property
    def title(self) -> str:
        """What it is called."""
        return f"\u201c{self.query}\u201d" if self.query else self.name

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder and not a search."""
        return not self.query and self.like is None


def unzip(hits: list[Hit]) -> tuple[Ids, Scores | None]:
    """Return the ids, and the scores, of search results."""
    ids = np.fromiter((hit.image_id for hit in hits), np.int64, len(hits))
    return ids, np.fromiter((hit.score or 0.0 for hit in hits), np.float32, len(hits)) if hits else None


class MarkedImages:
    """A place among the images that are marked in a table, whose cursor stays."""

    def __init__(self, ids: tuple[int, ...], current: int | None) -> None:
        self._ids = ids
        self._place = ids.index(current) if current in ids else 0

    @property
    def current_id(self) -> int | None:
        """The image at this place."""
        return self._ids[self._place]

    @property
    def current_row(self) -> None:
        """Nothing is known about it here."""
        return

    @property
    def position(self) -> tuple[int, int]:
        """Its number, from 1, and how many there are."""
        return self._place + 1, len(self._ids)

    def step(self, by: int) -> None:
        """Go on, or back."""
        self._place = max(0, min(self._place + by, len(self._ids) - 1))


def chosen_images(table: ImageTable) -> ImageCursor | None:
    """Return the marked images of a table, else all of them at its cursor; None where there are none."""
    if table.selected_count:
        return MarkedImages(table.chosen_ids(), table.current_id)
    return table if table.count else None

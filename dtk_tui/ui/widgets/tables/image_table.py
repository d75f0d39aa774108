"""The table of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from dtk_tui.domain.job import NORMAL
from dtk_tui.domain.library import ImageRow
from dtk_tui.text import one_line
from dtk_tui.ui.messages import ImageCursor
from dtk_tui.ui.widgets.tables.columns import Column
from dtk_tui.ui.widgets.tables.cursor_list import Cell
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

if TYPE_CHECKING:
    from array import array

    import numpy as np
    import numpy.typing as npt

    from dtk_tui.ui.widgets.tables.pages import Ids


def mark(row: ImageRow) -> Cell:
    """Return the one sign that matters most about an image."""
    if row.running:
        return "\u25b8", "list--accent"
    if row.queued is not None:
        return ("!", "list--urgent") if row.queued > NORMAL else ("\u00b7", "list--accent")
    if row.error:
        return "\u2717", "list--bad"
    if row.unavailable:
        return "?", "list--dim"
    return " ", ""


def _name(row: ImageRow) -> Cell:
    return one_line(row.file_name, 300), "list--dim" if row.unavailable else ""


def _pixels(row: ImageRow) -> Cell:
    return f"{row.width}\u00d7{row.height}" if row.width and row.height else "", "list--dim"


def rated(row: ImageRow) -> Cell:
    """Return the rating of an image, and a letter for each flag."""
    flags = (("\u2665", row.favorite), ("n", row.nsfw), ("d", row.for_deletion))
    rating = "" if row.rating is None else str(row.rating)
    style = "list--urgent" if row.for_deletion else "list--accent"
    return rating + "".join(sign for sign, is_set in flags if is_set), style


def _tags(row: ImageRow) -> Cell:
    return str(row.tags) if row.tags else "", ""


def _embedded(row: ImageRow) -> Cell:
    return ("\u2713" if row.embedded else "", "list--good")


def _captioned(row: ImageRow) -> Cell:
    return ("\u2713" if row.captioned else "", "list--good")


def _prompt(row: ImageRow) -> Cell:
    return one_line(row.prompt or "", 300), "list--dim"


_LEADING: tuple[Column[ImageRow], ...] = (
    Column("", mark, 1),
    Column("Name", _name, 18, share=4, most=48),
)
_REST: tuple[Column[ImageRow], ...] = (
    Column("Rated", rated, 5, rank=1),
    Column("Size", _pixels, 9, rank=2, right=True),
    Column("Model", lambda row: (one_line(row.model or "", 100), "list--dim"), 10, share=3, most=26, rank=3),
    Column("Tags", _tags, 4, rank=4, right=True),
    Column("Emb", _embedded, 3, rank=1),
    Column("Cap", _captioned, 3, rank=7),
    Column("Created", lambda row: (f"{row.created_at:%Y-%m-%d}", "list--dim"), 10, rank=6),
    Column("Prompt", _prompt, 20, share=6, rank=5),
)


class MarkedImages:
    """A place among the images that are marked in a table, whose cursor stays."""

    def __init__(self, ids: Sequence[int], current: int | None) -> None:
        import numpy as np

        self._ids = ids
        places = np.flatnonzero(np.asarray(ids, np.int64) == (-1 if current is None else current))
        self._place = int(places[0]) if len(places) else 0

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


class ImageTable(VirtualTable[ImageRow]):
    """Images in the order of a folder (newest first) or of a search (best first, with scores)."""

    BINDING_GROUP_TITLE = "Images"
    HELP: ClassVar[str] = (
        "\u25b8 running   ! queued with priority   \u00b7 queued   \u2717 could not be read   "
        "? file is not there   \u2713 embedded   Rated: the rating, \u2665 favourite, n NSFW, d for deletion"
    )

    def __init__(self, fetch: Callable[[Sequence[int]], Sequence[ImageRow]], *, id: str | None = None) -> None:
        super().__init__(fetch, id=id)
        self._scores: npt.NDArray[np.float32] | None = None
        self._drawn = 0

    def columns(self) -> Sequence[Column[ImageRow]]:
        """The columns; a score where images were ranked."""
        score = (Column("Score", self._score, 5, rank=1, right=True),) if self._scores is not None else ()
        return (*_LEADING, *score, *_REST)

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw an image, or its place while it is not loaded."""
        self._drawn = row
        return super().cells(row, width)

    def _score(self, row: ImageRow) -> Cell:
        return ("" if self._scores is None else f"{self._scores[self._drawn]:.3f}", "list--accent")

    def show(
        self,
        ids: Ids | array[int],
        scores: npt.NDArray[np.float32] | None = None,
        *,
        keep: bool = False,
        goes_on: bool = False,
    ) -> None:
        """Show images in this order, with one score each where they were ranked; the rest as ``set_ids``."""
        self._scores = scores
        self.place_columns()
        self.set_ids(ids, keep=keep, goes_on=goes_on)

    @property
    def position(self) -> tuple[int, int]:
        """The number of the line under the cursor, from 1, and how many there are."""
        return self.cursor + 1, self.count

    def step(self, by: int) -> None:
        """Move the cursor by lines."""
        self.cursor += by

    def chosen(self) -> ImageCursor | None:
        """Return a place among the marked images, else this table at its cursor; None where there are none."""
        if self.selected_count:
            return MarkedImages(self.chosen_ids(), self.current_id)
        return self if self.count else None

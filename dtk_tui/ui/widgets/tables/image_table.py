"""The table of images."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from dtk_tui.domain.job import NORMAL
from dtk_tui.domain.library import ImageRow
from dtk_tui.text import file_size, one_line
from dtk_tui.ui.messages import ImageCursor
from dtk_tui.ui.widgets.tables.columns import Column
from dtk_tui.ui.widgets.tables.cursor_list import Cell
from dtk_tui.ui.widgets.tables.layout import Layout
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dtk_tui.ui.widgets.tables.folds import Folds
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


def _created(row: ImageRow) -> Cell:
    return f"{row.created_at.astimezone():%Y-%m-%d}", "list--dim"


def _prompt(row: ImageRow) -> Cell:
    return one_line(row.prompt or "", 300), "list--dim"


def _bytes(row: ImageRow) -> Cell:
    return file_size(row.file_size), "list--dim"


def _aesthetic(row: ImageRow) -> Cell:
    return "" if row.aesthetic_score is None else f"{row.aesthetic_score:.2f}", ""


def _folder(row: ImageRow) -> Cell:
    return one_line(row.folder.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1] or row.folder, 100), "list--dim"


_MARK: Column[ImageRow] = Column("", mark, 1)
#: What a person may choose from, in the usual order; the first ones of the usual ones stay where the room is short.
COLUMNS: tuple[Column[ImageRow], ...] = (
    Column("Name", _name, 18, share=4, most=48, id="name", sort="name"),
    Column("Rated", rated, 5, rank=1, id="rated", sort="rating"),
    Column("Size", _pixels, 9, rank=2, right=True, id="pixels"),
    Column(
        "Model", lambda row: (one_line(row.model or "", 100), "list--dim"), 10, share=3, most=26, rank=3,
        id="model", sort="model",
    ),
    Column("Tags", _tags, 4, rank=4, right=True, id="tags"),
    Column("Emb", _embedded, 3, rank=1, id="embedded"),
    Column("Cap", _captioned, 3, rank=7, id="captioned"),
    Column("Created", _created, 10, rank=6, id="created", sort="date"),
    Column("Prompt", _prompt, 20, share=6, rank=5, id="prompt"),
    Column("Bytes", _bytes, 8, right=True, id="bytes", sort="size", is_usual=False),
    Column(
        "Steps", lambda row: ("" if row.steps is None else str(row.steps), ""), 6, right=True,
        id="steps", sort="steps", is_usual=False,
    ),
    Column(
        "Seed", lambda row: ("" if row.seed is None else str(row.seed), "list--dim"), 20, right=True,
        id="seed", sort="seed", is_usual=False,
    ),
    Column("Aesthetic", _aesthetic, 10, right=True, id="aesthetic", sort="aesthetic_score", is_usual=False),
    Column("Dialect", lambda row: (one_line(row.dialect or "", 60), "list--dim"), 14, id="dialect", is_usual=False),
    Column("Folder", _folder, 16, share=2, most=40, id="folder", is_usual=False),
)  # fmt: skip
#: What the columns show, where their titles do not say it.
MEANINGS = {
    "rated": "rating and flags",
    "pixels": "width and height",
    "tags": "how many",
    "embedded": "has a vector",
    "captioned": "has a caption",
    "bytes": "size of the file",
    "aesthetic": "aesthetic score",
}


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
    ABOUT: ClassVar[str] = (
        "The images of the folder, the album or the search. Keys for work, ratings and tags act on the "
        "selected ones, or on the one under the cursor."
    )
    HELP: ClassVar[str] = (
        "\u25b8 running   ! queued with priority   \u00b7 queued   \u2717 could not be read   "
        "? file is not there   \u2713 embedded   Rated: the rating, \u2665 favourite, n NSFW, d for deletion   "
        "Fold: \u00d73 three images in one row, \u25be unfolded; what is done to a folded row is done to all of it"
    )

    def __init__(self, fetch: Callable[[Sequence[int]], Sequence[ImageRow]], *, id: str | None = None) -> None:
        super().__init__(fetch, id=id)
        self._all: Ids | array[int] = array("q")
        self._scores: npt.NDArray[np.float32] | None = None
        self._folds: Folds | None = None
        self._column_layout = Layout()
        self._drawn = 0

    # -- columns ------------------------------------------------------------------------------------------------------

    @property
    def column_layout(self) -> Layout:
        """Which columns are shown, and how wide."""
        return self._column_layout

    @column_layout.setter
    def column_layout(self, layout: Layout) -> None:
        self._column_layout = layout
        self.place_columns()

    def columns(self) -> Sequence[Column[ImageRow]]:
        """The columns; a score where images were ranked, the size of folds where they are folded."""
        first, *others = self._column_layout.arrange(COLUMNS)
        folds = (Column("Fold", self._fold, 5, right=True),) if self._folds is not None else ()
        score = (Column("Score", self._score, 5, rank=1, right=True, sort="score"),) if self._scores is not None else ()
        return (_MARK, *folds, replace(first, rank=0), *score, *others)

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw an image, or its place while it is not loaded."""
        self._drawn = row
        return super().cells(row, width)

    def _score(self, row: ImageRow) -> Cell:
        place = self._drawn if self._folds is None else int(self._folds.rows[self._drawn])
        return ("" if self._scores is None else f"{self._scores[place]:.3f}", "list--accent")

    def _fold(self, row: ImageRow) -> Cell:
        return self.fold_cell(self._drawn)

    def fold_cell(self, row: int) -> Cell:
        """Draw how many images a row stands for, or that it belongs to the one above; nothing where it is alone."""
        folds = self._folds
        size = 1 if folds is None else folds.size(row)
        if folds is None or size == 1:
            return "", ""
        if not folds.is_first(row):
            return "\u2514", "list--dim"
        return f"{chr(0x25BE) if folds.is_open(row) else chr(0xD7)}{size}", "list--accent"

    # -- what is listed -----------------------------------------------------------------------------------------------

    def show(
        self,
        ids: Ids | array[int],
        scores: npt.NDArray[np.float32] | None = None,
        folds: Folds | None = None,
        *,
        keep: bool = False,
        goes_on: bool = False,
    ) -> None:
        """Show images in this order, with one score each where they were ranked, each fold as one row.

        Args:
            keep, goes_on: as of ``set_ids``.
        """
        former = self._folds
        is_other = former is not None or folds is not None
        is_all = goes_on and self._is_all_wanted
        marked = self._ids_of_marks() if keep and is_other and self.selected_count and not is_all else None
        if keep and former is not None and folds is not None:
            folds.open_like(former)
        self._all, self._scores, self._folds = ids, scores, folds
        self.place_columns()
        self._show_rows(marked, keep=keep, goes_on=goes_on, current=self.current_id)

    def _show_rows(self, marked: Ids | None, *, keep: bool, goes_on: bool = False, current: int | None = None) -> None:
        """Show the rows that there are now.

        Args:
            marked: the images whose rows are marked, where rows stand for others than before.
            current: the image whose row the cursor goes to.
        """
        folds = self._folds
        if folds is None:
            self.set_ids(self._all, keep=keep, goes_on=goes_on)
        else:
            instead = folds.first_of(current) if keep and current is not None else None
            self.set_ids(folds.row_ids, keep=keep, goes_on=goes_on, instead=instead)
        if marked is not None:
            import numpy as np

            is_marked = np.isin(self._all, marked)
            self._selected = is_marked if folds is None else folds.rows_of(is_marked)
            self._chosen = None
            self.post_message(self.SelectionChanged())

    def toggle_fold(self) -> bool:
        """Unfold the row under the cursor, or fold it again; the cursor goes to the row that stands for all.

        Returns:
            Whether there was more than one image to unfold or fold.
        """
        folds = self._folds
        if folds is None or not self.count or folds.size(self.cursor) <= 1:
            return False
        marked = self._ids_of_marks() if self.selected_count else None
        self._show_rows(marked, keep=True, current=folds.toggle(self.cursor))
        return True

    @property
    def is_ranked(self) -> bool:
        """Whether images have scores."""
        return self._scores is not None

    @property
    def is_folded(self) -> bool:
        """Whether images that are alike are one row."""
        return self._folds is not None

    @property
    def ids_in_order(self) -> Ids:
        """The ids of the rows but for what is unfolded below another one, which stands out of the order of the list."""
        return self.ids if self._folds is None else self.ids[self._folds.leading_rows]

    def go_to_image(self, image_id: int) -> None:
        """Move the cursor to the row of an image, if there is one."""
        import numpy as np

        places = np.flatnonzero(self.ids == image_id)
        if len(places):
            self.cursor = int(places[0])

    @property
    def all_count(self) -> int:
        """How many images are listed, those in folds too."""
        return len(self._all)

    @property
    def all_ids(self) -> Ids:
        """All images that are listed, those in folds too, int64; not to be written to."""
        import numpy as np

        self._all = ids = np.asarray(self._all, np.int64)
        return ids

    @property
    def chosen_count(self) -> int:
        """How many images the marked rows stand for."""
        if self._folds is None:
            return self.selected_count
        import numpy as np

        return int(np.count_nonzero(self._folds.all_of(self._marks())))

    @property
    def fold_size(self) -> int:
        """How many images the row under the cursor stands for."""
        return len(self._folds.images(self.cursor)) if self._folds is not None and self.count else min(self.count, 1)

    def _ids_of_marks(self) -> Ids:
        marks = self._marks()
        return self.ids[marks] if self._folds is None else self.all_ids[self._folds.all_of(marks)]

    def chosen_ids(self) -> array[int]:
        """The images that the marked rows stand for, in their order, or those of the row under the cursor; int64."""
        if self._folds is None or not self.count:
            return super().chosen_ids()
        return array("q", self._ids_of_marks().tobytes()) if self.selected_count else self.row_images()

    def row_images(self) -> array[int]:
        """The images that the row under the cursor stands for, int64; none where there is no row."""
        if not self.count:
            return array("q")
        ids = self._ids[self.cursor : self.cursor + 1] if self._folds is None else self._folds.images(self.cursor)
        return array("q", ids.tobytes())

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

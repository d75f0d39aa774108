"""What the image table can show, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from dtk_tui.domain.library import FolderRow, Hit
from dtk_tui.domain.queue import Target
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.text import counted, one_line
from dtk_tui.ui.commands.images import ask_for_image
from dtk_tui.ui.messages import ImageCursor, ImageSet
from dtk_tui.ui.screens.base import StatusScreen
from dtk_tui.ui.widgets.folder_lines import EVERYTHING
from dtk_tui.ui.widgets.folder_tree import FolderTree
from dtk_tui.ui.widgets.preview import Preview
from dtk_tui.ui.widgets.tables.image_table import ImageTable
from dtk_tui.ui.widgets.tables.pages import PAGE

if TYPE_CHECKING:
    from array import array

    import numpy as np
    import numpy.typing as npt

    from dtk_tui.domain.query.nodes import Sort
    from dtk_tui.ui.widgets.tables.folds import Folds
    from dtk_tui.ui.widgets.tables.pages import Ids

    Scores = npt.NDArray[np.float32]

#: So many images are shown first, in whole pages, before the order of all is known.
_FIRST = 4 * PAGE
#: What the menu of images offers.
IMAGE_MENU = (
    "work.queue",
    "work.preview_queue",
    "work.embed_now",
    "work.tag",
    "work.caption",
    "work.tag_caption",
    "work.edit_caption",
    "work.edit_captions",
    "work.similar",
    "work.copy",
    "work.open",
    "work.rate",
    "work.favorite",
    "work.nsfw",
    "work.for_deletion",
    "work.add_tags",
    "work.remove_tag",
    "work.add_to_album",
    "work.remove_from_album",
    "main.sort",
    "main.columns",
    "main.fold",
    "main.unfold",
)
_FOLDER_WORK = ("work.queue", "work.embed_now", "work.tag", "work.caption", "work.tag_caption")
_FOLDER_MENU = (
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
    path: str = ""

    @property
    def title(self) -> str:
        """What it is called."""
        return f"\u201c{self.query}\u201d" if self.query else self.name

    def _sort_keys(self) -> Sequence[Sort]:
        if not self.query:
            return ()
        from dtk_tui.domain.query.parser import parse

        return parse(self.query).sort

    @property
    def sort(self) -> tuple[str, bool] | None:
        """The column of the query line that it is sorted by before all others, and whether downwards."""
        keys = self._sort_keys()
        return (keys[0].column, keys[0].descending) if keys else None

    def order(self, *, ranked: bool) -> str:
        """What comes first, in words; ``ranked``: images have scores."""
        keys = self._sort_keys()
        if keys:
            return "by " + ", ".join(f"{key.column} {'down' if key.descending else 'up'}" for key in keys)
        return "best first" if ranked else "newest first"

    def newest_first(self, *, ranked: bool) -> bool | None:
        """Which way it is in the order of dates; None: it is in another order. ``ranked``: as in ``order``."""
        if (sort := self.sort) is not None:
            return sort[1] if sort[0] == "date" else None
        return None if ranked else True

    @property
    def line(self) -> str:
        """The query line that finds it."""
        if self.query or self.like is None:
            path = self.path.rstrip("/").replace('"', '""')
            return self.query or (f'path:"{path}/*"' if self.path else "")
        return f"like:{self.like}"

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder and not a search."""
        return not self.query and self.like is None


@dataclass(frozen=True, slots=True)
class Found:
    """What a view shows.

    Attributes:
        ids, scores: images in their order, and one score each where they were ranked.
        notes: what a person should know of how they were found.
        is_part: there may be more.
        folds: which of them are one row; None: each is a row.
    """

    ids: Ids | array[int]
    scores: Scores | None = None
    notes: Sequence[str] = ()
    is_part: bool = False
    folds: Folds | None = None


def find(library: LibraryBrowser, view: View, *, first: bool, folding: bool) -> Found:
    """Return what a view shows; blocks.

    Args:
        first: only the first of it, as far as that is quicker.
        folding: images that are alike are one row.

    Raises:
        UsageError, DtkError: as ``LibraryBrowser.search``.
    """
    found = _find(library, view, first=first)
    if not folding:
        return found
    import numpy as np

    from dtk_tui.ui.widgets.tables.folds import Folds

    ids = np.asarray(found.ids, np.int64)
    return replace(found, ids=ids, folds=Folds(ids, library.fold_labels(ids)))


def _find(library: LibraryBrowser, view: View, *, first: bool) -> Found:
    if view.query:
        if first:
            ids, scores, is_part = library.search_first(view.query)
        else:
            (ids, scores), is_part = library.search(view.query), False
        return Found(ids, scores, library.notes(view.query), is_part)
    if view.like is not None:
        return Found(*unzip(library.similar(view.like)))
    if first and view == View():
        some = library.first_images(_FIRST)
        return Found(some, is_part=len(some) == _FIRST)
    return Found(library.images(view.folder_id or None))


def _as_ids(numbers: Sequence[int]) -> Ids:
    import numpy as np

    return np.array(numbers, np.int64)


def unzip(hits: list[Hit]) -> tuple[Ids, Scores | None]:
    """Return the ids, and the scores, of search results."""
    import numpy as np

    ids = np.fromiter((hit.image_id for hit in hits), np.int64, len(hits))
    return ids, np.fromiter((hit.score or 0.0 for hit in hits), np.float32, len(hits)) if hits else None


def _folder_menu(folder: FolderRow | None) -> list[str]:
    """Return the ids of the commands that the menu of a folder offers; None stands for all images."""
    deep = folder is not None
    work = [name for one in _FOLDER_WORK for name in ((one, f"{one}_deep") if deep else (one,))]
    return [
        *work,
        "work.preview_queue",
        "work.edit_captions",
        *(_FOLDER_MENU if deep else ()),
        "folders.find",
        "app.add_folder",
        "app.forget_missing",
    ]


def _sets_of_list(
    library: LibraryBrowser, view: View, shown: Ids, chosen: Sequence[int], name: str | None
) -> list[ImageSet]:
    """Return what images of a list can be chosen by: the marked ones, all of it, the one under the cursor.

    Args:
        view, shown: what the list shows, and the ids in it.
        chosen: the images that are marked, or those of the row under the cursor.
        name: what to call that row; None: they are marked.
    """
    sets = [ImageSet(f"the search \u201c{view.query}\u201d" if view.query else view.name, lambda: shown)]
    if len(chosen):
        some = ImageSet(name or "what is selected", partial(_as_ids, chosen))
        sets.insert(0 if name is None else 1, some)
    return sets if view == View() else [*sets, ImageSet("the whole library", partial(library.images, None))]


def _sets_of_folder(library: LibraryBrowser, folder: FolderRow | None) -> list[ImageSet]:
    """Return what images of a folder can be chosen by; None stands for all folders."""
    everything = ImageSet("the whole library", partial(library.images, None))
    if folder is None:
        return [everything]
    return [
        ImageSet(f"{folder.name}, with all below it", partial(library.images, folder.id)),
        ImageSet(f"{folder.name} alone", partial(library.images, folder.id, recursive=False)),
        everything,
    ]


class ImageListScreen(StatusScreen[None]):
    """A screen with a tree of folders, a table of images and a preview: what its commands are for."""

    #: What the table shows; None: nothing yet.
    _shown: View | None = None
    _is_part = False

    @property
    def table(self) -> ImageTable:
        """The image table."""
        return self.query_one(ImageTable)

    @property
    def is_on_folder(self) -> bool:
        """Whether the tree has the focus."""
        return self.query_one(FolderTree).has_focus

    @property
    def has_images(self) -> bool:
        """Whether the table lists any."""
        return self.table.count > 0

    @property
    def is_part(self) -> bool:
        """Whether only the first of the images of the table are there yet."""
        return self._is_part

    def _title_with(self, view: View, words: str) -> tuple[str, str, tuple[str, bool] | None]:
        """Return the title of what is shown, how it stands with a view that is not yet, and by what is sorted."""
        shown = self._shown or view
        return shown.title, words if shown == view else f"{one_line(view.title, 60)} {words}", shown.sort

    def ask_for_row(self) -> None:
        """Ask for a row or a date of the images, and go there."""
        ask_for_image(self, self.table, lambda: (self._shown or View()).newest_first(ranked=self.table.is_ranked))

    @property
    def is_all_chosen(self) -> bool:
        """Whether work is for all images of the table, but for those that were unmarked."""
        return self.table.is_all_chosen and not self.is_on_folder and not self.query_one(Preview).has_focus_within

    @property
    def _marked(self) -> Sequence[int]:
        """The marked images; none in the preview, where commands are for the one that it shows."""
        is_for_them = self.table.selected_count and not self.query_one(Preview).has_focus_within
        return self.table.chosen_ids() if is_for_them else ()

    @property
    def _at_cursor(self) -> Sequence[int]:
        """The images of the row under the cursor, all of a fold; in the preview the one that it shows."""
        table = self.table
        if not table.count or not self.query_one(Preview).has_focus_within:
            return table.row_images()
        return table.row_images()[:1]

    def folder(self) -> FolderRow | None:
        """The folder under the cursor of the tree."""
        return self.query_one(FolderTree).folder

    def target(self) -> Target | None:
        """The folder when the tree has the focus, else the marked images, or the one at the cursor or the preview."""
        if self.is_on_folder:
            folder = self.folder()
            return Target(everything=True) if folder is None else Target(folder_id=folder.id)
        ids = self._marked or self._at_cursor
        return Target(image_ids=ids) if ids else None

    def images(self) -> ImageCursor | None:
        """The marked images, else all of the table, which shows those of the folder."""
        return self.table.chosen() if self._marked or not self.has_images else self.table

    def image_sets(self) -> list[ImageSet]:
        """The folder when the tree has the focus, else the marked images or all of the list."""
        if self.is_on_folder:
            return _sets_of_folder(self.library, self.folder())
        table, view = self.table, self._shown or View()
        marked = self._marked
        name = None if marked else self.target_name()
        return _sets_of_list(self.library, view, table.all_ids, marked or self._at_cursor, name)

    def target_name(self) -> str:
        """The folder's or the image's name, how many images are marked, or how many are one row."""
        if self.is_on_folder:
            return folder.name if (folder := self.folder()) is not None else "All images"
        if marked := self._marked:
            return counted(len(marked), "image")
        name = row.file_name if (row := self.table.current_row) is not None else "Image"
        return f"{name} and {others:,} folded with it" if (others := len(self._at_cursor) - 1) > 0 else name

    def menu(self) -> list[str]:
        """What can be done with a folder, or with images."""
        if self.is_on_folder:
            return _folder_menu(self.folder())
        return [name for name in IMAGE_MENU if name != "main.unfold" or self.table.is_folded]

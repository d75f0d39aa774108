"""What the image table can show, and what the commands of its screen are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dtk_tui.domain.library import FolderRow, Hit, ImageRow
from dtk_tui.domain.query.parser import parse
from dtk_tui.domain.queue import Target
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.text import counted
from dtk_tui.ui.messages import ImageCursor, ImageSet
from dtk_tui.ui.screens.base import StatusScreen
from dtk_tui.ui.widgets.folder_tree import EVERYTHING, FolderTree
from dtk_tui.ui.widgets.preview import Preview
from dtk_tui.ui.widgets.tables.image_table import ImageTable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dtk_tui.ui.widgets.tables.pages import Ids

    Scores = npt.NDArray[np.float32]

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
    "work.rate",
    "work.favorite",
    "work.nsfw",
    "work.for_deletion",
    "work.add_tags",
    "work.remove_tag",
    "work.add_to_album",
    "work.remove_from_album",
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

    def order(self, *, ranked: bool) -> str:
        """What comes first, in words; ``ranked``: images have scores."""
        keys = parse(self.query).sort if self.query else ()
        if keys:
            return "by " + ", ".join(f"{key.column} {'down' if key.descending else 'up'}" for key in keys)
        return "best first" if ranked else "newest first"

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


def unzip(hits: list[Hit]) -> tuple[Ids, Scores | None]:
    """Return the ids, and the scores, of search results."""
    import numpy as np

    ids = np.fromiter((hit.image_id for hit in hits), np.int64, len(hits))
    return ids, np.fromiter((hit.score or 0.0 for hit in hits), np.float32, len(hits)) if hits else None


def _folder_menu(folder: FolderRow | None) -> list[str]:
    """Return the ids of the commands that the menu of a folder offers; None stands for all images."""
    deep = folder is not None
    work = [name for one in _FOLDER_WORK for name in ((one, f"{one}_deep") if deep else (one,))]
    more = _FOLDER_MENU if deep else ()
    return [*work, "work.preview_queue", "work.edit_captions", *more, "app.add_folder", "app.forget_missing"]


def _sets_of_list(
    library: LibraryBrowser, view: View, shown: Ids, marked: Sequence[int], current: ImageRow | None
) -> list[ImageSet]:
    """Return what images of a list can be chosen by: the marked ones, all of it, the one under the cursor.

    Args:
        view, shown: what the list shows, and the ids in it.
    """

    def some(numbers: Sequence[int]) -> Ids:
        import numpy as np

        return np.array(numbers, np.int64)

    name = f"the search \u201c{view.query}\u201d" if view.query else view.name
    sets = [ImageSet(name, lambda: shown)]
    if len(marked):
        sets.insert(0, ImageSet("what is selected", partial(some, marked)))
    elif current is not None:
        sets.append(ImageSet(current.file_name, partial(some, [current.id])))
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
    def _marked(self) -> Sequence[int]:
        """The marked images; none in the preview, where commands are for the one that it shows."""
        is_for_them = self.table.selected_count and not self.query_one(Preview).has_focus_within
        return self.table.chosen_ids() if is_for_them else ()

    def folder(self) -> FolderRow | None:
        """The folder under the cursor of the tree."""
        return self.query_one(FolderTree).folder

    def target(self) -> Target | None:
        """The folder when the tree has the focus, else the marked images, or the one at the cursor or the preview."""
        if self.is_on_folder:
            folder = self.folder()
            return Target(everything=True) if folder is None else Target(folder_id=folder.id)
        ids = self._marked or (() if (current := self.table.current_id) is None else (current,))
        return Target(image_ids=ids) if ids else None

    def images(self) -> ImageCursor | None:
        """The marked images, else all of the table, which shows those of the folder."""
        return self.table.chosen() if self._marked or not self.has_images else self.table

    def image_sets(self) -> list[ImageSet]:
        """The folder when the tree has the focus, else the marked images or all of the list."""
        if self.is_on_folder:
            return _sets_of_folder(self.library, self.folder())
        table, view = self.table, self._shown or View()
        return _sets_of_list(self.library, view, table.ids, self._marked, table.current_row)

    def target_name(self) -> str:
        """The folder's or the image's name, or how many are marked."""
        if self.is_on_folder:
            return folder.name if (folder := self.folder()) is not None else "All images"
        if marked := self._marked:
            return counted(len(marked), "image")
        return row.file_name if (row := self.table.current_row) is not None else "Image"

    def menu(self) -> list[str]:
        """What can be done with a folder, or with images."""
        return _folder_menu(self.folder()) if self.is_on_folder else list(IMAGE_MENU)

"""What a screen may use of the app, and a screen that has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar, Literal, Protocol, TypeVar

from textual.signal import Signal

from dtk_tui.config import Config
from dtk_tui.domain.library import FolderRow
from dtk_tui.domain.queue import Target
from dtk_tui.services.captions.writer import CaptionWriter
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.view_state import ViewState
from dtk_tui.ui.messages import ImageCursor, ImageSet, LikesAsked
from dtk_tui.ui.stats_feed import StatsFeed
from dtk_tui.ui.tasks import Tasks
from dtk_tui.ui.textual_drawing import UpdatingScreen

ResultT = TypeVar("ResultT")


class LibraryChange(Enum):
    """What became of the library, for those who show it."""

    #: A person changed it: folders and images are fetched again.
    IMAGES = auto()
    #: Nobody asked for it: what is new is offered, and the order stays.
    FOUND = auto()
    #: A person gave images ratings, flags, tags or albums: they are drawn anew, where they are.
    MARKS = auto()
    #: How scans treat folders.
    RULES = auto()


class Notify(Protocol):
    """Shows a short notice; text from strangers is safe in it."""

    def __call__(self, words: str, *, severity: Literal["information", "warning", "error"] = "information") -> None:
        """Show it."""


@dataclass(slots=True)
class AppContext:
    """What screens and commands may use.

    Attributes:
        image_protocol: how pictures are drawn on this terminal.
        stats: the numbers of queue, workers and library.
        tasks: the scan and the import under way.
        writer: asks a captioner for the caption of one image.
        library_changed: whoever shows folders or images subscribes; whoever changes them publishes.
        view_state: what a person chose of how the app looks.
        key: returns the first key that a command has now, as people read it, by the command's id.
        library_name: what the header calls the library.
    """

    library: LibraryBrowser
    config: Config
    image_protocol: str
    stats: StatsFeed
    tasks: Tasks
    writer: CaptionWriter
    library_changed: Signal[LibraryChange]
    notify: Notify
    view_state: ViewState
    key: Callable[[str], str]
    library_name: str = ""


class ContextScreen(UpdatingScreen[ResultT]):
    """A full screen of this app, with what commands need to know of it."""

    #: The first parts of the ids of the commands that it offers; those of the app are offered everywhere.
    COMMAND_GROUPS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context

    @property
    def library(self) -> LibraryBrowser:
        """The library that is open."""
        return self.context.library

    def target(self) -> Target | None:
        """Return what work is for; None when there is nothing."""
        return None

    def images(self) -> ImageCursor | None:
        """Return the images that are gone through, at the one that is chosen; None where none is."""
        return None

    def target_name(self) -> str:
        """Return how to call it in a title."""
        return ""

    def folder(self) -> FolderRow | None:
        """Return the folder that is chosen; None when that is all images."""
        return None

    def query_line(self) -> str:
        """Return the query line that finds the images that are shown; empty: all images."""
        return ""

    def image_sets(self) -> list[ImageSet]:
        """Return what many images can be chosen by, the most likely first."""
        return []

    def menu(self) -> list[str]:
        """Return the ids of the commands that the menu offers."""
        return []

    @property
    def is_on_folder(self) -> bool:
        """Whether work is for a folder, and not for images."""
        return False

    @property
    def has_images(self) -> bool:
        """Whether there are images here."""
        return False

    @property
    def is_part(self) -> bool:
        """Whether only the first of the images that it lists are there yet."""
        return False

    @property
    def is_all_chosen(self) -> bool:
        """Whether work is for all of its list, and not for some of it."""
        return False

    def refusal(self, command_id: str) -> str:
        """Say why a command of this screen cannot be done now; empty where it can."""
        return ""

    def keys_changed(self) -> None:
        """Show keys that were changed."""

    def room_changed(self) -> None:
        """Place what is shown for the size of the screen, and as dense as the settings say."""

    def show_like(self, image_id: int) -> None:
        """Show the images most like one."""
        self.app.post_message(LikesAsked(image_id))

    def picture_closed(self, like: int | None) -> None:
        """Go on after a picture was shown alone; ``like``: the image whose likes were asked for there, if any."""
        self.work_changed()
        if like is not None:
            self.show_like(like)

    def work_changed(self) -> None:
        """Show what is queued now."""

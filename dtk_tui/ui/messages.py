"""Messages between widgets, screens and the app; names are past tense."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from dtk_tui.domain.events import Event, ScanProgressed
from dtk_tui.domain.library import ImageRow
from dtk_tui.domain.queue import FailureReason
from dtk_tui.domain.thresholds import TaggerThresholds
from dtk_tui.errors import DtkError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dtk_tui.services.settings.schema import SettingInfo

    Ids = npt.NDArray[np.int64]


class ErrorReported(Message):
    """Something failed; the app shows it once. ``asked``: a person asked for it just now."""

    def __init__(self, error: DtkError, *, asked: bool = False) -> None:
        super().__init__()
        self.error = error
        self.asked = asked


# -- news of services -------------------------------------------------------------------------------------------------


class NewsArrived(Message):
    """An event of a service, brought over from its thread."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class ScanMoved(Message):
    """How far a scan is; older news that still wait are dropped."""

    def __init__(self, progress: ScanProgressed) -> None:
        super().__init__()
        self.progress = progress

    def can_replace(self, message: Message) -> bool:
        """Only the newest look counts."""
        return isinstance(message, ScanMoved)


class ImportMoved(Message):
    """An import of a Diffusion Toolkit database came further, or ended; older news that still wait are dropped."""

    def can_replace(self, message: Message) -> bool:
        """Only the newest look counts."""
        return isinstance(message, ImportMoved)


class EditMoved(Message):
    """An edit of many, or the undo of one, came further, or ended; older news that still wait are dropped."""

    def can_replace(self, message: Message) -> bool:
        """Only the newest look counts."""
        return isinstance(message, EditMoved)


class SourceFound(Message):
    """A database of Diffusion Toolkit lies on this machine."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path


class RunQueued(Message):
    """Tags and captions were queued in one action; its end is told."""

    def __init__(self, run_id: int) -> None:
        super().__init__()
        self.run_id = run_id


class ImagesShown(Message):
    """The first images are on the screen, or why there are none: what nobody waits for can begin."""


# -- screens to open --------------------------------------------------------------------------------------------------


class QueueOpened(Message):
    """The queue shall be shown."""


class JournalOpened(Message):
    """The journal of edits shall be shown."""


class CollectionsOpened(Message):
    """The albums, and the tags that people gave, shall be shown; ``ask`` gets the query of the one that is chosen."""

    def __init__(self, ask: Callable[[str], None]) -> None:
        super().__init__()
        self.ask = ask


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Images that can be chosen together: what to call them, and their ids, which are fetched in a thread."""

    name: str
    fetch: Callable[[], Ids]


class BatchEditOpened(Message):
    """The captions of many images shall be edited: those of the first of some sets, to begin with."""

    def __init__(self, sets: Sequence[ImageSet]) -> None:
        super().__init__()
        self.sets = sets


class DuplicatesOpened(Message):
    """Images that are the same or nearly so shall be shown."""


class RunsOpened(Message):
    """What was tagged and captioned in one action shall be shown."""


class ThresholdsOpened(Message):
    """The thresholds of a tagger shall be shown."""

    def __init__(self, of: TaggerThresholds) -> None:
        super().__init__()
        self.of = of


class SettingsOpened(Message):
    """The settings shall be shown."""


class KeymapOpened(Message):
    """All commands with their keys shall be shown."""


class SettingSaved(Message):
    """A setting was written into config.toml, or taken out; None: another program may have written there."""

    def __init__(self, info: SettingInfo | None) -> None:
        super().__init__()
        self.info = info


class ModelsOpened(Message):
    """The models that the config uses shall be shown."""


class CaptionerTestOpened(Message):
    """The captioner shall be tested."""


class QueriesOpened(Message):
    """Queries shall be offered, with the one that is typed; what is chosen is asked."""

    def __init__(self, typed: str, ask: Callable[[str], None]) -> None:
        super().__init__()
        self.typed = typed
        self.ask = ask


class HelpOpened(Message):
    """The keys of the present screen shall be shown."""


class PaletteOpened(Message):
    """All commands of the present screen shall be offered."""


class MenuOpened(Message):
    """Some commands shall be offered in a menu, by their ids."""

    def __init__(self, title: str, command_ids: Sequence[str]) -> None:
        super().__init__()
        self.title = title
        self.command_ids = command_ids


class ImportOpened(Message):
    """The import shall be shown: a new one, of a file if one is named, or the one under way."""

    def __init__(self, source: str | None = None) -> None:
        super().__init__()
        self.source = source


class ImageCursor(Protocol):
    """A place in a list of images."""

    @property
    def current_id(self) -> int | None:
        """The image at this place."""

    @property
    def current_row(self) -> ImageRow | None:
        """What the list says about it, None while that is not loaded."""

    @property
    def position(self) -> tuple[int, int]:
        """Its number, from 1, and how many there are."""

    def step(self, by: int) -> None:
        """Go on, or back."""


class ImageOpened(Message):
    """An image shall fill the screen; ``closed`` gets the id of the command that was chosen there for its list."""

    def __init__(self, images: ImageCursor, closed: Callable[[str | None], None]) -> None:
        super().__init__()
        self.images = images
        self.closed = closed


class PictureOpened(Message):
    """A picture shall be shown alone; ``closed`` gets the image whose likes were asked for there, if any."""

    def __init__(self, images: ImageCursor, closed: Callable[[int | None], None]) -> None:
        super().__init__()
        self.images = images
        self.closed = closed


class LikesAsked(Message):
    """The images most like one shall be listed, on the first screen."""

    def __init__(self, image_id: int) -> None:
        super().__init__()
        self.image_id = image_id


class ActivityOpened(Message):
    """Who works, and how fast, shall be shown."""


class LogOpened(Message):
    """The log of all work shall be shown."""


class FailuresOpened(Message):
    """Failures by their reasons shall be shown; ``closed`` gets the one whose jobs shall be listed, if any."""

    def __init__(self, closed: Callable[[FailureReason | None], None]) -> None:
        super().__init__()
        self.closed = closed


class CaptionEditorOpened(Message):
    """The captions of images shall be edited; ``closed`` is called when that is over."""

    def __init__(self, images: ImageCursor, closed: Callable[[], None]) -> None:
        super().__init__()
        self.images = images
        self.closed = closed


class AnswerMoved(Message):
    """A model wrote more of a caption, or ended; older news that still wait are dropped."""

    def can_replace(self, message: Message) -> bool:
        """Only the newest look counts."""
        return isinstance(message, AnswerMoved)

"""Messages between widgets, screens and the app; names are past tense."""

from __future__ import annotations

from textual.message import Message

from dtk_tui.domain.events import Event, ScanProgressed
from dtk_tui.domain.stats import Stats
from dtk_tui.errors import DtkError


class ErrorReported(Message):
    """Something failed; the app shows it once. ``asked``: a person asked for it just now."""

    def __init__(self, error: DtkError, *, asked: bool = False) -> None:
        super().__init__()
        self.error = error
        self.asked = asked


class NewsArrived(Message):
    """An event of a service, brought over from its thread."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class StatsArrived(Message):
    """Fresh numbers; older ones that still wait are dropped."""

    def __init__(self, stats: Stats) -> None:
        super().__init__()
        self.stats = stats

    def can_replace(self, message: Message) -> bool:
        """Only the newest look counts."""
        return isinstance(message, StatsArrived)


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


class SourceFound(Message):
    """A database of Diffusion Toolkit lies on this machine."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

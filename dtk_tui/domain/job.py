"""Jobs: kinds of work, states, priorities; and the states of a worker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtk_tui.domain.looks import GroupMember


class Kind(IntEnum):
    """A kind of work. The number is the order at equal priority: fast ones first."""

    TAG = 1
    EMBED = 2
    CAPTION = 3

    @classmethod
    def _missing_(cls, value: object) -> Kind | None:
        """Return a kind that a newer program has queued, so that it can be counted and shown, and nothing else."""
        if not isinstance(value, int) or value < 1:
            return None
        unknown = int.__new__(cls, value)
        unknown._name_, unknown._value_ = f"KIND_{value}", value
        return unknown

    @property
    def label(self) -> str:
        """The word that people type and read."""
        return self.name.lower()

    @classmethod
    def parse(cls, word: str) -> Kind:
        """Return the kind named ``word``; ValueError lists the known ones."""
        try:
            return cls[word.strip().upper()]
        except KeyError:
            known = ", ".join(kind.label for kind in cls)
            raise ValueError(f"unknown kind of work {word.strip()!r}; known are {known}") from None


class JobState(StrEnum):
    """States of a job that is in the queue; finished jobs leave it for the log."""

    PENDING = "pending"
    RUNNING = "running"
    FAILED = "failed"


NORMAL = 0
NOW = 100


class WorkerState(StrEnum):
    """Stopped: no models in memory. Running. Paused: no work, models stay in memory."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """One job under this worker's lease, with what is needed to do it.

    ``path`` is the absolute path of the image. ``prompt_id`` and ``prompt`` are None when the image has no prompt.
    ``isolated`` is set for a job whose worker died before: it must run in a batch of its own.
    ``fingerprint`` is that of the image's content, empty when it was not read yet; ``members`` are those of its group
    that nobody has decoded yet. ``details`` is what the handler of its kind found out when it was claimed.
    """

    id: int
    kind: Kind
    image_id: int
    priority: int
    attempts: int
    path: str
    prompt_id: int | None
    isolated: bool = False
    fingerprint: bytes = b""
    members: tuple[GroupMember, ...] = ()
    details: Any = None

"""From which score a tag holds, by tagger and category, and what other thresholds change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TagThreshold:
    """From which score a tag of a category holds.

    Attributes:
        threshold: 0 to 1; without a meaning where ``is_exclusive``.
        floor: raw scores below it are not kept.
        is_exclusive: of this category the best tag holds, and no other.
    """

    category: str
    threshold: float
    floor: float
    is_exclusive: bool


@dataclass(frozen=True, slots=True)
class TagChange:
    """How many tags came and went, and of how many images."""

    added: int = 0
    removed: int = 0
    images: int = 0

    def __add__(self, other: TagChange) -> TagChange:
        """Return both changes, of different images, as one."""
        return TagChange(self.added + other.added, self.removed + other.removed, self.images + other.images)


@dataclass(frozen=True, slots=True)
class Derivation:
    """Tags of a tagger that are being made anew from raw scores: how many images are done, and what that changed."""

    done: int
    change: TagChange


@dataclass(frozen=True, slots=True)
class TaggerThresholds:
    """The thresholds of one tagger.

    Attributes:
        images: how many have raw scores of it.
        unfinished: set while its tags are being made anew, or where that was interrupted.
    """

    tagger: str
    thresholds: tuple[TagThreshold, ...]
    images: int
    unfinished: Derivation | None = None


@dataclass(frozen=True, slots=True)
class FlagChange:
    """How many images the NSFW rule flagged, and how many it took its own flag from."""

    flagged: int = 0
    unflagged: int = 0

"""Tags that are made anew by other thresholds, and of which some are left."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnfinishedTags:
    """Tags of a tagger that are made anew only in part.

    Attributes:
        left: how many images may have them by the thresholds of before.
        images: how many have raw scores of it.
    """

    tagger: str
    left: int
    images: int

    @property
    def command(self) -> str:
        """What makes the rest anew."""
        return f"dtk tags threshold --tagger {self.tagger}"

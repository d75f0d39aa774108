"""What a person gives images by hand: ratings and flags."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: Diffusion Toolkit rates from 1 to 10, the keys of this app from 0 to 9.
HIGHEST_RATING = 10


class Mark(Enum):
    """What an image has one of; the values are the kinds of edits in the journal."""

    RATING = "rating"
    FAVORITE = "favorite"
    NSFW = "nsfw"
    FOR_DELETION = "for_deletion"


_FLAGS = {Mark.FAVORITE: "favourite", Mark.NSFW: "NSFW", Mark.FOR_DELETION: "for deletion"}


@dataclass(frozen=True, slots=True)
class MarkEdit:
    """Gives images a rating (0 to 10, None takes it away), or a flag (0 or 1).

    Raises:
        ValueError: there is no such value.
    """

    mark: Mark
    value: int | None

    def __post_init__(self) -> None:
        """Refuse a value that the mark cannot have."""
        if self.mark is Mark.RATING:
            if self.value is not None and not 0 <= self.value <= HIGHEST_RATING:
                raise ValueError(f"a rating is 0 to {HIGHEST_RATING}")
        elif self.value not in (0, 1):
            raise ValueError("a flag is 0 or 1")

    @property
    def title(self) -> str:
        """What it does, in words."""
        if self.mark is Mark.RATING:
            return "No rating" if self.value is None else f"Rating {self.value}"
        name = _FLAGS[self.mark]
        return name[0].upper() + name[1:] if self.value else f"Not {name}"


@dataclass(frozen=True, slots=True)
class Collection:
    """An album, or a tag that people gave; ``images`` counts those that they put in, or gave it.

    Attributes:
        id: positive for albums, negative for tags.
        query: what makes an album a smart one.
    """

    id: int
    name: str
    images: int
    query: str | None = None

    @property
    def is_album(self) -> bool:
        """Whether it is an album."""
        return self.id > 0

    @property
    def line(self) -> str:
        """The query that finds its images."""
        name = self.name.replace('"', '""')
        return f'{"album" if self.is_album else "tag"}:"{name}"'


@dataclass(frozen=True, slots=True)
class EditDone:
    """How many images an edit changed, and its number in the journal; None: nothing was changed."""

    changed: int
    journal: int | None

"""The journal of edits: what people changed, and what stood there before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

#: Of a change of captions; the numbers before and after are ids of versions.
CAPTION = "caption"
#: Of tags that people gave; the subject of a change is the tag.
TAG = "tag"
#: Of albums; the subject of a change is the album, the numbers are the places of the images in it.
ALBUM = "album"


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit. ``changed`` counts what it changed, ``restored`` what an undo gave back."""

    id: int
    kind: str
    title: str
    made_at: datetime
    changed: int
    undone_at: datetime | None = None
    restored: int | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What stood at images before an edit and after it, element by element; None: nothing.

    What the numbers mean, the kind of the edit says. An image may be there several times.

    Attributes:
        subject: the tag or the album that the changes are about.
        stamps: when the memberships that they made or ended came to be, in microseconds since 1970.
    """

    image_ids: Sequence[int]
    before: Sequence[int | None]
    after: Sequence[int | None]
    subject: int | None = None
    stamps: Sequence[int] | None = None

    def reversed(self) -> Changes:
        """Return the changes that take these back."""
        return replace(self, before=self.after, after=self.before)

    def without(self, image_ids: Collection[int]) -> Changes:
        """Return these changes without those of some images."""
        kept = [place for place, number in enumerate(self.image_ids) if number not in image_ids]
        if len(kept) == len(self.image_ids):
            return self
        return Changes(
            [self.image_ids[place] for place in kept],
            [self.before[place] for place in kept],
            [self.after[place] for place in kept],
            self.subject,
            None if self.stamps is None else [self.stamps[place] for place in kept],
        )


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo gave back, or a redo did again, and what it left alone.

    ``left`` are images, by id and path, that were edited again or are gone; ``path`` is that of the image whose change
    is the only one of the edit, if it is still there.
    """

    restored: int
    left: tuple[tuple[int, str | None], ...]
    path: str | None = None


@dataclass(frozen=True, slots=True)
class ImageEdit:
    """What one edit changed of one image; ``before`` and ``after`` mean what ``Changes`` says of the edit's kind."""

    edit: Edit
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class PastEvent:
    """One line of the history of an image.

    Attributes:
        at: when it happened; None: it is still to come.
        what: what was done, in words.
        note: by whom or how it ended; may be empty.
        is_bad: whether it failed.
    """

    at: datetime | None
    what: str
    note: str = ""
    is_bad: bool = False

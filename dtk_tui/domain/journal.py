"""The journal of edits: what people changed, and what stood there before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

#: Of a change of captions; the numbers before and after are ids of versions.
CAPTION = "caption"


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
    """

    image_ids: Sequence[int]
    before: Sequence[int | None]
    after: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo gave back, and what it left alone: images, by id and path, that were edited again or are gone."""

    restored: int
    left: tuple[tuple[int, str | None], ...]

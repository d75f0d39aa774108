"""The query line as a value: a tree of conditions on images, and what ranks the images that meet them.

Every leaf is a condition that an image meets or does not meet; a leaf about something that the image does not have
(an unknown seed, no prompt) is not met, so its negation is. All text is compared case-insensitively.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class And:
    """All of ``parts``."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of ``parts``."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not ``part``."""

    part: Node


@dataclass(frozen=True, slots=True)
class Prompt:
    """``text`` stands in the prompt."""

    text: str


@dataclass(frozen=True, slots=True)
class Negative:
    """``text`` stands in the negative prompt."""

    text: str


@dataclass(frozen=True, slots=True)
class Folder:
    """Directly in the folder of this name or path."""

    value: str


@dataclass(frozen=True, slots=True)
class Album:
    """In the album of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Path:
    """The absolute path is like ``glob``, where ``*`` is any text and ``?`` any one character."""

    glob: str


@dataclass(frozen=True, slots=True)
class Created:
    """Created on a local day from ``first`` to ``last``, both included; None is open."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """``field`` (seed, steps or cfg) lies in one of the ``ranges``, whose ends are included."""

    field: str
    ranges: tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class SeedLike:
    """The digits of the seed are like ``glob``."""

    glob: str


@dataclass(frozen=True, slots=True)
class Named:
    """``field`` (sampler, model, model_hash, hypernet or dialect) is one of ``names``.

    In a model ``*`` and ``?`` are wild.
    """

    field: str
    names: tuple[str, ...]

    def globs(self) -> tuple[str, ...]:
        """Return those of the names that have wild characters."""
        return tuple(name for name in self.names if self.field == "model" and ("*" in name or "?" in name))


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels; None is any."""

    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Ratio:
    """Width to height is exactly ``width`` to ``height``."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Orientation:
    """``portrait``, ``landscape`` or ``square``."""

    name: str


@dataclass(frozen=True, slots=True)
class Rating:
    """The rating compared by ``operator`` (= < > <= >= <>) with ``value``; None: not rated."""

    operator: str
    value: int | None


@dataclass(frozen=True, slots=True)
class Compared:
    """``field`` (aesthetic_score or hypernet_strength) compared by ``operator`` (= < > <= >= <>) with ``value``."""

    field: str
    operator: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Flag:
    """``name`` (favorite, for_deletion, nsfw, nometa, is_video or in_album) is ``value``."""

    name: str
    value: bool


@dataclass(frozen=True, slots=True)
class Tag:
    """Has the tag, by any source; where ``operator`` is given, with a confidence (0 to 1) that compares so."""

    name: str
    operator: str | None = None
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class CaptionWords:
    """Words of a caption: in any order, or, as a phrase, one behind the other; ``negated``: the caption lacks them."""

    text: str
    is_phrase: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class CaptionText:
    """One of its captions has all of the words in ``parts``, by full-text search."""

    parts: tuple[CaptionWords, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """Has ``what``: caption, tags, embedding, workflow, or error: it could not be read, or not whole."""

    what: str


@dataclass(frozen=True, slots=True)
class Group:
    """``representative``: the embedded member of each group; ``duplicates``: the other members."""

    role: str


@dataclass(frozen=True, slots=True)
class Queued:
    """Has a job in this state: pending or failed."""

    state: str


@dataclass(frozen=True, slots=True)
class About:
    """Ranks by meaning; ``at`` is where it stands in the line. Never part of ``Query.filter``.

    ``space`` is the model whose vectors are compared, None for the default; ``negated``: what it shall not be about.
    """

    text: str
    at: int
    space: str | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """Ranks by likeness; ``image`` is an id or a path, the rest as in ``About``. Never part of ``Query.filter``."""

    image: str
    at: int
    space: str | None = None
    negated: bool = False


#: What results are sorted by, and whether the largest comes first unless the query says otherwise.
SORT_COLUMNS: dict[str, bool] = {
    "date": True,
    "name": False,
    "size": True,
    "rating": True,
    "score": True,
    "aesthetic_score": True,
    "seed": False,
    "model": False,
    "steps": False,
}


@dataclass(frozen=True, slots=True)
class Sort:
    """Sorts the whole result by ``column``, one of ``SORT_COLUMNS``. Never part of ``Query.filter``."""

    column: str
    descending: bool
    at: int


@dataclass(frozen=True, slots=True)
class Looks:
    """Ranks by what the picture shows; ``space`` as in ``About``. Never part of ``Query.filter``."""

    text: str
    at: int
    space: str | None = None
    negated: bool = False


Node = (
    And
    | Or
    | Not
    | Prompt
    | Negative
    | Folder
    | Album
    | Path
    | Created
    | Numbers
    | SeedLike
    | Named
    | Size
    | Ratio
    | Orientation
    | Rating
    | Compared
    | Flag
    | Tag
    | CaptionText
    | Has
    | Group
    | Queued
    | About
    | Like
    | Sort
    | Looks
)


@dataclass(frozen=True, slots=True)
class Query:
    """A query line, understood.

    Attributes:
        line: as typed.
        filter: which images, exactly; None is every image. The free text is part of it.
        terms: the free text that is wanted (not what is negated), in the order of the line: it ranks.
        about: what ranks by meaning.
        like: what ranks by likeness to an image.
        looks: what ranks by what the picture shows, in words.
        sort: by what the result is sorted, the most important first; none: by rank, else by date.
    """

    line: str
    filter: Node | None = None
    terms: tuple[str, ...] = ()
    about: tuple[About, ...] = ()
    like: tuple[Like, ...] = ()
    looks: tuple[Looks, ...] = ()
    sort: tuple[Sort, ...] = ()

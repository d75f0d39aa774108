"""Sets of images that are the same or nearly so: what differs in them, and which one to keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dtk_tui.text import file_size


class DuplicateKind(StrEnum):
    """Why images are in one set."""

    #: The same content, by fingerprint.
    EXACT = "exact"
    #: The same generation, and alike: the images that share a vector.
    GROUP = "group"
    #: Pictures that look alike.
    NEAR = "near"
    #: Images with similar vectors.
    CLUSTER = "cluster"


class ClusterBy(StrEnum):
    """What is compared for clusters."""

    VECTORS = "vectors"
    HASH = "hash"


class KeepRule(StrEnum):
    """Which image of a set is the best."""

    LARGEST = "largest"
    NEWEST = "newest"
    RATED = "rated"
    IN_ALBUM = "in-album"


@dataclass(frozen=True, slots=True)
class DuplicateImage:
    """What a set tells of one of its images. ``captions`` and ``tags`` are how many it has."""

    id: int
    path: str
    file_size: int
    created_at: datetime
    width: int | None = None
    height: int | None = None
    rating: int | None = None
    favorite: bool = False
    for_deletion: bool = False
    albums: tuple[str, ...] = ()
    captions: int = 0
    tags: int = 0

    @property
    def pixels(self) -> int:
        """How many pixels it has, 0 where that is not known."""
        return (self.width or 0) * (self.height or 0)

    @property
    def dimensions(self) -> str:
        """Width and height, empty where they are not known."""
        return f"{self.width}x{self.height}" if self.width and self.height else ""


#: What may differ, in words, and what is compared. Whole seconds: copies of files seldom keep more.
_FACTS: Mapping[str, Callable[[DuplicateImage], object]] = {
    "dimensions": lambda image: image.dimensions,
    "size": lambda image: image.file_size,
    "date": lambda image: image.created_at.replace(microsecond=0),
    "rating": lambda image: (image.rating, image.favorite),
    "albums": lambda image: image.albums,
    "captions": lambda image: image.captions,
    "tags": lambda image: image.tags,
    "for deletion": lambda image: image.for_deletion,
}
#: By a rule: what is compared first; the largest wins. What is then equal goes by size, and to the oldest row.
_BEST: Mapping[KeepRule, Callable[[DuplicateImage], tuple[float, ...]]] = {
    KeepRule.LARGEST: lambda image: (),
    KeepRule.NEWEST: lambda image: (image.created_at.timestamp(),),
    KeepRule.RATED: lambda image: (-1 if image.rating is None else image.rating, image.favorite),
    KeepRule.IN_ALBUM: lambda image: (len(image.albums),),
}


def differences(images: Sequence[DuplicateImage]) -> tuple[str, ...]:
    """Return the names of the facts in which images are not all the same."""
    return tuple(name for name, fact in _FACTS.items() if len({fact(image) for image in images}) > 1)


def best(images: Sequence[DuplicateImage], rule: KeepRule) -> DuplicateImage:
    """Return the image to keep; one that is marked for deletion only where all are.

    Raises:
        ValueError: there are no images.
    """
    first = _BEST[rule]
    return max(images, key=lambda one: (not one.for_deletion, *first(one), one.pixels, one.file_size, -one.id))


def facts(image: DuplicateImage) -> Mapping[str, str]:
    """Return what is told of an image, by the names that ``differences`` has, as people read it."""
    rating = "" if image.rating is None else str(image.rating)
    return {
        "dimensions": image.dimensions,
        "size": file_size(image.file_size),
        "date": f"{image.created_at.astimezone():%Y-%m-%d %H:%M:%S}",
        "rating": f"{rating}{' favourite' if image.favorite else ''}".strip(),
        "albums": ", ".join(image.albums),
        "captions": str(image.captions or ""),
        "tags": str(image.tags or ""),
        "for deletion": "yes" if image.for_deletion else "",
    }

"""Folders and images as lists and details show them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from dtk_tui.domain.captions import Caption

#: Of the files that are videos, in lower case.
VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".webm", ".mkv")


@dataclass(frozen=True, slots=True)
class FolderRow:
    """One folder. ``images`` counts the images directly in it (None: not counted), ``path`` is absolute as on disk.

    ``excluded``, ``archived`` and ``recursive`` are its own ``Rule`` for scans.
    """

    id: int
    parent_id: int | None
    name: str
    path: str
    images: int | None
    has_children: bool
    unavailable: bool = False
    error: str | None = None
    excluded: bool = False
    archived: bool = False
    recursive: bool = True


class FolderRows:
    """Folders side by side in their order, of which each is made when it is asked for.

    Args:
        ids: their ids, int64.
        row: makes a folder of its id and its place.
        content: what two of them are compared by.
    """

    __slots__ = ("_content", "_row", "ids")

    def __init__(self, ids: array[int], row: Callable[[int, int], FolderRow], content: object) -> None:
        self.ids = ids
        self._row = row
        self._content = content

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place: int) -> FolderRow:
        return self._row(self.ids[place], place % len(self.ids))

    def __iter__(self) -> Iterator[FolderRow]:
        return (self[place] for place in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FolderRows) and self._content == other._content

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Rule:
    """How scans treat a folder.

    Neither an ``excluded`` nor an ``archived`` folder is looked into; what is known of an excluded one counts as gone,
    what is known of an archived one stays as it is. ``recursive``: the same goes for the folders below; a folder with
    neither mark that is not recursive is scanned without its subfolders.
    """

    excluded: bool = False
    archived: bool = False
    recursive: bool = True


@dataclass(frozen=True, slots=True)
class FolderScope:
    """What a scan does with a folder: list its files or not, go into its folders or not."""

    files: bool = True
    folders: bool = True


WHOLE_FOLDER = FolderScope()


@dataclass(frozen=True, slots=True)
class Badge:
    """Queued jobs of a folder and all its subfolders; ``urgent`` are those with priority."""

    pending: int
    urgent: int


@dataclass(frozen=True, slots=True)
class Badges:
    """The badges of all folders that have any: ids in ascending order, and their numbers, int64 [n] each."""

    folder_ids: array[int] = field(default_factory=partial(array, "q"))
    pending: array[int] = field(default_factory=partial(array, "q"))
    urgent: array[int] = field(default_factory=partial(array, "q"))

    def of(self, folder_id: int) -> Badge | None:
        """Return the badge of a folder, None where it has none."""
        place = bisect_left(self.folder_ids, folder_id)
        if place == len(self.folder_ids) or self.folder_ids[place] != folder_id:
            return None
        return Badge(self.pending[place], self.urgent[place])


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One line of the image table.

    ``prompt`` is its beginning only, ``queued`` the highest priority waiting, ``folder`` the path of its folder.
    """

    id: int
    folder_id: int
    file_name: str
    file_size: int
    created_at: datetime
    width: int | None = None
    height: int | None = None
    model: str | None = None
    dialect: str | None = None
    prompt: str | None = None
    rating: int | None = None
    favorite: bool = False
    nsfw: bool = False
    for_deletion: bool = False
    tags: int = 0
    captioned: bool = False
    embedded: bool = False
    queued: int | None = None
    running: bool = False
    unavailable: bool = False
    unread: bool = False
    error: str | None = None
    steps: int | None = None
    seed: int | None = None
    aesthetic_score: float | None = None
    folder: str = ""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """Where this host sees the file of an image, and what the last scan saw of its content; None: not read yet."""

    path: str
    fingerprint: bytes | None = None
    file_size: int = 0
    mtime_ns: int = 0


@dataclass(frozen=True, slots=True)
class ImageTag:
    """A tag on an image: who set it and how sure they were (0 to 1, None when set by a person)."""

    name: str
    category: str
    confidence: float | None
    source: str


@dataclass(frozen=True, slots=True)
class ImageDetail:
    """All that is known about one image; the keys of ``dtk show --json``."""

    id: int
    folder_id: int
    path: str
    file_name: str
    file_size: int
    created_at: datetime
    dialect: str | None
    prompt: str | None
    negative_prompt: str | None
    steps: int | None
    sampler: str | None
    scheduler: str | None
    cfg_scale: float | None
    seed: int | None
    width: int | None
    height: int | None
    model: str | None
    model_hash: str | None
    rating: int | None
    favorite: bool
    nsfw: bool
    for_deletion: bool
    unavailable: bool
    scan_phase: int
    error: str | None
    representative: int
    members: int
    extra: dict[str, object] = field(default_factory=dict)
    tags: tuple[ImageTag, ...] = ()
    embedded: tuple[str, ...] = ()
    albums: tuple[str, ...] = ()
    captions: tuple[Caption, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result, best first; ``score`` is None where the order is by date and nothing was ranked."""

    image_id: int
    score: float | None = None

"""Folders and images as lists and details show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from dtk_tui.domain.captions import Caption

#: Of the files that are videos, in lower case.
VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".webm", ".mkv")


@dataclass(frozen=True, slots=True)
class FolderRow:
    """One folder of the tree. ``images`` counts the images directly in it, ``path`` is absolute as on disk.

    ``excluded``, ``archived`` and ``recursive`` are its own ``Rule`` for scans.
    """

    id: int
    parent_id: int | None
    name: str
    path: str
    images: int
    has_children: bool
    unavailable: bool = False
    error: str | None = None
    excluded: bool = False
    archived: bool = False
    recursive: bool = True


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

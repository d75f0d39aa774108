"""A picture at the size of a tile, from the cache where it is there, else from its file."""

from __future__ import annotations

import os
from dataclasses import dataclass

from PIL import Image

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, ignore
from dtk_tui.domain.library import PictureFile
from dtk_tui.errors import UnreadableFileError
from dtk_tui.metadata.bounded_file import fingerprint_of
from dtk_tui.services.library import previews
from dtk_tui.services.library.thumbnails.cache import SIZES, ThumbnailCache
from dtk_tui.services.library.thumbnails.folder import thumbnails_folder

_GONE = "The file is not there (any more); this is what it showed."


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture as RGB, or why there is none; both where the file is gone and its picture was kept."""

    image: Image.Image | None
    reason: str = ""
    detail: str = ""


class Thumbnails:
    """Thumbnails of files, kept by their content: one that was moved or renamed is not decoded again."""

    def __init__(self, cache: ThumbnailCache) -> None:
        self._cache = cache

    def load(self, file: PictureFile, room: tuple[int, int]) -> Thumbnail:
        """Return the picture of a file in at most ``room`` (width, height) pixels; call it in a thread.

        It is never enlarged. What cannot be shown has a reason and raises nothing.
        """
        content, is_there = _content_of(file)
        size = next((one for one in SIZES if one >= max(room)), None)
        if content is None or size is None:
            return _decoded(file.path, room)
        found = Thumbnail(self._cache.get(content, size), "" if is_there else _GONE)
        if found.image is None:
            found = _decoded(file.path, (size, size))
            if found.image is not None:
                self._cache.put(content, size, found.image)
        if found.image is not None:
            found.image.thumbnail(room, Image.Resampling.BICUBIC, reducing_gap=2.0)
        return found


def thumbnails_of(config: Config, emit: Emit = ignore) -> Thumbnails:
    """Return the thumbnails of a library, kept in the cache folder of its config, or why not."""
    return Thumbnails(ThumbnailCache(thumbnails_folder(config.paths), emit=emit))


def _decoded(path: str, room: tuple[int, int]) -> Thumbnail:
    try:
        return Thumbnail(previews.load(path, room))
    except UnreadableFileError as error:
        return Thumbnail(None, error.title, error.detail)


def _content_of(file: PictureFile) -> tuple[bytes | None, bool]:
    """Return the fingerprint of a file as it is now, else the one that is known of it, and whether it is there."""
    try:
        status = os.stat(file.path)  # noqa: PTH116 (a name may hold bytes that are not UTF-8)
        if file.fingerprint and (status.st_size, status.st_mtime_ns) == (file.file_size, file.mtime_ns):
            return file.fingerprint, True
        return fingerprint_of(file.path), True
    except (OSError, ValueError):
        return file.fingerprint, False

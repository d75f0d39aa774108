"""Thumbnails on disk: JPEG files by the content that they show, bounded in bytes, the longest unused dropped first."""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from PIL import Image

from dtk_tui.atomic_file import UNFINISHED, write_whole
from dtk_tui.domain.events import Emit, ProblemReported, ignore

_log = logging.getLogger(__name__)

#: Longest edges in pixels; a thumbnail is made for the first that is enough.
SIZES = (128, 256, 512)
MOST_BYTES = 512 << 20

#: So much of the bound is left when the oldest were dropped, so that it is not reached again at once.
_LEFT = 0.9
_QUALITY = 85
#: No file of ours is larger.
_FILE_BYTES = 1 << 20
_DIGEST_BYTES = 16
#: The time of the last use is noted no more often than this, and what a killed process left is older.
_USED_S = 3600.0
#: After a failed write (disk full, no right) nothing is written for so long.
_PAUSE_S = 60.0


def _problem(folder: Path, error: OSError) -> ProblemReported:
    meanwhile = "Until then each is made anew."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ProblemReported("Thumbnails are not kept: the disk is full.", f"Free some of it: {folder}. {meanwhile}")
    why = error.strerror or type(error).__name__
    return ProblemReported(f"Thumbnails are not kept: {why}.", f"Let dtk write into {folder}. {meanwhile}")


class ThumbnailCache:
    """A folder of thumbnails, which threads and processes may share; whatever fails in it costs only time.

    A file is a JPEG with a digest of it behind, so that a damaged one is told from a sound one. Its time of change is
    when it was last used.

    Args:
        emit: is told once why nothing is kept, and again when something was kept meanwhile.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES, emit: Emit = ignore) -> None:
        self._folder = folder
        self._most = most_bytes
        self._total: int | None = None
        self._counting = threading.Lock()
        self._not_before = 0.0
        self._emit = emit
        self._is_told = False

    def get(self, fingerprint: bytes, size: int) -> Image.Image | None:
        """Return the thumbnail of a content as RGB, of the given size or a larger one; None where there is none."""
        for one in SIZES:
            if one >= size and (found := self._read(self._path(fingerprint, one))) is not None:
                return found
        return None

    def put(self, fingerprint: bytes, size: int, image: Image.Image) -> None:
        """Keep a thumbnail: RGB, its edges no longer than ``size``, which is one of ``SIZES``."""
        if time.monotonic() < self._not_before:
            return
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=_QUALITY)
        data = buffer.getvalue()
        path = self._path(fingerprint, size)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_whole(path, data + _digest(data))
        except OSError as error:
            self._not_before = time.monotonic() + _PAUSE_S
            _log.warning("a thumbnail was not kept: %s", error)
            if not self._is_told:
                self._is_told = True
                self._emit(_problem(self._folder, error))
            return
        self._is_told = False
        self._count(len(data) + _DIGEST_BYTES)

    def _path(self, fingerprint: bytes, size: int) -> Path:
        name = fingerprint.hex()
        return self._folder / name[:2] / f"{name}-{size}.jpg"

    def _read(self, path: Path) -> Image.Image | None:
        try:
            with path.open("rb") as file:
                content = file.read(_FILE_BYTES + 1)
                used = os.fstat(file.fileno()).st_mtime
        except OSError:
            return None
        found = _decode(content)
        with suppress(OSError):
            if found is None:
                path.unlink()
            elif not 0 <= time.time() - used < _USED_S:
                os.utime(path)
        return found

    def _count(self, written: int) -> None:
        if not self._counting.acquire(blocking=False):
            return  # whoever is at it looks at the folder itself
        try:
            if self._total is not None:
                self._total += written
            if self._total is None or self._total > self._most:
                self._total = self._trim()
        finally:
            self._counting.release()

    def _trim(self) -> int:
        """Drop the longest unused where there is too much; return how many bytes are left."""
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        if total > self._most:
            for _, size, path in files:
                if total <= self._most * _LEFT:
                    break
                with suppress(OSError):
                    os.unlink(path)  # noqa: PTH108
                total -= size
        return total

    def _files(self) -> Iterator[tuple[float, int, str]]:
        """Yield when each file was last used, its bytes, and its path; remove what was never finished."""
        with suppress(OSError), os.scandir(self._folder) as folders:
            for folder in folders:
                with suppress(OSError), os.scandir(folder.path) as files:
                    for file in files:
                        status = file.stat(follow_symlinks=False)
                        if file.name.startswith(UNFINISHED) and time.time() - status.st_mtime > _USED_S:
                            os.unlink(file.path)  # noqa: PTH108
                        else:
                            yield status.st_mtime, status.st_size, file.path


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()


def _decode(content: bytes) -> Image.Image | None:
    """Return the picture of a file's content; None for what this program did not write so."""
    data = content[:-_DIGEST_BYTES]
    if len(content) > _FILE_BYTES or _digest(data) != content[-_DIGEST_BYTES:]:
        return None
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            if max(image.size) > SIZES[-1]:
                return None
            image.load()
            return image if image.mode == "RGB" else image.convert("RGB")
    except (OSError, ValueError, SyntaxError):
        return None

"""Where the caption file of an image is: beside it, or in a folder that repeats the folders of the library."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from dtk_tui.config import Config
from dtk_tui.store.database import Connection
from dtk_tui.store.library import folders

#: A larger file is no caption.
LARGEST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class CaptionPlaces:
    """Where caption files are.

    Attributes:
        folder: absolute; None: beside the images.
        ending: of the files, with its dot.
        roots: of the library, as it knows them.
    """

    config: Config
    folder: str | None
    ending: str
    roots: Sequence[str]

    def of(self, path: str) -> list[str]:
        """Return where the caption file of an image, by its path in the library, may be; the place to write is first.

        ``a.png`` has ``a.txt``; where somebody kept the ending of the image, ``a.png.txt``.
        """
        place = self.config.local_path(path)
        if self.folder is not None:
            root = min((r for r in self.roots if path.startswith(r.rstrip("/") + "/")), key=len, default="")
            inner = path[len(root) :].lstrip("/") if root else os.path.basename(place)  # noqa: PTH119
            place = os.path.join(self.folder, inner)  # noqa: PTH118 (surrogates must survive)
        stem = os.path.splitext(place)[0]  # noqa: PTH122
        return [stem + self.ending, place + self.ending]


def places(conn: Connection, config: Config, folder: str | None, ending: str) -> CaptionPlaces:
    """Return where the caption files of the library are, or are to be."""
    roots = [row.path for row in folders.list_roots(conn) if row.is_root]
    return CaptionPlaces(config, None if folder is None else os.path.abspath(folder), ending, roots)  # noqa: PTH100


def content_of(path: str) -> bytes | None:
    """Return the content of a caption file; None when there is none.

    Raises:
        OSError: it cannot be read, is a link or no file, or is larger than a caption may be.
    """
    try:
        fd = os.open(os.fsencode(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is no file")
        if status.st_size > LARGEST_BYTES:
            raise OSError(0, "it is too large for a caption")
        return file.read()


def digest_of(path: str) -> bytes:
    """Return the SHA-256 of an absolute path."""
    return sha256(os.fsencode(path)).digest()

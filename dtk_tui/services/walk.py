"""Listing the media files of a folder tree, folder by folder, whatever the disk throws at it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Listing:
    """One folder as it stands on the disk.

    ``files`` are (name, size in bytes, mtime in ns); ``error`` says why the folder, or some entry of it, could not be
    read, and ``complete`` whether what is missing from ``files`` is really not there.
    """

    path: str
    parent: str | None
    files: list[tuple[str, int, int]] = field(default_factory=list)
    error: str | None = None
    complete: bool = True


def walk(root: str, extensions: frozenset[str]) -> Iterator[Listing]:
    """Yield every folder of a tree, parents before children; a folder reached twice (a link, a loop) comes once.

    Args:
        root: absolute path; bytes that are not UTF-8 as lone surrogates.
        extensions: lower-case endings with the dot, e.g. ``.png``.
    """
    seen: set[tuple[int, int]] = set()
    stack: list[tuple[str, str | None]] = [(root, None)]
    while stack:
        path, parent = stack.pop()
        listing = Listing(path, parent)
        folders: list[str] = []
        try:
            status = os.stat(path)  # noqa: PTH116 (surrogates and speed)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(path) as entries:
                for entry in entries:
                    _take(entry, extensions, listing, folders)
        except OSError as error:
            listing.error = f"The folder cannot be read: {error.strerror or error}."
            listing.complete = False
        yield listing
        stack.extend((folder, path) for folder in sorted(folders, reverse=True))


def _take(entry: os.DirEntry[str], extensions: frozenset[str], listing: Listing, folders: list[str]) -> None:
    """Sort one entry into files or folders; an entry that cannot be asked is noted and passed over."""
    try:
        ending = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
        if ending in extensions:
            status = entry.stat()
            if _is_regular(status.st_mode):
                listing.files.append((entry.name, status.st_size, status.st_mtime_ns))
                return
        if entry.is_dir():
            folders.append(entry.path)
    except FileNotFoundError:
        return  # a link to nowhere, or a file that went while we looked
    except OSError as error:
        listing.error = f"{entry.name} cannot be read: {error.strerror or error}."
        listing.complete = False


def _is_regular(mode: int) -> bool:
    return mode & 0o170000 == 0o100000

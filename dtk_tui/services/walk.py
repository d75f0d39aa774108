"""Listing the media files of a folder tree, folder by folder, whatever the disk throws at it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

#: Times outside of about 1677 to 2262 do not fit into 64 bits of nanoseconds.
_TIME_LIMIT = 2**63 - 1

#: The bits of a mode that say what kind of file it is.
_KIND = 0o170000
#: Name, size in bytes, mtime in ns.
File = tuple[str, int, int]


@dataclass(slots=True)
class Listing:
    """One folder as it stands on the disk.

    ``files`` are in the order of their names; ``error`` says why the folder, or some entry of it,
    could not be read, and ``complete`` whether what is missing from ``files`` is really not there.
    """

    path: str
    parent: str | None
    files: list[File] = field(default_factory=list)
    error: str | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """What to do with a folder: list its files or not, go into its folders or not."""

    files: bool = True
    folders: bool = True


ALL = Look()


def walk(
    root: str,
    extensions: frozenset[str],
    look: Callable[[str], Look] = lambda _: ALL,
    parent: str | None = None,
) -> Iterator[Listing]:
    """Yield every folder of a tree, parents before children; a folder reached twice (a link, a loop) comes once.

    Args:
        root: absolute path; bytes that are not UTF-8 as lone surrogates.
        extensions: lower-case endings with the dot, e.g. ``.png``.
        look: what to do with the folder at a path; one whose files are not to be listed is not yielded.
        parent: the path that the root's listing names as its parent.
    """
    seen: set[tuple[int, int]] = set()
    stack: list[tuple[str, str | None]] = [(root, parent)]
    while stack:
        path, above = stack.pop()
        wanted = look(path)
        if not (wanted.files or wanted.folders):
            continue
        listing = Listing(path, above)
        folders: list[str] = []
        try:
            status = os.stat(path)  # noqa: PTH116 (surrogates and speed)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(path) as entries:
                _take(entries, extensions, listing, folders)
        except OSError as error:
            listing.error = f"The folder cannot be read: {error.strerror or error}."
            listing.complete = False
        if wanted.files:
            listing.files.sort()
            yield listing
        if wanted.folders:
            folders.sort(reverse=True)
            stack.extend([(folder, path) for folder in folders])


def _take(
    entries: Iterator[os.DirEntry[str]], extensions: frozenset[str], listing: Listing, folders: list[str]
) -> None:
    """Sort entries into files and folders; one that cannot be asked is noted and passed over."""
    files = listing.files
    for entry in entries:
        name = entry.name
        try:
            if name[name.rfind(".") :].lower() in extensions:
                status = entry.stat()
                if status.st_mode & _KIND == stat.S_IFREG:
                    time_ns = status.st_mtime_ns
                    if not -_TIME_LIMIT <= time_ns <= _TIME_LIMIT:
                        time_ns = _TIME_LIMIT if time_ns > 0 else -_TIME_LIMIT
                    files.append((name, status.st_size, time_ns))
                    continue
            if entry.is_dir():
                folders.append(entry.path)
        except FileNotFoundError:
            continue  # a link to nowhere, or a file that went while we looked
        except OSError as error:
            if error.errno == errno.ELOOP:
                continue  # a link that leads to itself
            listing.error = f"{name} cannot be read: {error.strerror or error}."
            listing.complete = False

"""Listing the media files of a folder tree, folder by folder, whatever the disk throws at it."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from dtk_tui.domain.library import WHOLE_FOLDER, FolderScope
from dtk_tui.metadata import sidecars
from dtk_tui.services.library.exclusion import Exclusion

#: Times outside of about 1677 to 2262 do not fit into 64 bits of nanoseconds.
_TIME_LIMIT = 2**63 - 1

_FLUSH_FILES = 20_000
_FLUSH_FOLDERS = 2_000
#: On a slow disk what was found is shown this often.
_FLUSH_S = 0.5
#: Name, size in bytes, mtime in ns.
File = tuple[str, int, int]


@dataclass(slots=True)
class Listing:
    """One folder as it stands on the disk.

    ``files`` are in the order of their names; ``error`` says why the folder, or some entry of it,
    could not be read, and ``complete`` whether what is missing from ``files`` is really not there. ``encoded`` is for
    who makes rows of the files while the disk is walked. ``sidecars`` are files that may hold metadata of ``files``.
    """

    path: str
    parent: str | None
    files: list[File] = field(default_factory=list)
    error: str | None = None
    complete: bool = True
    encoded: list[bytes] = field(default_factory=list)
    sidecars: list[File] = field(default_factory=list)


def walk(
    root: str,
    extensions: frozenset[str],
    scope_of: Callable[[str], FolderScope] = lambda _: WHOLE_FOLDER,
    parent: str | None = None,
    exclusion: Exclusion | None = None,
) -> Iterator[Listing]:
    """Yield every folder of a tree, parents before children; a folder reached twice (a link, a loop) comes once.

    Args:
        root: absolute path; bytes that are not UTF-8 as lone surrogates.
        extensions: lower-case endings with the dot, e.g. ``.png``.
        scope_of: what to do with the folder at a path; one whose files are not to be listed is not yielded.
        parent: the path that the root's listing names as its parent.
        exclusion: patterns that hide files.
    """
    seen: set[tuple[int, int]] = set()
    stack: list[tuple[str, str | None]] = [(root, parent)]
    while stack:
        path, above = stack.pop()
        wanted = scope_of(path)
        if not (wanted.files or wanted.folders):
            continue
        listing = Listing(path, above)
        folders: list[str] = []
        try:
            # Through its descriptor, so that the kernel follows the path once and not for every file.
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                status = os.fstat(folder)
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as entries:
                    _take(entries, extensions, listing, folders, exclusion)
            finally:
                os.close(folder)
        except OSError as error:
            listing.error = f"The folder cannot be read: {error.strerror or error}."
            listing.complete = False
        if wanted.files:
            if sidecars.FOLDER in folders and listing.files:
                _add_nested_sidecars(listing)
            listing.files.sort()
            yield listing
        if wanted.folders:
            folders.sort(reverse=True)
            stack.extend([(os.path.join(path, name), path) for name in folders])  # noqa: PTH118 (surrogates)


def _take(
    entries: Iterator[os.DirEntry[str]],
    extensions: frozenset[str],
    listing: Listing,
    folders: list[str],
    exclusion: Exclusion | None,
) -> None:
    """Sort entries into files and names of folders; one that cannot be asked is noted and passed over."""
    add = listing.files.append
    hides = exclusion.hides_file if exclusion is not None else _hides_nothing
    firsts = exclusion.first_characters if exclusion is not None else frozenset()
    for entry in entries:
        name = entry.name
        try:
            if (firsts is None or name[0] in firsts) and hides(listing.path, name) and not entry.is_dir():
                continue
            # Most endings are three letters in lower case.
            if name[-4:] in extensions or name[name.rfind(".") :].lower() in extensions:
                status = entry.stat()
                if status.st_mode & 0o170000 == 0o100000:  # the bits that say what it is: a regular file
                    time_ns = status.st_mtime_ns
                    add(
                        (name, status.st_size, time_ns if -_TIME_LIMIT <= time_ns <= _TIME_LIMIT else _clamped(time_ns))
                    )
                    continue
            if name[-4:] == ".txt" or name[-5:] == ".json" or name == "log.html":
                status = entry.stat()
                if status.st_mode & 0o170000 == 0o100000:
                    listing.sidecars.append((name, status.st_size, status.st_mtime_ns))
                    continue
            if entry.is_dir():
                folders.append(name)
        except FileNotFoundError:
            continue  # a link to nowhere, or a file that went while we looked
        except OSError as error:
            if error.errno == errno.ELOOP:
                continue  # a link that leads to itself
            listing.error = f"{name} cannot be read: {error.strerror or error}."
            listing.complete = False


def _hides_nothing(_folder: str, _name: str) -> bool:
    return False


def _add_nested_sidecars(listing: Listing) -> None:
    """Add what tells of the folder's files from a folder of its own."""
    try:
        with os.scandir(f"{listing.path}/{sidecars.FOLDER}") as entries:
            for entry in entries:
                if entry.name.endswith(".json") and entry.is_file():
                    status = entry.stat()
                    listing.sidecars.append((f"{sidecars.FOLDER}/{entry.name}", status.st_size, status.st_mtime_ns))
    except OSError:
        return  # the folder itself says so when its turn comes


def _clamped(time_ns: int) -> int:
    return _TIME_LIMIT if time_ns > 0 else -_TIME_LIMIT


def batches(listings: Iterable[Listing]) -> Iterator[list[Listing]]:
    """Gather listings into batches of some thousand files, or of half a second, small ones first."""
    batch: list[Listing] = []
    files = 0
    enough = _FLUSH_FILES // 16
    end = time.monotonic() + _FLUSH_S
    for listing in listings:
        batch.append(listing)
        files += len(listing.files)
        if files >= enough or len(batch) >= _FLUSH_FOLDERS or time.monotonic() > end:
            yield batch
            batch, files = [], 0
            enough = min(2 * enough, _FLUSH_FILES)
            end = time.monotonic() + _FLUSH_S
    if batch:
        yield batch

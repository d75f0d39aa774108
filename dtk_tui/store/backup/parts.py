"""Backups in parts: a dump is cut where its content says so, and a part that is there already is not written again.

A part holds about a thousand rows and is named by its digest, so that rows that did not change make the same part the
next time. Each backup is a list of all its parts (docs/adr/0023): none depends on another backup.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dtk_tui.atomic_file import write_whole
from dtk_tui.errors import DtkError, os_reason
from dtk_tui.store.backup.digests import Manifest, Progress, digests_of
from dtk_tui.store.backup.dump import at_one_moment
from dtk_tui.store.database import Database
from dtk_tui.store.server import files

#: The folder of the parts, beside the lists.
FOLDER = "parts"
#: A row whose id ends in 000 begins a part: of the first columns of a line only so much is looked at.
_BEGINS = re.compile(rb"\n(?=[^\n]{0,45}?000\t)")
_LOOKED_AT = 64
_LEAST, _MOST = 1 << 18, 1 << 24
_PIECE = 1 << 20
_LEVEL = 1
_FORMAT = 1
_LIST_BYTES = 1 << 26
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Part:
    """A part by its digest, and how many bytes of the dump it holds."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Written:
    """A backup in parts: its list, the bytes that were written for it, and those of the whole dump."""

    file: Path
    bytes: int
    whole_bytes: int


def cut(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a dump in parts of 256 KiB to 16 MiB whose ends depend on what stands there, not on how far it is."""
    buffer = bytearray()
    looked = _LEAST
    while piece := stream.read(_PIECE):
        buffer += piece
        while True:
            found = _BEGINS.search(buffer, looked, _MOST + _LOOKED_AT)
            end = found.end() if found is not None and found.end() <= _MOST else 0
            if not end and len(buffer) >= _MOST + _LOOKED_AT:
                end = _MOST
            if not end:
                looked = max(_LEAST, len(buffer) - _LOOKED_AT)
                break
            yield bytes(buffer[:end])
            del buffer[:end]
            looked = _LEAST
    if buffer:
        yield bytes(buffer)


class _Parts(threading.Thread):
    """Writes what comes out of a pipe as parts; ``error`` is why it ended early."""

    def __init__(self, stream: IO[bytes], folder: Path) -> None:
        super().__init__(name="dtk-parts", daemon=True)
        self._stream, self._folder = stream, folder
        self.parts: list[Part] = []
        self.written = 0
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            with self._stream:  # closed at an error too: pg_dump does not wait for a reader then
                for raw in cut(self._stream):
                    self._keep(raw)
        except OSError as error:
            self.error = error

    def _keep(self, raw: bytes) -> None:
        part = Part(hashlib.blake2b(raw, digest_size=32).hexdigest(), len(raw))
        self.parts.append(part)
        file = place_of(self._folder, part.digest)
        with suppress(DtkError, OSError):
            _read(self._folder, part)  # one that a disk has damaged would spoil all backups to come
            return
        packed = zlib.compress(raw, _LEVEL)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.new")
        descriptor = files.create(new)
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(packed)
                out.flush()
                os.fsync(descriptor)
            new.replace(file)
        except OSError:
            new.unlink(missing_ok=True)
            raise
        self.written += len(packed)


def place_of(folder: Path, digest: str) -> Path:
    """Return where a part lies, in the folder of the lists."""
    return folder / FOLDER / digest[:2] / digest


def write(db: Database, target: Path, on_progress: Progress) -> Written:
    """Write a backup in parts, and its list last: what is killed before leaves no backup.

    Args:
        target: the list, a new file; the parts stand in a folder beside it.

    Raises:
        DtkError: the list exists already, the dump failed, or the disk is full.
    """
    if target.exists() or target.is_symlink():
        raise DtkError(f"{target} exists already.", "Name a file that does not exist: a backup never overwrites one.")
    reading, writing = os.pipe()
    keeper = _Parts(os.fdopen(reading, "rb"), target.parent)
    keeper.start()
    try:
        try:
            manifest = at_one_moment(db, writing, "none", on_progress)
        finally:
            os.close(writing)
            keeper.join()
    except DtkError:
        if keeper.error is None:
            raise
    if keeper.error is not None:
        raise DtkError(f"The backup cannot be written to {target}.", os_reason(keeper.error)) from keeper.error
    whole = sum(part.size for part in keeper.parts)
    listed = {"bytes": whole, "parts": [[part.digest, part.size] for part in keeper.parts]}
    try:
        write_whole(target, json.dumps(json.loads(manifest.to_json()) | listed).encode())
    except OSError as error:
        raise DtkError(f"The backup cannot be written to {target}.", os_reason(error)) from error
    return Written(target, keeper.written, whole)


def read_list(file: Path) -> tuple[Manifest, list[Part]]:
    """Return what a list of parts says; raises DtkError where it is none."""
    try:
        with file.open("rb") as opened:
            raw: Any = json.loads(opened.read(_LIST_BYTES))
        parts = [Part(str(digest), int(size)) for digest, size in raw["parts"]]
        if raw["format"] != _FORMAT or not all(
            _DIGEST.fullmatch(part.digest) and 0 < part.size <= _MOST + _PIECE for part in parts
        ):
            raise ValueError(file)
        return Manifest(str(raw["schema"]), str(raw["made_at"]), digests_of(raw)), parts
    except OSError as error:
        raise DtkError(f"{file} cannot be read.", f"{error.strerror or error}.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DtkError(f"{file} is no list of the parts of a backup.", "Name a file that db backup wrote.") from error


def assemble(file: Path, target: Path) -> Manifest:
    """Write the dump that a list names into a new file of mode 0600, and return what it says of its tables.

    Raises:
        DtkError: a part is missing or damaged, or the disk is full; says which.
    """
    manifest, parts = read_list(file)
    try:
        with os.fdopen(files.create(target), "wb") as out:
            for part in parts:
                out.write(_read(file.parent, part))
    except OSError as error:
        raise DtkError(f"The backup cannot be put together in {target}.", os_reason(error)) from error
    return manifest


def _read(folder: Path, part: Part) -> bytes:
    """Return what a part holds; it is unpacked no further than it should be."""
    file = place_of(folder, part.digest)
    unpack = zlib.decompressobj()
    try:
        raw = unpack.decompress(file.read_bytes(), part.size)
        if len(raw) == part.size and hashlib.blake2b(raw, digest_size=32).hexdigest() == part.digest:
            return raw
        why = "is damaged"
    except FileNotFoundError:
        why = "is missing"
    except zlib.error:
        why = "is damaged"
    raise DtkError(f"A part of the backup {why}.", f"It is {file}. Restore an older backup, or a copy of this folder.")


def remove_unused(folder: Path, lists: list[Path]) -> int:
    """Remove the parts that none of the lists names; return how many. OSError where one cannot be removed.

    Raises:
        DtkError: a list cannot be read; nothing is removed then.
    """
    used = {part.digest for file in lists for part in read_list(file)[1]}
    removed = 0
    for file in (folder / FOLDER).glob("[0-9a-f][0-9a-f]/*"):
        name = file.name.removesuffix(".new")
        if _DIGEST.fullmatch(name) and (name not in used or name != file.name):
            file.unlink(missing_ok=True)
            removed += 1
    return removed

"""Reading many files in parallel: the pool, and what its processes do. Needs no database."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import TypeVar

from dtk_tui.domain.parameters import FileReading, RawChunk
from dtk_tui.errors import UnreadableFileError
from dtk_tui.metadata.bounded_file import HEAD_BYTES, fingerprint_of
from dtk_tui.metadata.reader import derive, read_file
from dtk_tui.store.copy.rows import digest, raw_row, reading_row

#: Below this many files, starting processes costs more than it saves.
PROCESSES_FROM = 2000
#: Files that a process is given at a time, at most; fewer where that would leave others without any.
_CHUNK = 512
_CHUNKS_EACH = 8
#: The heads of this many files are asked for before they are read.
_PREFETCH = 64
#: One in so many of them tells whether the disk has to be asked at all.
_SAMPLE = 16
#: A chunk that holds more than this is handed over, and its rest is read as another: memory stays flat.
_CHUNK_BYTES = 4 * 1024 * 1024
#: So is one that takes longer: a slow disk does not keep a scan from being stopped.
_CHUNK_S = 1.0
_COLLECT_AFTER = 50_000

File = tuple[int, str]
Row = tuple[int, bytes, bytes]
Raw = tuple[int, int | None, int | None, int, str, tuple[RawChunk, ...]]
T = TypeVar("T")


@dataclass(slots=True)
class ReadBatch:
    """What a few files gave: image id, encoded reading and encoded raw metadata (or b""); texts of prompts by digest;
    reasons of unreadable files.

    ``size`` is that of the rows in bytes; ``rest`` was not read yet.
    """

    rows: list[Row] = field(default_factory=list)
    prompts: dict[bytes, str] = field(default_factory=dict)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    damaged: int = 0
    size: int = 0
    rest: list[File] = field(default_factory=list)

    def add_reading(self, image_id: int, reading: FileReading, *, with_raw: bool = True) -> None:
        """Encode one reading and add it."""
        row = reading_row(image_id, reading)
        raw = raw_row(image_id, reading.chunks) if with_raw and reading.chunks else b""
        self.rows.append((image_id, row, raw))
        self.size += len(row) + len(raw)
        self.damaged += reading.error is not None
        parameters = reading.parameters
        for text in (parameters.prompt, parameters.negative_prompt):
            if text is not None:
                self.prompts[digest(text)] = text

    def merge(self, other: ReadBatch) -> None:
        """Add all of another batch."""
        self.rows += other.rows
        self.prompts.update(other.prompts)
        self.unreadable += other.unreadable
        self.damaged += other.damaged
        self.size += other.size


def read_chunk(files: list[File]) -> ReadBatch:
    """Read some files, given as (image id, path); a file that cannot be read gives its reason instead."""
    result = ReadBatch()
    end = time.monotonic() + _CHUNK_S
    _prefetch(files[:_PREFETCH])
    for place, (image_id, path) in enumerate(files):
        if place % _PREFETCH == 0:
            _prefetch(files[place + _PREFETCH : place + 2 * _PREFETCH])
        if result.size > _CHUNK_BYTES or (place and time.monotonic() > end):
            result.rest = files[place:]
            break
        try:
            result.add_reading(image_id, read_file(path))
        except UnreadableFileError as error:
            result.unreadable.append((image_id, f"{error.title} {error.detail}".strip()))
    return result


def fingerprint_chunk(paths: Sequence[str]) -> list[bytes | None]:
    """Return the fingerprints of some files; None for one that cannot be read."""
    for start in range(0, len(paths), _PREFETCH):
        _prefetch([(0, path) for path in paths[start : start + _PREFETCH]])
    return [_fingerprint(path) for path in paths]


def _fingerprint(path: str) -> bytes | None:
    try:
        return fingerprint_of(path)
    except (OSError, ValueError):
        return None


def _prefetch(files: list[File]) -> None:
    """Let the disk bring the heads of files that are read next: one at a time it would mostly wait."""
    if not hasattr(os, "posix_fadvise") or all(_is_in_memory(path) for _, path in files[::_SAMPLE]):
        return
    for _, path in files:
        try:
            fd = _open(path)
        except (OSError, ValueError):
            continue  # whoever reads it says why
        try:
            os.posix_fadvise(fd, 0, HEAD_BYTES, os.POSIX_FADV_WILLNEED)
        except OSError:
            continue  # a pipe, a device
        finally:
            os.close(fd)


def _is_in_memory(path: str) -> bool:
    """Return whether a file can be read without waiting for the disk, as far as the system tells."""
    if not hasattr(os, "RWF_NOWAIT"):
        return False
    try:
        fd = _open(path)
    except (OSError, ValueError):
        return True
    try:
        os.preadv(fd, [bytearray(1)], 0, os.RWF_NOWAIT)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _open(path: str) -> int:
    return os.open(os.fsencode(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)


def derive_chunk(images: list[Raw]) -> ReadBatch:
    """Derive the parameters of some images again from their raw metadata; what cannot be understood is left out."""
    result = ReadBatch()
    for image_id, width, height, size, name, chunks in images:
        try:
            dialect, parameters = derive(chunks, width, height, name)
        except (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
            result.unreadable.append((image_id, f"The metadata cannot be understood ({type(error).__name__})."))
            continue
        reading = FileReading(None, width, height, dialect, parameters, chunks, b"", file_size=size, mtime_ns=0)
        result.add_reading(image_id, reading, with_raw=False)
    return result


@contextmanager
def readers(processes: int | None, files: int) -> Iterator[Executor]:
    """Give processes for many files, threads for few; a spawned process inherits no thread or model of ours."""
    count = processes or os.cpu_count() or 1
    if files < PROCESSES_FROM:
        with ThreadPoolExecutor(count, thread_name_prefix="read") as threads:
            yield threads
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_initialize_process) as pool:
        yield pool


def _initialize_process() -> None:
    """Set a process of the pool up: it looks for cycles seldom, because readings have none, and ends with the scan."""
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])
    _exit_with_parent()


def _exit_with_parent() -> None:
    """Let this process end when the scan is killed, instead of waiting for work for ever."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def read_all(
    pool: Executor, work: Callable[[list[T]], ReadBatch], items: Iterable[T], amount: int, stop: threading.Event
) -> Iterator[ReadBatch]:
    """Yield what ``work`` gives for ``items``, in their order but for rests; few chunks are under way at a time.

    Args:
        amount: how many items there are.
    """
    waiting = iter(items)
    under_way: deque[Future[ReadBatch]] = deque()
    cores = os.cpu_count() or 1
    size = min(_CHUNK, amount // (_CHUNKS_EACH * cores) + 1)
    while True:
        while len(under_way) < 8 * cores and not stop.is_set() and (chunk := list(islice(waiting, size))):
            under_way.append(pool.submit(work, chunk))
        if stop.is_set():
            under_way = deque([future for future in under_way if not future.cancel()])
        if not under_way:
            return
        result = under_way.popleft().result()
        if result.rest and not stop.is_set():
            under_way.append(pool.submit(read_chunk, result.rest))
        yield result

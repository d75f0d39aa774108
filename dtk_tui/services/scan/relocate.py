"""What the listings of a scan did not find in its place: files that moved as they were keep their rows."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from dtk_tui.domain.events import ScanProgressed
from dtk_tui.metadata.sidecars import sidecar_names
from dtk_tui.services.scan.read import fingerprint_chunk
from dtk_tui.services.scan.scan_run import HeldFiles, ScanRun
from dtk_tui.services.scan.walk import File
from dtk_tui.store.database import Connection
from dtk_tui.store.scan import listings, relocation
from dtk_tui.store.scan.relocation import Relocation, VanishedImage

#: Images of one transaction.
_WRITE_ROWS = 20_000
#: Files of which one thread takes the fingerprints at a time.
_CHUNK = 256


class _NewFile(NamedTuple):
    """A file that the library has no row for, in a folder given by id and path."""

    folder_id: int
    folder: str
    file_name: str
    file_size: int
    mtime_ns: int


_Pair = tuple[VanishedImage, _NewFile]


def settle_vanished(run: ScanRun) -> None:
    """Relocate images whose files were found elsewhere, mark the others unavailable, and add the files that are new.

    A file that moved has its size and time still, and its fingerprint proves it: nothing else of it is read. What moved
    and changed its time is found when it is read, by its fingerprint.
    """
    ids, held = sorted(run.vanished), run.held
    run.vanished, run.held = set(), {}
    gone: list[int] = []
    for some in _slices(ids):
        moved = _relocate(run, some, held) if held and not run.stop.is_set() else set()
        gone += [number for number in some if number not in moved]
    run.counts.moved += len(ids) - len(gone)
    _add_rest(run, held)
    for some in _slices(gone):
        run.write(partial(listings.mark_unavailable, ids=some))
    run.counts.gone += len(gone)


def _slices(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _WRITE_ROWS):
        yield ids[start : start + _WRITE_ROWS]


def _relocate(run: ScanRun, ids: Sequence[int], held: HeldFiles) -> set[int]:
    """Relocate some images as far as their files are found, which are taken out of ``held``; return their ids."""
    images = run.read(partial(relocation.vanished, ids=ids))
    wanted = {(image.file_size, image.mtime_ns) for image in images}
    files = [
        _NewFile(number, folder, name, size, mtime_ns)
        for number, (folder, listed) in held.items()
        for name, size, mtime_ns in listed
        if (size, mtime_ns) in wanted
    ]
    places = [Relocation(image, file.folder_id, file.file_name) for image, file in _proven(run, _alike(images, files))]
    moved: set[int] = set()

    def write(conn: Connection) -> None:
        nonlocal moved
        moved = relocation.relocate(conn, places)

    if places:
        run.write(write)
    taken: dict[int, set[str]] = defaultdict(set)
    for place in places:
        if place.image.id in moved:
            taken[place.folder_id].add(place.file_name)
    for number, names in taken.items():
        folder, listed = held[number]
        held[number] = folder, [file for file in listed if file[0] not in names]
    return moved


def _add_rest(run: ScanRun, held: HeldFiles) -> None:
    """Add rows for the files that are of no known images."""
    waiting: dict[int, list[File]] = {}
    added = 0

    def write(conn: Connection) -> None:
        nonlocal added
        added = listings.add_files(conn, waiting)

    last = len(held) - 1
    for place, (number, (_, files)) in enumerate(held.items()):
        if files:
            waiting[number] = files
        if waiting and (place == last or sum(map(len, waiting.values())) >= _WRITE_ROWS):
            run.write(write)
            run.counts.added += added
            waiting = {}


def _alike(images: Iterable[VanishedImage], files: Iterable[_NewFile]) -> list[_Pair]:
    """Return images and files of one size and time: those that kept their names first, then those that are alone."""
    left, others = list(images), list(files)
    found: list[_Pair] = []
    for has_name in (True, False):

        def key(one: VanishedImage | _NewFile, has_name: bool = has_name) -> Hashable:
            return one.file_size, one.mtime_ns, one.file_name if has_name else ""

        by_key: dict[Hashable, tuple[list[VanishedImage], list[_NewFile]]] = defaultdict(lambda: ([], []))
        for image in left:
            by_key[key(image)][0].append(image)
        for file in others:
            by_key[key(file)][1].append(file)
        pairs = [(some[0], same[0]) for some, same in by_key.values() if len(some) == len(same) == 1]
        found += pairs
        taken = {image.id for image, _ in pairs}
        placed = {file for _, file in pairs}
        left = [image for image in left if image.id not in taken]
        others = [file for file in others if file not in placed]
    return found


def _proven(run: ScanRun, pairs: list[_Pair]) -> Iterator[_Pair]:
    """Yield the pairs whose content is the same, and of which no sidecar tells anything else."""
    chunks = [pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK)]
    done = 0
    with ThreadPoolExecutor(run.settings.processes or os.cpu_count(), thread_name_prefix="moved") as threads:
        paths = ([_path(file) for _, file in chunk] for chunk in chunks)
        for chunk, found in zip(chunks, threads.map(partial(_fingerprints, run), paths), strict=True):
            for (image, file), fingerprint in zip(chunk, found, strict=True):
                if fingerprint == image.fingerprint and not (image.is_bare and _has_sidecar(file)):
                    yield image, file
            done += len(chunk)
            run.emit(ScanProgressed("deep", done, len(pairs)))


def _fingerprints(run: ScanRun, paths: list[str]) -> Sequence[bytes | None]:
    return [None] * len(paths) if run.stop.is_set() else fingerprint_chunk(paths)


def _path(file: _NewFile) -> str:
    return os.path.join(file.folder, file.file_name)  # noqa: PTH118 (surrogates must survive)


def _has_sidecar(file: _NewFile) -> bool:
    return any(os.path.lexists(os.path.join(file.folder, name)) for name in sidecar_names(file.file_name))  # noqa: PTH118

"""What the listings of a scan did not find in its place: files that moved as they were keep their rows."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from dtk_tui.domain.events import ScanProgressed
from dtk_tui.metadata.sidecars import sidecar_names
from dtk_tui.services.scan.read import fingerprint_chunk
from dtk_tui.services.scan.scan_run import HeldFiles, ScanRun, few_collections
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
    with few_collections():
        _settle(run, sorted(run.vanished), run.held)
    run.vanished, run.held = set(), {}


def _settle(run: ScanRun, ids: list[int], held: HeldFiles) -> None:
    by_state: dict[tuple[int, int], list[_NewFile]] = defaultdict(list)
    for number, (folder, files) in held.items() if ids else ():
        for name, size, mtime_ns in files:
            by_state[size, mtime_ns].append(_NewFile(number, folder, name, size, mtime_ns))
    gone: list[int] = []
    taken: dict[int, set[str]] = defaultdict(set)
    for some in _slices(ids):
        moved = _relocate(run, some, by_state) if by_state and not run.stop.is_set() else []
        for place in moved:
            taken[place.folder_id].add(place.file_name)
        done = {place.image.id for place in moved}
        gone += [number for number in some if number not in done]
    run.counts.moved += len(ids) - len(gone)
    for number, names in taken.items():
        folder, files = held[number]
        held[number] = folder, [file for file in files if file[0] not in names]
    _add_rest(run, held)
    for some in _slices(gone):
        run.write(partial(listings.mark_unavailable, ids=some))
    run.counts.gone += len(gone)


def _slices(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _WRITE_ROWS):
        yield ids[start : start + _WRITE_ROWS]


def _relocate(run: ScanRun, ids: Sequence[int], by_state: Mapping[tuple[int, int], list[_NewFile]]) -> list[Relocation]:
    """Relocate some images as far as their files are among the new ones, given by size and time; return those."""
    images = run.read(partial(relocation.vanished, ids=ids))
    states = {(image.file_size, image.mtime_ns) for image in images}
    files = [file for state in states for file in by_state.get(state, ())]
    places = [Relocation(image, file.folder_id, file.file_name) for image, file in _proven(run, _alike(images, files))]
    moved: set[int] = set()

    def write(conn: Connection) -> None:
        nonlocal moved
        moved = relocation.relocate(conn, places)

    if places:
        run.write(write)
    return [place for place in places if place.image.id in moved]


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

"""What the listings of a scan did not find in its place: files that moved as they were keep their rows."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial

from dtk_tui.domain.events import ScanProgressed
from dtk_tui.metadata.sidecars import sidecar_names
from dtk_tui.services.scan.match_moved import NewFiles, Pair
from dtk_tui.services.scan.read import fingerprint_chunk
from dtk_tui.services.scan.scan_run import HeldFiles, ScanRun, few_collections
from dtk_tui.services.scan.walk import File
from dtk_tui.store.database import Connection
from dtk_tui.store.scan import listings, relocation
from dtk_tui.store.scan.relocation import Relocation

#: Images of one transaction; fewer of few, so that some are written while others are looked at.
_WRITE_ROWS = 20_000
_WRITES, _FEWEST_ROWS = 8, 2_000
#: Files of which one thread takes the fingerprints at a time.
_CHUNK = 256


def settle_vanished(run: ScanRun) -> None:
    """Relocate images whose files were found elsewhere, mark the others unavailable, and add the files that are new.

    The fingerprint proves that a file is an image's: nothing else of it is read. It is looked for among the files of
    the image's size and time, and of its size and name. Any other is found when it is read.
    """
    with few_collections():
        _settle(run, sorted(run.vanished), run.held)
    run.vanished, run.held = set(), {}


def _settle(run: ScanRun, ids: list[int], held: HeldFiles) -> None:
    moved = _relocate(run, ids, held) if ids and held and not run.stop.is_set() else {}
    gone = [number for number in ids if number not in moved]
    run.counts.moved += len(moved)
    taken: dict[int, set[str]] = defaultdict(set)
    for folder_id, name in moved.values():
        taken[folder_id].add(name)
    for number, names in taken.items():
        folder, files = held[number]
        held[number] = folder, [file for file in files if file[0] not in names]
    _add_rest(run, held)
    for some in _slices(gone, _WRITE_ROWS):
        run.write(partial(listings.mark_unavailable, ids=some))
    run.counts.gone += len(gone)


def _slices(ids: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _relocate(run: ScanRun, ids: list[int], held: HeldFiles) -> dict[int, tuple[int, str]]:
    """Relocate images whose files are among the new ones; return folder id and file name by their ids."""
    files = NewFiles(held)
    moved: dict[int, tuple[int, str]] = {}
    writing: Future[dict[int, tuple[int, str]]] | None = None
    done = 0
    with (
        ThreadPoolExecutor(run.settings.processes or os.cpu_count(), thread_name_prefix="moved") as readers,
        ThreadPoolExecutor(1, thread_name_prefix="place") as writer,
    ):
        # In the order of their ids, neighbours meet on the same pages of the library.
        for some in _slices(ids, min(_WRITE_ROWS, max(_FEWEST_ROWS, len(ids) // _WRITES))):
            pairs = files.take(run.read(partial(relocation.vanished, ids=some)))
            proven = _proven(run, pairs, readers)
            if writing is not None:
                moved.update(writing.result())
            writing = writer.submit(_write, run, proven)
            done += len(some)
            run.emit(ScanProgressed("deep", done, len(ids)))
            if run.stop.is_set():
                break
        if writing is not None:
            moved.update(writing.result())
    return moved


def _proven(run: ScanRun, pairs: list[Pair], readers: Executor) -> list[Pair]:
    """Return the pairs whose content is the same, and of which no sidecar tells anything else."""
    chunks = [pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK)]
    return [pair for found in readers.map(partial(_prove, run), chunks) for pair in found]


def _prove(run: ScanRun, pairs: list[Pair]) -> list[Pair]:
    if run.stop.is_set():
        return []
    fingerprints = fingerprint_chunk([file.path for _, file in pairs])
    return [
        (image, file)
        for (image, file), fingerprint in zip(pairs, fingerprints, strict=True)
        if fingerprint == image.fingerprint and not (image.is_bare and _has_sidecar(file.folder, file.file_name))
    ]


def _write(run: ScanRun, pairs: list[Pair]) -> dict[int, tuple[int, str]]:
    """Give images the places of files; return those that have them now, as ``_relocate``."""
    places = [
        Relocation(image.id, image.fingerprint, file.folder_id, file.file_name, file.mtime_ns) for image, file in pairs
    ]
    moved: set[int] = set()

    def write(conn: Connection) -> None:
        nonlocal moved
        moved = relocation.relocate(conn, places)

    if places:
        run.write(write)
    return {place.image_id: (place.folder_id, place.file_name) for place in places if place.image_id in moved}


def _add_rest(run: ScanRun, held: HeldFiles) -> None:
    """Add rows for the files that are of no known images."""
    waiting: dict[int, list[File]] = {}
    amount = added = 0

    def write(conn: Connection) -> None:
        nonlocal added
        added = listings.add_files(conn, waiting)

    last = len(held) - 1
    for place, (number, (_, files)) in enumerate(held.items()):
        if files:
            waiting[number] = files
            amount += len(files)
        if waiting and (place == last or amount >= _WRITE_ROWS):
            run.write(write)
            run.counts.added += added
            waiting, amount = {}, 0


def _has_sidecar(folder: str, file_name: str) -> bool:
    return any(os.path.lexists(folder + name) for name in sidecar_names(file_name))

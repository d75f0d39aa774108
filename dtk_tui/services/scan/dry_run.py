"""What a scan would do, without a single write."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, ScanProgressed, ignore
from dtk_tui.errors import UnreadableFileError
from dtk_tui.metadata.reader import read_file
from dtk_tui.services.library.folder_rules import Rules, elsewhere
from dtk_tui.services.scan.diff import compare
from dtk_tui.services.scan.scanner import Scan
from dtk_tui.services.scan.walk import batches, walk
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import folders
from dtk_tui.store.scan import listing as ingest
from dtk_tui.store.scan import readings


def dry_run(db: Database, config: Config, paths: Sequence[str], emit: Emit = ignore) -> dict[str, float]:
    """Return the keys of ``dtk scan --json``, ``gone`` and ``back``, as the scan would count them.

    New files are only read where a vanished image of the same size could be theirs.

    Raises:
        UsageError: as ``Scan.run``.
    """
    started = time.monotonic()
    total = {"seen": 0, "added": 0, "updated": 0, "moved": 0, "unchanged": 0, "failed": 0, "gone": 0, "back": 0}
    new: list[tuple[str, int]] = []
    changed: dict[int, str] = {}
    gone: list[int] = []
    for root in Scan(db, config, emit).targets(paths):
        with db.connection() as conn:
            known = folders.known_below(conn, root)
            apart = elsewhere(conn, root)
        _look(db, config, root, known, apart, total, new, changed, gone, emit)
    with db.connection() as conn:
        moved, traded, from_gone = _moved(conn, new, changed, gone)
    total["moved"] = moved + traded
    total["added"] -= moved
    total["updated"] -= traded
    total["gone"] = len(gone) - from_gone
    total["unchanged"] = total["seen"] - total["added"] - total["updated"] - total["moved"]
    return {**total, "seconds": round(time.monotonic() - started, 3)}


def _look(
    db: Database,
    config: Config,
    root: str,
    known: dict[str, folders.KnownFolder],
    apart: list[str],
    total: dict[str, int],
    new: list[tuple[str, int]],
    changed: dict[int, str],
    gone: list[int],
    emit: Emit,
) -> None:
    """Compare one tree with the library and add what is found to ``total``, ``new``, ``changed`` and ``gone``."""
    rules = Rules({path: folder.rule for path, folder in known.items()}, apart)
    seen: set[str] = set()
    unreadable: list[str] = []
    for batch in batches(walk(root, frozenset(config.settings.scan.extensions), rules.scope)):
        old = [(known[x.path].id, x, True) for x in batch if x.path in known]
        fresh = [x for x in batch if x.path not in known]
        seen.update([x.path for x in batch])
        unreadable += [x.path for x in batch if not x.complete]
        total["seen"] += sum(len(x.files) for x in batch)
        with db.connection() as conn:
            found = compare(conn, old, {f.id: f.beside for x in batch if (f := known.get(x.path))})
            changed.update(ingest.paths(conn, [number for number, _, _ in found.changed]))
        total["updated"] += len(found.changed) + len(found.again)
        total["back"] += len(found.back)
        gone += found.gone
        added = [(x.path, x.files) for x in fresh]
        added += [(x.path, found.new[number]) for number, x, _ in old if number in found.new]
        total["added"] += sum(len(files) for _, files in added)
        new += [(os.path.join(path, name), size) for path, files in added for name, size, _ in files]  # noqa: PTH118
        emit(ScanProgressed("quick", total["seen"], 0, batch[-1].path))
    hidden = rules.out_of_sight(unreadable)
    lost = [folder.id for path, folder in known.items() if path not in seen and path not in hidden]
    with db.connection() as conn:
        gone += ingest.available_in(conn, lost)


def _moved(
    conn: Connection, new: Iterable[tuple[str, int]], changed: Mapping[int, str], gone: Sequence[int]
) -> tuple[int, int, int]:
    """Return how many new and how many changed files are known images that moved, and how many of those in ``gone``."""
    vanishing = set(gone)
    sizes = readings.sizes(conn)
    contents = {number: _fingerprint(path) for number, path in changed.items()}
    taken: set[int] = set()
    traded = 0
    candidates = [(number, found) for number, found in contents.items() if found]
    # As the scan does: first what was put over others.
    for number, fingerprint in [*candidates, *((0, _fingerprint(path)) for path, size in new if size in sizes)]:
        same = readings.with_fingerprint(conn, fingerprint) if fingerprint else []
        if number in [image_id for image_id, _, _ in same]:
            continue
        for image_id, unavailable, old_path in same:
            lost = unavailable or image_id in vanishing or not os.path.lexists(old_path)
            if not lost:
                now = contents[image_id] if image_id in contents else _fingerprint(old_path)
                lost = now is not None and now != fingerprint
            if lost and image_id not in taken:
                taken.add(image_id)
                traded += bool(number)
                break
    return len(taken) - traded, traded, len(taken & vanishing)


def _fingerprint(path: str) -> bytes | None:
    try:
        return read_file(path).fingerprint
    except UnreadableFileError:
        return None

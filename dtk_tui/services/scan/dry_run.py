"""Dry run of a scan: what it would find, counted without a write."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, ScanProgressed, ignore
from dtk_tui.errors import UnreadableFileError
from dtk_tui.metadata.reader import read_file
from dtk_tui.services.library.exclusion import exclusion_for
from dtk_tui.services.library.folder_rules import Rules, unrelated_roots
from dtk_tui.services.scan.diff import compare
from dtk_tui.services.scan.scanner import Scan
from dtk_tui.services.scan.unmet import count_claimed
from dtk_tui.services.scan.walk import batches, walk
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.scan import known_folders, listings, moves


@dataclass(slots=True)
class _Found:
    """What a scan would find: new files by path and size, changed ones by image id, ids of those that are gone."""

    counts: dict[str, int]
    new: list[tuple[str, int]] = field(default_factory=list)
    changed: dict[int, str] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)


def dry_run(db: Database, config: Config, paths: Sequence[str], emit: Emit = ignore) -> dict[str, float]:
    """Return the keys of ``dtk scan --json``, ``gone`` and ``back``, as the scan would count them.

    New files are only read where a vanished image of the same size could be theirs.

    Raises:
        UsageError: as ``Scan.run``.
    """
    started = time.monotonic()
    counts = {"seen": 0, "added": 0, "updated": 0, "moved": 0, "unchanged": 0, "failed": 0, "gone": 0, "back": 0}
    found = _Found(counts)
    for root in Scan(db, config, emit).targets(paths):
        _compare_tree(db, config, root, found, emit)
    with db.connection() as conn:
        new, changed, from_gone = _count_moved(conn, found)
        met, met_gone = count_claimed(conn, found.new, set(found.gone))
    new, from_gone = new + met, from_gone + met_gone
    counts["moved"] = new + changed
    counts["added"] -= new
    counts["updated"] -= changed
    counts["gone"] = len(found.gone) - from_gone
    counts["unchanged"] = counts["seen"] - counts["added"] - counts["updated"] - counts["moved"]
    return {**counts, "seconds": round(time.monotonic() - started, 3)}


def _compare_tree(db: Database, config: Config, root: str, found: _Found, emit: Emit) -> None:
    """Compare one tree with the library and add what differs to ``found``."""
    with db.connection() as conn:
        known = known_folders.load_below(conn, root)
        unrelated = unrelated_roots(conn, root)
        exclusion = exclusion_for(conn, config.settings.scan.exclude, root)
    rules = Rules({path: folder.rule for path, folder in known.items()}, unrelated, exclusion)
    seen: set[str] = set()
    unreadable: list[str] = []
    extensions = frozenset(config.settings.scan.extensions)
    for batch in batches(walk(root, extensions, rules.scope, exclusion=exclusion)):
        old = [(known[x.path].id, x, True) for x in batch if x.path in known]
        seen.update([x.path for x in batch])
        unreadable += [x.path for x in batch if not x.complete]
        with db.connection() as conn:
            different = compare(conn, old, {f.id: f.sidecars for x in batch if (f := known.get(x.path))})
            found.changed.update(listings.paths(conn, [number for number, _, _ in different.changed]))
        added = [(x.path, x.files) for x in batch if x.path not in known]
        added += [(x.path, different.new[number]) for number, x, _ in old if number in different.new]
        found.new += [(os.path.join(path, name), size) for path, files in added for name, size, _ in files]  # noqa: PTH118
        found.gone += different.gone
        found.counts["seen"] += sum(len(x.files) for x in batch)
        found.counts["added"] += sum(len(files) for _, files in added)
        found.counts["updated"] += len(different.changed) + len(different.sidecar_changed)
        found.counts["back"] += len(different.back)
        emit(ScanProgressed("quick", found.counts["seen"], 0, batch[-1].path))
    unvisited = rules.unvisited(unreadable)
    lost = [folder.id for path, folder in known.items() if path not in seen and path not in unvisited]
    with db.connection() as conn:
        found.gone += listings.available_in(conn, lost)


def _count_moved(conn: Connection, found: _Found) -> tuple[int, int, int]:
    """Return how many new and how many changed files are known images that moved, and how many of those in ``gone``."""
    vanishing = set(found.gone)
    sizes = moves.sizes(conn)
    contents = {number: _fingerprint(path) for number, path in found.changed.items()}
    taken: set[int] = set()
    changed = 0
    candidates = [(number, content) for number, content in contents.items() if content]
    # As the scan does: first what was put over others.
    for number, fingerprint in [*candidates, *((0, _fingerprint(path)) for path, size in found.new if size in sizes)]:
        same = moves.with_fingerprint(conn, fingerprint) if fingerprint else []
        if number in [image_id for image_id, _, _ in same]:
            continue
        for image_id, unavailable, old_path in same:
            lost = unavailable or image_id in vanishing or not os.path.lexists(old_path)
            if not lost:
                now = contents[image_id] if image_id in contents else _fingerprint(old_path)
                lost = now is not None and now != fingerprint
            if lost and image_id not in taken:
                taken.add(image_id)
                changed += bool(number)
                break
    return len(taken) - changed, changed, len(taken & vanishing)


def _fingerprint(path: str) -> bytes | None:
    try:
        return read_file(path).fingerprint
    except UnreadableFileError:
        return None

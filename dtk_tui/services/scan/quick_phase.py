"""The quick phase of a scan: every file is listed with size and date, and what differs from the library is written."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from dtk_tui.domain.events import ScanProgressed
from dtk_tui.services.library.exclusion import exclusion_for
from dtk_tui.services.library.folder_rules import Rules, is_scanned, unrelated_roots
from dtk_tui.services.scan.diff import Differences, compare
from dtk_tui.services.scan.scan_run import HeldFiles, ScanRun, few_collections
from dtk_tui.services.scan.walk import File, Listing, batches, walk
from dtk_tui.store.copy.rows import listed_files
from dtk_tui.store.database import Connection
from dtk_tui.store.library import folders
from dtk_tui.store.scan import known_folders, listings
from dtk_tui.store.scan.known_folders import KnownFolder


def list_tree(run: ScanRun, root: str) -> list[int]:
    """List a tree and write what is new, changed, back or gone; return the ids of its folders.

    A database that went away may have forgotten its last transactions, so the listing begins anew when it is back.
    """
    return run.retry(partial(_list_tree_once, run, root, run.counts.seen, set(run.vanished), dict(run.held)))


def _list_tree_once(run: ScanRun, root: str, seen_before: int, vanished: set[int], held: HeldFiles) -> list[int]:
    run.counts.seen, run.vanished, run.held = seen_before, set(vanished), dict(held)
    with run.db.connection() as conn:
        root_id = folders.add_root(conn, root)
        known = known_folders.load(conn, root_id)
        apart = unrelated_roots(conn, root)
        exclusion = exclusion_for(conn, run.settings.exclude, root)
    # A root that was put above older ones is their parent until the folders in between are met.
    ids = {p: f.id for p, f in known.items() if p == root or f.parent_id == _parent_id(known, p)}
    rules = Rules({path: f.rule for path, f in known.items()}, apart, exclusion)
    seen, unreadable = set[str](), list[str]()
    vanished_before = len(run.vanished)
    writing: Future[None] | None = None
    with few_collections(), ThreadPoolExecutor(1, thread_name_prefix="list") as writer:
        for batch in batches(walk(root, frozenset(run.settings.extensions), rules.scope, exclusion=exclusion)):
            seen.update([listing.path for listing in batch])
            unreadable += [listing.path for listing in batch if not listing.complete]
            # Here, because the writer and its server are as busy as the walk.
            for listing in batch if not run.may_hold() else ():
                if listing.path not in known:
                    listing.encoded = listed_files(listing.files)
            if writing is not None:
                writing.result()
            writing = writer.submit(_write_batch, run, batch, ids, known)
            if run.stop.is_set():
                break
        if writing is not None:
            writing.result()
    if not run.stop.is_set():
        hidden = rules.unvisited(unreadable)
        _mark_vanished(run, [f.id for path, f in known.items() if path not in seen and path not in hidden])
        lost = len(run.vanished) - vanished_before
        if run.counts.seen == seen_before and lost > 0:
            run.report_lost_folder(root, "is empty now", lost)
    return [ids[path] for path in seen if path in ids]


def list_folder(run: ScanRun, path: str) -> list[int]:
    """List one folder of the library, and what is new below it, and write it as ``list_tree``; return their ids."""
    return run.retry(partial(_list_folder_once, run, path))


def _list_folder_once(run: ScanRun, path: str) -> list[int]:
    with run.db.connection() as conn:
        number = folders.find(conn, path)
        if number is None:
            return []
        known = known_folders.load(conn, number)
        exclusion = exclusion_for(conn, run.settings.exclude, path)
        if not is_scanned(conn, path, known[path].rule) or exclusion.hides_tree(path):
            return []
        apart = unrelated_roots(conn, path)
    if not os.path.isdir(path):  # noqa: PTH112 (surrogates must survive)
        vanished_before = len(run.vanished)
        _mark_vanished(run, [folder.id for folder in known.values()])
        lost = len(run.vanished) - vanished_before
        if known[path].parent_id is None and lost:
            run.report_lost_folder(path, "is not there any more", lost)
        return []
    rules = Rules({p: f.rule for p, f in known.items()}, apart, exclusion)
    ids = {p: f.id for p, f in known.items()}
    met: list[str] = []
    for batch in batches(walk(path, frozenset(run.settings.extensions), rules.scope, exclusion=exclusion)):
        # Folders below that are known already have news of their own.
        new = [x for x in batch if x.path == path or x.path not in known or not known[x.path].settled]
        _write_batch(run, new, ids, known)
        met += [x.path for x in new]
    return [ids[p] for p in met if p in ids]


def _write_batch(run: ScanRun, batch: list[Listing], ids: dict[str, int], known: dict[str, KnownFolder]) -> None:
    """Write the listings of some folders: what is new, changed, back, or gone."""
    added = updated = 0
    gone: list[int] = []
    new: dict[int, list[File]] = {}
    holds = run.may_hold()

    def write(conn: Connection) -> None:
        nonlocal added, updated, gone, new
        made = _add_folders(conn, batch, ids)
        found = _differences(conn, batch, ids, known, made)
        added = 0 if holds else listings.add_files(conn, found.new, made, found.encoded)
        new = found.new
        listings.mark_changed(conn, found.changed)
        listings.mark_unread(conn, found.sidecar_changed)
        known_folders.set_sidecars(conn, found.sidecars)
        listings.mark_available(conn, found.back)
        for folder_id, reason in found.unreadable:
            known_folders.mark_unreadable(conn, folder_id, reason)
        if found.read:
            known_folders.mark_scanned(conn, found.read)
        updated, gone = len(found.changed) + len(found.sidecar_changed), found.gone

    run.write_once(write)
    run.counts.added += added
    run.counts.updated += updated
    run.vanished.update(gone)
    if holds:
        folders_met = {ids[listing.path]: listing.path for listing in batch if listing.path in ids}
        run.held.update({number: (folders_met[number], files) for number, files in new.items()})
    run.counts.seen += sum([len(listing.files) for listing in batch])
    run.emit(ScanProgressed("quick", run.counts.seen, 0, batch[-1].path if batch else ""))


def _mark_vanished(run: ScanRun, folder_ids: list[int]) -> None:
    """Mark folders that vanished; their images have vanished with them."""
    images: list[int] = []

    def write(conn: Connection) -> None:
        nonlocal images
        images = known_folders.mark_unavailable(conn, folder_ids)

    if folder_ids:
        run.write(write)
        run.vanished.update(images)


def _add_folders(conn: Connection, batch: list[Listing], ids: dict[str, int]) -> set[int]:
    """Insert the folders of a batch that are new, level by level, for a child needs its parent's id; return theirs."""
    new = [listing for listing in batch if listing.path not in ids]
    read = {listing.path for listing in new if listing.complete}
    made: set[int] = set()
    while new:
        ready = [x for x in new if x.parent in ids]
        added = folders.add(conn, [(ids[x.parent] if x.parent else None, x.path) for x in ready], read)
        ids.update(added)
        made.update(added.values())
        new = [x for x in new if x.path not in ids]
    return made


def _differences(
    conn: Connection, batch: list[Listing], ids: dict[str, int], known: dict[str, KnownFolder], made: set[int]
) -> Differences:
    old = {x.path for x in batch if x.path in known}
    sidecars = {known[path].id: known[path].sidecars for path in old}
    differences = compare(conn, [(ids[x.path], x, x.path in old) for x in batch], sidecars)
    settled = {known[path].id for path in old if known[path].settled}
    # A folder that is as it was costs no write at all.
    differences.read = [n for n in differences.read if n not in made and (n not in settled or n in differences.touched)]
    return differences


def _parent_id(known: dict[str, KnownFolder], path: str) -> int | None:
    above = known.get(os.path.dirname(path))  # noqa: PTH120
    return above.id if above else None

"""Scanning: folders on disk become rows of the library.

Two phases. Quick: every file is listed with size and date. Deep: files that are new or changed are read. Both write in
batches, so that an interrupted scan goes on where it stopped.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from functools import partial

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, ProblemReported, ScanFinished, ignore
from dtk_tui.errors import UsageError
from dtk_tui.metadata import reader
from dtk_tui.services.library.exclusion import exclusion_for
from dtk_tui.services.library.folder_rules import (
    absolute,
    known_path,
    require_folder,
    require_scannable,
    scannable_roots,
)
from dtk_tui.services.library.thumbnails.folder import thumbnails_folder
from dtk_tui.services.scan.deep_phase import read_unread
from dtk_tui.services.scan.quick_phase import list_folder, list_tree
from dtk_tui.services.scan.relocate import settle_vanished
from dtk_tui.services.scan.scan_run import ScanRun
from dtk_tui.store.database import Database
from dtk_tui.store.library import folder_rules, folder_tree, pruning
from dtk_tui.store.queue import missing
from dtk_tui.store.scan import listings, raw_metadata


class Scan:
    """One run over some folders; ``run`` does it all.

    Args:
        stop: when set, the scan ends soon; what was written stays, the rest is done by the next scan.
    """

    def __init__(self, db: Database, config: Config, emit: Emit = ignore, stop: threading.Event | None = None) -> None:
        self._run = ScanRun(db, config, emit, stop)
        thumbnails_folder(config.paths)

    def run(self, paths: Sequence[str]) -> dict[str, float]:
        """Scan folders, add those that are new as roots, and return the keys of ``dtk scan --json``.

        Args:
            paths: folders; none: all roots of the library.

        Raises:
            UsageError: a path is no folder that can be read, or rules of the library keep scans out of it; nothing is
                changed then.
        """
        scanned: list[int] = []
        targets = self.targets(paths)
        self._run.write(partial(raw_metadata.note_version, version=reader.VERSION, if_empty=True))
        with self._run.db.listener() as announced:
            listings.announce(announced)
            for root in targets:
                scanned += self.quick(root)
            self.deep(scanned)
        return self._finish()

    def refresh(self, paths: Iterable[str]) -> dict[str, float]:
        """Look again at single folders of the library whose content changed, and at what is new below them."""
        scanned: list[int] = []
        for path in sorted(set(paths)):
            scanned += list_folder(self._run, path)
        self.deep(scanned)
        return self._finish()

    def quick(self, root: str) -> list[int]:
        """List a tree and write what is new, changed, back or gone; return the ids of its folders."""
        return list_tree(self._run, root)

    def deep(self, folder_ids: Sequence[int]) -> None:
        """Settle what vanished, read the files of folders that wait for it, newest first, and retry jobs.

        Those are jobs whose files were missing and are found.
        """
        settle_vanished(self._run)
        read_unread(self._run, folder_ids)
        self._run.read(partial(missing.retry_found, folder_ids=folder_ids))
        if self._run.counts.moved:
            # A folder that was renamed stays behind as one without images, of which there is nothing to keep.
            self._run.write(pruning.prune_folders)

    def _finish(self) -> dict[str, float]:
        counts = self._run.counts.as_json()
        self._run.emit(ScanFinished(counts))
        return counts

    def targets(self, paths: Sequence[str]) -> list[str]:
        """Return the absolute folders to scan; raises UsageError as ``run``."""
        with self._run.db.connection() as conn:
            if not paths:
                if not folder_tree.roots(conn):
                    raise UsageError("The library has no folders yet.", "Name one: dtk scan FOLDER")
                roots = scannable_roots(conn)
                return [path for path in roots if os.path.isdir(path)] or roots  # noqa: PTH112
            targets: list[str] = []
            for path in map(absolute, paths):
                require_folder(path)
                known = known_path(conn, path, targets)
                require_scannable(conn, known, folder_rules.of_folder(conn, known))
                if exclusion_for(conn, self._run.settings.exclude, known).hides_tree(known):
                    title = f"The folder {known} is left out by a pattern of [scan] exclude."
                    raise UsageError(title, "dtk config show lists them; config.toml has a list of your own.")
                if known != path:
                    title = f"The folder {path} is in the library as {known}."
                    self._run.emit(ProblemReported(title, "That is scanned."))
                targets += [] if known in targets else [known]
            return targets


def scan(
    db: Database, config: Config, paths: Sequence[str], emit: Emit = ignore, stop: threading.Event | None = None
) -> dict[str, float]:
    """Scan folders into the library and return the keys of ``dtk scan --json``.

    Raises:
        UsageError: a path is no folder that can be read.
    """
    return Scan(db, config, emit, stop).run(paths)

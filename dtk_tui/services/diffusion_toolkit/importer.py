"""Importing a database of Diffusion Toolkit: reading, writing in one transaction, verifying, reporting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from dtk_tui.config import Config
from dtk_tui.domain.imports import STEPS, ImportOptions, ImportProgressed, ImportReport, ProgressCallback
from dtk_tui.errors import DtkError
from dtk_tui.services.background import cancel_when_set
from dtk_tui.services.diffusion_toolkit import folders, paths, saved_searches
from dtk_tui.services.diffusion_toolkit.cancel import StoppedError
from dtk_tui.services.diffusion_toolkit.errors import explain_lost_database
from dtk_tui.services.diffusion_toolkit.folders import LibraryChangedError
from dtk_tui.services.diffusion_toolkit.moved import join_moved
from dtk_tui.services.diffusion_toolkit.read import loader
from dtk_tui.services.diffusion_toolkit.read.images import ImageReader, StagingReader
from dtk_tui.services.diffusion_toolkit.read.pools import shadow_pool, staging_pool
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.services.diffusion_toolkit.report import count_rows, report_from_json, report_json, write_notes
from dtk_tui.services.diffusion_toolkit.shadow.importer import ShadowImport
from dtk_tui.services.diffusion_toolkit.source.database import Source, open_source
from dtk_tui.services.diffusion_toolkit.start import StartedImport, start, start_new
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import (
    albums,
    images,
    nodes,
    records,
    session,
    shadow,
    shadow_swap,
    staging,
    targets,
    verify,
)
from dtk_tui.store.server.settings import usable_memory

_ONLY_ROLLBACK = "dry run"


class Importer:
    """Imports an open source into an open library.

    Args:
        began: when the import began, in monotonic seconds.
    """

    def __init__(
        self,
        db: Database,
        source: Source,
        started: StartedImport,
        on_progress: ProgressCallback,
        stop: threading.Event,
        began: float,
    ) -> None:
        self._db = db
        self._stop = stop
        self._source = source
        self._options = started.options
        self._on_progress = on_progress
        self._zone = started.zone
        self._mapping = paths.Mapping(started.options.maps)
        self._import = started
        self._ticket = 0
        self._began = began
        self._report = ImportReport(zone=started.zone, dry_run=started.options.dry_run)

    def run(self) -> ImportReport:
        """Import everything and return the report.

        Raises:
            DtkError: the source or the database failed; what was read so far stays staged for a resume.
        """
        if not self._import.is_shadow:
            self._import_by_merging()
            return self._report
        try:
            self._import_by_swapping()
        except LibraryChangedError:
            # What was read for an empty library is of no use to one that has images.
            with self._db.connection() as conn:
                self._import = start_new(conn, self._source, self._options, self._zone, is_shadow=False)
            self._import_by_merging()
        return self._report

    @property
    def _record(self) -> records.ImportRecord:
        return self._import.record

    @property
    def _values(self) -> dict[str, Any]:
        """Return the parameters of the statements that write."""
        row = self._record
        return {
            "id": row.id, "base": row.image_base, "node_base": row.node_base, "zone": self._zone,
            "policy": self._options.policy,
        }  # fmt: skip

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._on_progress(ImportProgressed(name))
        began = time.monotonic()
        yield
        self._report.steps[name] = round(time.monotonic() - began, 3)

    def _report_progress(self, step: str, done: int, total: int) -> None:
        self._on_progress(ImportProgressed(step, done=done, total=total))

    # -- reading ----------------------------------------------------------------------------------------------------

    def _load(
        self, images: Callable[[], ImageReader], pool: StringPool,
        span: Callable[[tuple[int, int]], tuple[int, int]],
    ) -> None:  # fmt: skip
        """Read what is not read yet.

        Args:
            images: gives each thread its reader of images.
            span: gives the ids of images that have some rowids.
        """
        import_id = self._record.id
        batches, expected = loader.plan(self._source, self._options.batch_size)
        with self._db.connection() as conn:
            finished = staging.finished_chunks(conn)
            ticket = self._ticket = staging.issue_ticket(conn)

        def write(made: loader.WriteUnit) -> None:
            with self._db.connection() as conn:
                rows = made.rows, import_id, span(made.span)
                staging.write_chunks(conn, ticket, made.table, made.batches, made.lines, *rows)

        left = [batch for batch in batches if (batch.table, batch.number) not in finished]
        done: dict[str, int] = {}
        for (table, _), (rows, _) in finished.items():
            done[table] = done.get(table, 0) + rows
        loader.Loader(self._source, images, pool, write, self._on_progress, self._stop).run(left, done, expected)
        if self._stop.is_set():
            raise StoppedError
        if self._source.has_changed():
            raise DtkError(
                "The source was changed while it was read.",
                "Nothing was written to the library. Close Diffusion Toolkit and start again, without --resume.",
            )

    # -- writing ----------------------------------------------------------------------------------------------------

    def _import_by_swapping(self) -> None:
        """Import into an empty library: fill shadow tables, which take the place of its own."""
        pool = shadow_pool(self._db, self._mapping)
        tables = ShadowImport(self._db, self._source, pool, self._values, self._memory_mb, self._stop)
        with self._step(STEPS[0]):
            self._load(tables.reader, pool, tables.span)
        with self._step(STEPS[1]):
            tables.index(self._ticket, partial(self._report_progress, STEPS[1]))
        # What is written last disturbs no comparison, and is done by one connection alone.
        with ThreadPoolExecutor(1) as executor, self._write_transaction() as conn, self._step(STEPS[2]):
            compared = executor.submit(tables.compare, partial(self._report_progress, STEPS[2]))
            while not shadow.lock_tables(conn, shadow_swap.referencing_tables(tables.definitions)):
                if self._stop.is_set():
                    raise StoppedError
            if not shadow.is_library_empty(conn):
                raise LibraryChangedError
            shadow.set_search_path(conn)
            folders.write(conn, self._record.id, self._zone, self._mapping, keys_are_ids=True)
            targets.map_prompt_ids(conn)
            targets.find_targets(conn, self._record.image_base, are_new=True)
            self._write_related(conn, is_shadow=True)
            # Both lock the images, and this transaction keeps its locks while it waits for what is compared.
            while not tables.keys_built.wait(0.05) and not compared.done():
                pass
            shadow_swap.build_late(conn, tables.definitions)
            self._report.verification = compared.result()
            self._verify_staged(conn)
            self._finish(conn)
            shadow_swap.swap_tables(conn, tables.definitions)

    def _import_by_merging(self) -> None:
        """Import into a library that has images, or whose tables must stay: stage all rows and merge them."""
        columns = self._source.columns["Image"]
        pool = staging_pool(self._db, self._mapping)
        with self._step(STEPS[0]):
            self._load(lambda: StagingReader(columns, pool), pool, lambda rowids: rowids)
        with self._write_transaction() as conn, self._step(STEPS[2]):
            staging.analyze(conn)
            folders.write(conn, self._record.id, self._zone, self._mapping)
            targets.insert_prompts(conn)
            targets.require_complete(conn)
            self._report.merged = targets.find_targets(conn, self._record.image_base, are_new=False)
            self._report.merged += join_moved(conn, self._stop)
            images.write_images(conn, self._values, are_new=False)
            images.analyze_written(conn)
            images.choose_representatives(conn)
            self._verify_staged(conn)
            self._write_related(conn, is_shadow=False)
            self._finish(conn)

    def _verify_staged(self, conn: Connection) -> None:
        compared, differing = verify.differing_images(conn, self._record.id)
        verification = self._report.verification
        verification.compared += compared
        verification.differing = sorted({*verification.differing, *differing})

    @property
    def _memory_mb(self) -> int:
        return max(64, min(1024, usable_memory() // (16 << 20)))

    @contextmanager
    def _write_transaction(self) -> Iterator[Connection]:
        """Give the connection of the transaction that puts everything into the library, or nothing."""
        try:
            with self._db.connection() as conn, cancel_when_set(conn, self._stop):
                staging.require_ticket(conn, self._ticket)
                session.set_bulk_memory(conn, self._memory_mb)
                yield conn
                if self._stop.is_set():
                    raise StoppedError
                if self._options.dry_run:
                    raise DtkError(_ONLY_ROLLBACK)
                staging.drop(conn)
        except DtkError as error:
            if error.title != _ONLY_ROLLBACK:
                raise (StoppedError() if self._stop.is_set() else error) from error
            _discard(self._db)

    def _write_related(self, conn: Connection, is_shadow: bool) -> None:
        """Write albums, tags, saved searches and nodes."""
        values = self._values
        albums.write_albums_and_tags(conn, values, is_shadow)
        saved_searches.write(conn, self._record.id, self._zone)
        nodes.write_nodes(conn, values)

    def _finish(self, conn: Connection) -> None:
        """Complete the report and close the record."""
        count_rows(conn, self._report, self._record.id, self._import.is_shadow, tuple(self._source.columns))
        self._report.seconds = round(time.monotonic() - self._began, 3)
        records.finish(conn, self._record.id, {**report_json(self._report), "schema": records.staged_schema(conn)})


def _discard(db: Database) -> None:
    """Remove the staging tables and the record of the unfinished import."""
    with db.connection() as conn:
        staging.drop(conn)
        records.delete_unfinished(conn)


def import_database(
    db: Database,
    config: Config,
    options: ImportOptions,
    on_progress: ProgressCallback,
    stop: threading.Event | None = None,
) -> ImportReport:
    """Bring a Diffusion Toolkit database into the library; see ``ImportOptions``.

    Args:
        stop: set from another thread, ends the import soon.

    Raises:
        DtkError: says what failed; what was read so far is kept for ``resume``, the library is as it was.
        StoppedError: ``stop`` was set; the same holds.
    """
    workplace = config.paths.cache / "migration"
    with explain_lost_database(db), session.hold_import_lock(db), open_source(options.source, workplace) as source:
        began = time.monotonic()
        try:
            started = start(db, source, options)
            if started.record.report is not None:
                report = report_from_json(started.record.report)
            else:
                report = Importer(db, source, started, on_progress, stop or threading.Event(), began).run()
        except StoppedError:
            if options.dry_run:
                _discard(db)
            raise
        if report.reasons and report.migration_id is not None and not options.dry_run:
            report.notes_file = str(write_notes(db, config, report.migration_id))
    return report

"""Importing a database of Diffusion Toolkit: reading, writing in one transaction, verifying, reporting."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from dtk_tui.config import Config
from dtk_tui.domain.imports import STEPS, ImportOptions, ImportProgressed, ImportReport, ProgressCallback
from dtk_tui.errors import DtkError
from dtk_tui.services.background import cancel_when_set
from dtk_tui.services.diffusion_toolkit import folders, paths, saved_searches
from dtk_tui.services.diffusion_toolkit.errors import StoppedError, explain_lost_database
from dtk_tui.services.diffusion_toolkit.moved import join_moved
from dtk_tui.services.diffusion_toolkit.parallel import Piece, run_parallel
from dtk_tui.services.diffusion_toolkit.read.loader import Loader
from dtk_tui.services.diffusion_toolkit.read.rows import RowBuilder
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.services.diffusion_toolkit.report import count_rows, report_from_json, report_json, write_notes
from dtk_tui.services.diffusion_toolkit.source.database import Source, open_source
from dtk_tui.services.diffusion_toolkit.start import StartedImport, start
from dtk_tui.services.diffusion_toolkit.timezone import unambiguous_spans
from dtk_tui.services.diffusion_toolkit.verify import comparisons
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import (
    albums,
    dates,
    merge,
    nodes,
    notes,
    record_batches,
    records,
    session,
    staging,
    swap,
    twins,
)
from dtk_tui.store.server.settings import usable_memory


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
        self._started = started
        self._began = began
        self._report = ImportReport(zone=started.zone, dry_run=started.options.dry_run)
        row = started.record
        #: The parameters of the statements that write.
        self._values: dict[str, Any] = {
            "id": row.id, "base": row.image_base, "node_base": row.node_base, "zone": started.zone,
            "policy": started.options.policy,
        }  # fmt: skip
        with db.connection() as conn:
            self._ticket = staging.issue_ticket(conn)
            self._definitions = swap.read_definitions(conn)
            spans = unambiguous_spans(dates.utc_offsets(conn, started.zone))
        self._pool = StringPool(db, self._mapping)
        self._builder = RowBuilder(self._pool, row.image_base, spans, self._instants)

    def run(self) -> ImportReport:
        """Import everything and return the report.

        Raises:
            DtkError: the source or the database failed; what was read so far stays staged for a resume.
        """
        with self._step(STEPS[0]):
            loader = Loader(self._db, self._source, self._builder, self._pool, self._values["id"], self._ticket)
            loader.run(self._options.batch_size, self._on_progress, self._stop)
            if self._source.has_changed():
                raise DtkError(
                    "The source was changed while it was read.",
                    "Nothing was written to the library. Close Diffusion Toolkit and start again, without --resume.",
                )
        with self._step(STEPS[1]):
            self.index()
        with self._step(STEPS[2]):
            self._write()
        return self._report

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._on_progress(ImportProgressed(name))
        began = time.monotonic()
        yield
        self._report.steps[name] = round(time.monotonic() - began, 3)

    def _run_parallel(self, step: str, pieces: list[Piece]) -> None:
        def report(done: int, total: int) -> None:
            self._on_progress(ImportProgressed(step, done=done, total=total))

        run_parallel(self._db, pieces, self._stop, report)

    def _instants(self, ticks: list[int]) -> list[int]:
        with self._db.connection() as conn:
            return dates.instants(conn, self._zone, ticks)

    # -- staged tables ----------------------------------------------------------------------------------------------

    def index(self) -> None:
        """Make staged images with one path one, and build the indexes of tables that may take the library's places."""
        are_images_ready = threading.Event()
        pieces: list[Piece] = [partial(self._prepare, are_images_ready)]
        if self._started.may_swap:
            pieces += [partial(self._build_index, index, are_images_ready) for index in self._definitions.indexes]
        self._run_parallel(STEPS[1], pieces)

    def _prepare(self, are_ready: threading.Event, conn: Connection) -> None:
        """Make staged images with one path one, and choose the representatives of their groups."""
        try:
            staging.require_ticket(conn, self._ticket)
            if staging.is_part_done(conn, "images"):
                return
            session.set_bulk_memory(conn, self._memory_mb)
            staging.set_search_path(conn)
            path_index = next(index for index in self._definitions.indexes if index.name == swap.PATH_INDEX)
            if not swap.build_unique_index(conn, path_index):
                twins.resolve(conn, self._values)
                swap.build_index(conn, path_index)
            if self._started.may_swap:
                merge.choose_representatives(conn)
            staging.mark_part_done(conn, "images")
            conn.commit()
        finally:
            are_ready.set()

    def _build_index(self, index: swap.Index, are_images_ready: threading.Event, conn: Connection) -> None:
        if index.table != "prompt":
            # Rows are changed in place where there is no index yet.
            are_images_ready.wait()
        session.set_bulk_memory(conn, self._memory_mb)
        swap.build_index(conn, index)

    def _build_keys(self, conn: Connection) -> None:
        session.set_bulk_memory(conn, self._memory_mb)
        staging.set_search_path(conn)
        swap.build_keys(conn, self._definitions)

    def _compare(self) -> list[int]:
        """Build the keys between the staged tables, and return the source ids of images that differ from the source."""
        differing = set[int]()
        keys: list[Piece] = [self._build_keys] if self._started.may_swap else []
        compared = comparisons(self._db, self._source, self._builder, self._pool, self._values["id"], differing)
        self._run_parallel(STEPS[2], [*keys, *compared])
        return [number - self._values["base"] for number in differing]

    # -- the library ------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Put everything into the library, while what is staged is compared."""
        values, differing = self._values, set[int]()
        with ThreadPoolExecutor(1) as executor, self._write_transaction() as conn:
            compared = executor.submit(self._compare)
            is_swap = self._started.may_swap and self._is_library_still_empty(conn)
            # Whoever builds keys analyzes the tables of images, and waits for who does it here.
            staging.analyze(conn, [] if self._started.may_swap else staging.TABLES)
            merge.begin(conn)
            is_swap &= folders.write(conn, values["id"], self._zone, self._mapping)
            if is_swap:
                swap.drop_keys(conn, self._definitions)
            else:
                self._report.merged = merge.find_known(conn, values) + join_moved(conn, values, self._stop)
                differing.update(merge.write_images(conn, values))
                merge.choose_representatives(conn)
            self._report.verification.compared = record_batches.count_unnoted(conn, values)
            twins.write_records(conn, values)
            albums.write_albums_and_tags(conn, values)
            saved_searches.write(conn, values["id"], self._zone)
            nodes.write_nodes(conn, values)
            notes.write_staged(conn, values["id"])
            self._report.verification.differing = sorted(differing.union(compared.result()))
            if is_swap:
                swap.swap_tables(conn, self._definitions)
            self._finish(conn, is_swap)

    def _is_library_still_empty(self, conn: Connection) -> bool:
        """Lock the library's tables and look."""
        while not swap.lock_tables(conn, self._definitions):
            if self._stop.is_set():
                raise StoppedError
        return swap.is_library_empty(conn)

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
                    conn.rollback()
                    _discard(conn)
                else:
                    staging.drop(conn)
        except DtkError as error:
            raise (StoppedError() if self._stop.is_set() else error) from error

    def _finish(self, conn: Connection, is_swap: bool) -> None:
        """Complete the report and close the record."""
        import_id = self._values["id"]
        count_rows(conn, self._report, import_id, is_swap, tuple(self._source.columns))
        self._report.seconds = round(time.monotonic() - self._began, 3)
        records.finish(conn, import_id, {**report_json(self._report), "schema": records.staged_schema(conn)})


def _discard(conn: Connection) -> None:
    """Remove the staging tables and the record of the unfinished import."""
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
                with db.connection() as conn:
                    _discard(conn)
            raise
        if report.reasons and report.migration_id is not None and not options.dry_run:
            report.notes_file = str(write_notes(db, config, report.migration_id))
    return report

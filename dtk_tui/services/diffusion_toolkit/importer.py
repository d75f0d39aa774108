"""A whole migration: read into the stage, written in one transaction, compared, reported; and gone back on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from dtk_tui.config import Config
from dtk_tui.domain.imports import STEPS, Follow, ImportOptions, ImportProgressed, ImportReport, TableCount
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.diffusion_toolkit import folders, paths, saved_searches
from dtk_tui.services.diffusion_toolkit.cancel import StoppedError, cancel_when_set
from dtk_tui.services.diffusion_toolkit.errors import explain_lost_database
from dtk_tui.services.diffusion_toolkit.folders import LibraryChangedError
from dtk_tui.services.diffusion_toolkit.read import csv_select, loader, small_tables
from dtk_tui.services.diffusion_toolkit.read.csv import line
from dtk_tui.services.diffusion_toolkit.read.images import ImageReader, StagingReader
from dtk_tui.services.diffusion_toolkit.read.interning import StringPool
from dtk_tui.services.diffusion_toolkit.read.keys import shadow_pool, staging_pool
from dtk_tui.services.diffusion_toolkit.read.repair import note_json
from dtk_tui.services.diffusion_toolkit.report import report_from_json, report_json, write_notes
from dtk_tui.services.diffusion_toolkit.shadow.importer import ShadowImport
from dtk_tui.services.diffusion_toolkit.source.database import TABLES, Source, open_source
from dtk_tui.services.diffusion_toolkit.source.rowids import id_bounds
from dtk_tui.services.diffusion_toolkit.source.unknown import unknown_content
from dtk_tui.services.diffusion_toolkit.timezone import host_zone
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import (
    albums,
    dates,
    images,
    nodes,
    notes,
    record_batches,
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
    """One migration from an open source into an open library."""

    def __init__(
        self, db: Database, source: Source, options: ImportOptions, follow: Follow, stop: threading.Event
    ) -> None:
        self._db = db
        self._stop = stop
        self._source = source
        self._options = options
        self._follow = follow
        self._zone = options.zone or host_zone()
        self._mapping = paths.Mapping(options.maps)
        self._ticket = 0
        self._started = time.monotonic()
        self._report = ImportReport(zone=self._zone, dry_run=options.dry_run)

    def run(self) -> ImportReport:
        """Do all of it and return the report.

        Raises:
            DtkError: the source or the database failed; what was read so far stays in the stage for a resume.
        """
        row = self._begin()
        if row.report is not None:
            return report_from_json(row.report)
        if not row.facts["beside"]:
            self._into(row)
            return self._report
        try:
            self._beside(row)
        except LibraryChangedError:
            # What was read for an empty library is of no use to one that has images.
            with self._db.connection() as conn:
                row = self._new_row(conn, is_shadow=False)
            self._into(row)
        return self._report

    def _values(self, row: records.ImportRecord) -> dict[str, Any]:
        return {
            "id": row.id, "base": row.image_base, "node_base": row.node_base, "zone": self._zone,
            "policy": self._options.policy,
        }  # fmt: skip

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._follow(ImportProgressed(name))
        began = time.monotonic()
        yield
        self._report.steps[name] = round(time.monotonic() - began, 3)

    def _tell(self, step: str, done: int, total: int) -> None:
        self._follow(ImportProgressed(step, done=done, total=total))

    # -- reading ----------------------------------------------------------------------------------------------------

    def _begin(self) -> records.ImportRecord:
        """Return the books of this migration: those of the unfinished one, of one that is done, or new ones."""
        options = self._options
        with self._db.connection() as conn:
            if not dates.is_zone_known(conn, self._zone):
                raise UsageError(f"The time zone {self._zone} is not known.", "Name one like Europe/Berlin.")
            if options.resume:
                # Ended between its last transaction and its list of notes, a migration is done but for that list.
                return self._done(conn) or self._resumed(conn, records.unfinished(conn))
            if options.policy not in ("keep", "take", "newest"):
                raise UsageError(f"The policy {options.policy} is not known.", "Choose keep, take or newest.")
            if options.dry_run and (waiting := records.unfinished(conn)) and not waiting.facts.get("dry_run"):
                raise DtkError(
                    f"A migration of {waiting.source} is unfinished; a dry run would throw away what it read.",
                    "Finish it with --resume, or throw it away with --undo.",
                )
            return self._new_row(conn, shadow.is_possible(conn))

    def _new_row(self, conn: Connection, is_shadow: bool) -> records.ImportRecord:
        """Open new books with an empty stage.

        Args:
            is_shadow: whether images are read into tables beside an empty library.
        """
        options = self._options
        self._make_stage(conn, is_shadow)
        images, nodes = self._spans()
        facts = {
            **self._source.facts, "batch_size": options.batch_size, "dry_run": options.dry_run, "beside": is_shadow
        }  # fmt: skip
        return records.begin(conn, self._source.path, self._zone, options.policy, options.maps, facts, images, nodes)

    def _make_stage(self, conn: Connection, is_shadow: bool) -> None:
        staging.create(conn)
        if is_shadow:
            shadow.create(conn)
        staging.copy_lines(conn, {"note": self._unknown()})

    def _done(self, conn: Connection) -> records.ImportRecord | None:
        """Return the books of the last migration, where it is of this very source and nothing is unfinished."""
        row = records.last_done(conn) if records.unfinished(conn) is None else None
        if row is None or row.source != self._source.path:
            return None
        return row if _of_source(row) == self._source.facts else None

    def _resumed(self, conn: Connection, row: records.ImportRecord | None) -> records.ImportRecord:
        if row is None or row.facts.get("dry_run") or not staging.exists(conn):
            raise DtkError("There is no unfinished migration.", "Start one without --resume.")
        batch_size = int(row.facts["batch_size"])
        if row.source != self._source.path:
            raise DtkError(
                f"The unfinished migration is of {row.source}.", "Name that file, or start without --resume."
            )
        if _of_source(row) != self._source.facts:
            raise DtkError(
                "The source was changed since the migration began.",
                "Start again without --resume: what was read so far is thrown away, the library is unchanged.",
            )
        given = self._options
        if (given.maps and given.maps != row.maps) or (given.zone and given.zone != row.zone):
            raise UsageError("The unfinished migration has another --map or --time-zone.", "Start without --resume.")
        if not staging.has_current_columns(conn) or not staging.finished_chunks(conn):
            # An earlier release read it; or the server crashed: then the stage is empty, and what lies beside the
            # library is whole no longer.
            self._make_stage(conn, row.facts["beside"])
            record_batches.remove(conn, row.id)
            notes.delete_notes(conn, row.id)
        self._zone = self._report.zone = row.zone
        self._mapping = paths.Mapping(row.maps)
        self._options = ImportOptions(given.source, row.maps, row.zone, batch_size, row.policy, True, given.dry_run)
        return row

    def _unknown(self) -> list[bytes]:
        """Return notes of what the source has and nothing here knows: of a later release, or somebody's own."""
        known = {table: ("Id", *(name for name, _ in columns)) for table, columns in small_tables.COLUMNS.items()}
        conn = self._source.connect()
        try:
            found = unknown_content(conn, {**known, "Image": csv_select.ALL})
        finally:
            conn.close()
        return [line((table, None, "refused", reason, note_json(numbers))) for table, reason, numbers in found]

    def _spans(self) -> tuple[tuple[int, int], tuple[int, int]]:
        if self._source.id_is_rowid:
            image = self._source.bounds("Image")[:2]
        else:
            conn = self._source.connect()
            try:
                image = id_bounds(conn)
            finally:
                conn.close()
        node = self._source.bounds("Node") if "Node" in self._source.columns else (1, 0, 0)
        return (image[0], max(image[1], 0)), (node[0], max(node[1], 0))

    def _load(
        self, row: records.ImportRecord, images: Callable[[], ImageReader], known: StringPool,
        span: Callable[[tuple[int, int]], tuple[int, int]],
    ) -> None:  # fmt: skip
        """Read what is not read yet.

        Args:
            images: gives each thread its reader of images.
            span: gives the ids of images that have some rowids.
        """
        batches, expected = loader.plan(self._source, self._options.batch_size)
        with self._db.connection() as conn:
            finished = staging.finished_chunks(conn)
            ticket = self._ticket = staging.issue_ticket(conn)

        def write(made: loader.WriteUnit) -> None:
            with self._db.connection() as conn:
                found = made.rows, row.id, span(made.span)
                staging.write_chunks(conn, ticket, made.table, made.batches, made.lines, *found)

        left = [batch for batch in batches if (batch.table, batch.number) not in finished]
        done: dict[str, int] = {}
        for (table, _), (rows, _) in finished.items():
            done[table] = done.get(table, 0) + rows
        loader.Loader(self._source, images, known, write, self._follow, self._stop).run(left, done, expected)
        if self._stop.is_set():
            raise StoppedError
        if self._source.has_changed():
            raise DtkError(
                "The source was changed while it was read.",
                "Nothing was written to the library. Close Diffusion Toolkit and start again, without --resume.",
            )

    # -- writing ----------------------------------------------------------------------------------------------------

    def _beside(self, row: records.ImportRecord) -> None:
        """Migrate into an empty library."""
        known = shadow_pool(self._db, self._mapping)
        quick = ShadowImport(self._db, self._source, known, self._values(row), self._memory_mb, self._stop)
        with self._step(STEPS[0]):
            self._load(row, quick.reader, known, quick.span)
        with self._step(STEPS[1]):
            quick.index(self._ticket, partial(self._tell, STEPS[1]))
        # What is written last disturbs no comparison, and is done by one connection alone.
        with ThreadPoolExecutor(1) as beside_it, self._last() as conn, self._step(STEPS[2]):
            compared = beside_it.submit(quick.compare, partial(self._tell, STEPS[2]))
            while not shadow.lock_tables(conn, shadow_swap.referencing_tables(quick.definitions)):
                if self._stop.is_set():
                    raise StoppedError
            if not shadow.is_library_empty(conn):
                raise LibraryChangedError
            shadow.set_search_path(conn)
            folders.write(conn, row.id, self._zone, self._mapping, keys_are_ids=True)
            targets.map_prompt_ids(conn)
            targets.find_targets(conn, row.image_base, are_new=True)
            self._write_others(conn, row, is_shadow=True)
            # Both lock the images, and this transaction keeps its locks while it waits for what is compared.
            while not quick.keys_built.wait(0.05) and not compared.done():
                pass
            shadow_swap.build_late(conn, quick.definitions)
            self._report.verification = compared.result()
            self._compare_staged(conn, row)
            self._finish(conn, row)
            shadow_swap.swap_tables(conn, quick.definitions)

    def _into(self, row: records.ImportRecord) -> None:
        """Migrate into a library that has images, or whose tables must stay."""
        columns = self._source.columns["Image"]
        known = staging_pool(self._db, self._mapping)
        with self._step(STEPS[0]):
            self._load(row, lambda: StagingReader(columns, known), known, lambda rowids: rowids)
        with self._last() as conn, self._step(STEPS[2]):
            staging.analyze(conn)
            folders.write(conn, row.id, self._zone, self._mapping)
            targets.insert_prompts(conn)
            targets.require_complete(conn)
            self._report.merged = targets.find_targets(conn, row.image_base, are_new=False)
            images.write_images(conn, self._values(row), are_new=False)
            images.analyze_written(conn)
            images.choose_representatives(conn)
            self._compare_staged(conn, row)
            self._write_others(conn, row, is_shadow=False)
            self._finish(conn, row)

    def _compare_staged(self, conn: Connection, row: records.ImportRecord) -> None:
        compared, differing = verify.differing_images(conn, row.id)
        verification = self._report.verification
        verification.compared += compared
        verification.differing = sorted({*verification.differing, *differing})

    @property
    def _memory_mb(self) -> int:
        return max(64, min(1024, usable_memory() // (16 << 20)))

    @contextmanager
    def _last(self) -> Iterator[Connection]:
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
            _throw_away(self._db)

    def _write_others(self, conn: Connection, row: records.ImportRecord, is_shadow: bool) -> None:
        """Write what stands around the images."""
        values = self._values(row)
        albums.write_albums_and_tags(conn, values, is_shadow)
        saved_searches.write(conn, row.id, self._zone)
        nodes.write_nodes(conn, values)

    def _finish(self, conn: Connection, row: records.ImportRecord) -> None:
        """Close the books."""
        self._account(conn, row)
        self._report.seconds = round(time.monotonic() - self._started, 3)
        records.finish(conn, row.id, {**report_json(self._report), "schema": records.staged_schema(conn)})

    def _account(self, conn: Connection, row: records.ImportRecord) -> None:
        """Fill the report: what was read, what is there, what was noted, and whether they agree."""
        report = self._report
        report.migration_id = row.id
        report.representatives = images.count_representatives(conn)
        read = staging.row_counts(conn)
        noted = notes.noted_rows(conn, row.id)
        for table in TABLES:
            if table not in self._source.columns:
                continue
            rows, lost = read.get(table, (0, 0))
            refused = noted.get((table, "refused"), 0)
            report.tables[table] = TableCount(rows, rows - refused, noted.get((table, "repaired"), 0), refused, lost)
        for table, written in records.written_counts(conn, row.id, row.facts["beside"]).items():
            if table in report.tables:
                report.verification.counts[table] = (report.tables[table].written, written)
        report.reasons = {(t, o, r): count for t, o, r, count in notes.note_counts(conn, row.id)}


def _of_source(row: records.ImportRecord) -> dict[str, Any]:
    """Return the facts that tell the source's content, without how it was read."""
    return {name: value for name, value in row.facts.items() if name not in ("batch_size", "dry_run", "beside")}


def _throw_away(db: Database) -> None:
    with db.connection() as conn:
        staging.drop(conn)
        records.delete_unfinished(conn)


def import_database(
    db: Database, config: Config, options: ImportOptions, follow: Follow, stop: threading.Event | None = None
) -> ImportReport:
    """Bring a Diffusion Toolkit database into the library; see ``ImportOptions``.

    Args:
        stop: set from another thread, ends the migration soon.

    Raises:
        DtkError: says what failed; what was read so far is kept for ``resume``, the library is as it was.
        StoppedError: ``stop`` was set; the same holds.
    """
    workplace = config.paths.cache / "migration"
    with explain_lost_database(db), session.hold_import_lock(db), open_source(options.source, workplace) as source:
        try:
            report = Importer(db, source, options, follow, stop or threading.Event()).run()
        except StoppedError:
            if options.dry_run:
                _throw_away(db)
            raise
        if report.reasons and report.migration_id is not None and not options.dry_run:
            report.notes_file = str(write_notes(db, config, report.migration_id))
    return report

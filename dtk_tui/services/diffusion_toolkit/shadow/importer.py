"""Importing into shadow tables of an empty library: readers of images, staged rows, indexes and keys."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from dtk_tui.domain.imports import Verification
from dtk_tui.services.diffusion_toolkit.parallel import run_parallel
from dtk_tui.services.diffusion_toolkit.read.arrow import ColumnReader
from dtk_tui.services.diffusion_toolkit.read.images import ImageReader, StagingReader
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.services.diffusion_toolkit.shadow.reader import ShadowReader
from dtk_tui.services.diffusion_toolkit.shadow.rows import RowBuilder
from dtk_tui.services.diffusion_toolkit.shadow.verify import ShadowVerifier
from dtk_tui.services.diffusion_toolkit.source.database import Source
from dtk_tui.services.diffusion_toolkit.timezone import unambiguous_spans
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import (
    dates,
    images,
    record_batches,
    session,
    shadow,
    shadow_swap,
    staging,
    targets,
)


class ShadowImport:
    """Fills, indexes and verifies the shadow tables of an empty library.

    Args:
        values: id, base, node_base, zone and policy of the import.
        memory_mb: what a transaction may use.
    """

    def __init__(
        self, db: Database, source: Source, pool: StringPool, values: Mapping[str, Any], memory_mb: int,
        stop: threading.Event,
    ) -> None:  # fmt: skip
        self._db = db
        self._source = source
        self._pool = pool
        self._values = dict(values)
        self._base: int = values["base"]
        self._memory_mb = memory_mb
        self._stop = stop
        self._images_written = threading.Event()
        #: Set when the tables that are read early have their keys, for which they are locked.
        self.keys_built = threading.Event()
        self._columns = source.columns["Image"]
        with db.connection() as conn:
            self.definitions = shadow_swap.read_definitions(conn)
            self._spans = unambiguous_spans(dates.utc_offsets(conn, values["zone"]))

    def reader(self) -> ImageReader:
        """Return a reader of images for one thread."""
        staged = StagingReader(self._columns, self._pool)
        # Without these columns each row needs a note.
        has_needed_columns = self._source.id_is_rowid and {"FileSize", "CreatedDate"} <= set(self._columns)
        return self._direct_reader(staged) if has_needed_columns and self._source.plain_uri else staged

    def _direct_reader(self, staged: StagingReader) -> ShadowReader:
        rows = RowBuilder(self._pool, self._base, self._spans)
        return ShadowReader(ColumnReader(self._source), rows, staged, self._base)

    def span(self, rowids: tuple[int, int]) -> tuple[int, int]:
        """Return the ids of images that have these rowids."""
        return rowids[0] + self._base, rowids[1] + self._base

    def index(self, ticket: int, report_progress: Callable[[int, int], None]) -> None:
        """Write the staged images and build indexes.

        Args:
            ticket: as ``staging.issue_ticket`` gave it.
            report_progress: is given how many pieces of this work are done, and how many there are.
        """
        early = [partial(self._build_index, index) for index in shadow_swap.early_indexes(self.definitions)]
        run_parallel(self._db, [partial(self._write_staged, ticket), *early], self._stop, report_progress)

    def compare(self, report_progress: Callable[[int, int], None]) -> Verification:
        """Build keys, and compare the shadow tables with what was read; ``report_progress`` as for ``index``."""
        with self._db.connection() as conn:
            digests = staging.digests(conn)
        verifier = ShadowVerifier(
            self._source, self._pool, self._values["id"], self._base,
            lambda: self._direct_reader(StagingReader(self._columns, self._pool)),
        )  # fmt: skip
        # Keys and statistics lock several tables each, so one connection makes all.
        run_parallel(self._db, [self._build_keys, *verifier.pieces(digests)], self._stop, report_progress)
        found = verifier.verification
        found.differing = sorted(set(found.differing))
        return found

    def _write_staged(self, ticket: int, conn: Connection) -> None:
        """Write the images that were staged, with all notes; those with the path of another are made one with it."""
        try:
            staging.require_ticket(conn, ticket)
            if staging.is_part_done(conn, "images"):
                return
            path_index = next(index for index in self.definitions.indexes if index.name == shadow_swap.PATH_INDEX)
            session.set_bulk_memory(conn, self._memory_mb)
            shadow.set_search_path(conn)
            staging.index_image_ids(conn)
            staging.analyze(conn)
            are_unique = shadow_swap.build_unique_index(conn, path_index)
            same = targets.find_path_conflicts(conn, are_unique)
            if same:
                self._restage(conn, same)
                shadow_swap.build_index(conn, path_index)
                staging.analyze(conn)
            targets.map_folder_ids(conn)
            targets.map_prompt_ids(conn)
            targets.require_complete(conn)
            targets.find_targets(conn, self._base, are_new=True)
            images.write_images(conn, self._values, are_new=True)
            images.choose_some_representatives(conn, _grouped_images(*staging.group_keys(conn)), self._base)
            staging.mark_part_done(conn, "images")
            conn.commit()
        finally:
            self._images_written.set()

    def _restage(self, conn: Connection, ids: list[int]) -> None:
        """Move images from the shadow tables back into the staging tables, where rows with one path are made one."""
        source = self._source.connect()
        try:
            staged = StagingReader(self._columns, self._pool)
            lines = staged.stage_one_by_one(source, [number - self._base for number in ids])
        finally:
            source.close()
        self._pool.flush()
        staging.copy_lines(conn, lines)
        shadow.delete_images(conn, ids)
        record_batches.exclude(conn, [number - self._base for number in ids])

    def _build_index(self, index: shadow_swap.Index, conn: Connection) -> None:
        if index.table != "prompt":
            # Rows are written faster, and changed in place, where there is no index yet.
            self._images_written.wait()
        session.set_bulk_memory(conn, self._memory_mb)
        shadow_swap.build_index(conn, index)

    def _build_keys(self, conn: Connection) -> None:
        session.set_bulk_memory(conn, self._memory_mb)
        shadow.set_search_path(conn)
        # Whether a key holds is looked up by a plan that has to know which table is the larger one.
        for table in shadow.READ:
            shadow_swap.analyze(conn, table)
        shadow_swap.build_keys(conn, self.definitions, "early")
        self.keys_built.set()


def _grouped_images(ids: bytes, groups: bytes) -> list[int]:
    """Return the images, given with their groups, that are not the only one of their group."""
    keys = np.frombuffer(groups, np.uint64)
    order = np.argsort(keys, kind="stable")
    is_same = np.diff(keys[order]) == 0
    is_several = np.concatenate((is_same, [False])) | np.concatenate(([False], is_same))
    found: list[int] = np.frombuffer(ids, np.int64)[order][is_several[: len(keys)]].tolist()
    return found

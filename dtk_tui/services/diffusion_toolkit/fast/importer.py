"""The quick way into an empty library: images are read straight into tables beside it, which then take its places."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from dtk_tui.domain.imports import Verification
from dtk_tui.services.diffusion_toolkit.fast.reader import BesideReader
from dtk_tui.services.diffusion_toolkit.fast.rows import BesideRows
from dtk_tui.services.diffusion_toolkit.parallel import Piece, together
from dtk_tui.services.diffusion_toolkit.read.arrow import ColumnReader
from dtk_tui.services.diffusion_toolkit.read.images import ImageReader, StagedReader
from dtk_tui.services.diffusion_toolkit.read.interning import Known
from dtk_tui.services.diffusion_toolkit.source import Source
from dtk_tui.services.diffusion_toolkit.timezone import spans
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import merge
from dtk_tui.store.diffusion_toolkit import record_batches as batches
from dtk_tui.store.diffusion_toolkit import records as books
from dtk_tui.store.diffusion_toolkit import shadow as beside
from dtk_tui.store.diffusion_toolkit import shadow_swap as swap
from dtk_tui.store.diffusion_toolkit import staging as stage
from dtk_tui.store.diffusion_toolkit.shadow_rows import Rows, digest_there


class Beside:
    """What is done with the tables beside an empty library, between the reading and the last transaction.

    Args:
        values: id, base, node_base, zone and policy of the migration.
        memory_mb: what a transaction may use.
    """

    def __init__(
        self, db: Database, source: Source, known: Known, values: Mapping[str, Any], memory_mb: int,
        stop: threading.Event,
    ) -> None:  # fmt: skip
        self._db = db
        self._source = source
        self._known = known
        self._values = dict(values)
        self._base: int = values["base"]
        self._memory_mb = memory_mb
        self._stop = stop
        self._images_are_there = threading.Event()
        #: Set when the tables that are read early have their keys, for which they are locked.
        self.keys_are_made = threading.Event()
        self._columns = source.columns["Image"]
        with db.connection() as conn:
            self.library = swap.shape(conn)
            self._spans = spans(books.offsets(conn, values["zone"]))

    def reader(self) -> ImageReader:
        """Return a reader of images for one thread."""
        staged = StagedReader(self._columns, self._known)
        # Without these columns each row needs a note.
        is_usual = self._source.id_is_rowid and {"FileSize", "CreatedDate"} <= set(self._columns)
        return self._straight(staged) if is_usual and self._source.plain_uri else staged

    def _straight(self, staged: StagedReader) -> BesideReader:
        rows = BesideRows(self._known, self._base, self._spans)
        return BesideReader(ColumnReader(self._source), rows, staged, self._base)

    def span(self, rowids: tuple[int, int]) -> tuple[int, int]:
        """Return the ids of images that have these rowids."""
        return rowids[0] + self._base, rowids[1] + self._base

    def index(self, ticket: int, tell: Callable[[int, int], None]) -> None:
        """Write the staged images; make indexes.

        Args:
            ticket: as ``stage.enter`` gave it.
            tell: is given how many pieces of this work are done, and how many there are.
        """
        early = [partial(self._make_index, index) for index in swap.early(self.library)]
        together(self._db, [partial(self._write_staged, ticket), *early], self._stop, tell)

    def compare(self, tell: Callable[[int, int], None]) -> Verification:
        """Make keys, and compare what was written straight with what was read; ``tell`` as for ``index``."""
        found = Verification()
        with self._db.connection() as conn:
            digests = stage.digests(conn)
        lock = threading.Lock()
        compare = [partial(self._compare, lock, found, *span) for span in digests]
        # Keys and statistics lock several tables each, so one connection makes all.
        pieces: list[Piece] = [self._make_keys, partial(self._compare_prompts, lock, found), *compare]
        together(self._db, pieces, self._stop, tell)
        found.differing = sorted(set(found.differing))
        return found

    def _write_staged(self, ticket: int, conn: Connection) -> None:
        """Write the images that were staged, with all notes; those with the place of another are made one with it."""
        try:
            stage.require_ticket(conn, ticket)
            if stage.has_done(conn, "images"):
                return
            places = next(index for index in self.library.indexes if index.name == swap.PLACES)
            books.set_for_load(conn, self._memory_mb)
            beside.enter(conn)
            stage.index_images(conn)
            stage.analyze(conn)
            are_unique = swap.build_unique(conn, places)
            same = merge.same_places(conn, are_unique)
            if same:
                self._stage_again(conn, same)
                swap.build(conn, places)
                stage.analyze(conn)
            merge.place_known_folders(conn)
            merge.place_known(conn)
            merge.require_whole(conn)
            merge.find_targets(conn, self._base, are_new=True)
            merge.write_images(conn, self._values, are_new=True)
            books.choose_some_representatives(conn, _several(*stage.groups(conn)), self._base)
            stage.set_done(conn, "images")
            conn.commit()
        finally:
            self._images_are_there.set()

    def _stage_again(self, conn: Connection, ids: list[int]) -> None:
        """Take images back from beside the library into the stage, where rows with one place are made one."""
        source = self._source.connect()
        try:
            staged = StagedReader(self._columns, self._known)
            lines = staged.stage_carefully(source, [number - self._base for number in ids])
        finally:
            source.close()
        self._known.settle()
        stage.add(conn, lines)
        beside.remove(conn, ids)
        batches.take_out(conn, [number - self._base for number in ids])

    def _make_index(self, index: swap.Index, conn: Connection) -> None:
        if index.table != "prompt":
            # Rows are written faster, and changed in place, where there is no index yet.
            self._images_are_there.wait()
        books.set_for_load(conn, self._memory_mb)
        swap.build(conn, index)

    def _make_keys(self, conn: Connection) -> None:
        books.set_for_load(conn, self._memory_mb)
        beside.enter(conn)
        # Whether a key holds is looked up by a plan that has to know which table is the larger one.
        for table in beside.READ:
            swap.analyze(conn, table)
        swap.build_keys(conn, self.library, "early")
        self.keys_are_made.set()

    def _compare_prompts(self, lock: threading.Lock, found: Verification, conn: Connection) -> None:
        """Look whether the prompts are those that were sent."""
        spoiled = self._known.spoiled(beside.prompts(conn))
        if spoiled:
            with lock:
                found.differing += [number - self._base for number in beside.with_prompts(conn, spoiled)]

    def _compare(
        self, lock: threading.Lock, found: Verification, low: int, high: int, rows: int, digest: bytes,
        conn: Connection,
    ) -> None:  # fmt: skip
        """Read back what was written straight of the images from low to high."""
        differing: list[int] = []
        staged = stage.staged_ids(conn, low - self._base, high - self._base)
        there = digest_there(conn, low, high, [number + self._base for number in staged])
        if there + batches.digest_there(conn, self._values["id"], low) != digest:
            rows, differing = self._differing(conn, low, high, staged)
        with lock:
            found.compared += rows
            found.differing += differing

    def _differing(self, conn: Connection, low: int, high: int, staged: set[int]) -> tuple[int, list[int]]:
        """Return how many rows went straight, and the source ids of those that are not there as they were read."""
        reader = self._straight(StagedReader(self._columns, self._known))
        source = self._source.connect()
        try:
            rows = reader.again(source, (low - self._base, high - self._base), staged)
        finally:
            source.close()
            reader.close()
        found = _search(conn, rows, (low, high), [number + self._base for number in staged])
        in_books = batches.differing(conn, rows.book, self._values["id"], low)
        return len(rows.ids), [*(number - self._base for number in found), *in_books]


def _several(ids: bytes, groups: bytes) -> list[int]:
    """Return the images, given with their groups, that are not the only one of their group."""
    keys = np.frombuffer(groups, np.uint64)
    order = np.argsort(keys, kind="stable")
    is_same = np.diff(keys[order]) == 0
    is_several = np.concatenate((is_same, [False])) | np.concatenate(([False], is_same))
    found: list[int] = np.frombuffer(ids, np.int64)[order][is_several[: len(keys)]].tolist()
    return found


def _search(conn: Connection, rows: Rows, span: tuple[int, int], without: Sequence[int]) -> list[int]:
    """Return which of the images in a span differ from their rows, by halves."""
    if digest_there(conn, *span, without) == rows.digest(conn):
        return []
    ids = rows.ids.tolist()
    if len(ids) < 2:
        return ids or [span[0]]
    first, second = (span[0], ids[len(ids) // 2] - 1), (ids[len(ids) // 2], span[1])
    return [
        *_search(conn, rows.between(*first), first, without),
        *_search(conn, rows.between(*second), second, without),
    ]

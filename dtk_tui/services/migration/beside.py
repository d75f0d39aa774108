"""The quick way into an empty library: images are read straight into tables beside it, which then take its places."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from dtk_tui.domain.migration import Verification
from dtk_tui.services.migration import beside_sql, images_sql, loading, reading
from dtk_tui.services.migration.beside_lines import BesideLines, Rows
from dtk_tui.services.migration.image_lines import ImageLines
from dtk_tui.services.migration.known import Known
from dtk_tui.services.migration.source import Source
from dtk_tui.services.migration.together import Piece, together
from dtk_tui.services.migration.zones import spans
from dtk_tui.store import migration_beside as beside
from dtk_tui.store import migration_books as books
from dtk_tui.store import migration_merge as merge
from dtk_tui.store import migration_stage as stage
from dtk_tui.store import migration_swap as swap
from dtk_tui.store.database import Connection, Database


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
        self._columns = source.columns["Image"]
        self._staged_select = images_sql.select(self._columns)
        with db.connection() as conn:
            self.library = swap.shape(conn)
            certain = spans(books.offsets(conn, values["zone"]))
        self._select = beside_sql.select(self._columns, self._base, values["id"], certain)

    def images(self) -> loading.Images:
        """Return how images are read."""
        if beside_sql.is_possible(self._columns, self._source.id_is_rowid):
            return loading.Images(self._select, lambda: self._lines().build)
        return loading.Images(self._staged_select, lambda: ImageLines(self._columns, self._known).build)

    def _lines(self) -> BesideLines:
        return BesideLines(self._columns, self._known, self._staged_select, self._base)

    def span(self, rowids: tuple[int, int]) -> tuple[int, int]:
        """Return the ids of images that have these rowids."""
        return rowids[0] + self._base, rowids[1] + self._base

    def complete(self, tell: Callable[[int, int], None]) -> Verification:
        """Write the staged images, make indexes and keys, and compare what was written straight with what was read.

        Args:
            tell: is given how many pieces of this work are done, and how many there are.
        """
        found = Verification()
        with self._db.connection() as conn:
            digests = stage.digests(conn)
        early = [partial(self._make_index, index) for index in swap.early(self.library)]
        lock = threading.Lock()
        compare: list[Piece] = [partial(self._compare_prompts, lock, found)]
        compare += [partial(self._compare, lock, found, *span) for span in digests]
        # Keys and statistics lock several tables each, so one connection makes all, while the other compares.
        pieces: list[Piece] = [self._write_staged, *early, self._make_keys, *compare]
        together(self._db, pieces, self._stop, tell)
        found.differing = sorted(set(found.differing))
        return found

    def _write_staged(self, conn: Connection) -> None:
        """Write the images that were staged, with all notes; those with the place of another are made one with it."""
        try:
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
            books.choose_representatives(conn)
            stage.set_done(conn, "images")
            conn.commit()
        finally:
            self._images_are_there.set()

    def _stage_again(self, conn: Connection, ids: list[int]) -> None:
        """Take images back from beside the library into the stage, where rows with one place are made one."""
        lines = ImageLines(self._columns, self._known)
        lines.begin_with([])
        source = self._source.connect()
        try:
            made = lines.end_with(source, [number - self._base for number in ids], [])
        finally:
            source.close()
        self._known.settle()
        stage.add(conn, made.by_table())
        beside.remove(conn, ids)

    def _make_index(self, index: swap.Index, conn: Connection) -> None:
        if index.table != "prompt":
            # Rows are written faster, and changed in place, where there is no index yet.
            self._images_are_there.wait()
        books.set_for_load(conn, self._memory_mb)
        swap.build(conn, index)

    def _make_keys(self, conn: Connection) -> None:
        books.set_for_load(conn, self._memory_mb)
        beside.enter(conn)
        for key in self.library.foreign:
            if key.is_early:
                swap.build_key(conn, key)
        for table in beside.READ:
            swap.analyze(conn, table)

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
        if beside.digest_there(conn, low, high, [number + self._base for number in staged]) != digest:
            rows, differing = self._differing(conn, low, high, staged)
        with lock:
            found.compared += rows
            found.differing += differing

    def _differing(self, conn: Connection, low: int, high: int, staged: set[int]) -> tuple[int, list[int]]:
        """Return how many rows went straight, and the source ids of those that are not there as they were read."""
        source = self._source.connect()
        try:
            again = reading.read(source, "Image", self._select, low - self._base, high - self._base)
        finally:
            source.close()
        rows: dict[int, Rows] = {}
        for row in again.rows:
            made, _, _ = self._lines().straight([row])
            if made.image and row[0] not in staged:
                rows[row[0] + self._base] = made
        without = [number + self._base for number in staged]
        found = _search(conn, rows, sorted(rows), (low, high), without)
        return len(rows), [number - self._base for number in found]


def _search(
    conn: Connection, rows: Mapping[int, Rows], ids: Sequence[int], span: tuple[int, int], without: Sequence[int]
) -> list[int]:
    """Return which of the images in a span differ from their rows, by halves."""
    wanted = Rows()
    for number in ids:
        wanted.add(rows[number])
    if beside.digest_there(conn, *span, without) == beside.digest(wanted.by_table()):
        return []
    if len(ids) < 2:
        return list(ids) or [span[0]]
    middle = len(ids) // 2
    return [
        *_search(conn, rows, ids[:middle], (span[0], ids[middle] - 1), without),
        *_search(conn, rows, ids[middle:], (ids[middle], span[1]), without),
    ]

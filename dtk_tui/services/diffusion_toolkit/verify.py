"""Verifying staged images: comparing them with the digests of what was sent, and naming those that differ."""

from __future__ import annotations

import threading
from functools import partial

from dtk_tui.services.diffusion_toolkit.parallel import Piece
from dtk_tui.services.diffusion_toolkit.read.reader import open_reader
from dtk_tui.services.diffusion_toolkit.read.rows import RowBuilder
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.services.diffusion_toolkit.source.database import Source
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import record_batches, staging, twins
from dtk_tui.store.diffusion_toolkit.image_rows import stored_digest


class Verifier:
    """Compares the staged tables with what was read, piece by piece and in several threads.

    Args:
        builder: of rows, by which those of a range that differs are found.
        import_id: that of the record.
    """

    def __init__(self, source: Source, builder: RowBuilder, pool: StringPool, import_id: int) -> None:
        self._source = source
        self._builder = builder
        self._pool = pool
        self._import_id = import_id
        self._lock = threading.Lock()
        #: The ids of images that differ from what was read.
        self.differing: set[int] = set()

    def pieces(self, db: Database) -> list[Piece]:
        """Return the pieces of work."""
        with db.connection() as conn:
            self._touched = twins.touched(conn)
            spans = staging.digests(conn)
        return [self._compare_prompts, *(partial(self._compare, *span) for span in spans)]

    def _compare_prompts(self, conn: Connection) -> None:
        """Compare the prompts with those that were sent."""
        if mismatched := self._pool.mismatched_keys(staging.prompts(conn)):
            self._add(staging.images_with_prompts(conn, mismatched))

    def _compare(self, low: int, high: int, ids: list[int] | None, digest: bytes, conn: Connection) -> None:
        """Compare the images from low to high, or those with some ids, with their digest."""
        there = stored_digest(conn, low, high, ids) + record_batches.stored_digest(conn, self._import_id, low)
        if there != digest:
            base = self._builder.base
            with open_reader(self._source, "Image") as reader:
                rows = self._builder.make_all(reader.read((low - base, high - base)).columns)
            in_records = record_batches.differing_images(conn, rows.records, self._import_id, low)
            found = {*rows.differing(conn), *(number + base for number in in_records)}
            self._add(found - self._touched)

    def _add(self, differing: set[int] | list[int]) -> None:
        with self._lock:
            self.differing.update(differing)

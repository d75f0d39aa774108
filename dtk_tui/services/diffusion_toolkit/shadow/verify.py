"""Verifying shadow tables: comparing them with the digests of what was sent, and naming the images that differ."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from dtk_tui.domain.imports import Verification
from dtk_tui.services.diffusion_toolkit.parallel import Piece
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.services.diffusion_toolkit.shadow.reader import ShadowReader
from dtk_tui.services.diffusion_toolkit.source.database import Source
from dtk_tui.store.database import Connection
from dtk_tui.store.diffusion_toolkit import record_batches, shadow, staging
from dtk_tui.store.diffusion_toolkit.shadow_rows import Rows, stored_digest


class ShadowVerifier:
    """Compares shadow tables with what was read, piece by piece and in several threads.

    Args:
        base: image.id is the source Id and this.
        new_reader: gives a reader of images, by which those of a range that differs are found.
    """

    def __init__(
        self, source: Source, pool: StringPool, import_id: int, base: int, new_reader: Callable[[], ShadowReader]
    ) -> None:
        self._source = source
        self._pool = pool
        self._import_id = import_id
        self._base = base
        self._new_reader = new_reader
        self._lock = threading.Lock()
        #: What is found so far.
        self.verification = Verification()

    def pieces(self, digests: Iterable[tuple[int, int, int, bytes]]) -> list[Piece]:
        """Return the pieces of work; ``digests`` as ``staging.digests`` gives them."""
        return [self._compare_prompts, *(partial(self._compare, *span) for span in digests)]

    def _compare_prompts(self, conn: Connection) -> None:
        """Compare the prompts with those that were sent."""
        mismatched_keys = self._pool.mismatched_keys(shadow.prompts(conn))
        if mismatched_keys:
            with self._lock:
                self.verification.differing += [
                    number - self._base for number in shadow.images_with_prompts(conn, mismatched_keys)
                ]

    def _compare(self, low: int, high: int, rows: int, digest: bytes, conn: Connection) -> None:
        """Compare the shadow rows of the images from low to high with their digest."""
        differing: list[int] = []
        staged = staging.staged_ids(conn, low - self._base, high - self._base)
        there = stored_digest(conn, low, high, [number + self._base for number in staged])
        if there + record_batches.stored_digest(conn, self._import_id, low) != digest:
            rows, differing = self._differing(conn, low, high, staged)
        with self._lock:
            self.verification.compared += rows
            self.verification.differing += differing

    def _differing(self, conn: Connection, low: int, high: int, staged: set[int]) -> tuple[int, list[int]]:
        """Return how many rows went to the shadow tables, and the source ids of those that differ there."""
        reader = self._new_reader()
        source = self._source.connect()
        try:
            rows = reader.reread(source, (low - self._base, high - self._base), staged)
        finally:
            source.close()
            reader.close()
        found = _bisect_differing(conn, rows, (low, high), [number + self._base for number in staged])
        in_records = record_batches.differing_images(conn, rows.records, self._import_id, low)
        return len(rows.ids), [*(number - self._base for number in found), *in_records]


def _bisect_differing(conn: Connection, rows: Rows, span: tuple[int, int], without: Sequence[int]) -> list[int]:
    """Return which of the images in a span differ from their rows, by halves."""
    if stored_digest(conn, *span, without) == rows.digest(conn):
        return []
    ids = rows.ids.tolist()
    if len(ids) < 2:
        return ids or [span[0]]
    first, second = (span[0], ids[len(ids) // 2] - 1), (ids[len(ids) // 2], span[1])
    return [
        *_bisect_differing(conn, rows.between(*first), first, without),
        *_bisect_differing(conn, rows.between(*second), second, without),
    ]

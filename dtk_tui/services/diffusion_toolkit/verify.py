"""Verifying staged images: comparing them with the digests of what was sent, and naming those that differ."""

from __future__ import annotations

from functools import partial

from dtk_tui.services.diffusion_toolkit.parallel import Piece
from dtk_tui.services.diffusion_toolkit.read.reader import open_reader
from dtk_tui.services.diffusion_toolkit.read.rows import RowBuilder
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.services.diffusion_toolkit.source.database import Source
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import record_batches, staging, twins
from dtk_tui.store.diffusion_toolkit.image_rows import stored_digest


def comparisons(
    db: Database, source: Source, builder: RowBuilder, pool: StringPool, import_id: int, differing: set[int]
) -> list[Piece]:
    """Return the pieces of comparing the staged tables with what was read.

    Args:
        builder: of rows, by which those of a range that differs are found.
        import_id: that of the record.
        differing: gets the ids of images that differ from what was read.
    """

    def compare_prompts(conn: Connection) -> None:
        if mismatched := pool.mismatched_keys(staging.prompts(conn)):
            differing.update(staging.images_with_prompts(conn, mismatched))

    def compare(low: int, high: int, ids: list[int] | None, digest: bytes, conn: Connection) -> None:
        """Compare the images from low to high, or those with some ids, with their digest."""
        there = stored_digest(conn, low, high, ids) + record_batches.stored_digest(conn, import_id, low)
        if there != digest:
            base = builder.base
            with open_reader(source, "Image") as reader:
                rows = builder.make_all(reader.read((low - base, high - base)).columns)
            in_records = record_batches.differing_images(conn, rows.records, import_id, low)
            differing.update({*rows.differing(conn), *(number + base for number in in_records)} - touched)

    with db.connection() as conn:
        touched, spans = twins.touched(conn), staging.digests(conn)
    return [compare_prompts, *(partial(compare, *span) for span in spans)]

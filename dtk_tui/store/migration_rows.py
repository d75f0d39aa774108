"""Rows of images on their way beside an empty library: written, and compared with what is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from psycopg import sql

from dtk_tui.store import binary_copy
from dtk_tui.store.database import Connection
from dtk_tui.store.migration_beside import other

#: Columns of an image as they are sent: first those that never are NULL, which are put together quickest.
IMAGE_COLUMNS = (
    "id", "folder_id", "file_size", "mtime_ns", "created_at", "scan_phase", "favorite", "nsfw", "for_deletion",
    "unavailable", "is_video", "has_workflow", "width", "height", "steps", "cfg_scale", "viewed_at", "touched_at",
    "aesthetic_score", "hypernetwork_strength", "rating", "prompt_id", "negative_prompt_id", "seed", "file_name",
    "dialect", "sampler", "model", "model_hash", "custom_tags", "error", "extra", "hypernetwork",
)  # fmt: skip
BOOK_COLUMNS = (
    "image_id", "migration_id", "source_id", "marks", "is_new", "created_ticks", "modified_ticks", "no_metadata",
    "has_error", "root_folder_id", "batch_size", "batch_pos", "clip_skip", "ensd", "viewed_ticks", "touched_ticks",
    "workflow_id", "hash", "custom_tags",
)  # fmt: skip
#: What is read of the source, and sent, by table.
_COLUMNS = {"image": IMAGE_COLUMNS, "migrated_image": BOOK_COLUMNS, "image_raw": ("image_id", "chunks")}


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of some images in the form of COPY's binary format, in the order of their ids.

    Attributes:
        ids: of the images, int64; ``image`` and ``book`` have a row for each.
        raw_ids: of the images that have raw texts, int64.
    """

    ids: npt.NDArray[np.int64]
    image: pa.BinaryArray
    book: pa.BinaryArray
    raw_ids: npt.NDArray[np.int64]
    raw: pa.BinaryArray

    @staticmethod
    def none() -> Rows:
        """Return no rows."""
        ids, rows = np.zeros(0, np.int64), pa.array([], pa.binary())
        return Rows(ids, rows, rows, ids, rows)

    @staticmethod
    def joined(several: Sequence[Rows]) -> Rows:
        """Return the rows of several, one behind the other."""
        if len(several) == 1:
            return several[0]
        return Rows(
            np.concatenate([one.ids for one in several]), pa.concat_arrays([one.image for one in several]),
            pa.concat_arrays([one.book for one in several]), np.concatenate([one.raw_ids for one in several]),
            pa.concat_arrays([one.raw for one in several]),
        )  # fmt: skip

    def between(self, low: int, high: int) -> Rows:
        """Return the rows of the images with ids from ``low`` to ``high``."""
        first, last = np.searchsorted(self.ids, (low, high + 1)).tolist()
        first_raw, last_raw = np.searchsorted(self.raw_ids, (low, high + 1)).tolist()
        return Rows(
            self.ids[first:last], self.image[first:last], self.book[first:last], self.raw_ids[first_raw:last_raw],
            self.raw[first_raw:last_raw],
        )  # fmt: skip

    def without(self, ids: Sequence[int]) -> Rows:
        """Return the rows of all images but some."""
        kept, kept_raw = ~np.isin(self.ids, ids), ~np.isin(self.raw_ids, ids)
        rows, raw = pa.array(kept), pa.array(kept_raw)
        return Rows(
            self.ids[kept], self.image.filter(rows), self.book.filter(rows), self.raw_ids[kept_raw],
            self.raw.filter(raw),
        )  # fmt: skip

    def in_order(self) -> Rows:
        """Return the rows in the order of their ids."""
        order, order_raw = np.argsort(self.ids), np.argsort(self.raw_ids)
        return Rows(
            self.ids[order], self.image.take(pa.array(order)), self.book.take(pa.array(order)),
            self.raw_ids[order_raw], self.raw.take(pa.array(order_raw)),
        )  # fmt: skip

    def digest(self) -> bytes:
        """Return the digest of all rows, as ``digest_there`` finds it when they are written."""
        seen = blake2b(digest_size=16)
        for rows in (self.image, self.book, self.raw):
            seen.update(_block(rows))
        return seen.digest()

    def write(self, conn: Connection) -> bytes:
        """Write the rows; return their digest."""
        seen = blake2b(digest_size=16)
        for (table, columns), rows in zip(_COLUMNS.items(), (self.image, self.book, self.raw), strict=True):
            block = _block(rows)
            seen.update(block)
            if len(rows):
                copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(other(table), _names(columns))
                with conn.cursor().copy(copy) as sink:
                    sink.write(block)
        return seen.digest()


def _block(rows: pa.BinaryArray) -> bytes:
    return b"".join((binary_copy.HEAD, binary_copy.payload(rows), binary_copy.END))


def digest_there(conn: Connection, low: int, high: int, without: Sequence[int] = ()) -> bytes:
    """Return the digest of the rows that are there of the images from ``low`` to ``high``.

    Args:
        without: ids of images that are left out.
    """
    seen = blake2b(digest_size=16)
    for table, columns in _COLUMNS.items():
        key = sql.Identifier(columns[0])
        rest = sql.SQL("AND {} <> ALL ({})").format(key, list(without)) if without else sql.SQL("")
        rows = sql.SQL("SELECT {} FROM {} WHERE {} BETWEEN {} AND {} {} ORDER BY {}").format(
            _names(columns), other(table), key, low, high, rest, key
        )
        with conn.cursor().copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(rows)) as source:
            for row in source:
                seen.update(row)
    return seen.digest()


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))

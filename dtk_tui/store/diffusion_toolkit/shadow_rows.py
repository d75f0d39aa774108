"""Rows of images for shadow tables: writing them, and the digests that compare them with what is stored."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import google_crc32c
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from psycopg import sql
from xxhash import xxh3_128

from dtk_tui.store.copy import columns as copy_columns
from dtk_tui.store.copy.binary import HEADER, TRAILER
from dtk_tui.store.database import Connection
from dtk_tui.store.diffusion_toolkit import record_batches
from dtk_tui.store.diffusion_toolkit.shadow import shadow_table

#: Columns of an image as they are sent: first those that never are NULL, which are put together quickest.
IMAGE_COLUMNS = (
    "id", "folder_id", "file_size", "mtime_ns", "created_at", "scan_phase", "favorite", "nsfw", "for_deletion",
    "unavailable", "is_video", "has_workflow", "width", "height", "steps", "cfg_scale", "viewed_at", "touched_at",
    "aesthetic_score", "hypernetwork_strength", "rating", "prompt_id", "negative_prompt_id", "seed", "file_name",
    "dialect", "sampler", "model", "model_hash", "custom_tags", "error", "extra", "hypernetwork",
)  # fmt: skip
#: What is read of the source, and sent, by table.
_COLUMNS = {"image": IMAGE_COLUMNS, "image_raw": ("image_id", "chunks")}

#: PostgreSQL 18 makes checksums of the large texts itself, so that these need not be sent back.
_HAS_CRC = 180000
_RAW_CHECKSUMS = sql.SQL("""
    SELECT string_agg(int8send(image_id) || int8send(crc32c(convert_to(chunks, 'UTF8'))), ''::bytea ORDER BY image_id)
      FROM {} WHERE image_id BETWEEN %s AND %s AND image_id <> ALL (%s)""").format(shadow_table("image_raw"))
_RAW_ROW = struct.Struct(">hiqi")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of some images in the form of COPY's binary format, in the order of their ids.

    Attributes:
        ids: of the images, int64; ``image`` and ``records`` have a row for each.
        records: columns of ``record_batches.COLUMNS``.
        raw_ids: of the images that have raw texts, int64; ``raw`` has a row for each.
        groups: of each image a number that images of one group have in common; 0 where it has no group.
    """

    ids: npt.NDArray[np.int64]
    image: pa.BinaryArray
    records: pa.RecordBatch
    raw_ids: npt.NDArray[np.int64]
    raw: list[bytes]
    groups: npt.NDArray[np.uint64]

    @staticmethod
    def empty() -> Rows:
        """Return no rows."""
        ids, rows = np.zeros(0, np.int64), pa.array([], pa.binary())
        return Rows(ids, rows, record_batches.empty(), ids, [], np.zeros(0, np.uint64))

    @staticmethod
    def concatenated(several: Sequence[Rows]) -> Rows:
        """Return the rows of several, one behind the other."""
        if len(several) == 1:
            return several[0]
        return Rows(
            np.concatenate([one.ids for one in several]), pa.concat_arrays([one.image for one in several]),
            pa.concat_batches([one.records for one in several]), np.concatenate([one.raw_ids for one in several]),
            [row for one in several for row in one.raw], np.concatenate([one.groups for one in several]),
        )  # fmt: skip

    def between(self, low: int, high: int) -> Rows:
        """Return the rows of the images with ids from ``low`` to ``high``."""
        first, last = np.searchsorted(self.ids, (low, high + 1)).tolist()
        first_raw, last_raw = np.searchsorted(self.raw_ids, (low, high + 1)).tolist()
        return Rows(
            self.ids[first:last], self.image[first:last], self.records.slice(first, last - first),
            self.raw_ids[first_raw:last_raw], self.raw[first_raw:last_raw], self.groups[first:last],
        )  # fmt: skip

    def without(self, ids: Sequence[int]) -> Rows:
        """Return the rows of all images but some."""
        kept, kept_raw = np.flatnonzero(~np.isin(self.ids, ids)), np.flatnonzero(~np.isin(self.raw_ids, ids))
        return self._take(kept, kept_raw)

    def sorted(self) -> Rows:
        """Return the rows in the order of their ids."""
        return self._take(np.argsort(self.ids), np.argsort(self.raw_ids))

    def _take(self, at: npt.NDArray[np.int64], at_raw: npt.NDArray[np.int64]) -> Rows:
        places = pa.array(at)
        return Rows(
            self.ids[at], self.image.take(places), self.records.take(places), self.raw_ids[at_raw],
            [self.raw[place] for place in at_raw.tolist()], self.groups[at],
        )  # fmt: skip

    def digest(self, conn: Connection) -> bytes:
        """Return the digest of ``image`` and ``raw``, as ``stored_digest`` finds it when they are written."""
        seen = xxh3_128()
        for block in _copy_blocks(self.image):
            seen.update(block)
        return seen.digest() + self._raw_digest(conn)

    def write(self, conn: Connection, migration_id: int, first_id: int) -> bytes:
        """Write the rows; return their digest, and behind it that of their records.

        Args:
            first_id: under which their records stand.
        """
        for (table, columns), rows in zip(_COLUMNS.items(), (self.image, self.raw), strict=True):
            if len(rows):
                copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
                    shadow_table(table), _column_list(columns)
                )
                with conn.cursor().copy(copy) as sink:
                    for block in _copy_blocks(rows):
                        sink.write(block)
        return self.digest(conn) + record_batches.write(conn, self.records, migration_id, first_id)

    def _raw_digest(self, conn: Connection) -> bytes:
        if conn.info.server_version < _HAS_CRC:
            return xxh3_128(b"".join(_copy_blocks(self.raw))).digest()
        sums = [google_crc32c.value(row[_RAW_ROW.size :]) for row in self.raw]
        return xxh3_128(np.array([self.raw_ids, np.array(sums, np.int64)]).T.astype(">i8").tobytes()).digest()


def raw_row(image_id: int, chunks: Sequence[bytes]) -> bytes:
    """Return a raw text, given in pieces, as a row of COPY's binary format."""
    return b"".join((_RAW_ROW.pack(2, 8, image_id, sum(map(len, chunks))), *chunks))


def _copy_blocks(rows: pa.BinaryArray | list[bytes]) -> tuple[bytes, memoryview, bytes]:
    """Return all that is sent of some rows; what is large is not copied when a part of it is sent."""
    payload = memoryview(b"".join(rows)) if isinstance(rows, list) else copy_columns.payload(rows)
    return HEADER, payload, TRAILER


def stored_digest(conn: Connection, low: int, high: int, without: Sequence[int] = ()) -> bytes:
    """Return the digest of the rows that are there of the images from ``low`` to ``high``.

    Args:
        without: ids of images that are left out.
    """
    seen = xxh3_128()
    with conn.cursor().copy(_copy_statement("image", low, high, without)) as source:
        seen.update(b"".join(source))
    return seen.digest() + _stored_raw_digest(conn, low, high, without)


def _copy_statement(table: str, low: int, high: int, without: Sequence[int]) -> sql.Composed:
    """Return the statement that gives the rows of a table of some images in COPY's binary format."""
    columns = _COLUMNS[table]
    key = sql.Identifier(columns[0])
    rest = sql.SQL("AND {} <> ALL ({})").format(key, list(without)) if without else sql.SQL("")
    return sql.SQL(
        "COPY (SELECT {} FROM {} WHERE {} BETWEEN {} AND {} {} ORDER BY {}) TO STDOUT (FORMAT binary)"
    ).format(_column_list(columns), shadow_table(table), key, low, high, rest, key)


def _stored_raw_digest(conn: Connection, low: int, high: int, without: Sequence[int]) -> bytes:
    if conn.info.server_version < _HAS_CRC:
        with conn.cursor().copy(_copy_statement("image_raw", low, high, without)) as source:
            return xxh3_128(b"".join(source)).digest()
    with conn.cursor(binary=True) as cursor:
        (found,) = cursor.execute(_RAW_CHECKSUMS, (low, high, list(without))).fetchall()
    return xxh3_128(found[0] or b"").digest()


def _column_list(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))

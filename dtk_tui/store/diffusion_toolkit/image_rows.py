"""Rows of staged images: writing them, and comparing them with what is stored."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

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
from dtk_tui.store.diffusion_toolkit.staging import staged

#: Columns of an image as they are sent: first those that never are NULL, which are put together quickest.
IMAGE_COLUMNS: tuple[LiteralString, ...] = (
    "id", "folder_id", "file_size", "mtime_ns", "created_at", "scan_phase", "favorite", "nsfw", "for_deletion",
    "unavailable", "is_video", "has_workflow", "width", "height", "steps", "cfg_scale", "viewed_at", "touched_at",
    "aesthetic_score", "hypernetwork_strength", "rating", "prompt_id", "negative_prompt_id", "seed", "file_name",
    "dialect", "sampler", "scheduler", "model", "model_hash", "custom_tags", "error", "extra", "hypernetwork",
)  # fmt: skip
#: What is read of the source, and sent, by table.
_COLUMNS = {"image": IMAGE_COLUMNS, "image_raw": ("image_id", "chunks")}
#: PostgreSQL 18 makes checksums of the large texts itself, so that these need not be sent back.
_HAS_CRC = 180000
_RAW_ROW = struct.Struct(">hiqi")
_KEY = struct.Struct(">q")


@dataclass(frozen=True, slots=True)
class ImageRows:
    """Rows of some images in the form of COPY's binary format, in the order of their ids.

    Attributes:
        ids: of the images, int64; ``image`` and ``records`` have a row for each.
        records: columns of ``record_batches.COLUMNS``.
        raw_ids: of the images that have raw texts, int64; ``raw`` has a row for each.
        unsaid: of each image the bits of ``dtk_marks`` of which the source says nothing.
    """

    ids: npt.NDArray[np.int64]
    image: pa.BinaryArray
    records: pa.RecordBatch
    raw_ids: npt.NDArray[np.int64]
    raw: list[bytes]
    unsaid: npt.NDArray[np.uint8]

    @staticmethod
    def sorted(several: Sequence[ImageRows]) -> ImageRows:
        """Return the rows of several in the order of their ids."""
        if not several:
            ids = np.zeros(0, np.int64)
            return ImageRows(ids, pa.array([], pa.binary()), record_batches.empty(), ids, [], np.zeros(0, np.uint8))
        ids, raw_ids = np.concatenate([one.ids for one in several]), np.concatenate([one.raw_ids for one in several])
        found = ImageRows(
            ids, pa.concat_arrays([one.image for one in several]), pa.concat_batches([one.records for one in several]),
            raw_ids, [row for one in several for row in one.raw], np.concatenate([one.unsaid for one in several]),
        )  # fmt: skip
        if (np.diff(ids) > 0).all():
            return found
        at, at_raw = np.argsort(ids, kind="stable"), np.argsort(raw_ids, kind="stable")
        return ImageRows(
            ids[at], found.image.take(pa.array(at)), found.records.take(pa.array(at)), raw_ids[at_raw],
            [found.raw[place] for place in at_raw.tolist()], found.unsaid[at],
        )  # fmt: skip

    def write(self, conn: Connection, migration_id: int, span: tuple[int, int], ids: list[int] | None) -> None:
        """Write the rows, with their digest, in the transaction of their checkpoints.

        Args:
            span: first and last id that they can have, and no others; their records stand under the first.
            ids: theirs, where others are between these.
        """
        digest = self._write(conn) + record_batches.write(conn, self.records, migration_id, span[0])
        unsaid = self.unsaid.tobytes() if self.unsaid.any() else None
        conn.execute(
            "INSERT INTO migration_stage_digest (low, high, ids, digest, unsaid) VALUES (%s, %s, %s, %s, %s)",
            (*span, ids, digest, unsaid),
        )

    def _write(self, conn: Connection) -> bytes:
        """Write the images and their raw texts; return the digest that ``stored_digest`` finds when they are there."""
        seen = xxh3_128()
        for table, rows in (("image", self.image), ("image_raw", self.raw)):
            blocks = _copy_blocks(rows)
            if len(rows):
                columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS[table]))
                copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(staged(table), columns)
                with conn.cursor().copy(copy) as sink:
                    for block in blocks:
                        sink.write(block)
            if table == "image":
                for block in blocks:
                    seen.update(block)
        seen.update(self._raw_digest(conn))
        return seen.digest()

    def _raw_digest(self, conn: Connection) -> bytes:
        if conn.info.server_version < _HAS_CRC:
            return xxh3_128(b"".join(_copy_blocks(self.raw))).digest()
        sums = [google_crc32c.value(row[_RAW_ROW.size :]) for row in self.raw]
        return np.array([self.raw_ids, np.array(sums, np.int64)]).T.astype(">i8").tobytes()

    def differing(self, conn: Connection) -> list[int]:
        """Return the ids of the images whose rows are not stored as they are here."""
        ids = self.ids.tolist()
        wanted = dict(zip(ids, self.image.to_pylist(), strict=True))
        wanted_raw = dict(zip(self.raw_ids.tolist(), self.raw, strict=True))
        stored, stored_raw = (_stored_rows(conn, table, ids) for table in _COLUMNS)
        return [
            number
            for number in ids
            if stored.get(number) != wanted[number] or stored_raw.get(number) != wanted_raw.get(number)
        ]


def raw_row(image_id: int, chunks: Sequence[bytes]) -> bytes:
    """Return a raw text, given in pieces, as a row of COPY's binary format."""
    return b"".join((_RAW_ROW.pack(2, 8, image_id, sum(map(len, chunks))), *chunks))


def _copy_blocks(rows: pa.BinaryArray | list[bytes]) -> tuple[bytes, memoryview, bytes]:
    """Return all that is sent of some rows; what is large is not copied when a part of it is sent."""
    payload = memoryview(b"".join(rows)) if isinstance(rows, list) else copy_columns.payload(rows)
    return HEADER, payload, TRAILER


def stored_digest(conn: Connection, low: int, high: int, ids: Sequence[int] | None) -> bytes:
    """Return the digest of the staged images from ``low`` to ``high``, or of those with some ids."""
    seen = xxh3_128()
    among = _among("id", low, high, ids)
    with conn.cursor().copy(_copy_out("image", among)) as source:
        seen.update(b"".join(source))
    among = _among("image_id", low, high, ids)
    if conn.info.server_version < _HAS_CRC:
        with conn.cursor().copy(_copy_out("image_raw", among)) as source:
            seen.update(xxh3_128(b"".join(source)).digest())
        return seen.digest()
    sums = sql.SQL("""
        SELECT string_agg(int8send(image_id) || int8send(crc32c(convert_to(chunks, 'UTF8'))), ''::bytea
                          ORDER BY image_id) FROM {} WHERE {}""").format(staged("image_raw"), among)
    with conn.cursor(binary=True) as cursor:
        (found,) = cursor.execute(sums).fetchall()
    seen.update(found[0] or b"")
    return seen.digest()


def _among(key: str, low: int, high: int, ids: Sequence[int] | None) -> sql.Composed:
    if ids is not None:
        return sql.SQL("{} = ANY ({})").format(sql.Identifier(key), list(ids))
    return sql.SQL("{} BETWEEN {} AND {}").format(sql.Identifier(key), low, high)


def _copy_out(table: str, among: sql.Composed) -> sql.Composed:
    """Return the statement that gives staged rows in COPY's binary format."""
    columns = list(map(sql.Identifier, _COLUMNS[table]))
    return sql.SQL("COPY (SELECT {} FROM {} WHERE {} ORDER BY {}) TO STDOUT (FORMAT binary)").format(
        sql.SQL(", ").join(columns), staged(table), among, columns[0]
    )


def _stored_rows(conn: Connection, table: str, ids: list[int]) -> dict[int, bytes]:
    """Return the rows of some images by id, each as it is sent."""
    columns = _COLUMNS[table]
    found: dict[int, bytes] = {}
    with conn.cursor().copy(_copy_out(table, _among(columns[0], 0, 0, ids))) as source:
        # The server sends each row by itself, the first one behind the header, and then the trailer.
        for block in source:
            row = bytes(block).removeprefix(HEADER)
            if row not in (b"", TRAILER):
                found[_KEY.unpack_from(row, 6)[0]] = row
    return found

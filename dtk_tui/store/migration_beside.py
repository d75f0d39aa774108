"""Tables beside the library's own, in a schema of their own, that a migration into an empty library fills.

What is written there is seen by nobody; in the end the tables take the places of the library's own at once. With that
schema first in the search path the same statements write into them that otherwise write into the library.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import LiteralString

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from psycopg import sql

from dtk_tui.store import binary_copy
from dtk_tui.store.database import Connection, row_of

SCHEMA: LiteralString = "migration_beside"
_MARK: LiteralString = "Made by dtk migrate, which removes it."
#: The tables that are filled while the source is read; rows of the others are made of theirs.
READ = ("prompt", "image", "image_raw", "migrated_image")
TABLES = (*READ, "album_image", "image_tag", "node", "node_property")

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
_HASHED_AT_ONCE = 1 << 18

# What somebody else hung on a table would be lost with it; and the schema needs a right that not everybody has.
_IS_OURS: LiteralString = """
SELECT bool_and(relacl IS NULL AND relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
                AND reloptions IS NULL AND NOT relrowsecurity AND NOT relhassubclass AND NOT relispartition
                AND NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal
                                   AND (tgname <> 'image_promote_representatives' OR tgenabled <> 'O'))
                AND NOT EXISTS (SELECT 1 FROM pg_rewrite rule JOIN pg_depend ON pg_depend.objid = rule.oid
                                 WHERE refobjid = pg_class.oid AND classid = 'pg_rewrite'::regclass)
                AND NOT EXISTS (SELECT 1 FROM pg_publication_rel WHERE prrelid = pg_class.oid)
                AND NOT EXISTS (SELECT 1 FROM pg_statistic_ext WHERE stxrelid = pg_class.oid)
                AND NOT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = pg_class.oid AND attacl IS NOT NULL)
                AND NOT EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = pg_class.oid)
                AND obj_description(pg_class.oid, 'pg_class') IS NULL)
   AND has_database_privilege(current_database(), 'CREATE')
   AND has_schema_privilege(max(relnamespace), 'CREATE') AND count(DISTINCT relnamespace) = 1
  FROM pg_class WHERE oid = ANY (%s::regclass[])
"""
_HAS_FAST_COMPRESSION: LiteralString = """
SELECT attcompression = 'l' FROM pg_attribute WHERE attrelid = 'image_raw'::regclass AND attname = 'chunks'
"""
_IS_EMPTY: LiteralString = """
SELECT NOT (EXISTS (SELECT 1 FROM image) OR EXISTS (SELECT 1 FROM prompt))
"""


def is_possible(conn: Connection) -> bool:
    """Whether the library is empty, its tables may be replaced, and nobody else has a schema of that name."""
    is_free = exists(conn) or row_of(conn, "SELECT to_regnamespace(%s) IS NULL", (SCHEMA,))[0]
    return bool(is_free and row_of(conn, _IS_EMPTY)[0] and row_of(conn, _IS_OURS, (list(TABLES),))[0])


def still_empty(conn: Connection) -> bool:
    """Whether the library is empty, and stays so until the transaction ends; waits for whoever is writing."""
    conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.SQL(", ").join(map(own, TABLES))))
    return bool(row_of(conn, _IS_EMPTY)[0])


def own(table: str) -> sql.Composable:
    """Return the name of a table of the library."""
    return sql.Identifier(table)


def other(table: str) -> sql.Identifier:
    """Return the full name of the table beside it."""
    return sql.Identifier(SCHEMA, table)


def create(conn: Connection) -> None:
    """Make the empty tables, without indexes and keys."""
    drop(conn)
    conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
    conn.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(SCHEMA), _MARK))
    for table in TABLES:
        make = "CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES) WITH (autovacuum_enabled = off)"
        conn.execute(sql.SQL(make).format(other(table), own(table)))
    if not row_of(conn, _HAS_FAST_COMPRESSION)[0]:
        # pglz takes three times as long as all else that a workflow costs; a scan, which reads it again, compresses it.
        _store_workflows(conn, "EXTERNAL")


def _store_workflows(conn: Connection, how: LiteralString) -> None:
    conn.execute(sql.SQL("ALTER TABLE {} ALTER chunks SET STORAGE " + how).format(other("image_raw")))


def compress_again(conn: Connection) -> None:
    """Let workflows that are written from now on be compressed."""
    _store_workflows(conn, "EXTENDED")


def exists(conn: Connection) -> bool:
    """Whether there are such tables; a schema of that name that somebody else made is none of ours."""
    query: LiteralString = "SELECT obj_description(to_regnamespace(%s), 'pg_namespace') IS NOT DISTINCT FROM %s"
    return bool(row_of(conn, query, (SCHEMA, _MARK))[0])


def drop(conn: Connection) -> None:
    """Remove the tables."""
    if exists(conn):
        conn.execute("SET LOCAL client_min_messages = warning")
        conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCHEMA)))


def enter(conn: Connection) -> None:
    """Let the names of tables mean those beside the library, until the transaction ends."""
    conn.execute("SELECT set_config('search_path', %s || ', ' || current_setting('search_path'), true)", (SCHEMA,))


# -- texts ------------------------------------------------------------------------------------------------------------


def prompts(conn: Connection) -> Iterator[tuple[int, str]]:
    """Yield (id, text) of all prompts that were read."""
    with conn.cursor(name="prompts") as cursor:
        cursor.itersize = 5000
        yield from cursor.execute(sql.SQL("SELECT id, text FROM {}").format(other("prompt")))


def with_prompts(conn: Connection, prompts: Sequence[int]) -> list[int]:
    """Return the images that have one of these prompts."""
    query = sql.SQL("SELECT id FROM {} WHERE prompt_id = ANY (%(ids)s) OR negative_prompt_id = ANY (%(ids)s)")
    return [number for (number,) in conn.execute(query.format(other("image")), {"ids": list(prompts)})]


def last_prompt(conn: Connection) -> int:
    """Return the largest id of a prompt that was given out, here or in the library."""
    query = sql.SQL("""
        SELECT greatest((SELECT max(id) FROM {}), 0,
                        pg_sequence_last_value(pg_get_serial_sequence('prompt', 'id')::regclass))""")
    return int(conn.execute(query.format(other("prompt"))).fetchall()[0][0])


def folder_ids(conn: Connection, count: int) -> list[int]:
    """Return ids for folders that nobody else gets."""
    rows = conn.execute(
        "SELECT nextval(pg_get_serial_sequence('folder', 'id')::regclass) FROM generate_series(1, %s)", (count,)
    )
    return [number for (number,) in rows]


# -- what was written and what is there -------------------------------------------------------------------------------


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
            # Each row comes by itself; many at once are hashed faster.
            held = bytearray()
            for row in source:
                held += row
                if len(held) > _HASHED_AT_ONCE:
                    seen.update(held)
                    held.clear()
            seen.update(held)
    return seen.digest()


def remove(conn: Connection, ids: Sequence[int]) -> None:
    """Take some images away again."""
    for table, columns in _COLUMNS.items():
        statement = sql.SQL("DELETE FROM {} WHERE {} = ANY (%s)").format(other(table), sql.Identifier(columns[0]))
        conn.execute(statement, (list(ids),))


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))

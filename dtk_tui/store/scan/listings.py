"""Listings of folders, compared with their rows and written into them: the quick phase of a scan."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from psycopg import errors as pg

from dtk_tui.store.copy.rows import blocks, listed_files, listed_rows
from dtk_tui.store.database import Connection, row_of, skip_checks
from dtk_tui.store.library.images import ids_from, join_path
from dtk_tui.store.text_codec import from_db, to_db

if TYPE_CHECKING:
    from dtk_tui.store.library.images import Ids

#: Set in each UPDATE of many images that sets nothing of what ``metadata_hash`` is made of: PostgreSQL 18 would parse
#: the expression of that column for each row, which takes longer than the rest of the update.
KEEP_STEPS = "steps = image.steps"
# A batch is small beside the library: whatever the statistics say, its rows are looked up one by one.
_LOOK_UP = """
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true),
       set_config('plan_cache_mode', 'force_custom_plan', true)
"""
# One scan writes at a time, so that two of them never wait for each other's rows in a circle.
_ACQUIRE_WRITE_LOCK = "SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(7628139)"
_ANNOUNCE = "SELECT pg_advisory_lock_shared(7628140)"
_NOBODY_SCANS = "SELECT pg_try_advisory_xact_lock(7628140)"
# A "/" is in no file name. A row that was imported and never read has no digest: its folder is looked at.
_STORED_DIGESTS = """
SELECT folder_id,
       sha256(dtk_utf8(
           string_agg(file_name || '/' || file_size || '/' || mtime_ns, '/' ORDER BY file_name COLLATE "C")))
  FROM image WHERE folder_id = ANY (%s::bigint[]) AND NOT unavailable
 GROUP BY folder_id HAVING NOT bool_or(scan_phase = 1 AND fingerprint IS NULL)
"""
_STORED_FILES = """
SELECT folder_id, file_name, id, file_size, mtime_ns, scan_phase = 1 AND fingerprint IS NULL, unavailable
  FROM image WHERE folder_id = ANY (%s::bigint[])
"""
_COPY_FILES = "COPY image (folder_id, file_size, mtime_ns, created_at, file_name) FROM STDIN (FORMAT binary)"
_ADD_FILES = """
INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)
SELECT folder_id, file_name, file_size, mtime_ns, timestamptz 'epoch' + mtime_ns / 1000 * interval '1 microsecond'
  FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[]) AS new (folder_id, file_name, file_size, mtime_ns)
    ON CONFLICT (folder_id, file_name) DO NOTHING
"""
# What a file was stays visible until it is read again. One that was never read has its date from an import.
_MARK_CHANGED = f"""
UPDATE image SET {KEEP_STEPS}, file_size = new.file_size, mtime_ns = new.mtime_ns, scan_phase = 0, unavailable = false,
                 created_at = CASE WHEN scan_phase = 1 AND fingerprint IS NULL THEN created_at
                                   ELSE timestamptz 'epoch' + new.mtime_ns / 1000 * interval '1 microsecond' END
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS new (id, file_size, mtime_ns)
 WHERE image.id = new.id
"""  # noqa: S608 (constants)
# OFFSET 0: whatever the statistics say, the images of these folders are looked up one by one.
_WITHOUT_METADATA = """
SELECT folder_id, id, file_name
  FROM (SELECT folder_id, id, file_name, dialect FROM image
         WHERE folder_id = ANY (%s)
           AND scan_phase = 1 AND fingerprint IS NOT NULL AND NOT unavailable OFFSET 0) AS image
 WHERE dialect IS NULL
    OR (SELECT strpos(chunks, '"sidecar"') > 0 FROM image_raw WHERE image_id = image.id)
"""
_SET_UNAVAILABLE = f"""
WITH altered AS (
    UPDATE image SET {KEEP_STEPS}, unavailable = %(gone)s WHERE id = ANY (%(ids)s) AND unavailable <> %(gone)s
    RETURNING metadata_hash)
SELECT dtk_choose_representatives(array_agg(DISTINCT metadata_hash)), count(*)
  FROM altered WHERE metadata_hash IS NOT NULL HAVING count(*) > 0
"""  # noqa: S608 (constants)
_MARK_UNREAD = f"UPDATE image SET {KEEP_STEPS}, scan_phase = 0 WHERE id = ANY (%s)"  # noqa: S608 (constants)
# OFFSET 0: what waits is found by its own index, however many folders are asked for. An array of smaller numbers, which
# a list of small ones would be, could not be hashed: each row would be compared with each folder.
_UNREAD = """
SELECT string_agg(int8send(id), ''::bytea ORDER BY created_at DESC, id)
  FROM (SELECT id, folder_id, created_at FROM image WHERE scan_phase = 0 AND NOT unavailable OFFSET 0) AS waiting
 WHERE folder_id = ANY (%s::bigint[])
"""
_SELECT_PATHS = """
SELECT image.id, folder.path, image.file_name
  FROM image JOIN folder ON folder.id = image.folder_id WHERE image.id = ANY (%s::bigint[])
"""


class StoredFile(NamedTuple):
    """An image row as a scan compares it with the disk; ``unread``: imported, and its file was never looked into."""

    id: int
    file_size: int
    mtime_ns: int
    unread: bool
    unavailable: bool


def acquire_write_lock(conn: Connection) -> None:
    """Wait until no other scan writes; what a crash of the server forgets, the next scan finds again."""
    conn.execute(_ACQUIRE_WRITE_LOCK)


def look_up_one_by_one(conn: Connection) -> None:
    """Keep the statements of this transaction from reading whole tables for the rows of a batch."""
    conn.execute(_LOOK_UP)


def as_array(numbers: Iterable[int]) -> str:
    """Return numbers as a parameter for an array: a list would be taken apart number by number."""
    return f"{{{','.join(map(str, numbers))}}}"


def announce(conn: Connection) -> None:
    """Let others know that a scan is under way for as long as this connection lives."""
    conn.execute(_ANNOUNCE)


def is_anyone_scanning(conn: Connection) -> bool:
    """Return whether a scan is under way in any process."""
    return not row_of(conn, _NOBODY_SCANS)[0]


def digest(files: Sequence[tuple[str, int, int]]) -> bytes:
    """Return what ``stored_digests`` gives for a folder with these files (name, size, mtime in ns), in any order."""
    text = "/".join([f"{name}/{size}/{mtime_ns}" for name, size, mtime_ns in sorted(files)])
    if not text.isascii():
        lines = sorted([(to_db(name), size, mtime_ns) for name, size, mtime_ns in files])
        text = "/".join([f"{name}/{size}/{mtime_ns}" for name, size, mtime_ns in lines])
    return hashlib.sha256(text.encode()).digest()


def stored_digests(conn: Connection, folder_ids: Sequence[int]) -> dict[int, bytes]:
    """Return, by folder id, a digest of the files that the library has there; none for a folder without any."""
    conn.execute("SET LOCAL enable_seqscan = off")
    return {number: bytes(value) for number, value in conn.execute(_STORED_DIGESTS, (list(folder_ids),))}


def stored_files(conn: Connection, folder_ids: Sequence[int]) -> dict[int, dict[str, StoredFile]]:
    """Return what the library has in folders: by folder id, then by file name."""
    conn.execute("SET LOCAL enable_seqscan = off")
    result: dict[int, dict[str, StoredFile]] = {number: {} for number in folder_ids}
    for folder_id, name, image_id, size, mtime_ns, unread, gone in conn.execute(_STORED_FILES, (list(folder_ids),)):
        result[folder_id][from_db(name)] = StoredFile(image_id, size, mtime_ns, unread, gone)
    return result


def add_files(
    conn: Connection,
    new: Mapping[int, Sequence[tuple[str, int, int]]],
    held: Collection[int] = frozenset(),
    encoded: Mapping[int, Sequence[bytes]] = MappingProxyType({}),
) -> int:
    """Insert quick rows for new files; return how many are new.

    Args:
        new: by folder id: name, size in bytes, mtime in ns.
        held: folders that this transaction has made, which nobody else can remove.
        encoded: by folder id, ``copy.rows.listed_files`` of the same files where that was done beforehand.
    """
    if not new:
        return 0
    others = sorted(new.keys() - held)
    hold = "SELECT FROM folder WHERE id = ANY (%s) ORDER BY id FOR KEY SHARE"
    all_are_held = not others or conn.execute(hold, (others,)).rowcount == len(others)
    rows = (listed_rows(number, encoded.get(number) or listed_files(files)) for number, files in new.items())
    try:
        with conn.transaction():
            skip_checks(conn, all_are_held)
            with conn.cursor().copy(_COPY_FILES) as copy:
                for block in blocks(rows):
                    copy.write(block)
            skip_checks(conn, False)
        return sum([len(files) for files in new.values()])
    except pg.UniqueViolation:
        # Another program added some of them since they were looked up.
        files = [(folder_id, *file) for folder_id, files in new.items() for file in files]
        columns = (
            [file[0] for file in files],
            [to_db(file[1]) for file in files],
            [file[2] for file in files],
            [file[3] for file in files],
        )
        return conn.execute(_ADD_FILES, columns).rowcount


def mark_changed(conn: Connection, changed: Sequence[tuple[int, int, int]]) -> None:
    """Store new sizes and times of files that changed, given as (id, size, mtime_ns): they are read again."""
    if changed:
        conn.execute(_MARK_CHANGED, tuple([row[i] for row in changed] for i in range(3)))


def without_metadata(conn: Connection, folder_ids: Sequence[int]) -> list[tuple[int, int, str]]:
    """Return (folder id, id, file name) of the images in folders that have no metadata of their own; sidecars may."""
    return [(v[0], v[1], from_db(v[2])) for v in conn.execute(_WITHOUT_METADATA, (list(folder_ids),))]


def mark_unread(conn: Connection, ids: Sequence[int]) -> None:
    """Have files read again that did not change themselves."""
    if ids:
        conn.execute(_MARK_UNREAD, (list(ids),))


def mark_available(conn: Connection, ids: Sequence[int]) -> None:
    """Mark files that are there again, unchanged."""
    if ids:
        conn.execute(_SET_UNAVAILABLE, {"ids": list(ids), "gone": False})


def mark_unavailable(conn: Connection, ids: Sequence[int]) -> None:
    """Mark files that vanished; all that is known of them is kept, and another member stands for their groups."""
    if ids:
        conn.execute(_SET_UNAVAILABLE, {"ids": list(ids), "gone": True})


def unread(conn: Connection, folder_ids: Sequence[int]) -> Ids:
    """Return the ids of the images in folders whose files wait to be read, newest first; int64, shape [n]."""
    conn.execute("SET LOCAL enable_seqscan = off")
    return ids_from(row_of(conn, _UNREAD, (list(folder_ids),))[0])


def paths(conn: Connection, ids: Sequence[int]) -> list[tuple[int, str]]:
    """Return (id, absolute path) of images in the order of ``ids``; those that are gone are left out."""
    rows = conn.execute(_SELECT_PATHS, (as_array(ids),)).fetchall()
    folders = {path: join_path(path, "") for path in {path for _, path, _ in rows}}
    found = {number: folders[path] + from_db(name) for number, path, name in rows}
    return [(number, found[number]) for number in ids if number in found]


def available_in(conn: Connection, folder_ids: Sequence[int]) -> list[int]:
    """Return the ids of the images in folders whose files were there when they were last looked for."""
    sql = "SELECT id FROM image WHERE folder_id = ANY (%s::bigint[]) AND NOT unavailable"
    return [number for (number,) in conn.execute(sql, (list(folder_ids),))]

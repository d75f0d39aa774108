"""Staging tables of a scan: readings, prompts and raw metadata that live as long as one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import LiteralString

from dtk_tui.store.copy.rows import READING_COLUMNS, blocks, prompt_row
from dtk_tui.store.database import Connection

_CREATE = (
    "SET LOCAL client_min_messages = warning",
    f"CREATE TEMP TABLE IF NOT EXISTS scan_reading ({READING_COLUMNS}) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS scan_prompt (sha256 bytea, text text) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS scan_raw (image_id bigint, chunks text) ON COMMIT DELETE ROWS",
    # A batch is small beside the library: whatever the statistics say, its rows are looked up one by one.
    "SET LOCAL enable_hashjoin = off",
    "SET LOCAL enable_mergejoin = off",
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL jit = off",
    # A plan that is kept would look for each row in a list of ids from its begin to its end.
    "SET LOCAL plan_cache_mode = force_custom_plan",
)
# OFFSET 0: whatever the statistics say of a library that is being filled, its rows are looked up one by one.
ROW_OF_READING = """
  FROM scan_reading reading
 CROSS JOIN LATERAL (SELECT * FROM image WHERE id = reading.id OFFSET 0) AS self
"""
_COPY_READINGS = "COPY scan_reading FROM STDIN (FORMAT binary)"
_COPY_RAW = "COPY scan_raw FROM STDIN (FORMAT binary)"
_COPY_PROMPTS = "COPY scan_prompt FROM STDIN (FORMAT binary)"
# In one order for all: two writers with the same new prompts wait for each other instead of a deadlock.
_NEW_PROMPTS = """
INSERT INTO prompt (text)
SELECT text FROM scan_prompt WHERE NOT EXISTS (SELECT 1 FROM prompt WHERE prompt.sha256 = scan_prompt.sha256)
 ORDER BY sha256
    ON CONFLICT (sha256) DO NOTHING
"""
_LOCK_PROMPTS = "SELECT 1 FROM scan_prompt JOIN prompt USING (sha256) ORDER BY prompt.id FOR KEY SHARE OF prompt"
_RENUMBER = (
    """
    UPDATE scan_reading SET id = moved.old_id FROM unnest(%s::bigint[], %s::bigint[]) AS moved (id, old_id)
     WHERE scan_reading.id = moved.id
    """,
    """
    UPDATE scan_raw SET image_id = moved.old_id FROM unnest(%s::bigint[], %s::bigint[]) AS moved (id, old_id)
     WHERE scan_raw.image_id = moved.id
    """,
)


def stage(conn: Connection, rows: Iterable[bytes], prompts: Mapping[bytes, str]) -> None:
    """Make the staging tables and fill them with readings and prompts, within this transaction.

    Args:
        rows: as ``copy.rows.reading_row`` gives them.
        prompts: the texts of their prompts by ``copy.rows.digest``.
    """
    for statement in _CREATE:
        conn.execute(statement)
    copy(conn, _COPY_READINGS, rows)
    copy(conn, _COPY_PROMPTS, (prompt_row(sha256, text) for sha256, text in prompts.items()))


def restage(conn: Connection, rows: Iterable[bytes]) -> None:
    """Replace the staged readings; the prompts stay."""
    conn.execute("DELETE FROM scan_reading")
    copy(conn, _COPY_READINGS, rows)


def restage_raw(conn: Connection, rows: Iterable[bytes]) -> None:
    """Replace the staged raw metadata, given as ``copy.rows.raw_row``."""
    conn.execute("DELETE FROM scan_raw")
    copy(conn, _COPY_RAW, rows)


def stage_more(conn: Connection, rows: Iterable[bytes], raws: Iterable[bytes], prompts: Mapping[bytes, str]) -> None:
    """Add readings, with their raw metadata and prompts, to what is staged."""
    copy(conn, _COPY_READINGS, rows)
    copy(conn, _COPY_RAW, raws)
    copy(conn, _COPY_PROMPTS, (prompt_row(sha256, text) for sha256, text in prompts.items()))
    add_prompts(conn)


def copy(conn: Connection, statement: LiteralString, rows: Iterable[bytes]) -> None:
    """Send encoded rows with a COPY statement."""
    with conn.cursor().copy(statement) as stream:
        for block in blocks(rows):
            stream.write(block)


def renumber(conn: Connection, ids: Sequence[int], others: Sequence[int]) -> None:
    """Give the staged readings of some images to others, one by one."""
    # Both sides are as large as the batch, and have no index: only a hash keeps them from being compared row by row.
    conn.execute("SET LOCAL enable_hashjoin = on")
    for statement in _RENUMBER:
        conn.execute(statement, (ids, others))
    conn.execute("SET LOCAL enable_hashjoin = off")


def choose_representatives(conn: Connection, statement: LiteralString, parameters: tuple[object, ...]) -> None:
    """Run a statement that chooses the representatives of groups."""
    # Its joins are of the groups with themselves and have no index: their time would grow with the square of a batch.
    conn.execute("SET LOCAL enable_hashjoin = on")
    conn.execute(statement, parameters)
    conn.execute("SET LOCAL enable_hashjoin = off")


def add_prompts(conn: Connection) -> None:
    """Add the staged prompts that are new, and keep all of them from being removed."""
    conn.execute(_NEW_PROMPTS)
    conn.execute(_LOCK_PROMPTS)

"""Bringing what files said near the library: rows that live as long as one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import LiteralString

from dtk_tui.store.copy.rows import READING_COLUMNS, blocks, prompt_row
from dtk_tui.store.database import Connection

_STAGE = (
    "SET LOCAL client_min_messages = warning",
    f"CREATE TEMP TABLE IF NOT EXISTS scan_reading ({READING_COLUMNS}) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS scan_prompt (sha256 bytea, text text) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS scan_raw (image_id bigint, chunks text) ON COMMIT DELETE ROWS",
    # A batch is small beside the library: whatever the statistics say, its rows are looked up one by one.
    "SET LOCAL enable_hashjoin = off",
    "SET LOCAL enable_mergejoin = off",
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL jit = off",
)
_COPY_READINGS = "COPY scan_reading FROM STDIN (FORMAT binary)"
_COPY_RAW = "COPY scan_raw FROM STDIN (FORMAT binary)"
_COPY_PROMPTS = "COPY scan_prompt FROM STDIN (FORMAT binary)"
# In one order for all: two writers with the same new prompts wait for each other instead of locking up.
_NEW_PROMPTS = """
INSERT INTO prompt (text)
SELECT text FROM scan_prompt WHERE NOT EXISTS (SELECT 1 FROM prompt WHERE prompt.sha256 = scan_prompt.sha256)
 ORDER BY sha256
    ON CONFLICT (sha256) DO NOTHING
"""
_HOLD_PROMPTS = "SELECT 1 FROM scan_prompt JOIN prompt USING (sha256) ORDER BY prompt.id FOR KEY SHARE OF prompt"
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
    """Bring readings near the library, within this transaction.

    Args:
        rows: as ``copying.reading_row`` gives them.
        prompts: the texts of their prompts by ``copying.digest``.
    """
    for statement in _STAGE:
        conn.execute(statement)
    copy(conn, _COPY_READINGS, rows)
    copy(conn, _COPY_PROMPTS, (prompt_row(sha256, text) for sha256, text in prompts.items()))


def stage_again(conn: Connection, rows: Iterable[bytes]) -> None:
    """Bring fewer readings near instead; the prompts stay."""
    conn.execute("DELETE FROM scan_reading")
    copy(conn, _COPY_READINGS, rows)


def stage_raw(conn: Connection, rows: Iterable[bytes]) -> None:
    """Bring raw metadata near, as ``copying.raw_row`` gives it, instead of what was there."""
    conn.execute("DELETE FROM scan_raw")
    copy(conn, _COPY_RAW, rows)


def stage_more(conn: Connection, rows: Iterable[bytes], raws: Iterable[bytes], prompts: Mapping[bytes, str]) -> None:
    """Bring further readings near, with their raw metadata and prompts, beside what is there."""
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
    """Let the staged readings of some images be those of others, one by one."""
    for statement in _RENUMBER:
        conn.execute(statement, (ids, others))


def add_prompts(conn: Connection) -> None:
    """Add the staged prompts that are new, and keep all of them from being removed."""
    conn.execute(_NEW_PROMPTS)
    conn.execute(_HOLD_PROMPTS)

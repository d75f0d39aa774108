"""Saved searches of an import: read from the staging tables, written into the library."""

from __future__ import annotations

from typing import LiteralString

from dtk_tui.store.database import Connection
from dtk_tui.store.diffusion_toolkit.dates import TICKS_RANGE
from dtk_tui.store.text_codec import from_db, to_db


def staged_queries(conn: Connection) -> list[tuple[int, str | None, str | None, int | None, int | None]]:
    """Return (source id, name, JSON, created, modified) of the saved queries; dates in ticks."""
    rows = conn.execute("SELECT * FROM migration_stage_query ORDER BY source_id")
    return [
        (v[0], None if v[1] is None else from_db(v[1]), None if v[2] is None else from_db(v[2]), *v[3:]) for v in rows
    ]


def add_query(
    conn: Connection, name: str, query: str | None, original: str | None, problem: str | None,
    dates: tuple[int | None, int | None], zone: str,
) -> int | None:  # fmt: skip
    """Write a saved query and return its id; None when the library has one of this name."""
    sql: LiteralString = """
        INSERT INTO saved_query (name, query, original, problem, created_at, modified_at)
        SELECT %s, %s, %s, %s, coalesce(dtk_instant(created, zone), now()),
               coalesce(dtk_instant(modified, zone), dtk_instant(created, zone), now())
          FROM (SELECT %s::text AS zone,
                       CASE WHEN c BETWEEN {range} THEN c END AS created,
                       CASE WHEN m BETWEEN {range} THEN m END AS modified
                  FROM (SELECT %s::bigint AS c, %s::bigint AS m) AS given) AS dates
            ON CONFLICT (name) DO NOTHING RETURNING id""".replace("{range}", TICKS_RANGE)
    texts = tuple(None if text is None else to_db(text) for text in (name, query, original, problem))
    row = conn.execute(sql, (*texts, zone, *dates)).fetchone()
    return row[0] if row else None


def find_same_query(conn: Connection, name: str, query: str | None, original: str | None) -> int | None:
    """Return the saved query of this name, where it says the same."""
    sql: LiteralString = """
        SELECT id FROM saved_query
         WHERE name = %s AND (query, original) IS NOT DISTINCT FROM (%s::text, %s::text)"""
    row = conn.execute(sql, tuple(None if text is None else to_db(text) for text in (name, query, original))).fetchone()
    return row[0] if row else None

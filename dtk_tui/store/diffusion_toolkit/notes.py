"""Notes of an import: the rows of the source that were repaired or refused, with the reason and what they said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

from dtk_tui.store.database import Connection

_STAGED: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, table_name, source_id, outcome, reason, original FROM migration_stage_note
"""


def write_staged(conn: Connection, migration_id: int) -> None:
    """Write the notes of all that was read and written."""
    conn.execute(_STAGED, {"id": migration_id})


def note_counts(conn: Connection, migration_id: int) -> list[tuple[str, str, str, int]]:
    """Return (table, outcome, reason, rows), reasons without the numbers of rows in them."""
    query: LiteralString = """
        SELECT table_name, outcome, regexp_replace(regexp_replace(reason, 'rows? \\d+( to \\d+)?', 'other rows'),
                                                         'recovered from the indexes, without .*',
                                                         'recovered from the indexes, without the others'), count(*)
          FROM migration_note WHERE migration_id = %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 4 DESC, 3"""
    return conn.execute(query, (migration_id,)).fetchall()


def noted_rows(conn: Connection, migration_id: int) -> dict[tuple[str, str], int]:
    """Return the number of rows with a note, by (table, outcome)."""
    query: LiteralString = """
        SELECT table_name, outcome, count(DISTINCT source_id)
          FROM migration_note WHERE migration_id = %s GROUP BY 1, 2"""
    return {(table, outcome): count for table, outcome, count in conn.execute(query, (migration_id,))}


def notes(conn: Connection, migration_id: int) -> Iterator[tuple[str, int | None, str, str, Any]]:
    """Return (table, source id, outcome, reason, original) of all notes."""
    query: LiteralString = """
        SELECT table_name, source_id, outcome, reason, original FROM migration_note WHERE migration_id = %s
         ORDER BY outcome DESC, table_name, source_id, reason"""
    with conn.cursor(name="notes") as cursor:
        cursor.itersize = 5000
        yield from cursor.execute(query, (migration_id,))

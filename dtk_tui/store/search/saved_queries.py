"""Saved queries, and the queries that were asked."""

from __future__ import annotations

from dtk_tui.domain.query.saved import SavedQuery
from dtk_tui.store.database import Connection
from dtk_tui.store.text_codec import from_db, to_db

#: So many of the queries that were asked are kept.
KEPT = 500

_LIST = """
SELECT id, name, query, problem, is_pinned, modified_at FROM saved_query
 ORDER BY is_pinned DESC, lower(name), id LIMIT %s
"""
_SAVE = """
INSERT INTO saved_query (name, query) VALUES (%(name)s, %(line)s)
    ON CONFLICT (name) DO UPDATE SET query = %(line)s, original = NULL, problem = NULL, modified_at = now()
 WHERE %(replace)s
RETURNING id
"""
_ASKED = """
INSERT INTO asked_query (line) VALUES (%s) ON CONFLICT (sha256) DO UPDATE SET asked_at = clock_timestamp()
"""
_FORGET = """
DELETE FROM asked_query
 WHERE asked_at < (SELECT asked_at FROM asked_query ORDER BY asked_at DESC OFFSET %s LIMIT 1)
"""


def saved(conn: Connection, limit: int | None = None) -> list[SavedQuery]:
    """Return the saved queries, the pinned ones first, then by name."""
    return [
        SavedQuery(
            id=v[0],
            name=from_db(v[1]),
            line=None if v[2] is None else from_db(v[2]),
            problem=None if v[3] is None else from_db(v[3]),
            is_pinned=v[4],
            modified_at=v[5],
        )
        for v in conn.execute(_LIST, (limit,))
    ]


def save(conn: Connection, name: str, line: str, *, replace: bool) -> bool:
    """Save a query under a name; False where the name is taken and is not to be replaced."""
    values = {"name": to_db(name), "line": to_db(line), "replace": replace}
    return conn.execute(_SAVE, values).fetchone() is not None


def delete(conn: Connection, name: str) -> bool:
    """Delete the saved query of a name; False where there is none."""
    return conn.execute("DELETE FROM saved_query WHERE name = %s", (to_db(name),)).rowcount > 0


def pin(conn: Connection, name: str, *, pinned: bool) -> bool:
    """Put the saved query of a name at the head of the list, or back; False where there is none."""
    sql = "UPDATE saved_query SET is_pinned = %s, modified_at = now() WHERE name = %s"
    return conn.execute(sql, (pinned, to_db(name))).rowcount > 0


def note_asked(conn: Connection, line: str) -> None:
    """Keep a query that was asked, each once; of the oldest ones no more than ``KEPT`` stay."""
    conn.execute(_ASKED, (to_db(line),))
    conn.execute(_FORGET, (KEPT - 1,))


def asked(conn: Connection) -> list[str]:
    """Return the queries that were asked, the newest last."""
    rows = conn.execute("SELECT line FROM asked_query ORDER BY asked_at DESC LIMIT %s", (KEPT,)).fetchall()
    return [from_db(line) for (line,) in reversed(rows)]

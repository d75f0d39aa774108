"""Queries that people keep: saved ones by name, and the history of those that they asked."""

from __future__ import annotations

from dtk_tui.domain.query.saved import SavedQuery
from dtk_tui.errors import UsageError
from dtk_tui.store.database import Database
from dtk_tui.store.search import saved_queries as store

MAX_NAME = 200


def save(db: Database, name: str, line: str, *, replace: bool = False) -> None:
    """Save a query under a name.

    Raises:
        UsageError: the name is empty or too long, it is taken and is not to be replaced, or the line is not understood.
    """
    from dtk_tui.domain.query.parser import parse

    name, line = name.strip(), line.strip()
    if not name or len(name) > MAX_NAME:
        raise UsageError(f"A name has 1 to {MAX_NAME} characters.", "Give the query another one.")
    if not line:
        raise UsageError("There is no query to save.", "Type one first.")
    parse(line)
    with db.connection() as conn:
        if not store.save(conn, name, line, replace=replace):
            raise UsageError(f"There is a query {name!r} already.", "Give it another name, or replace it: --replace")


def saved(db: Database) -> list[SavedQuery]:
    """Return the saved queries, those of an import too; the pinned ones first, then by name."""
    with db.connection() as conn:
        return store.saved(conn)


def delete(db: Database, name: str) -> None:
    """Delete a saved query; UsageError when there is none of that name."""
    with db.connection() as conn:
        if not store.delete(conn, name):
            raise _unknown(name)


def pin(db: Database, name: str, *, pinned: bool = True) -> None:
    """Put a saved query at the head of the list, or back; UsageError when there is none of that name."""
    with db.connection() as conn:
        if not store.pin(conn, name, pinned=pinned):
            raise _unknown(name)


def asked(db: Database) -> list[str]:
    """Return the queries that people asked in the app, each once, the newest last."""
    with db.connection() as conn:
        return store.asked(conn)


def note_asked(db: Database, line: str) -> None:
    """Keep a query that was asked in the app."""
    with db.connection() as conn:
        store.note_asked(conn, line)


def _unknown(name: str) -> UsageError:
    return UsageError(f"There is no saved query {name!r}.", "See: dtk query list")

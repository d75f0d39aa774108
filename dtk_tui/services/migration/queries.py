"""Diffusion Toolkit's saved searches as our query lines."""

from __future__ import annotations

import json
from typing import Any

from dtk_tui.domain.query_parser import parse
from dtk_tui.errors import UsageError
from dtk_tui.store import migration_parts as store
from dtk_tui.store.database import Connection

#: Options of a saved search that change nothing at these values.
_HARMLESS = frozenset({"SearchNodes", "SearchAllProperties", "SearchRawData", "ComfyQueryOptions", "SearchView"})


def translate(text: str | None) -> tuple[str | None, str | None]:
    """Return (our query line, None), or (None, why it cannot be translated), for the JSON of a saved search."""
    try:
        options = json.loads(text or "")
    except (ValueError, RecursionError) as error:
        return None, f"It is not JSON: {error}"
    if not isinstance(options, dict):
        return None, "It is not a saved search."
    line = options.get("Query")
    if not isinstance(line, str | None):
        return None, "Its query is not text."
    kept = sorted(key for key, value in options.items() if key != "Query" and key not in _HARMLESS and _says(value))
    if kept:
        return None, f"It also filters by {', '.join(kept)}."
    try:
        parse(line or "")
    except UsageError as error:
        return None, f"{error.title} {error.detail}".strip()
    return line or "", None


def _says(value: Any) -> bool:
    """Whether an option restricts anything: empty, false and zero do not, nor do objects of such."""
    if isinstance(value, dict):
        return any(_says(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_says(inner) for inner in value)
    return bool(value)


def write(conn: Connection, migration_id: int, zone: str) -> None:
    """Write the saved queries of the stage; one that cannot be translated is kept as it is."""
    books: list[tuple[int, int | None, bool, dict[str, Any]]] = []
    notes: list[tuple[int | None, str, str, dict[str, Any]]] = []
    for number, given, text, created, modified in store.staged_queries(conn):
        query, problem = translate(text)
        name = given if given is not None else f"(no name {number})"
        row_id = store.add_query(conn, name, query, text, problem, (created, modified), zone)
        dates = {"CreatedDate": created, "ModifiedDate": modified}
        if row_id is None:
            other = f"{name} (Diffusion Toolkit)"
            row_id = store.add_query(conn, other, query, text, problem, (created, modified), zone)
            if row_id is None:
                notes.append((number, "refused", "a saved query of this name is there already", {"Name": given}))
                continue
            notes.append((number, "repaired", "its name was taken, renamed", {"Name": given}))
        if problem:
            notes.append((number, "repaired", f"kept as it was, not translated: {problem}", {}))
        books.append((row_id, number, True, dates))
    store.write_books(conn, migration_id, "query", books)
    store.write_notes(conn, migration_id, "Query", notes)

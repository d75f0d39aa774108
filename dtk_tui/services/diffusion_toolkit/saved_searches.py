"""Importing saved searches: Diffusion Toolkit's translated into query lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from dtk_tui.domain.query.parser import parse
from dtk_tui.errors import UsageError
from dtk_tui.store.database import Connection
from dtk_tui.store.diffusion_toolkit import dates, records, saved_searches, staging

#: Options of a saved search that change nothing at these values.
_IGNORED = frozenset({"SearchNodes", "SearchAllProperties", "SearchRawData", "ComfyQueryOptions", "SearchView"})


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
    kept = sorted(key for key, value in options.items() if key != "Query" and key not in _IGNORED and _restricts(value))
    if kept:
        return None, f"It also filters by {', '.join(kept)}."
    try:
        parse(line or "")
    except UsageError as error:
        return None, f"{error.title} {error.detail}".strip()
    return line or "", None


def _restricts(value: Any) -> bool:
    """Whether an option restricts anything: empty, false and zero do not, nor do objects of such."""
    if isinstance(value, dict):
        return any(_restricts(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_restricts(inner) for inner in value)
    return bool(value)


def write(conn: Connection, migration_id: int, zone: str) -> None:
    """Write the staged saved searches; one that cannot be translated is kept as it is."""
    recorded: list[tuple[int, int | None, bool, dict[str, Any]]] = []
    noted: list[tuple[int | None, str, str, dict[str, Any]]] = []
    first: dict[int, int] = {}
    for number, given, text, created, modified in saved_searches.staged_queries(conn):
        query, problem = translate(text)
        name = given if given is not None else f"(no name {number})"
        if given is None:
            noted.append((number, "repaired", "Name: is missing, written as (no name)", {"Name": None}))
        for candidate in _names(name):
            row_id = saved_searches.add_query(conn, candidate, query, text, problem, (created, modified), zone)
            is_new = row_id is not None
            row_id = row_id if is_new else saved_searches.find_same_query(conn, candidate, query, text)
            if row_id is not None:
                break
        if is_new and candidate != name:
            noted.append((number, "repaired", "Name: was taken, renamed", {"Name": given}))
        assert row_id is not None
        if row_id in first:
            noted.append((number, "repaired", f"the same as row {first[row_id]}, made one", {"Name": given}))
        first.setdefault(row_id, number)
        if problem:
            noted.append((number, "repaired", f"kept as it was, not translated: {problem}", {}))
        ticks_by_column = {"CreatedDate": created, "ModifiedDate": modified}
        noted += [
            (number, "repaired", f"{column}: is no date, left out", {column: ticks})
            for column, ticks in ticks_by_column.items()
            if ticks and not dates.is_date(ticks)
        ]
        recorded.append((row_id, number, is_new, ticks_by_column))
    records.write_row_records(conn, migration_id, "query", recorded)
    staging.write_notes(conn, [("Query", *note[:3], json.dumps(note[3])) for note in noted])


def _names(name: str) -> Iterator[str]:
    """Yield the names that a saved search may get, the first where no other one has it."""
    yield name
    yield f"{name} (Diffusion Toolkit)"
    yield from (f"{name} (Diffusion Toolkit {number})" for number in count(2))

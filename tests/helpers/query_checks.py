"""Comparing what searches, sorts and facets find with what a look at each image finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dtk_tui.domain.query.parser import parse
from dtk_tui.services.library.organise.smart_albums import with_smart_albums
from dtk_tui.store.database import Connection
from dtk_tui.store.search import facets
from dtk_tui.store.search.search import condition_of, find_images
from tests.helpers.query_oracle import TODAY, Asked, in_order
from tests.helpers.query_rows import Row


def check(conn: Connection, rows: list[Row], asked: Asked, limit: int) -> None:
    """Compare the ids, their number, and their order where nothing ranks them; ``rows`` are the newest first."""
    expected = [row.id for row in rows if asked.meets(row)]
    query = with_smart_albums(conn, parse(asked.text, TODAY))
    found = find_images(conn, query, about=(), like=(), limit=None)
    first = find_images(conn, query, about=(), like=(), limit=limit).ids.tolist()
    assert len(found.ids) == len(expected), asked.text
    if query.terms:
        assert sorted(found.ids.tolist()) == sorted(expected), asked.text
        assert found.scores is not None
    else:
        assert found.ids.tolist() == expected, asked.text
        assert found.scores is None
    assert first == found.ids.tolist()[:limit], asked.text


def check_sorted(
    conn: Connection, rows: list[Row], asked: Asked, keys: Sequence[tuple[str, bool]], limit: int | None
) -> None:
    """Compare the order of a result, or of its first ``limit``, sorted by some columns."""
    expected = [row for row in rows if asked.meets(row)]
    for column, descending in reversed(keys):
        expected = in_order(expected, column, descending)
    words = " ".join(f"sort:{column}_{'desc' if descending else 'asc'}" for column, descending in keys)
    query = with_smart_albums(conn, parse(f"{words} {asked.text}", TODAY))
    found = find_images(conn, query, about=(), like=(), limit=limit)
    assert found.ids.tolist() == [row.id for row in expected][:limit], query.line


def check_facets(conn: Connection, rows: list[Row], asked: Asked) -> None:
    """Compare all counts of all facets."""
    where = condition_of(conn, with_smart_albums(conn, parse(asked.text, TODAY)))
    images, counted = facets.fields(conn, where, 10_000)
    counted["tag"] = facets.tags(conn, where, 10_000, None)
    found = {
        facet: {name if facet == "folder" else _alike(name): number for name, number in one.values}
        for facet, one in counted.items()
    }
    kept = [row for row in rows if asked.meets(row)]
    expected: dict[str, Counter[str]] = {
        "model": Counter(_alike(row.model) for row in kept if row.model is not None),
        "dialect": Counter(_alike(row.dialect) for row in kept if row.dialect is not None),
        "folder": Counter(row.folder for row in kept),
        "rating": Counter("none" if row.rating is None else str(row.rating) for row in kept),
        "month": Counter(f"{row.created_at.astimezone():%Y-%m}" for row in kept),
        "caption": Counter("yes" if row.captions else "no" for row in kept),
        "tag": Counter(tag for row in kept for tag in {_alike(name) for name, _ in row.tags}),
    }
    assert images == len(kept), asked.text
    for facet, values in expected.items():
        assert found.get(facet, {}) == values, (facet, asked.text)


def _alike(name: str) -> str:
    return name.lower().replace("_", " ")

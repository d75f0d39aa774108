"""Facets over a large library: what counting takes, beside counting each facet by a statement of its own.

The library of search_library.py (DTK_BENCH_IMAGES, DTK_BENCH_LIBRARY). Each row is a result: how many images it
has, the seconds of all facets but tags, of the tags, and of one plain GROUP BY a facet over the same images.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from search_library import IMAGES, VOCABULARY, library

from dtk_tui.domain.query.parser import parse
from dtk_tui.store.database import Connection
from dtk_tui.store.search import facets
from dtk_tui.store.search.conditions import Where
from dtk_tui.store.search.search import condition_of

RUNS, MOST = int(os.environ.get("DTK_BENCH_RUNS", "5")), 20
LINES = ("", "rating:>=4", "steps:20", "tag:tag_15", "tag:tag_500", VOCABULARY[30], VOCABULARY[300], "folder:/out/3")
_PLAIN = (
    "SELECT model, count(*) FROM {source} WHERE {condition} GROUP BY 1",
    "SELECT dialect, count(*) FROM {source} WHERE {condition} GROUP BY 1",
    "SELECT rating, count(*) FROM {source} WHERE {condition} GROUP BY 1",
    "SELECT folder_id, count(*) FROM {source} WHERE {condition} GROUP BY 1",
    "SELECT date_trunc('month', created_at), count(*) FROM {source} WHERE {condition} GROUP BY 1",
    "SELECT image.id IN (SELECT image_id FROM current_caption), count(*) FROM {source} WHERE {condition} GROUP BY 1",
)
_PLAIN_TAGS = """SELECT tag_id, count(DISTINCT image_id) FROM image_tag
 WHERE image_id IN (SELECT image.id FROM {source} WHERE {condition}) GROUP BY 1 ORDER BY 2 DESC LIMIT 20"""


def seconds(conn: Connection, line: str, count: Callable[[Connection, Where], object]) -> float:
    """Return the median time of some counts, after one that is not counted."""
    times = []
    for _ in range(RUNS + 1):
        with conn.transaction():
            where = condition_of(conn, parse(line))
            start = time.perf_counter()
            count(conn, where)
            times.append(time.perf_counter() - start)
    return float(np.median(times[1:]))


def plain(*statements: str) -> Callable[[Connection, Where], None]:
    """Return a count by these statements."""

    def count(conn: Connection, where: Where) -> None:
        for sql in statements:
            conn.execute(
                sql.format(source=where.source, condition=where.condition), where.values, prepare=False
            ).fetchall()

    return count


def _tags(newest: int | None, conn: Connection, where: Where) -> facets.Counted:
    return facets.tags(conn, where, MOST, newest)


def main() -> None:
    """Print the table."""
    with library() as lib, lib.connection() as conn:
        print(f"{IMAGES:,} images, {RUNS} runs each")
        print(f"{'result':14}{'images':>10}{'fields s':>10}{'each alone':>12}{'tags s':>9}{'plain tags':>12}  tags are")
        for line in LINES:
            with conn.transaction():
                images, _ = facets.fields(conn, condition_of(conn, parse(line)), MOST)
            newest = None if not line or images <= facets.MOST_TAGGED else facets.MOST_TAGGED
            fields = seconds(conn, line, lambda conn, where: facets.fields(conn, where, MOST))
            tags = seconds(conn, line, partial(_tags, newest))
            alone, plain_tags = seconds(conn, line, plain(*_PLAIN)), seconds(conn, line, plain(_PLAIN_TAGS))
            print(
                f"{line or '(all)':14}{images:10,}{fields:10.3f}{alone:12.3f}{tags:9.3f}{plain_tags:12.3f}"
                f"  {'exact' if newest is None else 'a bound'}",
                flush=True,
            )


if __name__ == "__main__":
    main()

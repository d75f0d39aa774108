"""How many statements a connection sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from dtk_tui.store.database import Connection


@contextmanager
def counted_statements(conn: Connection) -> Iterator[Callable[[], int]]:
    """Yield a function that returns how many statements were sent so far; each row of an executemany is one."""
    sent = 0

    class Counted(psycopg.Cursor[Any]):
        def execute(self, *arguments: Any, **options: Any) -> Any:
            nonlocal sent
            sent += 1
            return super().execute(*arguments, **options)

        def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
            nonlocal sent
            rows = list(params_seq)
            sent += len(rows)
            super().executemany(query, rows, **options)

    before, conn.cursor_factory = conn.cursor_factory, Counted
    try:
        yield lambda: sent
    finally:
        conn.cursor_factory = before

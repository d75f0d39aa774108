"""The connection that a library was opened with: it is used on, as long as one is enough."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from dtk_tui.errors import DtkError
from dtk_tui.store import database
from dtk_tui.store.database import Database


@pytest.fixture
def opened(database_url: str) -> Iterator[Database]:
    db = Database(database_url, None)
    db._prepare()
    yield db
    db.close()


def _backend(conn: psycopg.Connection[tuple[object, ...]]) -> int:
    return conn.info.backend_pid


def test_one_user_after_the_other_has_the_first_connection(opened: Database) -> None:
    with opened.connection() as conn:
        first = _backend(conn)
        conn.execute("CREATE TABLE kept (n int)")
    with opened.connection() as conn:
        assert _backend(conn) == first
        assert conn.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    assert opened._pool is None


def test_two_at_once_have_two_and_the_first_is_closed_where_there_is_a_pool(opened: Database) -> None:
    with opened.connection() as first, opened.connection() as second:
        assert _backend(first) != _backend(second)
    assert first.closed
    with opened.connection() as third:
        assert _backend(third) == _backend(second)


def test_what_ends_with_an_error_did_not_happen_and_the_next_user_has_a_connection(opened: Database) -> None:
    with pytest.raises(DtkError), opened.connection() as conn:
        conn.execute("CREATE TABLE half (n int)")
        conn.execute("SELECT 1 / 0")
    assert conn.closed
    with opened.connection() as conn:
        assert conn.execute("SELECT to_regclass('half')").fetchone() == (None,)


def test_one_that_rested_is_not_trusted(opened: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened.connection() as conn:
        first = _backend(conn)
    monkeypatch.setattr(database, "_FRESH_S", 0.0)
    with opened.connection() as conn:
        assert _backend(conn) != first


def test_one_that_the_server_ended_is_not_given(opened: Database, database_url: str) -> None:
    with opened.connection() as conn:
        first = _backend(conn)
    with psycopg.connect(database_url, autocommit=True) as other:
        # Waits until it is gone.
        assert other.execute("SELECT pg_terminate_backend(%s, 60000)", (first,)).fetchone() == (True,)
    with opened.connection() as conn:
        assert _backend(conn) != first


def test_it_is_closed_with_the_library(opened: Database) -> None:
    with opened.connection() as conn:
        pass
    assert not conn.closed
    opened.close()
    assert conn.closed

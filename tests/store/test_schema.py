"""The schema's own rules: groups and their representatives, spaces and their indexes, migrations under a lock."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import numpy as np
import psycopg
import pytest

from dtk_tui.config import Config
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store import schema
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.queue import results
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.pictures import write_png


def _groups(conn: Connection) -> list[tuple[str, bool, str | None]]:
    sql = """
        SELECT image.file_name, image.is_embedding_representative, source.file_name
          FROM image LEFT JOIN image source ON source.id = image.embedding_source_id ORDER BY image.file_name"""
    return [(str(name), bool(chosen), source) for name, chosen, source in conn.execute(sql)]


@pytest.fixture
def group(db: Database, config: Config, tmp_path: Path) -> Database:
    """Three images with the same parameters, in three sizes, and one that stands alone."""
    for name, size in (("small", 32), ("middle", 64), ("large", 128)):
        write_png(tmp_path / "library" / f"{name}.png", "a group", seed=5, size=(size, size))
    write_png(tmp_path / "library" / "alone.png", "a group", seed=6)
    scan(db, config, [str(tmp_path / "library")])
    return db


def test_the_largest_file_stands_for_its_group(group: Database) -> None:
    with group.connection() as conn:
        assert _groups(conn) == [
            ("alone.png", True, None),
            ("large.png", True, None),
            ("middle.png", False, "large.png"),
            ("small.png", False, "large.png"),
        ]


def test_the_next_one_is_promoted_and_queued_in_the_transaction_of_the_delete(group: Database) -> None:
    with group.connection() as conn:
        conn.execute("DELETE FROM image WHERE file_name = 'large.png'")
        assert ("middle.png", True, None) in _groups(conn) and ("small.png", False, "middle.png") in _groups(conn)
        queued = conn.execute(
            "SELECT file_name FROM job JOIN image ON image.id = job.image_id WHERE kind = 2"
        ).fetchall()
        assert queued == [("middle.png",)]
        conn.rollback()
        assert conn.execute("SELECT count(*) FROM job").fetchone() == (0,)
        assert ("large.png", True, None) in _groups(conn)


def test_a_deleted_member_changes_nothing(group: Database) -> None:
    with group.connection() as conn:
        conn.execute("DELETE FROM image WHERE file_name = 'small.png'")
        assert conn.execute("SELECT count(*) FROM job").fetchone() == (0,)


def test_a_new_model_is_a_new_space_with_its_own_index(db: Database) -> None:
    with db.connection() as conn:
        first = embedding_spaces.register(conn, "eyes", "image", hashlib.sha256(b"1").hexdigest(), 8)
        assert embedding_spaces.register(conn, "eyes", "image", hashlib.sha256(b"1").hexdigest(), 8) == first
        second = embedding_spaces.register(conn, "eyes", "image", hashlib.sha256(b"2").hexdigest(), 16)
        assert second != first
        assert embedding_spaces.current(conn, ["words"], ["eyes"], []).image_spaces == (second,)
        indexes = [name for (name,) in conn.execute("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%hnsw%'")]
        assert sorted(indexes) == [f"image_vector_{first}_hnsw", f"image_vector_{second}_hnsw"]


def test_vectors_of_another_length_are_refused(group: Database) -> None:
    with pytest.raises(DtkError, match="PostgreSQL refused"), group.connection() as conn:
        space = embedding_spaces.register(conn, "eyes", "image", "00", 8)
        (number,) = conn.execute("SELECT min(id) FROM image").fetchone() or (0,)
        results.save_image_vectors(conn, space, [number], np.ones((1, 9), dtype=np.float32))


def test_a_space_is_registered_beside_readers_and_writers(group: Database) -> None:
    """Nobody may have to wait for the other in a circle: the readers' transactions stay open all the time."""
    with group.connection() as reader, group.connection() as writer:
        reader.execute("SELECT count(*) FROM embedding_space").fetchone()
        reader.execute("SELECT count(*) FROM image_vector").fetchone()
        with group.connection() as conn:
            space = embedding_spaces.register(conn, "eyes", "image", "00", 8)
        writer.execute("UPDATE image SET rating = 1")
        assert reader.execute("SELECT count(*) FROM image_vector WHERE space_id = %s", (space,)).fetchone() == (0,)


NASTY_TEXTS = (
    "",
    "\\",
    "\\x41",
    "\\\\x41",
    "\\000",
    "a\\'b",
    "\n\r\t",
    "\x01\x7f",
    "caf\u00e9 \U0001f600 \uffff",
    "\\134" * 3,
)


def test_a_digest_is_taken_of_the_bytes_of_a_text(db: Database) -> None:
    sql = "SELECT dtk_utf8(text), convert_to(text, 'UTF8') FROM unnest(%s::text[]) AS text"
    with db.connection() as conn:
        rows = conn.execute(sql, (list(NASTY_TEXTS),)).fetchall()
        assert [ours for ours, _ in rows] == [theirs for _, theirs in rows] == [text.encode() for text in NASTY_TEXTS]
        plan = conn.execute("EXPLAIN (VERBOSE) SELECT sha256(dtk_utf8(path)) FROM folder").fetchall()
        assert "dtk_utf8" not in str(plan), "a call for each row costs three times as much"
        found = conn.execute("EXPLAIN SELECT id FROM folder WHERE sha256(dtk_utf8(path)) = sha256(dtk_utf8('/a'))")
        assert "folder_path" in str(found.fetchall())


def test_many_processes_may_migrate_at_once(server: EmbeddedServer) -> None:
    with database(server, template="template1") as url:
        done: list[list[str]] = []
        threads = [threading.Thread(target=lambda: done.append(schema.upgrade(url))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == 4
        assert len([names for names in done if names]) == 1, "one did it, the others found it done"
        with psycopg.connect(url) as conn:
            assert schema.pending(conn) == []


def test_a_newer_database_is_left_alone(database_url: str, config: Config) -> None:
    with psycopg.connect(database_url) as conn:
        sql = "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('x', 'V999__future')"
        conn.execute(sql)
    with pytest.raises(DtkError, match="newer dtk-tui"):
        Database.open(config)


def test_a_migration_that_fails_leaves_the_database_at_the_last_good_one(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "V001__library.sql").write_text("SELECT 1;")
    (tmp_path / "V998__good.sql").write_text("-- depends:\nCREATE TABLE good (id int);")
    (tmp_path / "V999__bad.sql").write_text("-- depends: V998__good\nCREATE TABLE bad (id int); SELECT nonsense;")
    with psycopg.connect(database_url) as conn:
        conn.execute("DELETE FROM _yoyo_migration WHERE migration_id <> 'V001__library'")
    with pytest.raises(DtkError, match="could not be brought"):
        schema.upgrade(database_url, tmp_path)
    with psycopg.connect(database_url) as conn:
        assert schema.pending(conn, tmp_path) == ["V999__bad"]
        assert conn.execute("SELECT to_regclass('good') IS NOT NULL, to_regclass('bad') IS NULL").fetchone() == (
            True,
            True,
        )


def test_a_lost_connection_is_told_apart_from_a_refusal(db: Database) -> None:
    with pytest.raises(DatabaseLostError), db.connection() as conn:
        conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with db.connection() as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,), "the next one works"
    with pytest.raises(DtkError, match="refused a statement") as caught, db.connection() as conn:
        conn.execute("SELECT nonsense")
    assert not isinstance(caught.value, DatabaseLostError)

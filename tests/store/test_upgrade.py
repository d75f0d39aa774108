"""A library of an older program, opened by this one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dtk_tui.config import Config, load, shipped
from dtk_tui.errors import DtkError
from dtk_tui.services.scanner import scan
from dtk_tui.services.searching import search
from dtk_tui.services.stats import look
from dtk_tui.store import failures, folders, images, jobs
from dtk_tui.store.database import Database
from dtk_tui.store.maintenance import backup, restore
from dtk_tui.store.migrate import migrate, pending
from dtk_tui.store.server import EmbeddedServer
from tests.helpers.cluster import database
from tests.pictures import write_png

_ROWS = """
INSERT INTO folder (path, name, is_root) VALUES (%(folder)s, 'library', true);
INSERT INTO prompt (text) VALUES ('a castle');
INSERT INTO image (folder_id, prompt_id, file_size, mtime_ns, created_at, scan_phase, rating, steps, file_name,
                   fingerprint)
SELECT 1, 1, n * 100, 1, now(), 1, n, 20, n || '.png', sha256(n::text::bytea) FROM generate_series(1, 3) n;
INSERT INTO image (folder_id, file_size, mtime_ns, created_at, file_name) VALUES (1, 1, 1, now(), 'unread.png');
SELECT dtk_choose_representatives();
SELECT dtk_embedding_space('dinov2-small', 'image', 'dinov2-small', 'abc', 3);
INSERT INTO image_vector VALUES (1, 3, '[1,2,3]');
INSERT INTO worker (host, pid, lease_until, state) VALUES ('old', 1, now() - interval '1 day', 'running');
INSERT INTO job (kind, image_id, state, worker_id, started_at) VALUES (1, 1, 'running', 1, now());
INSERT INTO job (kind, image_id, state, error) VALUES (1, 2, 'failed', 'no luck');
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at)
VALUES (9, 1, 2, 0, 1, 'done', now());
"""


@pytest.fixture
def old(server: EmbeddedServer, config: Config, tmp_path: Path) -> Iterator[Config]:
    """A library with the first migration only, and rows in it."""
    with database(server, template="template1") as url:
        (tmp_path / "first").mkdir()
        shutil.copy(min(shipped("migrations").glob("V*.sql")), tmp_path / "first")
        migrate(url, tmp_path / "first")
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as conn:
            conn.execute(_ROWS, {"folder": str(tmp_path / "library")})
        yield load({"HOME": str(tmp_path), "DTK_HOME": str(config.places.data), "DTK_DATABASE_URL": url})


def test_an_older_library_is_brought_up_to_date_and_works(old: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    db = Database.open(old)
    try:
        sizes = look(db).library
        assert (sizes.images, sizes.representatives, sizes.prompts) == (4, 2, 1)
        assert [hit.image_id for hit in search(db, old, "castle rating:>=2")] == [3, 2]
        with db.connection() as conn:
            detail = images.detail(conn, 1)
            assert detail is not None and (detail.representative, detail.members, detail.rating) == (3, 3, 1)
            assert jobs.retry(conn) == 1
            conn.execute("DELETE FROM image WHERE id = 3")
            detail = images.detail(conn, 1)
            assert detail is not None and detail.representative == 2
            heirs = conn.execute("SELECT image_id FROM job WHERE kind = 2").fetchall()
            assert heirs == [(2,)]
        for number in (1, 2):
            write_png(library / f"{number}.png", "a castle", seed=number)
        (library / "unread.png").touch()
        assert scan(db, old, [])["failed"] == 1
        with db.connection() as conn:
            assert [failure.path for failure in failures.listed(conn, 5)[0]] == [str(library / "unread.png")]
            again = images.detail(conn, images.find(conn, str(library / "1.png")) or 0)
            assert again is not None and (again.rating, again.seed) == (1, 1)
            assert [row.path for row in folders.list_roots(conn) if row.is_root] == [str(library)]
    finally:
        db.close()


def test_an_older_program_leaves_a_newer_library_alone(old: Config, tmp_path: Path) -> None:
    Database.open(old).close()
    with pytest.raises(DtkError, match="newer dtk-tui"):
        migrate(str(old.database_url), tmp_path / "first")


def test_backups_of_other_programs(old: Config, db: Database, server: EmbeddedServer, tmp_path: Path) -> None:
    older, newer, foreign = (tmp_path / f"{name}.dump" for name in ("older", "newer", "foreign"))
    backup(Database(old.database_url, None), older)
    restore(db, older)
    with db.connection() as conn:
        assert not pending(conn), "it is brought up to date"
        conn.execute("INSERT INTO _yoyo_migration VALUES ('x', 'V999__future', now())")
    assert look(db).library.images == 4
    backup(db, newer)
    backup(Database(psycopg.conninfo.make_conninfo(server.join(), dbname="postgres"), None), foreign)
    with db.connection() as conn:
        conn.execute("DELETE FROM _yoyo_migration WHERE migration_hash = 'x'")
    with pytest.raises(DtkError, match="newer dtk-tui"):
        restore(db, newer)
    with pytest.raises(DtkError, match="another database"):
        restore(db, foreign)
    assert look(db).library.images == 4

"""A library of an older program, opened by this one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from PIL import Image
from psycopg import sql
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.config import Config, load
from dtk_tui.errors import DtkError
from dtk_tui.services.database.backups import backup_before_upgrade
from dtk_tui.services.library.search import search
from dtk_tui.services.scan.reparse import is_due, reparse
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.stats import snapshot
from dtk_tui.shipped import shipped
from dtk_tui.store.backup.dump import backup
from dtk_tui.store.backup.restore import restore
from dtk_tui.store.database import Database
from dtk_tui.store.library import folders, images, unreadable
from dtk_tui.store.queue import jobs
from dtk_tui.store.schema import pending, upgrade
from dtk_tui.store.server import programs
from dtk_tui.store.server.cluster import program
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.pictures import write_png
from tests.helpers.schema_dump import dump_schema

_ROWS = """
INSERT INTO folder (path, name, is_root) VALUES (%(folder)s, 'library', true);
INSERT INTO prompt (text) VALUES ('a castle');
INSERT INTO image (folder_id, prompt_id, file_size, mtime_ns, created_at, scan_phase, rating, steps, file_name,
                   fingerprint, width, height)
SELECT 1, 1, n * 100, 1, now(), 1, n, 20, n || '.png', sha256(n::text::bytea), n, n FROM generate_series(1, 3) n;
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


# Two groups of two, whose larger file is embedded, one of them only about to be; as in a library before V011.
_GROUPS = """
INSERT INTO folder (path, name, is_root) VALUES ('/library', 'library', true);
INSERT INTO prompt (text) VALUES ('a castle');
INSERT INTO image (folder_id, prompt_id, file_size, mtime_ns, created_at, scan_phase, steps, file_name, fingerprint,
                   width, height)
SELECT 1, 1, n * 100, 1, now(), 1, 20 + (n + 1) / 2, n || '.png', sha256(n::text::bytea), n, n
  FROM generate_series(1, 4) n;
SELECT dtk_choose_representatives();
SELECT dtk_embedding_space('dinov2-small', 'image', 'dinov2-small', 'abc', 3);
INSERT INTO image_vector VALUES (1, 2, '[1,2,3]');
INSERT INTO job (kind, image_id) VALUES (2, 4);
"""

_KEPT = """
INSERT INTO folder (path, name, is_root) VALUES ('/library', 'library', true);
INSERT INTO prompt (text) VALUES ('a castle');
INSERT INTO image (folder_id, prompt_id, file_size, mtime_ns, created_at, scan_phase, rating, steps, file_name,
                   fingerprint, width, height)
SELECT 1, 1, n * 100, 1, now(), 1, n, 20, n || '.png', sha256(n::text::bytea), n, n FROM generate_series(1, 2) n;
SELECT dtk_choose_representatives();
SELECT dtk_embedding_space('dinov2-small', 'image', 'dinov2-small', 'abc', 3);
INSERT INTO image_vector VALUES (1, 2, '[1,2,3]');
INSERT INTO tag (name) VALUES ('fox');
INSERT INTO image_tag (image_id, tag_id, source, confidence) VALUES (1, 1, 'user', 0.5);
INSERT INTO job (kind, image_id, state, error) VALUES (1, 2, 'failed', 'no luck');
"""


@contextmanager
def _made_by(server: EmbeddedServer, folder: Path, until: str, rows: str = "") -> Iterator[str]:
    """Give the connection string of a library that has the migrations up to the one named ``until``, and rows in it."""
    folder.mkdir()
    for path in shipped("migrations").glob("V*.sql"):
        if path.stem[:4] <= until:
            shutil.copy(path, folder)
    with database(server, template="template1") as url:
        upgrade(url, folder)
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as conn:
            conn.execute(rows, {"folder": str(folder.parent / "library")})
        yield url


@pytest.fixture
def old(server: EmbeddedServer, config: Config, tmp_path: Path) -> Iterator[Config]:
    """A library with the first migration only, and rows in it."""
    with _made_by(server, tmp_path / "first", "V001", _ROWS) as url:
        yield load({"HOME": str(tmp_path), "DTK_HOME": str(config.paths.data), "DTK_DATABASE_URL": url})


@pytest.fixture(params=["V009", "V010"])
def before_v011(request: pytest.FixtureRequest, server: EmbeddedServer, tmp_path: Path) -> Iterator[str]:
    """A library whose functions have the names before V011, with groups in it."""
    with _made_by(server, tmp_path / "old", request.param, _GROUPS) as url:
        yield url


def test_an_upgraded_schema_is_a_fresh_one(before_v011: str, database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("SELECT dtk_embedding_space('dinov2-small', 'image', 'dinov2-small', 'abc', 3)")
    assert dump_schema(before_v011) != dump_schema(database_url)
    upgrade(before_v011)
    assert dump_schema(before_v011) == dump_schema(database_url)


@pytest.mark.parametrize("name", ["dtk_promote_successors", "dtk_bequeath"])
def test_members_of_older_groups_are_promoted(before_v011: str, name: str) -> None:
    """By the name of this program and by that of the version before, which may be running still."""
    upgrade(before_v011)
    with psycopg.connect(before_v011) as conn:
        conn.execute(sql.SQL("SELECT {}(ARRAY[2, 4]::bigint[])").format(sql.Identifier(name)))
        conn.execute("DELETE FROM image WHERE id IN (2, 4)")
        chosen = "SELECT id FROM image WHERE is_embedding_representative ORDER BY id"
        assert conn.execute(chosen).fetchall() == [(1,), (3,)]
        assert conn.execute("SELECT image_id FROM image_vector").fetchall() == [(1,)]
        assert conn.execute("SELECT image_id FROM job WHERE kind = 2 ORDER BY 1").fetchall() == [(1,), (3,)]


def test_a_delete_without_a_word_promotes_as_well(before_v011: str) -> None:
    upgrade(before_v011)
    with psycopg.connect(before_v011) as conn:
        conn.execute("DELETE FROM image WHERE id IN (2, 4)")
        assert conn.execute("SELECT image_id FROM job WHERE kind = 2 ORDER BY 1").fetchall() == [(1,), (3,)]


def test_an_upgrade_waits_for_what_the_version_before_is_writing(before_v011: str) -> None:
    with ThreadPoolExecutor(1) as pool, psycopg.connect(before_v011) as conn:
        conn.execute("UPDATE image SET unavailable = true WHERE id = 2")
        upgraded = pool.submit(upgrade, before_v011)
        waiting = "SELECT FROM pg_locks WHERE relation = 'image'::regclass AND NOT granted"
        deadline = time.monotonic() + 120
        while conn.execute(waiting).fetchone() is None:
            assert time.monotonic() < deadline and not upgraded.done()
            time.sleep(0.02)
        conn.execute("SELECT dtk_choose_representatives()")  # calls the old names
        conn.commit()
        assert "V011__successors" in upgraded.result(60)
        assert conn.execute("SELECT image_id FROM image_vector").fetchall() == [(1,)]


def test_an_older_library_is_brought_up_to_date_and_works(old: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    db = Database.open(old)
    try:
        sizes = snapshot(db).library
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
            assert [failure.path for failure in unreadable.listed(conn, 5)[0]] == [str(library / "unread.png")]
            again = images.detail(conn, images.find(conn, str(library / "1.png")) or 0)
            assert again is not None and (again.rating, again.seed) == (1, 1)
            assert [row.path for row in folders.list_roots(conn) if row.is_root] == [str(library)]
    finally:
        db.close()


def test_a_library_is_backed_up_before_it_is_upgraded(old: Config, db: Database, tmp_path: Path) -> None:
    told: list[Path] = []
    upgraded = Database.open(old, lambda library: told.append(backup_before_upgrade(library, old, lambda *_: None)))
    upgraded.close()
    (file,) = told
    assert file.parent == old.paths.data / "backups"
    restore(db, file)
    assert snapshot(db).library.images == 4
    Database.open(old, lambda library: pytest.fail("nothing is missing")).close()


def test_a_library_that_cannot_be_backed_up_is_not_upgraded(old: Config) -> None:
    old.paths.data.mkdir(parents=True, exist_ok=True)
    (old.paths.data / "backups").touch()
    with pytest.raises(DtkError, match="no backup of it can be written") as caught:
        Database.open(old, lambda library: backup_before_upgrade(library, old, lambda *_: None))
    assert "dtk db upgrade --without-backup" in caught.value.detail
    with psycopg.connect(str(old.database_url)) as conn:
        assert len(pending(conn)) > 20
    CliRunner().invoke(application, ["db", "upgrade", "--without-backup"], env=_environ(old), catch_exceptions=False)
    with psycopg.connect(str(old.database_url)) as conn:
        assert not pending(conn)


def _environ(config: Config) -> dict[str, str]:
    return {"DTK_HOME": str(config.paths.data), "DTK_DATABASE_URL": str(config.database_url)}


@pytest.mark.parametrize("version", ["V002", "V009", "V013", "V020", "V028", "V036"])
def test_a_library_of_each_time_comes_up_and_keeps_its_rows(
    server: EmbeddedServer, tmp_path: Path, version: str
) -> None:
    with _made_by(server, tmp_path / "old", version, _KEPT) as url:
        upgrade(url)
        with psycopg.connect(url) as conn:
            assert not pending(conn)
            rows = "SELECT file_name, rating, steps, is_embedding_representative FROM image ORDER BY id"
            assert conn.execute(rows).fetchall() == [("1.png", 1, 20, False), ("2.png", 2, 20, True)]
            assert conn.execute("SELECT text FROM prompt").fetchall() == [("a castle",)]
            assert conn.execute("SELECT image_id, vec::text FROM image_vector").fetchall() == [(2, "[1,2,3]")]
            assert conn.execute("SELECT name, confidence FROM tag JOIN image_tag ON tag_id = tag.id").fetchall() == [
                ("fox", 0.5)
            ]
            assert conn.execute("SELECT kind, state, error FROM job").fetchall() == [(1, "failed", "no luck")]


def test_an_older_program_leaves_a_newer_library_alone(old: Config, tmp_path: Path) -> None:
    Database.open(old).close()
    with pytest.raises(DtkError, match="newer dtk-tui"):
        upgrade(str(old.database_url), tmp_path / "first")


def test_backups_of_other_programs(old: Config, db: Database, server: EmbeddedServer, tmp_path: Path) -> None:
    older, newer, foreign = (tmp_path / f"{name}.dump" for name in ("older", "newer", "foreign"))
    backup(Database(old.database_url, None), older)
    restore(db, older)
    with db.connection() as conn:
        assert not pending(conn), "it is brought up to date"
        conn.execute("INSERT INTO _yoyo_migration VALUES ('x', 'V999__future', now())")
    assert snapshot(db).library.images == 4
    backup(db, newer)
    other = psycopg.conninfo.make_conninfo(server.join(), dbname="postgres")
    programs.run([str(program("pg_dump")), "--format=custom", f"--file={foreign}"], other, "No dump.")
    with db.connection() as conn:
        conn.execute("DELETE FROM _yoyo_migration WHERE migration_hash = 'x'")
    with pytest.raises(DtkError, match="newer dtk-tui"):
        restore(db, newer)
    with pytest.raises(DtkError, match="another database"):
        restore(db, foreign)
    assert snapshot(db).library.images == 4


def test_jobs_that_failed_for_a_missing_file_are_known_by_their_sentence(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    rows = (
        "INSERT INTO job (kind, image_id, state, error) VALUES"
        " (1, 1, 'failed', '/library/1.png is not there any more.'), (1, 2, 'failed', '/library/2.png is damaged.');"
    )
    with _made_by(server, tmp_path / "first", "V011", _GROUPS + rows) as url:
        upgrade(url)
        with psycopg.connect(url) as conn:
            assert conn.execute("SELECT image_id FROM job WHERE missing").fetchall() == [(1,)]


def test_of_a_tagger_only_what_its_newest_version_said_is_kept(server: EmbeddedServer, tmp_path: Path) -> None:
    rows = """
    INSERT INTO tagger (name, model_sha256) VALUES ('a', 'old'), ('b', 'x'), ('a', 'new');
    INSERT INTO tag_prediction (image_id, tagger_id, ids, scores)
    VALUES (1, 1, '{}', '{}'), (1, 2, '{}', '{}'), (1, 3, '{}', '{}'), (2, 1, '{}', '{}');
    """
    with _made_by(server, tmp_path / "V028", "V028", _GROUPS + rows) as url:
        upgrade(url)
        with psycopg.connect(url) as conn:
            kept = conn.execute("SELECT image_id, tagger_id FROM tag_prediction ORDER BY 1, 2").fetchall()
            assert kept == [(1, 2), (1, 3), (2, 1)]


def test_what_no_reader_knew_is_read_again_and_the_rest_is_offered(
    server: EmbeddedServer, config: Config, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    turned, exif = library / "turned.jpg", Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (48, 32)).save(turned, exif=exif)
    rows = f"""
    INSERT INTO folder (path, name, is_root) VALUES (%(folder)s, 'library', true);
    INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, scan_phase, fingerprint, width, height,
                       dialect)
    VALUES (1, 'turned.jpg', {turned.stat().st_size}, {turned.stat().st_mtime_ns}, now(), 1, 'x', 48, 32, NULL),
           (1, 'known.png', 1, 1, now(), 1, 'y', 1, 1, 'comfyui');
    """
    with _made_by(server, tmp_path / "V019", "V019", rows) as url:
        db = Database.open(load({"HOME": str(tmp_path), "DTK_HOME": str(tmp_path / "home"), "DTK_DATABASE_URL": url}))
        try:
            with db.connection() as conn:
                assert conn.execute("SELECT file_name FROM image WHERE scan_phase = 0").fetchall() == [("turned.jpg",)]
                assert is_due(conn)
            scan(db, config, [str(library)])
            with db.connection() as conn:
                sql = "SELECT width, height FROM image WHERE file_name = 'turned.jpg'"
                assert conn.execute(sql).fetchall() == [(32, 48)]
                assert is_due(conn), "a scan does not touch what was understood"
            reparse(db, config, [str(library)])
            with db.connection() as conn:
                assert is_due(conn), "one folder is not all"
            reparse(db, config)
            with db.connection() as conn:
                assert not is_due(conn)
        finally:
            db.close()


def test_the_readers_of_a_new_library_are_those_of_this_version(db: Database, config: Config, tmp_path: Path) -> None:
    with db.connection() as conn:
        conn.execute("UPDATE reader_version SET version = 1")  # made long ago, and nothing in it yet
    write_png(tmp_path / "library" / "a.png", "a castle")
    scan(db, config, [str(tmp_path / "library")])
    with db.connection() as conn:
        assert not is_due(conn)

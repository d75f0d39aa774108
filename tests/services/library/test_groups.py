"""Checking the groups of a library that was embedded before anybody looked at its pictures."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.services.doctor.examine import examine
from dtk_tui.services.doctor.finding import Finding, Verdict
from dtk_tui.services.library import groups
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import groups as stored
from tests.helpers.pictures import infotext, write_png

# As the version before grouped: whatever has the same parameters, with the vector of the largest.
_AS_BEFORE = (
    """
    UPDATE image
       SET is_embedding_representative = (image.id = first_id), embedding_source_id = nullif(first_id, image.id)
      FROM (SELECT id, first_value(id) OVER (PARTITION BY metadata_hash ORDER BY file_size DESC, id) AS first_id
              FROM image) AS led
     WHERE led.id = image.id
    """,
    "SELECT dtk_embedding_space('eyes', 'image', 'eyes', 'x', 3)",
    "INSERT INTO image_vector SELECT 1, id, '[1,2,3]' FROM image WHERE is_embedding_representative",
    "INSERT INTO group_check VALUES (true)",
)


def _library(db: Database, config: Config, folder: Path) -> None:
    write_png(folder / "original.png", "a pair", seed=1)
    write_png(folder / "final.png", "a pair", seed=1, size=(128, 128))
    for number in (2, 3, 4):
        write_png(folder / f"batch {number}.png", seed=number, text=infotext("a batch", 2))
    write_png(folder / "first.png", "a grid", seed=5)
    write_png(folder / "grid.png", seed=6, size=(128, 128), text=infotext("a grid", 5))
    scan(db, config, [str(folder)])
    with db.connection() as conn:
        for statement in _AS_BEFORE:
            conn.execute(statement.encode())


def _names(conn: Connection, sql: str) -> list[str]:
    return [name for (name,) in conn.execute(f"SELECT file_name FROM image WHERE {sql} ORDER BY 1".encode())]


def test_a_check_separates_what_does_not_look_alike_and_enqueues_it(
    db: Database, config: Config, tmp_path: Path
) -> None:
    _library(db, config, tmp_path / "library")
    with db.connection() as conn:
        (before,) = conn.execute("SELECT array_agg(image::text ORDER BY id) FROM image").fetchone() or ()
    foreseen = groups.check(db, config, write=False)
    with db.connection() as conn:
        assert (before,) == conn.execute("SELECT array_agg(image::text ORDER BY id) FROM image").fetchone()
        assert conn.execute("SELECT count(*) FROM image_hash").fetchone() == (0,), "a dry run leaves nothing"
        assert not stored.is_check_offered(conn)
    found = groups.check(db, config)
    assert foreseen == found
    assert (found.images, found.decoded, found.wrong, found.unseen, found.stray) == (7, 4, 3, 0, 0)
    with db.connection() as conn:
        assert _names(conn, "NOT is_embedding_representative") == ["original.png"]
        # Whose vector a representative has is not known: it may have taken it over from one that is separated now.
        queued = _names(conn, "id IN (SELECT image_id FROM job WHERE kind = 2)")
        assert queued == ["batch 2.png", "batch 3.png", "batch 4.png", "first.png", "grid.png"]
        assert found.queued == len(queued)
        assert stored.is_check_offered(conn)
    again = groups.check(db, config)
    assert (again.images, again.decoded, again.wrong, again.queued) == (2, 0, 0, 0)


def test_what_cannot_be_read_just_now_stays_as_it_is(db: Database, config: Config, tmp_path: Path) -> None:
    _library(db, config, tmp_path / "library")
    (tmp_path / "library" / "final.png").rename(tmp_path / "away.png")
    found = groups.check(db, config)
    assert (found.unseen, found.wrong) == (1, 3)
    with db.connection() as conn:
        assert _names(conn, "NOT is_embedding_representative") == ["original.png"]


def test_vectors_of_who_stands_for_nobody_are_found_and_deleted(db: Database, config: Config, tmp_path: Path) -> None:
    _library(db, config, tmp_path / "library")
    groups.check(db, config)
    with db.connection() as conn:
        conn.execute("INSERT INTO image_vector SELECT 1, id, '[1,2,3]' FROM image WHERE file_name = 'original.png'")
        assert (stored.count_stray_vectors(conn), stored.count_lost_members(conn)) == (1, 0)
    assert _what_the_doctor_says(config).verdict == Verdict.FAULT
    assert groups.check(db, config, write=False).stray == 1
    assert groups.check(db, config).stray == 1
    with db.connection() as conn:
        assert stored.count_stray_vectors(conn) == 0
    assert _what_the_doctor_says(config).verdict == Verdict.OK


def _what_the_doctor_says(config: Config) -> Finding:
    return next(finding for finding in examine(config, Database.open) if finding.subject == "groups")

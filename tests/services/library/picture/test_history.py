"""What became of one image: its edits, its jobs."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.domain.organise import Mark, MarkEdit
from dtk_tui.services.library import journal
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.library.organise import bulk, marks
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from dtk_tui.store.library import images
from tests.helpers.pictures import write_png

_JOBS = """
INSERT INTO job (image_id, kind, state, error) VALUES (%(id)s, 1, 'pending', NULL), (%(id)s, 3, 'failed', 'no luck');
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, model, host, queued_at, started_at,
                     finished_at)
VALUES (90, %(id)s, 2, 0, 1, 'done', 'dinov2', 'studio', '2025-01-01', '2025-01-01 10:00+00', '2025-01-01 10:00:04+00');
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at)
VALUES (91, %(other)s, 2, 0, 1, 'removed', now());
"""


def test_edits_and_jobs_of_one_image(db: Database, config: Config, tmp_path: Path) -> None:
    for number in range(2):
        write_png(tmp_path / "in" / f"{number}.png", "castle", number)
    scanner.scan(db, config, [str(tmp_path / "in")])
    library = LibraryBrowser(db, config)
    with db.connection() as conn:
        one, other = images.newest_ids(conn).tolist()
        conn.execute("DELETE FROM job")
        for statement in _JOBS.split(";\n"):
            if statement.strip():
                conn.execute(statement, {"id": one, "other": other})  # type: ignore[call-overload]
    for ids, rating in (([one, other], 3), ([one], 8), ([other], 1)):
        marks.apply(db, ids, MarkEdit(Mark.RATING, rating), bulk.silent, None)
    marks.apply(db, [one], MarkEdit(Mark.FAVORITE, 1), bulk.silent, None)
    last = journal.last_edit(db)
    assert last is not None
    journal.undo(db, last.id)
    found = library.history(one)
    assert [(event.what, event.is_bad) for event in found[:2]] == [
        ("tag waits", False),
        ("caption failed, and waits for a person", True),
    ]
    assert found[1].at is None and "no luck" in found[1].note
    assert found[2].what.endswith(" \u2192 yes)")
    assert [event.what.partition(" (")[2] for event in found[3:5]] == ["3 \u2192 8)", "none \u2192 3)"]
    assert found[2].note == "undone"
    assert (found[5].what, found[5].note) == ("embed done", "dinov2, studio, 4s")
    assert len(found) == 6
    assert [event.what for event in library.history(10**9)] == []


def test_the_group_of_an_image(db: Database, config: Config, tmp_path: Path) -> None:
    for number in range(3):
        write_png(tmp_path / "in" / f"{number}.png", "castle", seed=1)
    scanner.scan(db, config, [str(tmp_path / "in")])
    library = LibraryBrowser(db, config)
    with db.connection() as conn:
        ids = images.newest_ids(conn).tolist()
        detail = images.detail(conn, ids[0])
    assert detail is not None
    rows = library.group_rows(detail.representative)
    assert len(rows) == detail.members == 3
    assert rows[0].id == detail.representative
    assert {row.id for row in rows} == set(ids)
    assert library.workflow(ids[0]) is None

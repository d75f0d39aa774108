"""Failed jobs by their reasons."""

from __future__ import annotations

from dtk_tui.domain.job import JobState, Kind
from dtk_tui.store.database import Database
from dtk_tui.store.queue import failures, job_log, jobs, totals
from dtk_tui.store.text_codec import to_db

_ROWS = """
INSERT INTO folder (path, name) VALUES ('/pictures', 'pictures');
INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)
SELECT 1, n || '.png', 1, 1, now() FROM generate_series(1, 8) n;
INSERT INTO job (image_id, kind, state, error)
SELECT n, 2, 'failed',
       CASE n % 2 WHEN 0 THEN '/pictures/' || n || '.png: image file is truncated (' || n || ' bytes lost)'
                  ELSE n || '.png cannot be decoded.' END
  FROM generate_series(1, 5) n;
INSERT INTO job (image_id, kind, state, error) VALUES
    (6, 3, 'failed', 'The endpoint refuses the key (401).'), (7, 3, 'failed', 'The endpoint refuses the key (403).'),
    (8, 3, 'failed', NULL), (8, 1, 'pending', 'no luck yet');
"""


def test_reasons_are_told_without_the_file_they_name(db: Database) -> None:
    with db.connection() as conn:
        conn.execute(_ROWS)
        found = failures.reasons(conn, 10)
        assert [(one.jobs, one.kind, one.reason) for one in found] == [
            (3, Kind.EMBED, "\u2026 cannot be decoded."),
            (2, Kind.EMBED, "\u2026: image file is truncated (# bytes lost)"),
            (1, Kind.CAPTION, ""),
            (1, Kind.CAPTION, "The endpoint refuses the key (401)."),
            (1, Kind.CAPTION, "The endpoint refuses the key (403)."),
        ]
        assert [one.image_id for one in found] == [1, 2, 8, 6, 7]
        assert len(failures.reasons(conn, 2)) == 2
        ids = failures.job_ids(conn, found[1]).tolist()
        assert {row.image_id for row in jobs.rows(conn, ids)} == {2, 4}
        assert jobs.retry(conn, ids) == 2
        assert len(failures.job_ids(conn, found[1])) == 0
        assert totals.counts(conn).failed == 6


def test_a_reason_of_any_text_is_found_again(db: Database) -> None:
    with db.connection() as conn:
        conn.execute(_ROWS)
        conn.execute("UPDATE job SET error = %s WHERE kind = 2", (to_db("odd \\1 \x00 \ud800 [0-9] " + "x" * 900),))
        (one, *_) = failures.reasons(conn, 10)
        assert one.jobs == 5 and one.reason.startswith("odd \\1 \x00 \ud800 [0-9] ")
        assert len(failures.job_ids(conn, one)) == 5


def test_jobs_and_what_ended_by_kind(db: Database) -> None:
    with db.connection() as conn:
        conn.execute(_ROWS)
        assert len(jobs.page_ids(conn, JobState.FAILED, Kind.CAPTION)) == 3
        assert len(jobs.page_ids(conn, None, Kind.TAG)) == 1
        conn.execute(
            "INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at)"
            " SELECT n, n, 1 + n % 3, 0, 1, CASE WHEN n > 6 THEN 'failed' ELSE 'done' END, now()"
            " FROM generate_series(1, 9) n"
        )
        assert job_log.newest_ids(conn, 3).tolist() == [9, 8, 7]
        assert job_log.newest_ids(conn, 9, "failed").tolist() == [9, 8, 7]
        assert job_log.newest_ids(conn, 9, "done", Kind.TAG).tolist() == [6, 3]
        found = job_log.rows(conn, [9, 1, 77])
        assert {(row.id, row.path) for row in found} == {(1, "/pictures/1.png"), (9, None)}

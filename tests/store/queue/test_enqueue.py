"""Enqueueing: sets of images, groups, what is done already, and the groups whose representative goes."""

from __future__ import annotations

import pytest

from dtk_tui.domain.job import NOW, Kind
from dtk_tui.domain.queue import Target
from dtk_tui.store import maintenance
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces as spaces
from dtk_tui.store.library.embedding_spaces import CurrentModels
from dtk_tui.store.queue import enqueue, totals
from dtk_tui.store.scan import readings

EVERYTHING = Target(everything=True)


def _pairs(conn: Connection, count: int) -> None:
    """ORIG (small) and FINAL (large) with the same generation parameters, in two folders."""
    conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
    conn.execute(
        "INSERT INTO folder (parent_id, path, name) VALUES (1, '/out/orig', 'orig'), (1, '/out/final', 'final')"
    )
    conn.execute("INSERT INTO prompt (text) SELECT 'prompt ' || n FROM generate_series(1, 10) n")
    conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, prompt_id, seed)"
        " SELECT 2 + part, n || '.png', 1000 * (1 + part), 1, now(), 1 + n %% 10, n"
        " FROM generate_series(1, %s) n, generate_series(0, 1) part",
        (count,),
    )
    conn.execute("SELECT dtk_choose_representatives()")


def _models(conn: Connection) -> CurrentModels:
    spaces.register(conn, "text", "text", "x", 8)
    spaces.register(conn, "image", "image", "x", 8)
    return spaces.current(conn, ["text"], ["image"], ["tagger"])


def _embedded(conn: Connection, models: CurrentModels) -> None:
    vec = "[1,0,0,0,0,0,0,0]"
    conn.execute(
        "INSERT INTO image_vector (space_id, image_id, vec)"
        " SELECT %s, id, %s::halfvec FROM image WHERE is_embedding_representative",
        (models.image_spaces[0], vec),
    )
    conn.execute(
        "INSERT INTO prompt_vector (space_id, prompt_id, vec) SELECT %s, id, %s::halfvec FROM prompt",
        (models.text_spaces[0], vec),
    )


@pytest.mark.parametrize("kind", [Kind.EMBED, Kind.TAG])
def test_what_a_scan_could_not_read_is_not_queued_and_counted_as_such(db: Database, kind: Kind) -> None:
    with db.connection() as conn:
        _pairs(conn, 4)
        conn.execute("UPDATE image SET scan_phase = 1, width = 8, height = 8")
        models = _models(conn)
        finals = [v[0] for v in conn.execute("SELECT id FROM image WHERE is_embedding_representative ORDER BY id")]
        # One was read before, the other never was.
        conn.execute("UPDATE image SET scan_phase = 0 WHERE id = ANY (%s)", (finals[:2],))
        conn.execute("UPDATE image SET width = NULL, height = NULL WHERE id = %s", (finals[1],))
        readings.write_unreadable(conn, [(number, "It cannot be read.") for number in finals[:2]])
        target = Target(image_ids=tuple(finals[:3]))
        dry = enqueue.enqueue_kind(conn, target, kind, 0, models, dry_run=True)
        done = enqueue.enqueue_kind(conn, target, kind, 0, models)
        assert dry == done and (done.queued, done.undecodable) == (1, 2)
        assert conn.execute("SELECT image_id FROM job").fetchall() == [(finals[2],)]
        # The next scan can read them.
        conn.execute("UPDATE image SET scan_phase = 1, width = 8, height = 8, error = NULL")
        assert enqueue.enqueue_kind(conn, target, kind, 0, models).queued == 2


def test_a_group_is_embedded_once_and_what_is_done_is_skipped(db: Database) -> None:
    with db.connection() as conn:
        _pairs(conn, 50)
        models = _models(conn)
        dry = enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, models, dry_run=True)
        done = enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, models)
        assert dry == done and (done.queued, done.spared) == (50, 50)
        assert enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, models).waiting == 50
        conn.execute("DELETE FROM job")
        _embedded(conn, models)
        again = enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, models)
        assert (again.queued, again.already_done) == (0, 50)
        assert enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, models, again=True).queued == 50


@pytest.mark.parametrize(("recursive", "queued"), [(True, 100), (False, 0)])
def test_a_folder_with_and_without_its_subfolders(db: Database, recursive: bool, queued: int) -> None:
    with db.connection() as conn:
        _pairs(conn, 50)
        target = Target(folder_id=1, recursive=recursive)
        assert enqueue.enqueue_kind(conn, target, Kind.TAG, 0, _models(conn)).queued == queued
        assert enqueue.enqueue_kind(conn, Target(folder_id=2), Kind.TAG, NOW, _models(conn)).queued == 50, "raised"


def test_deleting_every_final_queues_every_orig_in_the_same_transaction(db: Database) -> None:
    with db.connection() as conn:
        _pairs(conn, 1000)
        models = _models(conn)
        _embedded(conn, models)
    with db.connection() as conn:
        finals = [row[0] for row in conn.execute("SELECT id FROM image WHERE folder_id = 3 ORDER BY id")]
    for part in range(0, 1000, 100):
        with db.connection() as conn:
            conn.execute("DELETE FROM image WHERE id = ANY (%s)", (finals[part : part + 100],))
            count = conn.execute(
                "SELECT count(*) FROM job JOIN image ON image.id = image_id"
                " WHERE folder_id = 2 AND is_embedding_representative"
            ).fetchone()
            assert count == (part + 100,), "already before the commit"
    with db.connection() as conn:
        assert totals.counts(conn).pending == 1000
        row = conn.execute("SELECT count(*) FROM image WHERE NOT is_embedding_representative").fetchone()
        assert row == (0,)


def test_an_undone_delete_queues_nothing(db: Database) -> None:
    with db.connection() as conn:
        _pairs(conn, 10)
        _embedded(conn, _models(conn))
    with pytest.raises(RuntimeError), db.connection() as conn:
        conn.execute("DELETE FROM image WHERE folder_id = 3")
        raise RuntimeError
    with db.connection() as conn:
        assert totals.counts(conn).pending == 0
        row = conn.execute("SELECT count(*) FROM image WHERE is_embedding_representative").fetchone()
        assert row == (10,)


def test_a_copy_that_was_never_there_queues_nothing(db: Database) -> None:
    with db.connection() as conn:
        _pairs(conn, 10)
        _embedded(conn, _models(conn))
        conn.execute(  # as a migration brings it: it stands for nobody but itself, and its file is gone
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, prompt_id, seed, unavailable)"
            " SELECT 2, 'gone' || n || '.png', 500, 1, now(), 1 + n % 10, n, true FROM generate_series(1, 10) n"
        )
        conn.execute("SELECT dtk_choose_representatives()")
        assert totals.counts(conn).pending == 0
        row = conn.execute("SELECT count(*) FROM image WHERE is_embedding_representative").fetchone()
        assert row == (20,), "and shares no vector, as nobody has seen that it looks alike"


def test_a_vector_index_that_a_bulk_run_took_away_is_built_again(db: Database) -> None:
    with db.connection() as conn:
        _pairs(conn, 100)
        models = _models(conn)
        assert models.image_spaces[0] is not None
        sql = "SELECT indexdef FROM pg_indexes WHERE indexname = 'image_vector_2_hnsw'"
        before = conn.execute(sql.encode()).fetchall()
        assert spaces.drop_index(conn, models.image_spaces[0]) and not spaces.drop_index(conn, models.image_spaces[0])
        _embedded(conn, models)
        assert spaces.count_up_to(conn, models.image_spaces[0], 60) == 60
        assert spaces.build_index(conn, models.image_spaces[0]) and not spaces.build_index(conn, models.image_spaces[0])
        assert conn.execute(sql.encode()).fetchall() == before and len(before) == 1
        spaces.drop_index(conn, models.image_spaces[0])
    maintenance.reindex(db)
    with db.connection() as conn:
        assert conn.execute(sql.encode()).fetchall() == before


def test_the_planner_hears_of_a_queue_that_was_empty(db: Database) -> None:
    with db.connection() as conn:
        _pairs(conn, 6000)
        conn.execute("ANALYZE job")
        jobs_queued = enqueue.enqueue_kind(conn, EVERYTHING, Kind.TAG, 0, _models(conn)).queued
        plan = conn.execute("EXPLAIN SELECT * FROM job WHERE state = 'pending'").fetchone()
    assert jobs_queued == 12_000
    assert plan is not None and "rows=12000" in plan[0], "what it knew of an empty queue would have it sort a full one"


def test_what_no_model_can_see_is_left_out_and_counted(db: Database) -> None:
    with db.connection() as conn:
        _pairs(conn, 10)
        models = _models(conn)
        conn.execute("UPDATE image SET file_name = seed || '.SVG' WHERE seed = 1")
        conn.execute("UPDATE image SET error = 'The file is empty.' WHERE seed = 2")
        conn.execute("UPDATE image SET error = 'A chunk is damaged.', width = 8, scan_phase = 1 WHERE seed = 3")
        conn.execute("UPDATE image SET file_name = seed || '.jxl' WHERE seed = 4 AND is_embedding_representative")
        for endings, tags, embeds, left_out in ((["svg"], 16, 8, 4), ([".svg", ".jxl"], 15, 7, 5)):
            for kind, queued in ((Kind.TAG, tags), (Kind.EMBED, embeds)):
                found = enqueue.enqueue_kind(conn, EVERYTHING, kind, 0, models, undecodable=endings, dry_run=True)
                assert (found.queued, found.undecodable, found.already_done) == (queued, left_out, 0)


def test_a_model_that_is_added_queues_what_lacks_its_vectors_alone(db: Database) -> None:
    with db.connection() as conn:
        _pairs(conn, 20)
        models = _models(conn)
        _embedded(conn, models)
        assert enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, models).queued == 0
        never_ran = spaces.current(conn, ["text"], ["image", "eyes"], [])
        assert (never_ran.image_spaces[1], never_ran.text_spaces) == (None, models.text_spaces)
        assert enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, never_ran, dry_run=True).queued == 20
        spaces.register(conn, "eyes", "image", "y", 8)
        added = spaces.current(conn, ["text"], ["image", "eyes"], [])
        conn.execute(
            "INSERT INTO image_vector (space_id, image_id, vec)"
            " SELECT %s, id, '[1,0,0,0,0,0,0,0]' FROM image WHERE is_embedding_representative ORDER BY id LIMIT 5",
            (added.image_spaces[1],),
        )
        assert enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, added).queued == 15
        conn.execute("DELETE FROM job")
        spaces.register(conn, "words", "text", "z", 8)
        words = spaces.current(conn, ["text", "words"], ["image"], [])
        assert enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, words).queued == 20


def test_a_job_that_waits_is_asked_for_again_in_place(db: Database) -> None:
    with db.connection() as conn:
        _pairs(conn, 10)
        models = _models(conn)
        enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, models)
        for queued, waiting in ((10, 0), (0, 10)):
            dry = enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, models, again=True, dry_run=True)
            done = enqueue.enqueue_kind(conn, EVERYTHING, Kind.EMBED, 0, models, again=True)
            assert dry == done and (done.queued, done.waiting) == (queued, waiting)
        assert conn.execute("SELECT count(*) FROM job WHERE again").fetchone() == (10,)

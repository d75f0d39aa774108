"""Images that share the vectors of others: who is left out of the queue, found all the same, and embedded later."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from dtk_tui.config import Config
from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Enqueued, Target
from dtk_tui.services.library.alike import sharing
from dtk_tui.services.queue import enqueue
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.queue import results, shared_vectors
from dtk_tui.store.scan import readings
from dtk_tui.store.search.search import nearest_images
from tests.helpers.running_worker import EVERYTHING
from tests.helpers.search_library import Library, unit
from tests.services.library.alike.test_clusters import hashed

_SHARES = """
SELECT image.file_name, source.file_name FROM shared_vector
  JOIN image ON image.id = image_id LEFT JOIN image source ON source.id = source_id ORDER BY 1
"""


def shared(conn: Connection) -> dict[str, str | None]:
    return dict(conn.execute(_SHARES).fetchall())


def queued(conn: Connection) -> list[str]:
    sql = "SELECT file_name FROM job JOIN image ON image.id = image_id ORDER BY file_name"
    return [name for (name,) in conn.execute(sql)]


def with_bits(config: Config, bits: int) -> Config:
    models = structs.replace(config.settings.models, share_within_bits=bits)
    return Config(config.paths, structs.replace(config.settings, models=models))


@pytest.fixture
def space(db: Database, config: Config) -> int:
    """Five decoded images: ``b`` and ``c`` look like ``a``, ``d`` and ``e`` like nobody; ``e`` was not decoded."""
    with db.connection() as conn:
        library = Library(conn)
        for number, (name, bits) in enumerate({"a": 0, "b": 0b1, "c": 0b11, "d": -1, "e": None}.items()):
            library.image(name, fingerprint=name.encode(), width=100 - number, height=1)
            if bits is not None:
                hashed(conn, name, bits)
        return embedding_spaces.register(conn, config.settings.models.image_embedder, "image", "x", 8)


def add(db: Database, config: Config, bits: int, target: Target = EVERYTHING, **options: Any) -> Enqueued:
    return enqueue(db, with_bits(config, bits), target, [Kind.EMBED], **options)


def done(db: Database, space: int, names: Sequence[str], *vectors: np.ndarray) -> None:
    """Let a worker have embedded some images."""
    with db.connection() as conn:
        found = dict(conn.execute("SELECT file_name, id FROM image"))
        ids = [found[name] for name in names]
        results.save_image_vectors(conn, space, ids, np.stack(vectors))
        conn.execute("DELETE FROM job WHERE image_id = ANY (%s)", (ids,))


def test_off_nothing_is_shared(db: Database, config: Config, space: int) -> None:
    assert config.settings.models.share_within_bits == 0
    assert add(db, config, 0).queued == 5
    with db.connection() as conn:
        assert (queued(conn), shared(conn)) == (["a", "b", "c", "d", "e"], {})


def test_who_looks_like_one_that_is_queued_waits_for_its_vector_and_is_found_by_it(
    db: Database, config: Config, space: int
) -> None:
    dry = add(db, config, 2, dry_run=True)
    with db.connection() as conn:
        assert (queued(conn), shared(conn)) == ([], {}), "a dry run leaves nothing"
    first = add(db, config, 2)
    assert dry == first and (first.queued, first.spared, first.already_done) == (3, 2, 0)
    with db.connection() as conn:
        assert (queued(conn), shared(conn)) == (["a", "d", "e"], {"b": "a", "c": "a"})
    assert (add(db, config, 2).waiting, add(db, config, 2).spared) == (3, 2), "asked again, nothing changes"
    done(db, space, ["a", "d"], unit(1), unit(0, 1))
    with db.connection() as conn:
        found = nearest_images(conn, space, unit(1), 3)
        names = dict(conn.execute("SELECT id, file_name FROM image"))
        assert {names[number] for number, _ in found} == {"a", "b", "c"}
    assert add(db, config, 2).queued == 0


def test_who_looks_like_one_that_is_embedded_has_its_vector_at_once(db: Database, config: Config, space: int) -> None:
    done(db, space, ["b"], unit(0, 0, 1))
    assert add(db, config, 2).spared == 2, "b leads, though a is larger"
    with db.connection() as conn:
        assert shared(conn) == {"a": "b", "c": "b"}
        assert len(nearest_images(conn, space, unit(0, 0, 1), 9)) == 3


def test_turned_off_or_on_demand_they_are_embedded_themselves(db: Database, config: Config, space: int) -> None:
    add(db, config, 2)
    done(db, space, ["a", "d", "e"], unit(1), unit(0, 1), unit(0, 0, 1))
    with db.connection() as conn:
        (number,) = conn.execute("SELECT id FROM image WHERE file_name = 'b'").fetchone() or (0,)
    assert add(db, config, 2, Target(image_ids=(number,))).queued == 0
    assert add(db, config, 2, Target(image_ids=(number,)), again=True).queued == 1
    assert add(db, config, 0).queued == 1
    with db.connection() as conn:
        assert queued(conn) == ["b", "c"]
        jobs = [one for (one,) in conn.execute("SELECT id FROM job ORDER BY image_id")]
        assert results.lacking_spaces(conn, jobs, [space], shares=False) == {jobs[1]: (space,)}, (
            "c lacks all of its own"
        )
        assert results.lacking_spaces(conn, jobs, [space], shares=True) == {jobs[1]: ()}
    done(db, space, ["b", "c"], unit(1, 1), unit(1, 0, 1))
    with db.connection() as conn:
        assert shared(conn) == {}
        assert embedding_spaces.image_vector(conn, number, space) == pytest.approx(unit(1, 1), abs=1e-3)
    done(db, space, ["a"], unit(0, 0, 0, 1))
    with db.connection() as conn:
        assert embedding_spaces.image_vector(conn, number, space) == pytest.approx(unit(1, 1), abs=1e-3), (
            "its own stays"
        )


def test_what_becomes_of_the_other_one(db: Database, config: Config, space: int) -> None:
    add(db, config, 2)
    done(db, space, ["a", "d", "e"], unit(1), unit(0, 1), unit(0, 0, 1))
    with db.connection() as conn:
        conn.execute("DELETE FROM image WHERE file_name = 'a'")
        assert shared(conn) == {"b": None, "c": None}
        assert len(nearest_images(conn, space, unit(1), 2)) == 2, "they are found as before"
    again = add(db, config, 2)
    with db.connection() as conn:
        # One of them is embedded now, the other waits for it.
        assert (again.queued, queued(conn), shared(conn)) == (1, ["b"], {"b": None, "c": "b"})
        (job,) = conn.execute("SELECT id FROM job").fetchone() or (0,)
        assert results.lacking_spaces(conn, [job], [space], shares=True) == {job: (space,)}


def test_an_image_whose_content_changes_shares_nothing_more(db: Database, config: Config, space: int) -> None:
    add(db, config, 2)
    done(db, space, ["a", "d", "e"], unit(1), unit(0, 1), unit(0, 0, 1))
    with db.connection() as conn:
        stale = [number for (number,) in conn.execute("SELECT id FROM image WHERE file_name IN ('a', 'b')")]
        for statement in readings._DELETE_STALE:
            conn.execute(statement, (stale,))
        assert shared(conn) == {"c": None}


def test_vectors_that_move_stay_shared(db: Database, config: Config, space: int) -> None:
    add(db, config, 2)
    done(db, space, ["a", "d"], unit(1), unit(0, 1))
    with db.connection() as conn:
        ids = dict(conn.execute("SELECT file_name, id FROM image"))
        conn.execute("SELECT dtk_transfer_embeddings(ARRAY[%s::bigint], ARRAY[%s::bigint])", (ids["b"], ids["e"]))
        assert shared(conn) == {"c": "a", "e": "a"}
        conn.execute("DELETE FROM image_vector WHERE image_id = %s", (ids["d"],))
        conn.execute("SELECT dtk_transfer_embeddings(ARRAY[%s::bigint], ARRAY[%s::bigint])", (ids["a"], ids["d"]))
        assert shared(conn) == {"c": "d", "e": "d"}


def test_a_prompt_of_its_own_is_embedded_all_the_same(db: Database, config: Config, space: int) -> None:
    with db.connection() as conn:
        embedding_spaces.register(conn, config.settings.models.text_embedder, "text", "x", 8)
        (prompt,) = conn.execute("INSERT INTO prompt (text) VALUES ('a fox') RETURNING id").fetchone() or (0,)
        conn.execute("UPDATE image SET prompt_id = %s WHERE file_name = 'b'", (prompt,))
    first = add(db, config, 2)
    with db.connection() as conn:
        assert (first.queued, first.spared, queued(conn)) == (4, 1, ["a", "b", "d", "e"])
        (job,) = conn.execute(
            "SELECT job.id FROM job JOIN image ON image.id = image_id WHERE file_name = 'b'"
        ).fetchone() or (0,)
        assert results.lacking_spaces(conn, [job], [space], shares=True) == {job: ()}, "no picture is decoded for it"


def until_it_waits(db: Database) -> None:
    """Wait until somebody waits for what another one holds."""
    end = time.monotonic() + 60
    sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
    while True:
        with db.connection() as conn:
            if conn.execute(sql).fetchone() == (True,):
                return
        assert time.monotonic() < end, "nobody waited"
        time.sleep(0.01)


def test_a_vector_that_is_being_saved_is_waited_for(db: Database, config: Config, space: int) -> None:
    with db.connection() as conn:
        ids = dict(conn.execute("SELECT file_name, id FROM image"))
    add(db, config, 2, Target(image_ids=(ids["a"],)))
    with ThreadPoolExecutor(1) as thread:
        with db.connection() as saver:
            saver.execute("SELECT FROM job WHERE image_id = %s FOR UPDATE", (ids["a"],))
            results.save_image_vectors(saver, space, [ids["a"]], np.stack([unit(1)]))
            assert add(db, config, 2, dry_run=True).spared == 2, "who only counts waits for nobody"
            shared_later = thread.submit(add, db, config, 2)
            until_it_waits(db)
            saver.execute("DELETE FROM job WHERE image_id = %s", (ids["a"],))
        assert shared_later.result(60).spared == 2
    with db.connection() as conn:
        assert shared(conn) == {"b": "a", "c": "a"}
        assert len(nearest_images(conn, space, unit(1), 9)) == 3


def test_an_image_that_a_scan_finds_changed_meanwhile_leads_nobody(db: Database, config: Config, space: int) -> None:
    done(db, space, ["a"], unit(1))
    with ThreadPoolExecutor(1) as thread:
        with db.connection() as scanner:
            scanner.execute("UPDATE image SET fingerprint = 'other' WHERE file_name = 'a'")
            scanner.execute("DELETE FROM image_vector WHERE image_id = (SELECT id FROM image WHERE file_name = 'a')")
            queued_later = thread.submit(add, db, config, 2)
            until_it_waits(db)
        assert (queued_later.result(60).queued, queued_later.result().spared) == (5, 0)
    with db.connection() as conn:
        assert (queued(conn), shared(conn)) == (["a", "b", "c", "d", "e"], {})


def test_what_is_shared_already_is_not_written_again(db: Database, config: Config, space: int) -> None:
    done(db, space, ["a"], unit(1))
    versions = "SELECT array_agg(xmin::text ORDER BY image_id) FROM image_vector"
    add(db, config, 2)
    with db.connection() as conn:
        before = conn.execute(versions).fetchone()
    assert add(db, config, 2).spared == 2
    with db.connection() as conn:
        assert conn.execute(versions).fetchone() == before


def _stop_before(monkeypatch: pytest.MonkeyPatch, call: int, then: Callable[[], None]) -> None:
    """Copy one vector at a time, and do something before a copy of that number."""
    copy, copies = shared_vectors.copy, 0

    def copied(*arguments: Any) -> None:
        nonlocal copies
        copies += 1
        if copies == call:
            then()
        copy(*arguments)

    monkeypatch.setattr(sharing, "_SOME", 1)
    monkeypatch.setattr(shared_vectors, "copy", copied)


def test_nobody_waits_until_all_vectors_are_copied(
    db: Database, config: Config, space: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(db, space, ["a"], unit(1))
    rated = 0

    def rate() -> None:
        nonlocal rated
        with db.connection() as conn:
            conn.execute("SET LOCAL lock_timeout = '5s'")
            rated = conn.execute("UPDATE image SET rating = 5").rowcount

    _stop_before(monkeypatch, 2, rate)
    assert add(db, config, 2).spared == 2
    assert rated == 5
    with db.connection() as conn:
        assert len(nearest_images(conn, space, unit(1), 9)) == 3


def test_what_was_interrupted_is_copied_with_the_next(
    db: Database, config: Config, space: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    done(db, space, ["a"], unit(1))
    with monkeypatch.context() as patched:
        _stop_before(patched, 2, interrupt)
        with pytest.raises(KeyboardInterrupt):
            add(db, config, 2)
    with db.connection() as conn:
        assert shared(conn) == {"b": "a", "c": "a"}
        assert len(nearest_images(conn, space, unit(1), 9)) == 2
        (last,) = conn.execute("SELECT id FROM image WHERE file_name = 'e'").fetchone() or (0,)
    add(db, config, 2, Target(image_ids=(last,)))
    with db.connection() as conn:
        assert len(nearest_images(conn, space, unit(1), 9)) == 3


def test_a_vector_is_copied_only_of_the_one_that_it_is_shared_of_by_then(
    db: Database, config: Config, space: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change() -> None:
        with db.connection() as conn:
            for statement in readings._DELETE_STALE:
                conn.execute(statement, ([ids["c"]],))

    with db.connection() as conn:
        ids = dict(conn.execute("SELECT file_name, id FROM image"))
    done(db, space, ["a"], unit(1))
    _stop_before(monkeypatch, 2, change)
    add(db, config, 2)
    with db.connection() as conn:
        assert shared(conn) == {"b": "a"}
        assert embedding_spaces.image_vector(conn, ids["c"], space) is None

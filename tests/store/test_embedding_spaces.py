"""Spaces of vectors, by what made them: the weights, and what prepared the pictures."""

from __future__ import annotations

from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces as spaces
from dtk_tui.store.queue import totals

BEFORE = {"size": 224, "mean": [0.5, 0.5, 0.5], "axes": "width, height"}
AFTER = BEFORE | {"mean": [0.48145466, 0.5, 0.5]}


def _embed(conn: Connection, space: int) -> None:
    conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
    conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at) VALUES (1, 'a', 1, 1, now())"
    )
    conn.execute("INSERT INTO image_vector VALUES (%s, 1, '[1,2,3]')", (space,))


def test_pictures_that_are_prepared_in_another_way_are_of_another_space(db: Database) -> None:
    with db.connection() as conn:
        first = spaces.register(conn, "eyes", "image", "x", 3, BEFORE)
        _embed(conn, first)
        assert spaces.register(conn, "eyes", "image", "x", 3, BEFORE) == first
        assert spaces.other_preparation(conn, "eyes", "x", BEFORE) is None
        assert spaces.other_preparation(conn, "eyes", "x", AFTER) == ("eyes", BEFORE)
        assert spaces.other_preparation(conn, "eyes", "y", AFTER) is None, "of other weights nothing is to be told"
        second = spaces.register(conn, "eyes", "image", "x", 3, AFTER)
        assert second != first
        assert spaces.other_preparation(conn, "eyes", "x", AFTER) is None, "it is told once"
        assert spaces.newest(conn, "eyes", "image") == second
        assert spaces.register(conn, "eyes", "image", "x", 3, BEFORE) == first, "whoever goes back finds his vectors"
        assert spaces.newest(conn, "eyes", "image") == first
        names = [name for (name,) in conn.execute("SELECT name FROM embedding_space ORDER BY id")]
        assert names == ["eyes", "eyes@x"]
        third = spaces.register(conn, "eyes", "image", "x", 3, BEFORE | {"size": 448})
        assert third not in (first, second)


def test_a_space_of_an_older_program_takes_on_what_prepares_its_pictures_from_now_on(db: Database) -> None:
    with db.connection() as conn:
        old = spaces.register(conn, "eyes", "image", "x", 3)
        assert spaces.other_preparation(conn, "eyes", "x", BEFORE) is None, "nothing is in it"
        _embed(conn, old)
        assert spaces.other_preparation(conn, "eyes", "x", BEFORE) == ("eyes", None)
        assert spaces.register(conn, "eyes", "image", "x", 3, BEFORE) == old
        assert spaces.other_preparation(conn, "eyes", "x", BEFORE) is None
        assert spaces.register(conn, "eyes", "image", "x", 3) == old, "an older program beside this one"
        assert conn.execute("SELECT preparation FROM embedding_space").fetchone() == (BEFORE,)


def _is_embedded(conn: Connection) -> bool:
    return bool(conn.execute("SELECT dtk_is_embedded(1)").fetchone() == (True,))


def test_an_image_is_embedded_when_it_has_the_vectors_of_all_present_models(db: Database) -> None:
    with db.connection() as conn:
        assert not _is_embedded(conn), "there is no model"
        eyes = spaces.register(conn, "eyes", "image", "x", 3)
        _embed(conn, eyes)
        assert _is_embedded(conn)
        others = spaces.register(conn, "others", "image", "x", 3)
        assert not _is_embedded(conn), "a new model counts"
        spaces.set_in_use(conn, [eyes])
        assert _is_embedded(conn), "whatever came last"
        spaces.set_in_use(conn, [eyes, others])
        assert not _is_embedded(conn)
        conn.execute("INSERT INTO image_vector VALUES (%s, 1, '[1,2,3]')", (others,))
        assert _is_embedded(conn)


def test_prompts_that_lack_the_vector_of_any_present_model_are_left(db: Database) -> None:
    with db.connection() as conn:
        first, last = (spaces.register(conn, name, "text", "x", 3) for name in ("first", "last"))
        conn.execute("INSERT INTO prompt (text) SELECT n FROM generate_series(1, 4) n")
        conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
        conn.execute(
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, prompt_id)"
            " SELECT 1, n, 1, 1, now(), n FROM generate_series(1, 4) n"
        )
        conn.execute("INSERT INTO job (kind, image_id) SELECT 2, n FROM generate_series(1, 4) n")
        conn.execute("INSERT INTO prompt_vector VALUES (%s, 1, '[1,2,3]'), (%s, 1, '[1,2,3]')", (first, last))
        conn.execute("INSERT INTO prompt_vector VALUES (%s, 2, '[1,2,3]'), (%s, 3, '[1,2,3]')", (last, last))

        def left() -> tuple[int, int]:
            return totals.prompts_left(conn, 4), totals.prompts_left(conn, 1_000_000)

        assert left() == (3, 3)
        spaces.set_in_use(conn, [last])
        assert left() == (1, 1)

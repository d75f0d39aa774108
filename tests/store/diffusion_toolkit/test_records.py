"""Records of images, in rows of their own and by the batch, are read as one."""

from __future__ import annotations

from dtk_tui.store.database import Connection, Database


def _migration(conn: Connection, state: str, base: int) -> int:
    row = conn.execute(
        "INSERT INTO migration (image_base, node_base, state, source, zone, policy, maps, facts)"
        " VALUES (%s, 0, %s, 'a.db', 'UTC', 'keep', '[]', '{}') RETURNING id",
        (base, state),
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_records_of_a_batch_are_rows_of_their_own(db: Database) -> None:
    with db.connection() as conn:
        done, loading = _migration(conn, "done", 1000), _migration(conn, "loading", 5000)
        conn.execute(
            """INSERT INTO migrated_batch (migration_id, first_id, source_ids, created_ticks, viewed_ticks, marks, gone)
               VALUES (%(done)s, 1, '{1, 2, 4, 9}', '{10, NULL, 40, 90}', NULL, '{-8}', '{4}'),
                      (%(done)s, 2, '{11}', '{7}', '{8}', '{16}', '{}'),
                      (%(loading)s, 1, '{1}', '{7}', '{8}', '{16}', '{}')""",
            {"done": done, "loading": loading},
        )
        rows = conn.execute(
            """SELECT migration_id, image_id, source_id, created_ticks, viewed_ticks, marks, is_new
                 FROM dtk_migrated_images() ORDER BY 2"""
        ).fetchall()
    assert rows == [
        (done, 1001, 1, 10, None, -8, True), (done, 1002, 2, None, None, -8, True),
        (done, 1009, 9, 90, None, -8, True), (done, 1011, 11, 7, 8, 16, True),
    ]  # fmt: skip


def test_only_the_batches_of_a_migration_are_looked_at(db: Database) -> None:
    with db.connection() as conn:
        conn.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(
            line
            for (line,) in conn.execute(
                "EXPLAIN (COSTS OFF) SELECT image_id, marks FROM dtk_migrated_images() WHERE migration_id = 7"
            )
        )
    # The function's body stands in the place of its call, and the condition goes into it.
    assert "Function Scan on dtk_migrated_images" not in plan, plan
    assert "Index Scan using migrated_batch_pkey on migrated_batch" in plan, plan

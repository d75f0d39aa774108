"""The statements of a batch of a scan look its rows up one by one, whatever the statistics say."""

from __future__ import annotations

import re
from typing import LiteralString

import pytest

from dtk_tui.domain.parameters import FileReading, GenerationParameters
from dtk_tui.store.copy.rows import reading_row
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import folders, images
from dtk_tui.store.scan import listings, readings, relocation, staging

_READING = FileReading("PNG", 8, 8, "a1111", GenerationParameters(model="m" * 80), (), bytes(16), 1, 1, error="e" * 90)


@pytest.mark.parametrize("analyzed", [False, True])
@pytest.mark.parametrize("written", [0, 19_000, 20_000])
def test_rows_of_readings_are_found_by_their_ids(db: Database, written: int, analyzed: bool) -> None:
    with db.connection() as conn:
        folder_id = folders.add_root(conn, "/pictures")
        listings.add_files(conn, {folder_id: [(f"{number}.png", 1, number) for number in range(20_000)]})
        conn.execute(
            "UPDATE image SET scan_phase = 1, fingerprint = sha256(int8send(id))"
            " WHERE id IN (SELECT id FROM image ORDER BY id LIMIT %s)",
            (written,),
        )
    with db.connection() as conn:
        if analyzed:
            conn.execute("ANALYZE image")
        ids = [number for (number,) in conn.execute("SELECT id FROM image ORDER BY id DESC LIMIT 10000")]
        staging.stage(conn, [reading_row(number, _READING) for number in ids], {})
        plan = "\n".join(line for (line,) in conn.execute("EXPLAIN (COSTS OFF) " + readings._WRITE_NEW, ([],)))
    assert "Index Cond: (id = reading.id)" in plan
    assert "Index Cond: (fingerprint = reading.fingerprint)" in plan
    assert plan.count("prompt_sha256_key") == 2
    assert plan.index("Seq Scan on scan_reading") < plan.index("Index Cond: (id = reading.id)"), plan


def test_what_waits_is_found_among_many_folders_by_a_hash(db: Database) -> None:
    many = list(range(1, 30_000))
    with db.connection() as conn:
        plan = "\n".join(line for (line,) in conn.execute("EXPLAIN (COSTS OFF) " + listings._UNREAD, (many,)))
        counted = "\n".join(line for (line,) in conn.execute("EXPLAIN (COSTS OFF) " + images._FOLDERS_IDS, (many,)))
    assert "'::bigint[]" in plan and "smallint" not in plan
    assert "'::bigint[]" in counted and "smallint" not in counted


@pytest.mark.parametrize("analyzed", [False, True])
def test_a_batch_reads_no_whole_table(db: Database, analyzed: bool) -> None:
    """What a scan does for each batch costs no more in a larger library."""
    ids = list(range(1, 10_001))
    places = [relocation.Relocation(number, bytes(16), 2, f"{number}.png", 1) for number in ids]
    with db.connection() as conn:
        folder_id = folders.add_root(conn, "/pictures")
        listings.add_files(conn, {folder_id: [(f"{number}.png", 1, number) for number in range(20_000)]})
    with db.connection() as conn:
        if analyzed:
            conn.execute("ANALYZE image")
        listings.stored_digests(conn, [folder_id])
        plans = [_plan(conn, sql, ([folder_id],)) for sql in (listings._STORED_DIGESTS, listings._STORED_FILES)]
    with db.connection() as conn:
        relocation.vanished(conn, ids)
        plans.append(_plan(conn, relocation._VANISHED, (listings.as_array(ids),)))
        plans.append(_plan(conn, relocation._RELOCATE, relocation._columns(places)))
    for plan in plans:
        assert "Seq Scan on image" not in plan and "Hash" not in plan and "Merge Join" not in plan, plan
    assert "Index Cond: (folder_id = ANY" in plans[0] and "Index Cond: (folder_id = ANY" in plans[1]
    assert "Index Cond: (id = ANY" in plans[2] and "Index Cond: (id = place.id)" in plans[3]


def _plan(conn: Connection, sql: LiteralString, parameters: tuple[object, ...]) -> str:
    lines = [line for (line,) in conn.execute("EXPLAIN (COSTS OFF) " + sql, parameters)]
    return re.sub(r"\{[\d,]+\}", "{...}", "\n".join(lines))


def test_groups_of_a_batch_are_joined_by_a_hash(db: Database) -> None:
    """They have no index: a nested loop would compare each with each."""
    seen = "SELECT set_config('dtk.seen', current_setting('enable_hashjoin'), true)"
    with db.connection() as conn:
        staging.stage(conn, [], {})
        staging.choose_representatives(conn, seen, ())
        assert conn.execute("SELECT current_setting('dtk.seen')").fetchone() == ("on",)
        assert conn.execute("SHOW enable_hashjoin").fetchone() == ("off",)

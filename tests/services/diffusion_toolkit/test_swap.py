"""The tables that a migration fills stand as the schema made them: columns, constraints, indexes, triggers, grants."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from tests.helpers.imports.content import content
from tests.helpers.imports.runs import Make, fetch_one, run_import

_CATALOG = {
    "tables": """SELECT relname, relkind, relpersistence, relreplident, reloptions, relacl, relrowsecurity, amname,
        obj_description(c.oid, 'pg_class') FROM pg_class c LEFT JOIN pg_am ON pg_am.oid = relam
        WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i'""",
    "columns": """SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
        attgenerated, attstorage, attcompression, attcollation, attstattarget, pg_get_expr(adbin, adrelid)
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped""",
    "order": """SELECT attrelid::regclass::text, array_agg(attname ORDER BY attnum)::text
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
        GROUP BY 1""",
    "constraints": """SELECT conrelid::regclass::text, conname, contype, convalidated, condeferrable,
        confrelid::regclass::text, conindid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace""",
    "indexes": """SELECT indrelid::regclass::text, indexrelid::regclass::text, indisunique, indisprimary, indisvalid,
        indisclustered, indisreplident, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
        WHERE relnamespace = 'public'::regnamespace""",
    "triggers": """SELECT tgrelid::regclass::text, tgenabled, pg_get_triggerdef(t.oid) FROM pg_trigger t
        JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal""",
    "checks of keys": """SELECT tgrelid::regclass::text, tgfoid::regproc::text, tgenabled, count(*) FROM pg_trigger t
        JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'public'::regnamespace AND tgisinternal
        GROUP BY 1, 2, 3""",
    "statistics": """SELECT stxnamespace::regnamespace, stxname, stxrelid::regclass::text, stxkind,
        pg_get_statisticsobjdef(oid) FROM pg_statistic_ext""",
    "sequences": """SELECT d.objid::regclass::text, d.refobjid::regclass::text, d.refobjsubid, d.deptype, s.seqincrement
        FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid WHERE d.refclassid = 'pg_class'::regclass""",
}


def catalog(db: Database) -> dict[str, list[str]]:
    with db.connection() as conn:
        return {
            subject: sorted(repr(row) for row in conn.execute(query.encode())) for subject, query in _CATALOG.items()
        }


@pytest.mark.parametrize("nasty", [True, False])
def test_the_schema_of_a_migrated_library_is_that_of_a_fresh_one(
    db: Database, config: Config, make: Make, nasty: bool
) -> None:
    source, _ = make("--n", "200", *([] if nasty else ["--no-nasty"]))
    fresh = catalog(db)
    before: Any = fetch_one(db, "SELECT 'image_raw'::regclass::oid::int")
    assert run_import(db, config, source).verification.is_good
    # Staged tables took the place of the empty ones; or this test says nothing.
    assert fetch_one(db, "SELECT 'image_raw'::regclass::oid::int") != before
    migrated = catalog(db)
    for subject, expected in fresh.items():
        assert migrated[subject] == expected, subject
    filled = (
        "SELECT count(*) FROM pg_statistic_ext JOIN pg_statistic_ext_data ON oid = stxoid WHERE stxdexpr IS NOT NULL"
    )
    assert fetch_one(db, filled) == len(fresh["statistics"]) > 0, "the planner knows them from the start"


def test_what_somebody_hung_on_a_table_stays(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "200")
    run_import(db, config, source)
    with db.connection() as conn:
        swapped = content(conn)
        conn.execute("TRUNCATE image, folder, prompt, migration, album, tag, saved_query RESTART IDENTITY CASCADE")
        conn.execute("CREATE VIEW raw_text AS SELECT chunks FROM image_raw")
    before: Any = fetch_one(db, "SELECT 'image_raw'::regclass::oid::int")
    assert run_import(db, config, source).verification.is_good
    assert fetch_one(db, "SELECT 'image_raw'::regclass::oid::int") == before
    assert fetch_one(db, "SELECT count(*) FROM raw_text") > 0
    with db.connection() as conn:
        in_place = content(conn)
    assert in_place == swapped


def test_an_image_that_comes_while_the_migration_begins_is_kept(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "200", "--no-nasty")
    with psycopg.connect(config.database_url or "") as other:
        # Not committed when the migration looks first; it waits for the locks until it is.
        other.execute("INSERT INTO folder (path, name) VALUES ('/mine', 'mine')")
        other.execute("""
            INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)
            SELECT id, 'a.png', 1, 1, now() FROM folder WHERE path = '/mine'""")
        report = _while_it_waits(db, config, source, other)
    assert report.verification.is_good
    assert fetch_one(db, "SELECT count(*) FROM image") == 201
    assert fetch_one(db, "SELECT count(*) FROM image WHERE file_name = 'a.png'") == 1


def _while_it_waits(db: Database, config: Config, source: Any, other: psycopg.Connection[Any]) -> Any:
    with ThreadPoolExecutor(1) as pool, psycopg.connect(config.database_url or "", autocommit=True) as watch:
        running = pool.submit(run_import, db, config, source)
        waits = """
            SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
             WHERE NOT granted AND datname = current_database()"""
        while watch.execute(waits).fetchone() == (0,) and not running.done():
            time.sleep(0.01)
        other.commit()
        return running.result()

"""Images that are staged: the same whether their tables are swapped or merged, and compared before."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.imports import ImportReport
from dtk_tui.errors import DtkError
from dtk_tui.services.diffusion_toolkit import schema
from dtk_tui.services.diffusion_toolkit.importer import Importer
from dtk_tui.store.database import Database
from dtk_tui.store.diffusion_toolkit import dates, image_rows, staging
from dtk_tui.store.text_codec import to_db
from tests.helpers.imports.content import content
from tests.helpers.imports.runs import fetch_one, run_import
from tests.helpers.imports.sources import USUAL, rebuild_image_table, write_source

DAY_TICKS = 864_000_000_000
BERLIN_SUMMER_BEGINS = (dt.datetime(2023, 3, 26) - dt.datetime(1, 1, 1)).days * DAY_TICKS
BERLIN_SUMMER_ENDS = (dt.datetime(2023, 10, 29) - dt.datetime(1, 1, 1)).days * DAY_TICKS
DATES = (
    None, 0, -5, 1, BERLIN_SUMMER_BEGINS, BERLIN_SUMMER_BEGINS + 95_000_000_000, BERLIN_SUMMER_ENDS + 95_000_000_001,
    BERLIN_SUMMER_ENDS + DAY_TICKS, 638085024000000000, 638085024000000007, 638085024000000010, 638085024001234567,
    599266080000000000, 3155378975999999999,
)  # fmt: skip
FLAGS = (None, 0, 1, 2, -1)
INTEGERS = {name for name, kind in schema.COLUMNS["Image"] if kind in {"integer", "bigint"}}
#: Values at which a column is written in another way, or noted.
EDGES: dict[str, tuple[Any, ...]] = {
    "Prompt": (None, "", " \n", "a red fox", "it's a fox", "\ufefffox", "x" * 3000, "nul\0inside"),
    "NegativePrompt": (None, "", "blurry", "it's"),
    "Steps": (None, 0, 20, -1, 2**31, 2**40),
    "Sampler": (None, "", "Euler a", "it's, \"quoted\"", "nul\0inside"),
    "CFGScale": (None, 0, 7.0, 7.5, 1e300, 1e-9, 0.1 + 0.2, float("inf")),
    "Seed": (None, 0, 1, 2**63 - 1, -(2**63)),
    "Width": (None, 0, 512, -1, 2**31), "Height": (None, 512, 2**33),
    "ModelHash": (None, "31e35c80fc"), "Model": (None, "", "a model"),
    "BatchSize": (None, 1, 2**31), "BatchPos": (None, 0), "ClipSkip": (None, 0, 2, -(2**31) - 1), "ENSD": (None, 31337),
    "CreatedDate": DATES, "ModifiedDate": DATES, "ViewedDate": DATES, "TouchedDate": DATES,
    "Rating": (None, 0, 1, 5, 10, 11, -3), "Favorite": FLAGS, "ForDeletion": FLAGS, "NSFW": FLAGS,
    "Unavailable": FLAGS, "NoMetadata": FLAGS, "HasError": FLAGS, "FileSize": (None, 0, 1234, -1),
    "AestheticScore": (None, 5.431), "HyperNetworkStrength": (None, 1.0, 0.5), "HyperNetwork": (None, "net"),
    "CustomTags": (None, "", "tag"), "Type": (None, 0, 1), "WorkflowId": (None, "w"), "Hash": (None, "h"),
    "Workflow": (None, None, '{"3": {"class_type": "KSampler", "inputs": {"text": "it\'s"}}}', '["nodes", "links"]'),
}  # fmt: skip


def edges(count: int, seed: int) -> list[dict[str, Any]]:
    """Give images of which a few values each are at an edge."""
    dice = random.Random(seed)
    names = ("a.png", "b's.MP4", "c.webm.png", "d.mov", "e\u00e9.jpg", "f", ".mkv")
    found = []
    for number in range(count):
        folder = dice.choice(("D:\\AI\\out", "D:\\AI\\out's", "/mnt/ai", "D:/AI/mixed\\way"))
        values = {name: dice.choice(EDGES[name]) for name in dice.sample(sorted(EDGES), dice.choice((0, 0, 1, 2, 4)))}
        found.append({"Path": f"{folder}/{number:04d}{dice.choice(names)}", **values})
    return found


def notes(db: Database) -> list[Any]:
    with db.connection() as conn:
        return conn.execute("SELECT source_id, reason, original::text FROM migration_note ORDER BY 1, 2, 3").fetchall()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_a_swap_and_a_merge_give_the_same(db: Database, config: Config, tmp_path: Path, zone: str) -> None:
    source = tmp_path / "edges.db"
    write_source(source, edges(600, seed=len(zone)))
    direct = run_import(db, config, source, zone=zone, batch_size=40)
    with db.connection() as conn:
        expected, expected_notes = content(conn), notes(db)
        conn.execute("TRUNCATE image, folder, prompt, migration, album, tag, saved_query RESTART IDENTITY CASCADE")
        # What somebody made with the table forbids to replace it.
        conn.execute("CREATE VIEW numbers AS SELECT id FROM image")
    staged = run_import(db, config, source, zone=zone, batch_size=40)
    with db.connection() as conn:
        assert content(conn) == expected
    assert notes(db) == expected_notes
    assert direct.tables == staged.tables
    assert direct.verification.is_good and staged.verification.is_good
    assert direct.verification.compared > 100


#: What an image is in the library, told by PostgreSQL of the very values of the source.
_ORACLE = """
WITH dated AS (
    SELECT *, CASE WHEN "CreatedDate" BETWEEN {range} THEN "CreatedDate" END AS created,
           CASE WHEN "ModifiedDate" BETWEEN {range} THEN "ModifiedDate" END AS modified,
           btrim("Prompt", E' \\t\\r\\n\\v\\f') = '' AS blank,
           coalesce("Steps", 0) <> 0 OR coalesce("Seed", 0) <> 0 OR coalesce("Sampler", '') <> '' AS is_known
      FROM given
), read AS (
    SELECT *, (coalesce("NoMetadata", 0) = 0 AND (NOT blank OR is_known)) IS TRUE AS has_metadata,
           (NOT blank OR (blank AND is_known)) IS TRUE AS has_prompt FROM dated
)
SELECT "Id", coalesce(dtk_instant(coalesce(created, modified), %(zone)s), 'epoch'),
       CASE WHEN has_metadata AND has_prompt
            AND coalesce(modified, created) BETWEEN 530000000000000000 AND 713000000000000000
            THEN (date_part('epoch', dtk_instant(coalesce(modified, created), %(zone)s)) * 1e6)::bigint * 1000
                 + coalesce(modified, created) %% 10 * 100
            ELSE 0 END,
       dtk_instant(CASE WHEN "ViewedDate" BETWEEN {range} THEN "ViewedDate" END, %(zone)s),
       dtk_instant(CASE WHEN "TouchedDate" BETWEEN {range} THEN "TouchedDate" END, %(zone)s),
       CASE WHEN has_metadata OR "NoMetadata" <> 0 THEN 1 ELSE 0 END,
       CASE WHEN "Rating" > 0 THEN least("Rating", 10) END, greatest(coalesce("FileSize", 0), 0),
       CASE WHEN "Width" BETWEEN 0 AND 2147483647 THEN "Width" END,
       CASE WHEN "Steps" BETWEEN -2147483648 AND 2147483647 THEN "Steps" END,
       coalesce("Favorite", 0) <> 0, coalesce("NSFW", 0) <> 0, coalesce("Unavailable", 0) <> 0,
       coalesce("Type" = 1, "Path" ~* '\\.(mp4|webm|mov|m4v|avi|mkv)$'), coalesce("HasError", 0) <> 0
  FROM read ORDER BY 1
""".replace("{range}", dates.TICKS_RANGE)
_FOUND = """
SELECT source_id, created_at, mtime_ns, image.viewed_at, image.touched_at, scan_phase, rating, file_size, width, steps,
       favorite, nsfw, unavailable, is_video, error IS NOT NULL
  FROM image JOIN dtk_migrated_images() ON image_id = id ORDER BY 1
"""


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe"])
def test_an_image_is_what_postgresql_makes_of_its_values(
    db: Database, config: Config, tmp_path: Path, zone: str
) -> None:
    source = tmp_path / "edges.db"
    images = [{**USUAL, **values, "Workflow": None} for values in edges(600, seed=7)]
    write_source(source, images)
    assert run_import(db, config, source, zone=zone, batch_size=40).verification.is_good
    names = sorted({name for values in images for name in values} - {"CFGScale", "AestheticScore", "Workflow"})
    with db.connection() as conn:
        columns = ", ".join(f'"{name}" {"bigint" if name in INTEGERS else "text"}' for name in names)
        conn.execute(f'CREATE TEMP TABLE given ("Id" bigint, {columns})'.encode())
        with conn.cursor().copy("COPY given FROM STDIN") as copy:
            for number, values in enumerate(images, start=1):
                found = (values.get(name) for name in names)
                copy.write_row((number, *(to_db(value) if isinstance(value, str) else value for value in found)))
        assert conn.execute(_FOUND.encode()).fetchall() == conn.execute(_ORACLE.encode(), {"zone": zone}).fetchall()


def _spoiled(monkeypatch: pytest.MonkeyPatch, *statements: str) -> None:
    """Let staged rows be changed after they are read."""
    complete = Importer.index

    def spoil(self: Importer) -> None:
        with self._db.connection() as conn:
            staging.set_search_path(conn)
            for statement in statements:
                conn.execute(statement.encode())
        complete(self)

    monkeypatch.setattr(Importer, "index", spoil)


def test_rows_that_are_not_there_as_they_were_read_are_named(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "spoiled.db"
    workflow = '{"3": {"class_type": "KSampler"}}'
    images = [{"Path": f"/ai/{n}.png", "Workflow": workflow if n % 2 else None} for n in range(300)]
    images[41]["Prompt"] = images[42]["Prompt"] = "a rare owl"
    write_source(source, images)
    _spoiled(
        monkeypatch,
        "UPDATE image SET rating = 4 WHERE id = 17",
        "UPDATE prompt SET text = 'a rare cat' WHERE text = 'a rare owl'",
        "DELETE FROM image WHERE id = 100",
        "UPDATE migrated_batch SET created_ticks = dtk_spread(created_ticks, cardinality(source_ids))",
        "UPDATE migrated_batch SET created_ticks[array_position(source_ids, 211)] = 5 WHERE 211 = ANY (source_ids)",
        "UPDATE image_raw SET chunks = replace(chunks, 'KSampler', 'KSimpler') WHERE image_id = 250",
        # A record of an image that is not there would be refused as a whole.
        "UPDATE migrated_batch SET gone = gone || 100 WHERE 100 = ANY (source_ids)",
        "DELETE FROM image_raw WHERE image_id = 100",
    )
    report: ImportReport = run_import(db, config, source, batch_size=20)
    assert report.verification.differing == [17, 42, 43, 100, 211, 250]
    assert report.verification.compared == 300
    assert not report.verification.is_good


def test_a_server_that_makes_no_checksums_sends_raw_texts_back(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "old.db"
    write_source(
        source, [{"Path": f"/ai/{n}.png", "Workflow": f'{{"{n}": "\u00e9"}}' if n % 3 else None} for n in range(100)]
    )
    monkeypatch.setattr(image_rows, "_HAS_CRC", 10**9)
    _spoiled(monkeypatch, "UPDATE image_raw SET chunks = chunks || ' ' WHERE image_id = 51")
    assert run_import(db, config, source, batch_size=20).verification.differing == [51]


@pytest.mark.parametrize("batch_size", [7, 1000])
def test_every_group_has_its_representative_wherever_its_images_were_read(
    db: Database, config: Config, tmp_path: Path, batch_size: int
) -> None:
    dice = random.Random(batch_size)
    source = tmp_path / "groups.db"
    # Values that are told apart and values that are not: NULL and no text, 7 and 7.0; a rating of 12 goes by the stage.
    images = [
        {
            "Path": f"/ai/{n}.png", "Prompt": dice.choice(("a fox", "an owl", None)), "FileSize": dice.randrange(90),
            "NegativePrompt": dice.choice((None, "", "blurry")), "Steps": dice.choice((20, 20, 0, None)),
            "Sampler": dice.choice((None, "", "Euler", "Eu\x1fler")), "CFGScale": dice.choice((7, 7.0, 7.5)),
            "Seed": dice.choice((1, 0, None)), "Rating": dice.choice((5, 5, 5, 12)),
            "Width": 64 + n,
        }
        for n in range(400)
    ]  # fmt: skip
    images += [{"Path": f"/one/{n}.png", "Seed": 1000 + n} for n in range(50)]
    write_source(source, images)
    assert run_import(db, config, source, batch_size=batch_size).verification.is_good
    assert fetch_one(db, "SELECT count(*) > 50 FROM image WHERE NOT is_embedding_representative")
    assert fetch_one(db, "SELECT dtk_choose_representatives(NULL)") == 0


def test_what_is_read_again_for_a_comparison_may_be_damaged_or_unusual(
    db: Database, config: Config, tmp_path: Path
) -> None:
    source = tmp_path / "unusual.db"
    images: list[dict[str, Any]] = [{"Path": f"/ai/{n}.png"} for n in range(200)]
    # By --map in the place of another, so that their batch is compared row by row; and refused, with a binary value.
    images[120] = {"Path": "/old/10.png"}
    images[150] = {"Path": None, "FileName": None, "Sampler": b"abc"}
    write_source(source, images)
    report = run_import(db, config, source, maps=(("/old", "/ai"),))
    assert report.verification.is_good
    assert report.tables["Image"].refused == 2


def test_images_with_one_place_are_one_wherever_they_were_read(db: Database, config: Config, tmp_path: Path) -> None:
    source = tmp_path / "twice.db"
    images: list[dict[str, Any]] = [{"Path": f"/ai/{n}.png", "Rating": None} for n in range(100)]
    # Two clean rows; a clean one and one that is staged; three, of which the second has the marks.
    images[70] = {"Path": "/old/3.png", "Rating": 8}
    images[71] = {"Path": "/old/4.png", "Rating": 12}
    images[72], images[73] = {"Path": "/old/5.png", "Favorite": 1}, {"Path": "/older/5.png"}
    write_source(source, images)
    report = run_import(db, config, source, batch_size=10, maps=(("/old", "/ai"), ("/older", "/ai")))
    assert report.tables["Image"].refused == 4
    assert report.verification.is_good
    assert (
        fetch_one(db, "SELECT count(*) FROM image") == fetch_one(db, "SELECT count(*) FROM dtk_migrated_images()") == 96
    )
    assert fetch_one(db, "SELECT rating FROM image WHERE file_name = '3.png'") == 8
    assert fetch_one(db, "SELECT rating FROM image WHERE file_name = '4.png'") == 10
    assert fetch_one(db, "SELECT favorite FROM image WHERE file_name = '5.png'") is True
    with db.connection() as conn:
        refused = conn.execute("SELECT source_id FROM migration_note WHERE outcome = 'refused' ORDER BY 1").fetchall()
    assert refused == [(71,), (72,), (73,), (74,)]


#: Texts that a line of COPY could end, or be divided, by.
BREAKING = (
    "\\.", "a\n\\.\nb", "\n\\.\n", "a\r\nb", "\r", "',\n'", "\\N", "\\", "NULL", "\U0010fffe", "x\U0010fffe00", "\t",
    "%s", "'||'", "\u2028",
)  # fmt: skip


def test_texts_that_could_break_a_line_come_over_both_ways(db: Database, config: Config, tmp_path: Path) -> None:
    source = tmp_path / "breaking.db"
    columns = ("Prompt", "NegativePrompt", "Sampler", "Model", "CustomTags", "HyperNetwork", "Hash", "Workflow")
    images = [{"Path": f"D:\\{c}{n}.png", c: text} for c in columns for n, text in enumerate(BREAKING)]
    images += [{"Path": f"/{n}{text}/{n}{text}.png"} for n, text in enumerate(BREAKING)]
    write_source(source, images)
    assert run_import(db, config, source, batch_size=7).verification.is_good
    with db.connection() as conn:
        expected = content(conn)
        conn.execute("TRUNCATE image, folder, prompt, migration, album, tag, saved_query RESTART IDENTITY CASCADE")
        conn.execute("CREATE VIEW numbers AS SELECT id FROM image")
    assert run_import(db, config, source).verification.is_good
    with db.connection() as conn:
        assert content(conn) == expected


def test_workflows_come_whole_and_are_compressed_when_they_are_read_again(
    db: Database, config: Config, tmp_path: Path
) -> None:
    source = tmp_path / "workflows.db"
    workflow = '{"3": {"class_type": "KSampler", "inputs": {"text": "' + "a fox, " * 3000 + '"}}}'
    write_source(source, [{"Path": f"/ai/{n}.png", "Workflow": workflow} for n in range(4)])
    stored = """
        SELECT attrelid::regclass::text, attname, attstorage, attcompression, attnotnull, atthasdef, attgenerated
          FROM pg_attribute WHERE attrelid = ANY (%s::regclass[]) AND attnum > 0 AND NOT attisdropped ORDER BY 1, 2"""
    with db.connection() as conn:
        before = conn.execute(stored, (list(staging.TABLES),)).fetchall()
    assert run_import(db, config, source).verification.is_good
    with db.connection() as conn:
        assert conn.execute(stored, (list(staging.TABLES),)).fetchall() == before
        assert conn.execute("SELECT DISTINCT chunks::json -> 0 ->> 2 FROM image_raw").fetchall() == [(workflow,)]
        conn.execute("UPDATE image_raw SET chunks = chunks || ' '")
        assert conn.execute("SELECT max(pg_column_size(chunks)) < 10000 FROM image_raw").fetchone() == (True,)


@pytest.mark.parametrize("declaration", ["varchar", "bigint PRIMARY KEY"])
def test_members_of_albums_are_found_by_ids_that_are_no_rowids(
    db: Database, config: Config, tmp_path: Path, declaration: str
) -> None:
    source = tmp_path / "other.db"
    write_source(source, [{"Path": f"/ai/{n}.png"} for n in range(1, 9)])
    rebuild_image_table(source, declaration)
    assert run_import(db, config, source).verification.is_good
    assert fetch_one(db, "SELECT count(*) FROM image") == 8
    assert fetch_one(db, "SELECT file_name FROM album_image JOIN image ON image.id = image_id") == "3.png"
    with db.connection() as conn:
        behind = "SELECT nextval(pg_get_serial_sequence('image', 'id')::regclass) > max(id) FROM image"
        assert conn.execute(behind).fetchone() == (True,)


def test_a_schema_of_that_name_that_somebody_else_made_is_said_and_stays(
    db: Database, config: Config, tmp_path: Path
) -> None:
    source = tmp_path / "mine.db"
    write_source(source, [{"Path": f"/ai/{n}.png"} for n in range(9)])
    with db.connection() as conn:
        conn.execute("CREATE SCHEMA migration_beside")
        conn.execute("CREATE TABLE migration_beside.mine AS SELECT 1 AS number")
    try:
        with pytest.raises(DtkError, match="that this program did not make") as caught:
            run_import(db, config, source)
        assert "RENAME" in caught.value.detail
        assert fetch_one(db, "SELECT number FROM migration_beside.mine") == 1
        with db.connection() as conn:
            conn.execute("ALTER SCHEMA migration_beside RENAME TO elsewhere")
        assert run_import(db, config, source).tables["Image"].written == 9
    finally:
        with db.connection() as conn:
            conn.execute("DROP SCHEMA IF EXISTS migration_beside, elsewhere CASCADE")

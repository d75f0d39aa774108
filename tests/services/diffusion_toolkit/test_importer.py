"""A Diffusion Toolkit library comes over whole: every row is there, repaired with a note, or refused with a reason."""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dtk_tui.config import Config
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.search import search
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from dtk_tui.store.library import images
from dtk_tui.store.text_codec import from_db
from tests.helpers.imports.runs import ZONE, Make, fetch_one, rows, run_import

TICKS_0 = dt.datetime(1, 1, 1)


def local(ticks: int) -> dt.datetime:
    """Return the instant of local ticks, worked out by Python's own zone rules."""
    naive = TICKS_0 + dt.timedelta(microseconds=ticks // 10)
    return naive.replace(tzinfo=ZoneInfo(ZONE)).astimezone(dt.UTC)


@pytest.mark.parametrize("schema", ["current", "upgraded", "v1.8", "v1.0"])
@pytest.mark.parametrize("seed", [3, 11])
def test_every_row_of_every_schema_age_is_accounted_for(
    db: Database, config: Config, make: Make, schema: str, seed: int
) -> None:
    source, summary = make("--schema", schema, "--n", "300", "--seed", str(seed))
    report = run_import(db, config, source)
    for table, count in report.tables.items():
        assert count.read == summary["tables"][table]["rows"], table
        assert count.read == count.written + count.refused, table
    assert set(report.tables) == set(summary["tables"])
    assert report.verification.is_good
    assert report.verification.compared > 290
    assert report.tables["AlbumImage"].written == summary["counts"]["valid_album_links"]
    with db.connection() as conn:
        held = conn.execute("SELECT source_id FROM dtk_migrated_images()").fetchall()
        noted = conn.execute("SELECT source_id, reason FROM migration_note WHERE outcome = 'refused'").fetchall()
        assert conn.execute("SELECT count(*) FROM album_image").fetchone() == (report.tables["AlbumImage"].written,)
    everything = {number for (number,) in rows(source, "SELECT Id FROM Image")}
    assert everything - {number for (number,) in held} <= {number for number, _ in noted}
    assert all(reason for _, reason in noted)


def test_clean_rows_arrive_exactly(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "400", "--seed", "5", "--no-nasty")
    run_import(db, config, source)
    columns = (
        "Path, Prompt, NegativePrompt, Steps, Sampler, CFGScale, Seed, Width, Height, Model, ModelHash, Rating, "
        "Favorite, NSFW, ForDeletion, Unavailable, AestheticScore, FileSize, CreatedDate, ModifiedDate, ViewedDate"
    )
    expected = {row[0]: row[1:] for row in rows(source, f"SELECT {columns} FROM Image")}
    sql = """
        SELECT f.path, i.file_name, p.text, n.text, steps, sampler, cfg_scale, seed::bigint, width, height, model,
               model_hash, rating, favorite::int, nsfw::int, for_deletion::int, i.unavailable::int, aesthetic_score,
               file_size, created_at, mtime_ns, viewed_at
          FROM image i JOIN folder f ON f.id = folder_id LEFT JOIN prompt p ON p.id = prompt_id
          LEFT JOIN prompt n ON n.id = negative_prompt_id"""
    with db.connection() as conn:
        found = conn.execute(sql).fetchall()
    assert len(found) == len(expected) == 400
    for folder, name, *values, created, mtime_ns, viewed in found:
        *plain, created_ticks, modified_ticks, viewed_ticks = expected[images.join_path(folder, name)]
        assert values == plain
        assert created == local(created_ticks)
        assert viewed == (None if viewed_ticks is None else local(viewed_ticks))
        modified = local(modified_ticks)
        whole = int((modified - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(microseconds=1))
        assert mtime_ns == whole * 1000 + modified_ticks % 10 * 100


def test_hostile_texts_arrive_byte_for_byte(db: Database, config: Config, make: Make) -> None:
    source, summary = make("--n", "20")
    run_import(db, config, source)
    wanted = {"nul_in_prompt", "lone_surrogate", "invalid_utf8", "huge_prompt", "bom_crlf", "emoji_cjk", "blob_binary"}
    ids = {row["case"]: row["id"] for row in summary["nasty_rows"] if row["case"] in wanted}
    assert set(ids) == wanted
    for number in ids.values():
        expected = rows(source, f"SELECT CAST(Prompt AS BLOB) FROM Image WHERE Id = {number}")[0][0]
        text = fetch_one(
            db,
            "SELECT text FROM prompt JOIN image ON prompt_id = prompt.id"
            " JOIN dtk_migrated_images() ON image_id = image.id WHERE source_id = %s",
            number,
        )
        assert from_db(text).encode("utf-8", "surrogateescape") == expected


def test_paths_keep_their_form_and_folders_are_completed(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "20")
    run_import(db, config, source)
    with db.connection() as conn:
        for path in (
            "\\\\NAS-01\\share\\ai images\\sub dir\\x.png",
            "/home/user/sd/out/1.png",
            "D:\\AI\\outputs\\nasty\\odd name. ",
            "D:\\AI\\outputs\\nasty\\Case\\IMG_1.png",
            "d:\\ai\\outputs\\nasty\\case\\img_1.PNG",
            "Q:\\nowhere\\a.png",
        ):
            number = images.find(conn, path)
            assert number is not None, path
            assert images.path_of(conn, number) == path
        lonely = conn.execute("SELECT count(*) FROM folder WHERE parent_id IS NULL AND path LIKE 'D:%'").fetchone()
    assert lonely == (1,)


def test_a_file_and_a_folder_whose_names_are_no_text(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "20")
    conn = sqlite3.connect(source)
    conn.execute("UPDATE Image SET Path = CAST(? AS TEXT) WHERE Id = 3", (b"/srv/\xfd/odd.png",))
    conn.commit()
    conn.close()
    odd = source.with_name(os.fsdecode(b"odd \xff.db"))
    source.rename(odd)
    target = os.fsdecode(b"/mnt/\xfe")
    report = run_import(db, config, odd, maps=(("D:\\AI", target),))
    assert report.verification.is_good
    assert run_import(db, config, odd, resume=True).tables == report.tables
    with db.connection() as pg:
        assert images.find(pg, f"{target}/outputs/mixed/sep.png")
        assert images.find(pg, os.fsdecode(b"/srv/\xfd/odd.png"))


def test_prefixes_are_mapped_whatever_their_case_and_the_longest_wins(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "60")
    maps = (("d:/ai", "/mnt/ai"), ("D:\\AI\\outputs\\nasty\\", "/mnt/odd"), ("\\\\nas-01\\share", "/nas"))
    report = run_import(db, config, source, maps=maps)
    assert report.verification.is_good
    with db.connection() as conn:
        assert images.find(conn, "/mnt/odd/ct.png")
        assert images.find(conn, "/mnt/ai/outputs/mixed/sep.png")
        assert images.find(conn, "/nas/ai images/sub dir/x.png")
        left = conn.execute("SELECT count(*) FROM folder WHERE lower(path) LIKE 'd:%'").fetchone()
        parent = conn.execute(
            "SELECT p.path FROM folder f JOIN folder p ON p.id = f.parent_id WHERE f.path = '/mnt/ai/outputs/mixed'"
        ).fetchone()
    assert left == (0,)
    assert parent == ("/mnt/ai/outputs",)


@pytest.mark.parametrize("schema", ["current", "v1.0"])
@pytest.mark.parametrize("corruption", ["page", "truncated"])
def test_a_damaged_file_gives_what_it_still_holds(
    db: Database, config: Config, make: Make, corruption: str, schema: str
) -> None:
    source, summary = make("--schema", schema, "--n", "2000", "--corrupt", corruption)
    report = run_import(db, config, source)
    count = report.tables["Image"]
    assert count.read == summary["tables"]["Image"]["rows"]
    assert count.read == count.written + count.refused
    assert count.written >= summary["images_readable_by_id"] - 1  # one row has no path
    assert report.verification.is_good
    assert any("damaged" in reason for _, _, reason in report.reasons)
    lines = [json.loads(text) for text in Path(report.notes_file or "").read_text().splitlines()]
    assert sum(1 for row in lines if row["table"] == "Image" and row["outcome"] == "refused") >= count.refused


def test_a_hot_log_is_read_and_nothing_is_written_beside_it(db: Database, config: Config, make: Make) -> None:
    source, summary = make("--n", "200", "--wal", "hot")
    before = {file.name: file.read_bytes() for file in source.parent.iterdir() if file.is_file()}
    report = run_import(db, config, source)
    assert report.tables["Image"].read == summary["tables"]["Image"]["rows"]
    assert before == {file.name: file.read_bytes() for file in source.parent.iterdir() if file.is_file()}


def test_a_source_that_is_none_says_so(db: Database, config: Config, make: Make, tmp_path: Path) -> None:
    broken, _ = make("--corrupt", "notadb")
    with pytest.raises(DtkError, match="not a SQLite database"):
        run_import(db, config, broken)
    with pytest.raises(DtkError, match="no file"):
        run_import(db, config, tmp_path / "missing.db")
    other = tmp_path / "other.db"
    conn = sqlite3.connect(other)
    conn.execute("CREATE TABLE x (y)")
    conn.close()
    with pytest.raises(DtkError, match="no database of Diffusion Toolkit"):
        run_import(db, config, other)


def test_a_locked_source_is_reported(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--schema", "v1.0", "--n", "20")
    code = f"""
import sqlite3, sys
conn = sqlite3.connect({str(source)!r}, isolation_level=None)
conn.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"locked\n"
        with pytest.raises(DtkError, match="locked"):
            run_import(db, config, source)
        assert holder.stdin is not None
        holder.stdin.close()
    assert run_import(db, config, source).tables["Image"].written


def test_a_source_that_may_not_be_written_is_read(db: Database, config: Config, make: Make) -> None:
    source, summary = make("--n", "20")
    source.chmod(0o444)
    source.parent.chmod(0o555)
    try:
        assert run_import(db, config, source).tables["Image"].read == summary["tables"]["Image"]["rows"]
    finally:
        source.parent.chmod(0o755)


def test_a_dry_run_counts_and_writes_nothing(db: Database, config: Config, make: Make) -> None:
    source, summary = make("--n", "50")
    report = run_import(db, config, source, dry_run=True)
    assert report.tables["Image"].read == summary["tables"]["Image"]["rows"]
    assert report.tables["Image"].refused == 1
    assert fetch_one(db, "SELECT (SELECT count(*) FROM image) + (SELECT count(*) FROM folder)") == 0
    assert fetch_one(db, "SELECT to_regclass('migration_stage_image') IS NULL")
    assert fetch_one(db, "SELECT count(*) FROM pg_indexes WHERE tablename = 'image'") >= 8


def test_blank_prompts_of_files_without_metadata_make_no_group(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "30", "--no-nasty")
    conn = sqlite3.connect(source)
    conn.execute("UPDATE Image SET Prompt = char(10), NegativePrompt = NULL, Steps = 0, Seed = 0, Sampler = NULL, "
                 "Workflow = NULL WHERE Id < 6")  # fmt: skip
    conn.commit()
    conn.close()
    report = run_import(db, config, source)
    assert sum(n for (_, _, reason), n in report.reasons.items() if "blank" in reason) == 5
    assert fetch_one(db, "SELECT count(*) FROM image WHERE prompt_id IS NULL AND is_embedding_representative") == 5


def test_comfyui_parameters_are_derived_where_the_prompt_is_missing(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "30", "--no-nasty")
    graph = {
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 18446744073709551615, "steps": 23, "cfg": 6.5, "sampler_name": "euler", "scheduler": "karras",
                "denoise": 1, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
            },
        },
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dream.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lighthouse", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "fog", "clip": ["4", 1]}},
    }  # fmt: skip
    conn = sqlite3.connect(source)
    conn.execute(
        "UPDATE Image SET Prompt = NULL, NegativePrompt = NULL, Steps = 0, CFGScale = 0, Seed = 0, Sampler = NULL,"
        " Model = NULL, Workflow = ? WHERE Id = 4",
        (json.dumps(graph),),
    )
    conn.commit()
    conn.close()
    run_import(db, config, source)
    found = fetch_one(
        db,
        "SELECT p.text, n.text, seed, steps, cfg_scale, sampler, scheduler, dialect FROM image"
        " JOIN prompt p ON p.id = prompt_id JOIN prompt n ON n.id = negative_prompt_id"
        " JOIN dtk_migrated_images() ON image_id = image.id WHERE source_id = 4",
    )
    assert found[:2] == ("a lighthouse", "fog")
    assert found[2:6] == (18446744073709551615, 23, 6.5, "euler")
    assert found[6] == "karras"


def test_an_unknown_zone_and_a_bad_policy_are_bad_usage(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "5")
    with pytest.raises(UsageError):
        run_import(db, config, source, zone="Mars/Olympus")
    with pytest.raises(UsageError):
        run_import(db, config, source, policy="guess")


@pytest.mark.parametrize(("policy", "rating"), [("keep", 2), ("take", 9), ("newest", 9)])
def test_what_the_library_has_already_is_merged_by_policy(
    db: Database, config: Config, make: Make, policy: str, rating: int
) -> None:
    source, _ = make("--n", "40", "--no-nasty")
    run_import(db, config, source)
    conn = sqlite3.connect(source)
    conn.execute("UPDATE Image SET Rating = 9, TouchedDate = 640000000000000000 WHERE Id IN (1, 2)")
    conn.commit()
    conn.close()
    with db.connection() as pg:
        pg.execute("UPDATE image SET rating = NULL")
        pg.execute(
            "UPDATE image SET rating = 2 WHERE id IN (SELECT image_id FROM dtk_migrated_images() WHERE source_id = 1)"
        )
    report = run_import(db, config, source, policy=policy)
    assert report.merged == 40
    assert report.verification.is_good
    assert fetch_one(db, "SELECT count(*) FROM image") == 40
    sql = "SELECT rating FROM image JOIN dtk_migrated_images() ON image_id = image.id WHERE source_id = %s LIMIT 1"
    assert fetch_one(db, sql, 1) == rating
    assert fetch_one(db, sql, 2) == 9


def test_a_later_scan_keeps_ratings_tags_and_albums(
    db: Database, config: Config, make: Make, tmp_path: Path, sample_images: Path
) -> None:
    source, _ = make("--n", "30", "--no-nasty")
    folder = tmp_path / "pictures"
    folder.mkdir()
    sample = next(file for file in sorted(sample_images.rglob("*.png")))
    (folder / "one.png").write_bytes(sample.read_bytes())
    conn = sqlite3.connect(source)
    conn.execute("UPDATE Image SET Path = ?, FileName = 'one.png', Rating = 8, Favorite = 1, CustomTags = 'mine' "
                 "WHERE Id = 7", ("D:\\AI\\pictures\\one.png",))  # fmt: skip
    conn.execute("INSERT OR IGNORE INTO AlbumImage VALUES (1, 7)")
    conn.execute("INSERT OR IGNORE INTO ImageTag VALUES (7, 1)")
    conn.commit()
    conn.close()
    run_import(db, config, source, maps=(("D:\\AI", str(tmp_path)),))
    with db.connection() as pg:
        number = images.find(pg, str(folder / "one.png"))
    scan(db, config, [str(folder)])
    found = fetch_one(
        db, "SELECT rating, favorite, custom_tags, fingerprint IS NOT NULL FROM image WHERE id = %s", number
    )
    assert found == (8, True, "mine", True)
    assert (
        fetch_one(db, "SELECT count(*) FROM image_tag WHERE image_id = %s AND source = 'diffusion-toolkit'", number)
        >= 1
    )
    assert fetch_one(db, "SELECT count(*) FROM album_image WHERE image_id = %s", number) >= 1
    album = rows(source, "SELECT Name FROM Album WHERE Id = 1")[0][0]
    with db.connection() as pg:
        detail = images.detail(pg, number or 0)
    assert detail is not None and album in detail.albums
    assert number in {hit.image_id for hit in search(db, config, f'album:"{album}" in_album:true')}


def test_a_scan_of_the_same_file_keeps_its_date(db: Database, config: Config, make: Make, tmp_path: Path) -> None:
    source, _ = make("--n", "30", "--no-nasty")
    folder = tmp_path / "pictures"
    folder.mkdir()
    file = folder / "one.png"
    file.write_bytes(b"x" * 4321)
    ticks = 638400123456789010
    microseconds = (local(ticks) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    os.utime(file, ns=(0, microseconds * 1000 + ticks % 10 * 100))
    conn = sqlite3.connect(source)
    conn.execute("UPDATE Image SET Path = ?, FileName = 'one.png', ModifiedDate = ?, FileSize = 4321 WHERE Id = 7",
                 (str(file), ticks))  # fmt: skip
    conn.commit()
    conn.close()
    run_import(db, config, source)
    sql = "SELECT file_size, mtime_ns, created_at FROM image WHERE file_name = 'one.png'"
    before = fetch_one(db, sql)
    assert before[:2] == (4321, file.stat().st_mtime_ns)
    assert scan(db, config, [str(folder)])["added"] == 0
    assert fetch_one(db, sql) == before

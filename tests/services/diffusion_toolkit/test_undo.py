"""A migration is taken back: what it brought goes, what people touched stays, and what was computed is not lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.organise import Mark, MarkEdit
from dtk_tui.errors import DtkError
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.diffusion_toolkit import schema
from dtk_tui.services.diffusion_toolkit.undo import undo
from dtk_tui.services.library import journal
from dtk_tui.services.library.organise import marks
from dtk_tui.services.library.organise.tags import TAGS
from dtk_tui.store.database import Database
from tests.helpers.imports.content import content
from tests.helpers.imports.runs import Make, fetch_one, run_import


def test_an_undo_removes_what_came_and_keeps_what_was_touched(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "60")
    with db.connection() as conn:
        before = content(conn)
    report = run_import(db, config, source)
    with db.connection() as conn:
        conn.execute(
            "UPDATE image SET rating = 7 WHERE id IN (SELECT image_id FROM dtk_migrated_images() WHERE source_id = 3)"
        )
        captioned = conn.execute("SELECT image_id FROM dtk_migrated_images() WHERE source_id = 4").fetchone()
        assert captioned is not None
        captions.set_text(conn, captioned[0], "mine")
    counts = undo(db)
    assert counts == {"removed": report.tables["Image"].written - 2, "kept": 2, "restored": 0}
    assert fetch_one(db, "SELECT max(rating) FROM image") == 7
    with db.connection() as conn:
        # What the migration knew of the image that stays is kept, and nothing else.
        recorded = conn.execute("SELECT source_id, marks, is_new FROM dtk_migrated_images()").fetchall()
        assert sorted((number, is_new) for number, _, is_new in recorded) == [(3, True), (4, True)]
        assert conn.execute("SELECT count(*) FROM migrated_batch").fetchone() == (0,)
        conn.execute("DELETE FROM image")
    run_import(db, config, source)
    undo(db)
    with db.connection() as conn:
        after = content(conn)
        assert conn.execute("SELECT count(*) FROM prompt").fetchone() == (0,) or after["image"] == before["image"]
    assert after["image"] == before["image"] == []
    assert after["album"] == before["album"]
    with pytest.raises(DtkError, match="no migration"):
        undo(db)


def test_what_was_edited_since_is_touched_whatever_it_ended_as(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "12", "--no-nasty")
    run_import(db, config, source)
    with db.connection() as conn:
        rows = conn.execute("SELECT id, rating FROM image ORDER BY id LIMIT 3").fetchall()
    (rated, rating), (taken_back, _), (tagged, _) = rows
    for value in (0, rating):
        marks.apply(db, [rated], MarkEdit(Mark.RATING, value))
    journal.undo(db, marks.apply(db, [taken_back], MarkEdit(Mark.RATING, 0)).journal or 0)
    TAGS.add(db, [tagged], ["x"])
    TAGS.remove(db, [tagged], "x")
    assert undo(db)["kept"] == 2
    with db.connection() as conn:
        assert conn.execute("SELECT id, rating FROM image ORDER BY id").fetchall() == [rows[0], rows[2]]


def test_an_undo_gives_merged_images_back_what_they_said(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "40", "--no-nasty")
    run_import(db, config, source)
    conn = sqlite3.connect(source)
    conn.execute("UPDATE Image SET Rating = 9 WHERE Id = 1")
    conn.commit()
    conn.close()
    with db.connection() as pg:
        pg.execute(
            "UPDATE image SET rating = 2 WHERE id IN (SELECT image_id FROM dtk_migrated_images() WHERE source_id = 1)"
        )
    run_import(db, config, source, policy="take")
    assert undo(db) == {"removed": 0, "kept": 0, "restored": 40}
    assert (
        fetch_one(db, "SELECT rating FROM image JOIN dtk_migrated_images() ON image_id = image.id WHERE source_id = 1")
        == 2
    )

    with db.connection() as pg:
        pg.execute(
            "UPDATE image SET rating = 1 WHERE id IN (SELECT image_id FROM dtk_migrated_images() WHERE source_id = 1)"
        )
    # The first migration's images go too, but for those that were rated here.
    counts = undo(db)
    assert counts["removed"] + counts["kept"] == 40
    assert counts["kept"] == 1


WORKFLOW = '{"3": {"class_type": "KSampler", "inputs": {}}}'


def one_image(path: Path, **values: Any) -> Path:
    """Write a database of Diffusion Toolkit with one image, and a node of it."""
    conn = sqlite3.connect(path)
    for statement in schema.TABLES:
        conn.execute(statement)
    given = {"Path": "D:\\AI\\a.png", "CreatedDate": 638085024001234567, "FileSize": 5, "Prompt": "a fox", **values}
    marks = ", ".join("?" * len(given))
    conn.execute(f"INSERT INTO Image ({', '.join(given)}) VALUES ({marks})", list(given.values()))
    conn.execute("INSERT INTO Node (ImageId, NodeId, Name) VALUES (1, '3', 'KSampler')")
    conn.commit()
    conn.close()
    return path


def in_the_library(db: Database) -> None:
    with db.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('D:\\AI', 'AI')")
        conn.execute(
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, viewed_at)"
            " SELECT id, 'a.png', 1, 1, now(), '2001-01-01' FROM folder"
        )


def test_an_undo_takes_all_back_that_an_image_was_given(db: Database, config: Config, tmp_path: Path) -> None:
    in_the_library(db)
    with db.connection() as conn:
        before = content(conn)
    source = one_image(
        tmp_path / "source.db", Rating=7, Favorite=1, NSFW=1, CustomTags="tags", AestheticScore=5.5, HyperNetwork="net",
        HyperNetworkStrength=0.5, ViewedDate=638085024001234567, TouchedDate=638085024001234567, Workflow=WORKFLOW,
    )  # fmt: skip
    report = run_import(db, config, source)
    assert report.merged == 1
    assert fetch_one(db, "SELECT rating, aesthetic_score, hypernetwork, has_workflow FROM image") == (
        7,
        5.5,
        "net",
        True,
    )
    assert fetch_one(db, "SELECT count(*) FROM node") == fetch_one(db, "SELECT count(*) FROM image_raw") == 1
    undo(db)
    with db.connection() as conn:
        assert content(conn) == before


def test_an_undo_leaves_what_was_changed_since(db: Database, config: Config, tmp_path: Path) -> None:
    in_the_library(db)
    run_import(
        db, config, one_image(tmp_path / "source.db", Rating=7, CustomTags="theirs", ViewedDate=638085024001234567)
    )
    with db.connection() as conn:
        conn.execute("UPDATE image SET custom_tags = 'mine', viewed_at = '2025-05-05'")
        conn.execute('UPDATE image_raw SET chunks = \'[["png","prompt","{}"]]\'')
    assert undo(db)["restored"] == 0
    assert fetch_one(db, "SELECT rating, custom_tags, viewed_at::date::text FROM image") == (None, "mine", "2025-05-05")


def test_what_a_person_took_away_does_not_come_again(db: Database, config: Config, tmp_path: Path) -> None:
    given = {"Rating": 7, "Favorite": 1, "NSFW": 1, "ForDeletion": 1, "CustomTags": "theirs"}
    source = one_image(tmp_path / "source.db", **given)
    run_import(db, config, source)
    marks = "SELECT rating, favorite, nsfw, for_deletion, custom_tags FROM image"
    with db.connection() as conn:
        conn.execute(
            "UPDATE image SET rating = NULL, favorite = false, nsfw = false, for_deletion = false, custom_tags = NULL"
        )
    run_import(db, config, source)
    assert fetch_one(db, marks) == (None, False, False, False, None)
    # What was set anew in Diffusion Toolkit is news.
    conn = sqlite3.connect(source)
    conn.execute("UPDATE Image SET Rating = 8, CustomTags = 'new'")
    conn.commit()
    conn.close()
    run_import(db, config, source)
    assert fetch_one(db, marks) == (8, False, False, False, "new")
    run_import(db, config, source, policy="take")
    assert fetch_one(db, marks) == (8, True, True, True, "new")


def test_a_flag_of_which_the_source_says_nothing_stays(db: Database, config: Config, tmp_path: Path) -> None:
    in_the_library(db)
    with db.connection() as conn:
        conn.execute("UPDATE image SET favorite = true, nsfw = true, for_deletion = true")
    run_import(db, config, one_image(tmp_path / "source.db", NSFW=0, Favorite=None), policy="take")
    assert fetch_one(db, "SELECT favorite, nsfw, for_deletion FROM image") == (True, False, True)


def test_what_was_not_known_before_still_comes(db: Database, config: Config, tmp_path: Path) -> None:
    run_import(db, config, one_image(tmp_path / "first.db", NSFW=1))
    run_import(db, config, one_image(tmp_path / "second.db", Rating=7, Favorite=1, NSFW=0, CustomTags="new"))
    assert fetch_one(db, "SELECT rating, favorite, nsfw, custom_tags FROM image") == (7, True, True, "new")


def test_an_undo_leaves_vectors_to_the_members_that_stay(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "30", "--no-nasty")
    conn = sqlite3.connect(source)
    conn.execute("UPDATE Image SET Prompt = 'one', NegativePrompt = NULL, Steps = 20, Seed = 5, Sampler = 'x', "
                 "CFGScale = 7, Model = 'm', ModelHash = 'h', FileSize = 90 - Id, Width = 600 - Id "
                 "WHERE Id < 4")  # fmt: skip
    conn.commit()
    conn.close()
    run_import(db, config, source)
    with db.connection() as pg:
        ids = dict(pg.execute("SELECT source_id, image_id FROM dtk_migrated_images() WHERE source_id < 5").fetchall())
        row = pg.execute("SELECT dtk_embedding_space('looks', 'image', 'looks', repeat('0', 64), 2)").fetchone()
        assert row is not None
        for number, vector in ((ids[1], "[1,2]"), (ids[4], "[3,4]")):
            pg.execute("INSERT INTO image_vector VALUES (%s, %s, %s)", (row[0], number, vector))
        pg.execute("UPDATE image SET rating = 7 WHERE id = %s", (ids[3],))
    assert undo(db)["kept"] == 1
    with db.connection() as pg:
        assert pg.execute("SELECT image_id, vec::text FROM image_vector").fetchall() == [(ids[3], "[1,2]")]
        assert pg.execute("SELECT image_id FROM job WHERE kind = 2").fetchall() == [(ids[3],)]
    assert fetch_one(db, "SELECT is_embedding_representative FROM image WHERE id = %s", ids[3])

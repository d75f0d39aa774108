"""Thresholds changed for a whole library: counted before, made anew some images at a time, stopped and gone on with."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dtk_tui.domain.thresholds import Derivation, TagChange, TaggerThresholds
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library import thresholds
from dtk_tui.services.library.edits import EditStoppedError
from dtk_tui.services.library.thresholds import DerivationStoppedError
from dtk_tui.store.database import Database
from dtk_tui.store.library.tagging import derive
from dtk_tui.store.library.tagging import thresholds as store
from dtk_tui.store.queue import results
from tests.helpers.running_worker import one_value
from tests.helpers.tag_scores import WD, add_images, give_scores, tags


@pytest.fixture
def of(db: Database) -> TaggerThresholds:
    """Four images that were tagged, one of them by a person as well."""
    with db.connection() as conn:
        add_images(conn, 4)
    give_scores(db)
    with db.connection() as conn:
        fox = "INSERT INTO image_tag (image_id, tag_id, source) SELECT 3, id, 'user' FROM tag WHERE name = 'fox'"
        conn.execute(fox)
    return thresholds.find_tagger(db, "wd-vit")


def _held(db: Database) -> set[tuple[int, str]]:
    return {(image, name) for image, name, _, _ in tags(db, WD)}


RATINGS = {(1, "general/rating"), (2, "explicit/rating"), (3, "general/rating"), (4, "general/rating")}
BEFORE = RATINGS | {
    (1, "fox/general"), (1, "snow/general"), (2, "fox/general"), (3, "miku/character"), (4, "snow/general"),
}  # fmt: skip


def test_the_manifests_thresholds_hold_at_first_and_of_ratings_the_best(db: Database, of: TaggerThresholds) -> None:
    assert {(one.category, round(one.threshold, 4), one.is_exclusive) for one in of.thresholds} == {
        ("general", 0.2614, False),
        ("character", 0.85, False),
        ("rating", 0.05, True),
    }
    assert (of.tagger, of.images, of.unfinished) == (WD, 4, None)
    assert _held(db) == BEFORE, "the first of two best ratings holds, and a score that is the threshold does"


def test_other_thresholds_change_what_was_counted_and_nothing_of_a_person(db: Database, of: TaggerThresholds) -> None:
    wanted = {"general": 0.4, "character": 0.8}
    expected = TagChange(added=1, removed=2, images=2)
    assert thresholds.preview(db, of, wanted) == expected
    assert _held(db) == BEFORE, "a count changes nothing"
    assert thresholds.apply(db, of, wanted) == expected
    assert _held(db) == BEFORE - {(1, "snow/general"), (2, "fox/general")} | {(2, "miku/character")}
    assert tags(db, "user") == {(3, "fox/general", "user", None)}
    assert thresholds.apply(db, of, {"general": 0.2614, "character": 0.85}) == TagChange(2, 1, 2)
    assert _held(db) == BEFORE, "set back, all is as it was"


def test_an_exclusive_category_stays_so(db: Database, of: TaggerThresholds) -> None:
    assert thresholds.apply(db, of, {"rating": 0.9}) == TagChange()
    assert _held(db) == BEFORE


@pytest.mark.parametrize(
    ("tagger", "wanted", "said"),
    [
        ("wd", {"artist": 0.4}, r"no category artist\. Its categories: character, general, rating\."),
        ("wd", {"general": 0.01}, r"0\.01 is no threshold for general of wd-vit.* Raw scores are kept from 0\.05"),
        ("wd", {"general": 1.01}, "1.01 is no threshold"),
        ("wd", {"general": float("nan")}, "nan is no threshold"),
        ("joytag", {}, "No tagger joytag has said anything yet. Known: wd-vit-tagger-v3."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_what_can(
    db: Database, of: TaggerThresholds, tagger: str, wanted: dict[str, float], said: str
) -> None:
    for act in (thresholds.preview, thresholds.apply):
        with pytest.raises(UsageError, match=said):
            act(db, thresholds.find_tagger(db, tagger), wanted)
    assert _held(db) == BEFORE and thresholds.find_tagger(db, "wd") == of


def test_two_taggers_that_begin_alike_are_told_apart(db: Database, of: TaggerThresholds) -> None:
    give_scores(db, tagger="wd-swinv2-tagger-v3")
    with pytest.raises(UsageError, match=r"Several taggers begin with wd\. Known: wd-swinv2-tagger-v3, wd-vit"):
        thresholds.find_tagger(db, "wd")
    thresholds.apply(db, of, {"general": 1.0})
    assert {name for _, name, source, _ in tags(db) if source == "wd-swinv2-tagger-v3"} >= {"fox/general"}


def test_it_can_be_stopped_and_goes_on(db: Database, of: TaggerThresholds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derive, "SOME", 1)
    stop = threading.Event()
    told: list[tuple[int, int]] = []

    def follow(done: int, total: int) -> None:
        told.append((done, total))
        if done == 1:
            stop.set()

    with pytest.raises(DerivationStoppedError, match=r"1 of 4 images .*dtk tags threshold --tagger wd-vit-tagger-v3"):
        thresholds.apply(db, of, {"general": 0.4}, follow, stop)
    assert told == [(0, 4), (1, 4)]
    assert _held(db) == BEFORE - {(1, "snow/general")}, "the second image has its tags by the threshold of before"
    (found,) = thresholds.listed(db)
    assert found.unfinished == Derivation(1, TagChange(0, 1, 1)), "and that is told"
    del told[:]
    stop.clear()
    assert thresholds.apply(db, found, {"general": 0.4}, follow) == TagChange(0, 2, 2)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)], "it goes on where it stood"
    assert _held(db) == BEFORE - {(1, "snow/general"), (2, "fox/general")}
    assert thresholds.find_tagger(db, "wd").unfinished is None


def test_another_threshold_in_between_begins_anew(
    db: Database, of: TaggerThresholds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derive, "SOME", 1)
    with db.connection() as conn:
        store.begin(conn, WD, {"general": 0.4})
    with db.connection() as conn:
        derive.derive_some(conn, WD, [1])
    assert thresholds.apply(db, of, {"general": 0.2614}) == TagChange(1, 0, 1)
    assert _held(db) == BEFORE


def test_a_batch_is_done_with_the_note_of_it_or_not_at_all(
    db: Database, of: TaggerThresholds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derive, "SOME", 3)
    with monkeypatch.context() as broken:
        broken.setattr(derive, "_ADVANCE", "SELECT no_such_function(%s, %s, %s, %s, %s, %s)")
        with pytest.raises(DtkError):
            thresholds.apply(db, of, {"general": 0.4})
    assert _held(db) == BEFORE
    (found,) = thresholds.listed(db)
    assert found.unfinished == Derivation(0, TagChange())
    assert {one.category: round(one.threshold, 4) for one in found.thresholds}["general"] == 0.4
    assert thresholds.apply(db, found, {}) == TagChange(0, 2, 2)


def test_a_count_that_nobody_waits_for_ends(db: Database, of: TaggerThresholds) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(EditStoppedError):
        thresholds.preview(db, of, {"general": 0.4}, stop=stop)


def test_what_an_older_version_of_a_tagger_said_is_forgotten(db: Database, of: TaggerThresholds) -> None:
    give_scores(db, {1: (("cat", "general", 0.9),)}, sha256="newer")
    assert one_value(db, "SELECT count(*) FROM tag_prediction WHERE image_id = 1") == 1
    assert {name for image, name in _held(db) if image == 1} == {"cat/general"}
    assert thresholds.find_tagger(db, "wd").images == 4


def test_a_tagger_that_was_added_has_the_thresholds_of_its_entry(db: Database, tmp_path: Path) -> None:
    """Tags from before there were thresholds in the library, of a model that does not ship with the program."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.toml").write_text(_ENTRY, encoding="utf-8")
    with db.connection() as conn:
        add_images(conn, 1)
        number = results.tagger(conn, "mine", "x")
        (tag,) = results.tag_ids(conn, [("fox", "things")])
        results.save_tags(conn, number, "mine", [(1, [tag], [0.5], [True])])
    assert thresholds.find_tagger(db, "mine").thresholds == ()
    (found,) = thresholds.listed(db, tmp_path)
    assert [(one.category, round(one.threshold, 4), round(one.floor, 4)) for one in found.thresholds] == [
        ("things", 0.45, 0.1)
    ]
    assert thresholds.find_tagger(db, "mine", tmp_path) == found
    assert thresholds.apply(db, found, {"things": 0.6}) == TagChange(0, 1, 1)


_ENTRY = """
version = 1
[[model]]
name = "mine"
title = "A tagger of mine"
role = "tagger"
source = "local"
licence = "MIT"
session_file = "model.onnx"
files = [{ path = "model.onnx" }]
[model.image]
size = 64
layout = "nchw"
channels = "rgb"
fit = "squash"
filter = "bilinear"
[model.tags]
names = ["fox"]
category = "things"
keep = 0.1
threshold = 0.45
"""

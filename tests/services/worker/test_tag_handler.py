"""What a worker saves of the scores of several taggers, and that other thresholds come to the same as tagging again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import pytest
from msgspec import structs

from dtk_tui.config import Config
from dtk_tui.domain.job import ClaimedJob, Kind
from dtk_tui.domain.thresholds import TagChange, TagThreshold
from dtk_tui.errors import ModelError
from dtk_tui.inference.preprocessing import Picture
from dtk_tui.inference.tagger import Tagger
from dtk_tui.services.library import thresholds
from dtk_tui.services.worker.handlers import tag as tag_handler
from dtk_tui.services.worker.handlers.base import Resources
from dtk_tui.services.worker.handlers.tag import RegisteredTagger, TagHandler
from dtk_tui.settings import TagSettings
from dtk_tui.store.database import Database
from dtk_tui.store.library.tagging import thresholds as store
from dtk_tui.store.queue import results
from tests.helpers.architectures.families import TAGGERS, install
from tests.helpers.architectures.inputs import odd_pictures
from tests.helpers.counted_statements import counted_statements
from tests.helpers.tag_scores import add_images, give_scores, tags

IMAGES = 12


@pytest.fixture(scope="module")
def taggers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Tagger]]:
    """JoyTag and the WD taggers, tiny."""
    folder = tmp_path_factory.mktemp("taggers")
    opened = [Tagger(install(family, folder), folder, 1) for family in TAGGERS]
    yield opened
    for tagger in opened:
        tagger.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("odd")
    files = dict(list(odd_pictures().items())[:IMAGES])
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [str(folder / name) for name in files]


def _handler(db: Database, taggers: Sequence[Tagger]) -> TagHandler:
    with db.connection() as conn:
        return TagHandler([RegisteredTagger.register(conn, tagger, {}) for tagger in taggers])


def _tag(db: Database, handler: TagHandler, pictures: Sequence[str]) -> list[Any]:
    """Tag pictures as a worker does; return the scores."""
    loaded = [
        handler.take(ClaimedJob(n, Kind.TAG, n, 0, 0, path, None), Picture.open(path))
        for n, path in enumerate(pictures, 1)
    ]
    scores = handler.infer(loaded)
    with db.connection() as conn:
        handler.save(conn, list(enumerate(scores, 1)))
    return scores


def test_four_taggers_in_one_pass_say_what_each_says_alone(
    db: Database, taggers: list[Tagger], pictures: list[str]
) -> None:
    with db.connection() as conn:
        add_images(conn, IMAGES)
    handler = _handler(db, taggers)
    scores = _tag(db, handler, pictures)
    for place, tagger in enumerate(taggers):
        alone = tagger.infer(np.stack([tagger.load(path) for path in pictures]))
        assert np.abs(alone - np.stack([of_all[place] for of_all in scores])).max() <= 1e-4
    found = tags(db)
    assert {source for _, _, source, _ in found} == set(TAGGERS)
    ratings = [(image, source) for image, name, source, _ in found if name.endswith("/rating")]
    assert sorted(ratings) == sorted((n, family) for n in range(1, IMAGES + 1) for family in TAGGERS[1:]), (
        "one rating of each WD tagger, and none of JoyTag, which has no categories"
    )


def test_a_batch_is_saved_in_few_statements(db: Database) -> None:
    with db.connection() as conn:
        add_images(conn, 40)
        number = results.tagger(conn, "mine", "x")
        ids = results.tag_ids(conn, [(f"tag {n}", "general") for n in range(30)])
        sent = []
        for count in (2, 40):
            rows = [(n, ids, [0.5] * 30, [True] * 30) for n in range(1, count + 1)]
            with counted_statements(conn) as number_sent:
                results.save_tags(conn, number, "mine", rows)
            sent.append(number_sent())
    assert sent[0] == sent[1] <= 5


def test_scores_are_saved_with_the_image_that_they_are_of(db: Database) -> None:
    with db.connection() as conn:
        add_images(conn, 4)
        number = results.tagger(conn, "mine", "x")
        a, b, c = results.tag_ids(conn, [(name, "general") for name in "abc"])
        results.save_tags(conn, number, "mine", [(1, [a], [0.9], [True]), (2, [b], [0.9], [True])])
        rows = [(2, [], [], []), (1, [c, a, c], [0.5, 0.25, 0.75], [True, False, True]), (3, [b], [0.1], [False])]
        results.save_tags(conn, number, "mine", rows)
        raw = conn.execute("SELECT image_id, ids, scores FROM tag_prediction ORDER BY 1").fetchall()
    assert raw == [(1, [c, a, c], [0.5, 0.25, 0.75]), (2, [], []), (3, [b], [np.float32(0.1)])]
    assert tags(db) == {(1, "c/general", "mine", 0.75)}, "of two scores of one tag the last holds"


@pytest.mark.parametrize("family", TAGGERS)
def test_other_thresholds_come_to_the_same_as_tagging_again(
    db: Database, taggers: list[Tagger], pictures: list[str], family: str
) -> None:
    with db.connection() as conn:
        add_images(conn, IMAGES)
    tagger = taggers[TAGGERS.index(family)]
    handler = _handler(db, [tagger])
    scores = np.concatenate([of_all[0] for of_all in _tag(db, handler, pictures)])
    of = thresholds.find_tagger(db, family)
    names = [one.category for one in of.thresholds if not one.is_exclusive]
    for share in (0.3, 0.9, 0.5, 0.0):
        # A score itself is among the thresholds: it holds.
        limit = max(0.05, float(np.quantile(scores, share, method="nearest")))
        wanted = {name: limit if n == 0 else (limit + 1) / 2 for n, name in enumerate(names)}
        before = tags(db)
        counted = thresholds.preview(db, of, wanted)
        change = thresholds.apply(db, of, wanted)
        derived = tags(db)
        come, gone = derived - before, before - derived
        images = {row[0] for row in come | gone}
        assert counted == change == TagChange(len(come), len(gone), len(images))
        with db.connection() as conn:
            conn.execute("DELETE FROM image_tag")
            conn.execute("DELETE FROM tag_prediction")
        _tag(db, handler, pictures)
        assert tags(db) == derived


def test_what_is_saved_while_tags_are_made_anew_goes_by_the_new_thresholds(
    db: Database, taggers: list[Tagger], pictures: list[str]
) -> None:
    with db.connection() as conn:
        add_images(conn, IMAGES)
    handler = _handler(db, taggers[:1])
    with db.connection() as conn:
        store.begin(conn, TAGGERS[0], {"general": 1.0})
    _tag(db, handler, pictures)
    assert tags(db) == set()
    assert thresholds.apply(db, thresholds.find_tagger(db, TAGGERS[0]), {}) == TagChange()


def _registered(**members: Sequence[int]) -> RegisteredTagger:
    places = {name: np.array(list(of), dtype=np.int64) for name, of in members.items()}
    return RegisteredTagger(cast("Tagger", None), 1, np.arange(1000), places)


def test_what_is_kept_of_the_scores_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    use = _registered(rating=[0, 1], general=range(2, 1000))
    rules = {"rating": TagThreshold("rating", 0.0, 0.05, True), "general": TagThreshold("general", 0.4, 0.05, False)}
    scores = np.linspace(0, 1, 1000, dtype=np.float32)
    kept, holds = use.sorted_out(scores, rules)
    highest = range(1000 - tag_handler.MOST_KEPT, 1000)
    assert kept.tolist() == [1, *highest], "and the best rating, however low"
    assert holds.all()
    scores[2:] = 0.05
    scores[500] = 0.4
    scores[501] = np.nextafter(np.float32(0.4), np.float32(0))
    monkeypatch.setattr(tag_handler, "MOST_KEPT", 2000)
    kept, holds = use.sorted_out(scores, rules)
    assert len(kept) == 999 and kept[holds].tolist() == [1, 500]


def _with(config: Config, **tag_settings: Any) -> Config:
    return Config(config.paths, structs.replace(config.settings, tags=TagSettings(**tag_settings)))


def _open(db: Database, config: Config) -> TagHandler:
    handler = TagHandler.open(Resources(db, config, threads=1))
    handler.close()
    return handler


@pytest.mark.usefixtures("starter_models")
def test_the_config_is_for_new_taggers_and_what_it_asks_of_others_is_said(db: Database, config: Config) -> None:
    spec = tag_handler.require(config, "open-nsfw", "tagger")
    assert spec.tags is not None
    with db.connection() as conn:
        thresholds.adopt(conn, "new", spec.tags, ["general"], {"general": 0.7})
        add_images(conn, 1)
    give_scores(db, {1: (("fox", "general", 0.6),)}, tagger="joytag")
    with db.connection() as conn:
        assert round(store.in_force(conn, "new")["general"].threshold, 4) == 0.7
        rules = store.in_force(conn, "joytag")
        assert round(rules["general"].threshold, 4) == 0.4, "a library that was tagged before has the manifest's"
        assert tag_handler._notices(conn, "joytag", {"general": 0.4}) == []
        (notice,) = tag_handler._notices(conn, "joytag", {"general": 0.5})
        assert "asks for general from 0.5 on of joytag, and this library goes by 0.4." in notice.title
        assert notice.detail.endswith("dtk tags threshold --tagger joytag --general 0.5")
        store.begin(conn, "joytag", {"general": 0.5})
        (notice,) = tag_handler._notices(conn, "joytag", {"general": 0.5})
        assert notice.detail == "dtk tags threshold --tagger joytag goes on."
    assert _open(db, _with(config, thresholds={"open-nsfw": {"rating": 0.5}})).notices == ()
    for wrong, said in (({"general": 0.5}, "no category general"), ({"rating": 0.001}, "is no threshold for rating")):
        with pytest.raises(ModelError, match=rf"\[tags\] thresholds of config.toml: .*{said}"):
            _open(db, _with(config, thresholds={"open-nsfw": wrong}))


@pytest.mark.usefixtures("starter_models")
def test_images_are_flagged_by_the_rule_as_they_are_tagged(db: Database, config: Config) -> None:
    with db.connection() as conn:
        add_images(conn, 3)
        conn.execute("UPDATE image SET nsfw_by_hand = true WHERE id = 2")
    scores = np.array([[0.3, 0.7], [0.1, 0.9], [0.9, 0.1]], np.float32)
    handler = _open(db, _with(config, nsfw=["nsfw >= 0.5"]))
    with db.connection() as conn:
        handler.save(conn, [(n, (row,)) for n, row in enumerate(scores, 1)])
        flags = conn.execute("SELECT id, nsfw, nsfw_by_rule FROM image ORDER BY id").fetchall()
    assert flags == [(1, True, True), (2, False, False), (3, False, False)]

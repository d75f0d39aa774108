"""Which indexes the statements of a search use, as auto_explain tells of the statements that really run."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from hashlib import md5
from typing import Any, Literal

import numpy as np
import psycopg
import pytest

from dtk_tui.domain.query.parser import parse
from dtk_tui.store.search import facets, newest, sorting
from dtk_tui.store.search.months import months
from dtk_tui.store.search.names import names
from dtk_tui.store.search.search import condition_of, nearest_images
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.search_library import Library
from tests.helpers.search_plans import all_nodes, indexes, load, nodes, plan_of, scanned, told


@pytest.fixture(scope="module")
def plans(server: EmbeddedServer) -> Iterator[tuple[Library, list[dict[str, Any]]]]:
    """A library of 30,000 images and 3,000 vectors, and the plans of what was run since the list was cleared."""
    collected: list[dict[str, Any]] = []
    with database(server) as url, psycopg.connect(url) as conn:
        library = Library(conn)
        load(library)
        conn.commit()
        conn.execute("LOAD 'auto_explain'")
        for name, value in (("log_min_duration", "0"), ("log_format", "json"), ("log_level", "notice")):
            conn.execute(f"SET auto_explain.{name} = '{value}'")
        conn.add_notice_handler(lambda notice: collected.append(plan_of(notice.message_primary or "")))
        yield library, collected


def test_queries_use_their_indexes(plans: tuple[Library, list[dict[str, Any]]]) -> None:
    library, seen = plans
    query = np.random.default_rng(1).normal(size=64).astype(np.float32)
    query /= np.linalg.norm(query)

    def run(line: str, limit: int | None = None, about: Any = (), like: Any = ()) -> int:
        seen.clear()
        count = len(library.ask(line, limit, about, like).ids)
        told(library.conn)
        return count

    lists = {"token_posting_trigrams", "token_posting_pkey", "lexeme_posting_pkey"}
    form: Literal["NFC", "NFD"]
    for form in ("NFC", "NFD"):
        assert run(unicodedata.normalize(form, "soirée")) == 120
        assert indexes(seen) >= {"token_posting_trigrams", "image_prompt"}, "all images by the lists of prompts"
        assert not indexes(seen) & {"prompt_search", "prompt_trigrams"}
        ran = [plan for plan in seen if plan.get("Node Type") == "Aggregate"]  # what is only estimated is no aggregate
        assert not scanned(ran) & {"prompt", "image"}
    assert run("castle", limit=5) == 5
    assert indexes(seen) <= lists | {"prompt_word_ranks", "prompt_pkey", "image_prompt", "pg_class_oid_index"}
    assert scanned(seen) <= {"posting_state"}
    assert run("fish", limit=5) == 5
    ran = [plan for plan in seen if plan.get("Node Type") == "Aggregate"]
    assert {"prompt_word_ranks", "image_prompt"} <= indexes(ran)
    assert not indexes(ran) & {"prompt_search", "prompt_trigrams"}, "of all that have the word, only the best are read"
    assert not scanned(ran)
    best = library.ask("fish", 5).ids.tolist()
    seen.clear()
    assert library.ask("fish sort:score", 5).ids.tolist() == best, "which is how words rank anyway"
    told(library.conn)
    assert "prompt_word_ranks" in indexes(seen)
    assert not indexes(seen) & {"prompt_search", "prompt_trigrams"}
    for line in ("soir", "fish, picture", "fish OR castle", "picture -fish", "fish steps:41-49", "picture tag:tag_5"):
        assert run(line, limit=5) > 0, line
        assert {"token_posting_trigrams", "lexeme_posting_pkey"} <= indexes(seen), line
        assert not indexes(seen) & {"prompt_search", "prompt_trigrams"}, (
            f"{line}: no prompt that is listed is looked at"
        )
        assert not scanned(seen) & {"prompt", "image", "image_tag", "token_posting", "lexeme_posting"}, line
    for line in ("castle, picture, of", '"fish, castle"'):
        assert run(line) > 10
        assert {"token_posting_trigrams", "prompt_pkey"} <= indexes(seen), line
        assert not indexes(seen) & {"prompt_search", "prompt_trigrams"}, f"{line}: only what may have all its words"
    assert run("", limit=100) == 100
    assert indexes(seen) == {"image_newest"}
    assert run("steps:20", limit=5) == 5
    assert indexes(seen) == {"image_steps"}, "the newest of one number of steps, without a sort"
    assert run("tag:tag_5") == 150
    assert "image_tag_tag" in indexes(seen)
    assert not scanned(seen) & {"image", "image_tag"}
    assert run("tag:tag_5>=0.8") == 0
    assert not scanned(seen) & {"image", "image_tag"}
    assert run("tag:tag_5", limit=5) == 5
    (walk,) = (node for node in all_nodes(seen) if node.get("Index Name") == "image_newest")
    assert walk["Node Type"] == "Index Only Scan", "the newest images, without their rows, up to enough of a tag"
    assert "created_at >=" in walk["Index Cond"], "and no further than these are expected"
    assert "hashed SubPlan" in walk["Filter"], "all of a tag at once, and not image by image"
    assert run("tag:tag_5", limit=100) == 100
    (by_key,) = (
        node
        for node in all_nodes(seen)
        if node.get("Index Name") == "image_id_covering" and "ANY" in node["Index Cond"]
    )
    assert by_key["Node Type"] == "Index Only Scan", "all of a tag in one walk over the ids, without their rows"
    ran = [plan for plan in seen if plan.get("Node Type") == "Aggregate"]
    assert "image_newest" not in indexes(ran), "a walk from the newest on meets an old tag late"
    assert any(plan["finds all"] for plan in ran)
    assert "image_tag_tag" in indexes(ran)
    assert scanned(ran) <= {"tag"}
    assert run("tag:tag_5 -tag:tag_3", limit=50) == 50
    ran = [plan for plan in seen if plan.get("Node Type") == "Aggregate"]
    assert not any(plan["finds all"] for plan in ran)
    assert "image_newest" not in indexes(ran)
    (asked,) = (
        node
        for node in all_nodes(ran)
        if node["Node Type"] == "Nested Loop" and "image_id_covering" in json.dumps(node)
    )
    assert [node["Node Type"] for node in asked["Plans"]] == ["Sort", "Index Only Scan"], (
        "the images of a tag are asked for the other one from the newest on"
    )
    for line, index in (("-tag:tag_5", "image_tag_tag"), ("-castle", "prompt_pkey"), ("-castle, -dog", "prompt_pkey")):
        assert run(line, limit=5) == 5
        ran = [plan for plan in seen if plan.get("Node Type") == "Aggregate"]
        assert {"image_newest", index} <= indexes(ran), line
        assert scanned(ran) <= {"tag"}, line
        assert not any("hashed" in node.get("Filter", "") for node in all_nodes(ran)), "looked for image by image"
    assert run("folder:7", limit=5) == 5
    ran = [plan for plan in seen if plan.get("Node Type") == "Aggregate"]
    assert "image_newest" not in indexes(ran), "a walk from the newest on meets an old folder late"
    assert run("folder:7") == 300
    assert "image" not in scanned(seen)
    assert run("path: contains s/7/1") > 50
    assert "image" not in scanned(seen), "no name is looked at before the folder"
    assert run("path: ends with 777.png") == 30
    assert "image_name_end" in indexes(seen)

    word = f"caption:{md5(b'8').hexdigest()}"
    for line in (word, f'caption:"seen {word[8:]}"', f"{word} -nothing", f"{word} has:caption"):
        assert run(line) == 60, line
        used = "current_caption_pairs" if '"' in line else "current_caption_search"
        assert indexes(seen) & {"current_caption_pairs", "current_caption_search"} == {used}
        assert not scanned(seen) & {"image", "current_caption", "caption"}
    for line in ("caption:seen", "caption:seen steps:0-40", 'caption:"x x" has:caption'):
        assert run(line, limit=5) == 5
        ran = [plan for plan in seen if "CTE near" in {node.get("Subplan Name") for node in nodes(plan)}]
        (among,) = (node for node in all_nodes(ran) if "ANY" in node.get("Index Cond", ""))
        assert among["Index Name"] == "current_caption_pkey", "the captions of the newest images, in one walk"
        newest = [node["Node Type"] for node in all_nodes(ran) if node.get("Index Name") == "image_newest"]
        assert (newest, scanned(ran)) == (["Index Only Scan"], set())
        assert not any(plan["finds all"] for plan in seen), "not all that have the words"
    assert run("has:caption", limit=5) == 5
    assert {"image_newest", "current_caption_pkey"} <= indexes(seen)
    assert not scanned(seen) & {"image", "current_caption"}

    assert run("about:x", 50, about=[(1, query)]) > 0
    assert "prompt_vector_1_hnsw" in indexes(seen)
    assert "image" not in scanned(seen)
    assert run("fish about:x", 50, about=[(1, query)]) == 50
    ran = [plan for plan in seen if "Index Name" in json.dumps(plan)]
    assert {"token_posting_trigrams", "lexeme_posting_pkey", "image_prompt"} <= indexes(ran)
    assert not indexes(ran) & {"prompt_search", "prompt_trigrams"}, "no prompt that is listed is looked at"
    assert not scanned(seen) & {"prompt", "image", "token_posting", "lexeme_posting"}
    assert run("like:1", 50, like=[(2, query, None)]) > 0
    assert "image_vector_2_hnsw" in indexes(seen)
    assert "image" not in scanned(seen)
    assert run("like:1 steps:0-40", 50, like=[(2, query, None)]) == 50
    assert "image_vector_2_hnsw" in indexes(seen)
    assert run("like:1 tag:tag_5", 50, like=[(2, query, None)]) > 0
    assert "image_vector_2_hnsw" not in indexes(seen)
    assert "image_vector_2" not in scanned(seen)
    seen.clear()
    assert len(nearest_images(library.conn, 2, query, 20)) == 20
    told(library.conn)
    assert "image_vector_2_hnsw" in indexes(seen)


def test_what_few_images_have_is_found_by_its_index(plans: tuple[Library, list[dict[str, Any]]]) -> None:
    library, seen = plans
    library.conn.execute(
        "UPDATE image SET model_hash = 'aa' || id % 10, hypernetwork = CASE WHEN id % 500 = 0 THEN 'net' END,"
        " width = 512 + id % 5, height = 512, seed = id * 1000, dialect = 'comfyui', scan_phase = 1,"
        " favorite = id % 7919 = 0, for_deletion = id % 7919 = 1"
    )
    library.conn.execute("ANALYZE image")
    for line, count, index in (
        ("model_hash:ffff", 0, "image_model_hash"),
        ("hypernet:net", 60, "image_hypernetwork"),
        ("hypernet:nothing", 0, "image_hypernetwork"),
        ("size:16:9", 0, "image_ratio"),
        ("nometa:true", 0, "image_no_metadata"),
        ("favorite:true", 3, "image_favorite"),
        ("delete:true", 4, "image_for_deletion"),
        ("seed:12345*", 1, "image_seed"),
        ('model:"nothing*"', 0, "image_model_newest"),
    ):
        seen.clear()
        assert len(library.ask(line, 100).ids) == count, line
        told(library.conn)
        assert index in indexes(seen), line
        assert "image" not in scanned(seen), line
        assert not indexes(seen) & {"image_newest", "image_pkey"}, f"{line}: no walk over other images"
    for line, count in (("-has:caption", 15_000), ("has:caption", 15_000), ("-has:tags", 0)):
        assert len(library.ask(line, None).ids) == count, line
    told(library.conn)
    seen.clear()
    assert len(library.ask("-has:caption", 5).ids) == 5
    told(library.conn)
    assert {"image_newest", "current_caption_pkey"} <= indexes(seen)
    assert not scanned(seen), "captions are asked for image by image"


def test_facets_take_three_statements_however_many_values_there_are(
    plans: tuple[Library, list[dict[str, Any]]],
) -> None:
    library, seen = plans
    conn = library.conn
    for line, images in (("", 30_000), ("tag:tag_5", 150)):
        where = condition_of(conn, parse(line))
        told(conn)
        seen.clear()
        count, found = facets.fields(conn, where, 20)
        assert count == images
        told(conn)
        assert len(seen) == 2
        assert "image_newest" in indexes(seen[:1]), "the first and the last month"
        assert line == "" or not scanned(seen) & {"image", "image_tag"}
        seen.clear()
        tags = facets.tags(conn, where, 20, None)
        told(conn)
        assert len(seen) == 1
        folders = found["folder"]
        assert (len(folders.values), folders.total) == ((20, 100) if not line else (5, 5))
        assert (len(tags.values), tags.total) == ((20, 1000) if not line else (9, 9))


def test_the_nearest_are_really_the_nearest(plans: tuple[Library, list[dict[str, Any]]]) -> None:
    library, _ = plans
    stored = np.array(
        [json.loads(text) for (text,) in library.conn.execute("SELECT vec::text FROM image_vector ORDER BY image_id")]
    )
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    query = stored[42].astype(np.float32)
    similarity = stored @ query
    steps = np.arange(1, len(stored) + 1) % 50
    best = np.argsort(-similarity)[:20] + 1
    found = [number for number, _ in nearest_images(library.conn, 2, query, 20)]
    assert len(set(found) & set(best.tolist())) >= 19
    for line, kept in (("like:1 steps:0-40", steps <= 40), ("like:1 steps:7", steps == 7)):
        expected = (np.argsort(-np.where(kept, similarity, -9))[:20] + 1).tolist()
        result = library.ask(line, 20, like=[(2, query, None)])
        assert len(set(result.ids.tolist()) & set(expected)) >= 19, line
        assert result.scores is not None
        assert list(result.scores) == sorted(result.scores, reverse=True)


@pytest.mark.parametrize(("near_without", "walks"), [(0, 1), (150, 2), (2900, 4)])
def test_a_walk_that_finds_too_few_is_made_longer(
    plans: tuple[Library, list[dict[str, Any]]], near_without: int, walks: int
) -> None:
    library, seen = plans
    conn = library.conn
    rows = conn.execute("SELECT image_id, vec::text FROM image_vector WHERE space_id = 2 ORDER BY image_id").fetchall()
    ids, stored = np.array([number for number, _ in rows]), np.array([json.loads(text) for _, text in rows])
    query = stored[77].astype(np.float32)
    nearest = ids[np.argsort(-(stored @ query) / np.linalg.norm(stored, axis=1))]
    with conn.transaction(force_rollback=True):
        # What the planner expects is right on the whole, and wrong about what looks like the query.
        conn.execute("UPDATE image SET cfg_scale = 1")
        conn.execute("UPDATE image SET cfg_scale = 2 WHERE id = ANY (%s)", (nearest[:near_without].tolist(),))
        conn.execute("ANALYZE image (cfg_scale)")
        told(conn)
        seen.clear()
        found = library.ask("like:1 cfg:1", 20, like=[(2, query, None)]).ids.tolist()
        told(conn)
    ran = [plan for plan in seen if "image_vector_2_hnsw" in indexes([plan])]
    assert len(ran) == walks
    expected = nearest[near_without : near_without + 20].tolist()
    assert len(set(found) & set(expected)) >= 19


@pytest.mark.parametrize("cost", [0.0, float("inf")])
@pytest.mark.parametrize(
    ("line", "is_common"),
    [
        ("tag:tag_5", True),
        ("tag:tag_5>=0.1", True),
        ("tag:tag_5>0.7", False),
        ("tag:tag_5<=0.5", True),
        ("tag:tag_5 -tag:tag_3", True),
        ("tag:tag_5 tag:tag_3", False),
    ],
)
def test_a_walk_through_the_newest_finds_what_a_look_at_all_finds(
    plans: tuple[Library, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    is_common: bool,
    cost: float,
) -> None:
    library, seen = plans
    monkeypatch.setattr(newest, "_WALK_COST", cost)
    with library.conn.transaction(force_rollback=True):
        # One that a person set, without a confidence, and the same one of a tagger.
        library.conn.execute(
            "INSERT INTO image_tag (image_id, tag_id, source) SELECT image_id, tag_id, 'by hand' FROM image_tag"
            " WHERE tag_id = 5 AND image_id % 3 = 0"
        )
        # Of this tag alone: what is written and taken back would leave the table twice as large for other plans.
        library.conn.execute(
            "UPDATE image_tag SET confidence = image_id % 10 / 10.0 WHERE tag_id = 5 AND source = 'test'"
        )
        everything = library.ask(line, None).ids.tolist()
        walked = False
        for limit in (1, 5, len(everything) - 1, len(everything), len(everything) + 1):
            told(library.conn)
            seen.clear()
            assert library.ask(line, limit).ids.tolist() == everything[:limit], limit
            told(library.conn)
            walked |= any("hashed SubPlan" in node.get("Filter", "") for node in all_nodes(seen))
    assert walked == (is_common and cost == 0)


def test_sorted_results_use_their_indexes(
    plans: tuple[Library, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    library, seen = plans
    # As small a part of the library as a window is at a million images.
    monkeypatch.setattr(sorting, "_LEAST_WINDOW", 100)
    library.conn.execute("UPDATE image SET rating = id / 50 % 5 WHERE id % 50 = 0")
    library.conn.execute(
        "UPDATE image SET model = 'Model ' || id % 20, seed = id * 7919 % 30011, favorite = id / 3 % 2 = 0"
    )
    library.conn.execute("UPDATE image SET nsfw = id % 20 = 0, for_deletion = id % 200 = 0, cfg_scale = id % 200")
    library.conn.execute("ANALYZE image")

    def run(line: str, limit: int | None = None) -> int:
        seen.clear()
        count = len(library.ask(line, limit).ids)
        told(library.conn)
        return count

    for line, index in (
        ("sort:rating", "image_rating"),
        ("sort:rating_asc", "image_rating"),
        ("sort:date", "image_newest"),
        ("sort:date_asc", "image_newest"),
        ('model:"model 7"', "image_model_newest"),
        ('model:"model 7*"', "image_model_newest"),
        ("cfg:7", "image_cfg"),
    ):
        assert run(line, limit=20) == 20
        assert index in indexes(seen), line
        assert "image" not in scanned(seen), line
    for column, index in (
        ("name", "image_name"),
        ("size", "image_size"),  # of which all are equal
        ("seed", "image_seed"),
        ("steps", "image_steps"),
        ("model", "image_model_newest"),
    ):
        for way in ("asc", "desc"):
            # What half of all images meet is looked for among the first ones.
            for condition in ("", "favorite:true", "(tag:tag_5 OR favorite:true)"):
                line = f"sort:{column}_{way} {condition}"
                assert run(line, limit=20) == 20
                assert index in indexes(seen), line
                # Of a plan that was only asked for nothing was run.
                ran = [plan for plan in seen if plan.get("Node Type") in ("Aggregate", "Limit")]
                assert "image" not in scanned(ran), line
                assert not any(plan["finds all"] for plan in seen), line
    # Where few meet it, all of those are found and sorted.
    assert run("sort:name tag:tag_5", limit=20) == 20
    assert any(plan["finds all"] for plan in seen)
    assert "image_tag_tag" in indexes(seen)
    assert not scanned(seen) & {"image", "image_tag"}
    seen.clear()
    found = names(library.conn, "model", "odel 1", 8)
    told(library.conn)
    assert [name for name, _ in found][:2] == ["Model 1", "Model 10"]
    assert {count for _, count in found} == {1500}
    assert indexes(seen) == {"image_model"}
    assert "image" not in scanned(seen)
    for kind, index in (("tag", "image_tag_tag"), ("folder", "image_folder_id_file_name_key")):
        seen.clear()
        assert len(names(library.conn, kind, "5", 8)) == 8
        told(library.conn)
        assert index in indexes(seen)
        assert not scanned(seen) & {"image", "image_tag"}
    seen.clear()
    assert months(library.conn, "", 8)
    told(library.conn)
    assert indexes(seen) == {"image_newest"}

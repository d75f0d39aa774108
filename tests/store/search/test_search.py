"""Search on a real database: what is found, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dtk_tui.domain.query.parser import parse
from dtk_tui.domain.query.tokens import BY_NAME, TOKENS
from dtk_tui.errors import UsageError
from dtk_tui.store.database import Database
from dtk_tui.store.search.search import find_images, nearest_images
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.search_library import Library, fill, unit


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer) -> Iterator[Library]:
    """A filled library that the tests only read."""
    with database(server) as url, psycopg.connect(url) as conn:
        fill(Library(conn))
        yield Library(conn)


@pytest.fixture
def library(db: Database) -> Iterator[Library]:
    with db.connection() as conn:
        yield Library(conn)


ALL = "a b c unread film d plain"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", ALL),
        ("type:image steps:20-40", "a b c"),
        ("steps:20|30|40", "a b c"),
        ("steps:20|40", "a c"),
        ("NOT steps:20-30", "c unread film d plain"),
        ("cfg:7|7.5", "a b"),
        ("cfg:7.1-8", "b"),
        ("seed:12345", "a"),
        ("seed:18446744073709551615", "b"),
        ("seed:900-1000", "d"),
        ("seed:1*", "a b"),
        ("seed:1?345", "a"),
        ("seed:?", ""),
        ("sampler: euler a | ddim", "a b"),
        ('sampler:"EULER A"', "a"),
        ("sampler: no such one", ""),
        ("model_hash: aabbcc | 12", "a"),
        ("model: sdxl_base", "a"),
        ("model: sdxl?base", "a"),
        ("model: sd", ""),
        ("model: sd*,dream*", "a b"),
        ('model_or_hash:"nothing"|ddeeff', "b"),
        ("size:512x768", "a"),
        ("size:512x?", "a"),
        ("size:?x720", "b"),
        ("size:16:9", "b"),
        ("size:portrait", "a"),
        ("size:landscape", "b"),
        ("size:square", "c"),
        ("rating:none type:image", "c unread d plain"),
        ("rating:>=4", "a"),
        ("rating:<>5", "b"),
        ("rating: < 5", "b"),
        ("aesthetic_score:>=5.5", "a c"),
        ("aesthetic_score:5.5", "a"),
        ("aesthetic_score:<>5.5", "c"),
        ("hypernet: anime | other", "b"),
        ('hypernet:"no such one"', ""),
        ("hypernet strength: > 0.5", "b"),
        ("album:best", "a c"),
        ('album:"Best"', "a c"),
        ('album:"so so"', "c"),
        ("album:none", ""),
        ("in_album:true", "a c"),
        ("in_album:false type:image steps:20-40", "b"),
        ("NOT album:best steps:20-40", "b"),
        ("favorite:true", "a"),
        ("favorite:false steps:20-40", "b c"),
        ("nsfw:", "d"),
        ("delete:true", "d"),
        ("nometa:true", "plain"),
        ("nometa:false", "a b c film d"),
        ("type:video", "film"),
        ("dialect:comfyui", "b c film"),
        ("has:workflow", "b"),
        ("has:tags", "a b"),
        ("has:error", "film"),
        ("-has:error", "a b c unread d plain"),
        ("has:embedding", ""),
        ("queue:pending", "a"),
        ("queue:failed", "b"),
        ("tag:blue_hair", "a b"),
        ('tag:"Blue Hair">=0.8', "a"),
        ("tag:blue_hair<0.5", "b"),
        ("tag:sfw>=0.99", "a"),
        ("tag:blue_hair tag:sfw", "a"),
        ("-tag:sfw steps:20-40", "b c"),
        ("tag:unknown", ""),
        ("folder:out", "a c unread film d"),
        ("folder:/PICTURES/out/", "a c unread film d"),
        ("folder:sub_dir", "b"),
        ("folder:subXdir", ""),
        ('folder:"Holiday 100%"', "plain"),
        ("path:/pictures/out/a.png", "a"),
        ("path:/pictures/out*", "a b c unread film d"),
        ("path:/PICTURES/o*/?.png", "a b c d"),
        ("path: starts with /pictures/out/s", "b"),
        ("path: starts with /pictures/out/a", "a"),
        ("path: contains OUT/SUB", "b"),
        ("path: contains %", "plain"),
        ("path: contains sub_d", "b"),
        ("path: contains subXd", ""),
        ("path: ends with .jpg", "plain"),
        ("date: today", "a b c unread film"),
        ("date: 3 days ago", "d"),
        ("date: since 3 days ago", "a b c unread film d"),
        ("date: before 2025-02-26", "d plain"),
        ("date: before 2025-02-25", "plain"),
        ("date: between 2025-01-01 and 2025-02-26", "d plain"),
        ("negative: castle", "c"),
        ("negative: blurry, text", "a"),
        ("-negative:castle steps:20-40", "a b"),
        ("steps:20 OR nsfw:", "a d"),
        ("NOT (steps:20 OR nsfw:) type:image", "b c unread plain"),
        ("group:representative type:video", "film"),
        ("group:duplicates", ""),
        ("-castle", "unread film d plain"),
        ("fave:true", "a"),
        ("to delete:true", "d"),
        ("for deletion:", "d"),
        ("nometadata:true", "plain"),
        ("cfg_scale:7", "a"),
        ("cfg scale: 7 | 9", "a"),
        ("model hash: DDEEFF", "b"),
        ("negative prompt: blurry", "a"),
        ("negative_prompt: castle", "c"),
        ("rating:2", "b"),
        ("rating:=5", "a"),
        ("rating:<5", "b"),
        ("rating:>2", "a"),
        ("rating:<=2", "b"),
        ("date: yesterday", ""),
        ("date:2025-03", "a b c unread film"),
        ("date:2025-02", "d"),
        ("date:2025", "a b c unread film d plain"),
        ("date:2024", ""),
        ("date: since 2025-02", "a b c unread film d"),
        ("date: before 2025-02", "plain"),
        ("date: before 2025", ""),
        ("date: from 2025-01 to 2025-02", "d plain"),
        ("date: 2025-02 - 2025-03", "a b c unread film d"),
        ("-date:2025-03", "d plain"),
        ("date: 2025-01-20", "plain"),
        ("date: from 2025-01-01 to yesterday", "d plain"),
        ("date: 2025-02-26 - 2025-03-01", "a b c unread film d"),
        ("date: 6 weeks ago - 5 weeks ago", "plain"),
        ("date: since 1 month ago", "a b c unread film d"),
        ("has:caption", ""),
        ("caption: fox", ""),
        ("type:image nsfw:true", "d"),
        ("seed:123*", "a"),
        ("in_album: false nsfw:", "d"),
        (r"path: *castle*", ""),
        ("hypernet strength:0.75", "b"),
        ("aesthetic_score:<7", "a"),
        ("NOT castle type:image", "unread d plain"),
    ],
)  # fmt: skip
def test_a_filter_finds_exactly_what_it_says_newest_first(filled: Library, line: str, found: str) -> None:
    assert [name.split(".")[0] for name in filled.find(line)] == found.split()
    assert filled.ask(line).scores is None
    assert filled.find(line, limit=2) == filled.find(line)[:2]


def test_every_token_has_an_example() -> None:
    (mark,) = test_a_filter_finds_exactly_what_it_says_newest_first.pytestmark  # type: ignore[attr-defined]
    lines = [line for line, _ in mark.args[1]]
    ranking = {"about", "like", "looks", "sort"}
    unasked = {name for name in BY_NAME if not any(re.search(rf"(^|[ (-]){name}:", line) for line in lines)}
    assert unasked == ranking, "these have tests of their own"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("castle", {"a", "b", "c"}),
        ("CASTLE, canvas", {"a"}),
        ('"oil, canvas"', {"a"}),
        ("100%", {"b"}),
        ("castle_", {"b"}),
        ("c%e", set()),
        ("castle OR dog", {"a", "b", "c", "d"}),
        ("castle -sea", {"b", "c"}),
        ("castle steps:30-40", {"b", "c"}),
        ("castle OR nometa:true", {"a", "b", "c", "plain"}),
        ('"(ruined)"', {"b"}),
        ("a\\b", set()),
        ("\ud800", set()),
    ],
)
def test_free_text_is_a_substring_of_the_prompt(filled: Library, line: str, found: set[str]) -> None:
    result = filled.ask(line)
    assert {name.split(".")[0] for name in filled.names(result.ids)} == found
    assert result.scores is not None
    assert list(result.scores) == sorted(result.scores, reverse=True)
    assert filled.find(line, limit=1) == filled.find(line)[:1]


def test_a_word_ranks_before_a_part_of_a_word(library: Library) -> None:
    library.image("part.png", "sandcastle, sandcastles")
    library.image("word.png", "a castle")
    library.image("same.png", "a castle")
    result = library.ask("castle")
    assert library.names(result.ids) == ["word.png", "same.png", "part.png"]
    assert result.scores is not None
    assert result.scores[0] == result.scores[1] > result.scores[2]


def test_a_group_is_its_representative_and_duplicates(library: Library) -> None:
    for name, size in (("small.png", 10), ("big.png", 90), ("twin.png", 10)):
        library.image(name, "same", seed=1, file_size=size)
    library.conn.execute("SELECT dtk_choose_representatives()")
    assert library.find("group:representative") == ["big.png"]
    assert library.find("group:duplicates") == ["small.png", "twin.png"]


def test_about_finds_all_images_of_the_nearest_prompts(library: Library) -> None:
    space = library.space("text")
    library.image("sea1.png", "the sea")
    library.image("dog.png", "a dog")
    library.image("sea2.png", "the sea", steps=20)
    for number in range(20):
        library.image(f"other{number}.png", f"other {number}", steps=20)
        library.vector(space, f"other {number}", unit(0, 0, 1, number))
    library.vector(space, "the sea", unit(1, 0.1))
    library.vector(space, "a dog", unit(1, 0.9))
    about = [(space, unit(1))]
    result = library.ask("about:ocean", about=about)
    assert library.names(result.ids) == ["sea1.png", "sea2.png", "dog.png"]
    assert result.scores is not None
    assert result.scores[0] == result.scores[1] == pytest.approx(1 / np.sqrt(1.01), abs=1e-3)
    assert library.find("about:ocean", limit=1, about=about) == ["sea1.png"]
    filtered = library.find("about:ocean steps:20", about=about)
    assert filtered[0] == "sea2.png"
    assert len(filtered) == 21, "a filter bounds the answer, so nothing else is cut off"


def test_like_gives_the_representative_and_then_its_group(library: Library) -> None:
    space = library.space("image")
    for name, seed, size in (("small.png", 1, 10), ("big.png", 1, 90), ("far.png", 2, 10), ("query.png", 3, 10)):
        library.image(name, "x", seed=seed, file_size=size)
    for number in range(20):
        library.image(f"other{number}.png", f"other {number}", rating=1)
        library.vector(space, f"other{number}.png", unit(0, 0, 1, number))
    library.conn.execute("SELECT dtk_choose_representatives()")
    library.vector(space, "big.png", unit(1, 0.2))
    library.vector(space, "far.png", unit(1, 0.5))
    library.vector(space, "query.png", unit(1))
    (query_id,) = library.conn.execute("SELECT id FROM image WHERE file_name = 'query.png'").fetchone() or (0,)
    like = [(space, unit(1), query_id)]
    result = library.ask("like:1", like=like)
    assert library.names(result.ids) == ["big.png", "small.png", "far.png"]
    assert result.scores is not None
    assert result.scores[0] == result.scores[1] > result.scores[2]
    assert library.find("like:1 -rating:1", like=like) == ["big.png", "small.png", "far.png"]
    assert library.find("like:1 group:duplicates", like=like) == ["small.png"]
    nearest = nearest_images(library.conn, space, unit(1), 4, leave_out=query_id)
    assert library.names([number for number, _ in nearest])[:3] == ["big.png", "small.png", "far.png"]
    assert len(nearest) == 4
    assert nearest[0][1] == pytest.approx(1 / np.sqrt(1.04), abs=1e-3)
    assert nearest_images(library.conn, space, unit(1), 1)[0][0] == query_id


def test_words_and_vectors_are_fused_by_reciprocal_rank(library: Library) -> None:
    space = library.space("text")
    library.image("one.png", "castle castle castle")
    library.image("two.png", "a castle, much else, and more")
    library.image("three.png", "sandcastle")
    library.vector(space, "castle castle castle", unit(0, 1))
    library.vector(space, "a castle, much else, and more", unit(1))
    library.vector(space, "sandcastle", unit(1, 1))
    result = library.ask("castle about:fort", about=[(space, unit(1, 0.1))])
    assert library.names(result.ids) == ["two.png", "one.png", "three.png"]
    assert result.scores is not None
    assert list(result.scores) == pytest.approx([1 / 62 + 1 / 61, 1 / 61 + 1 / 63, 1 / 63 + 1 / 62], rel=1e-5)


def test_a_space_without_vectors_or_an_unknown_one_finds_nothing(library: Library) -> None:
    fill(library)
    space = library.space("image")
    for number in (space, 4711):
        assert library.find("like:1", like=[(number, unit(1), None)]) == []
        assert library.find("like:1 steps:20", like=[(number, unit(1), None)]) == []
        assert nearest_images(library.conn, number, unit(1), 5) == []


SCRAPS = """
    castle "oil,_canvas" 100% c_t dog -sea NOT OR ( ) , steps:20|30 steps:1-99 cfg:7|8.5 cfg:1-9 seed:12* seed:5-9 or
    seed:18446744073709551616 sampler:_euler_a|ddim model:sd*,x model_hash:ab|cd model_or_hash:"a"|bb size:512x? path:?
    'x' size:?x? size:16:9 size:999999999:1 size:portrait rating:>=4 rating:none rating:<>999999999 favorite:true
    delete: nsfw:false nometa:true nometa:false type:video tag:blue_hair tag:blue_hair>=0.5 tag:zzz has:tags
    has:embedding has:workflow group:duplicates dialect:comfyui queue:failed folder:out path:/p*t/?.png
    path:*\\%_ path:contains_x
    date:today date:since_3_days_ago date:1900-01-01 date:before_9000-12-31 negative:blurry negative:_a,b \x00 \ud800
    \U0010fffe é steps:99999999999999999999 cfg:99999999999999999999 folder:/ ;-- $1 %s %(v0)s {x} \\ about:dark
"""
pieces = st.sampled_from(SCRAPS.split())


def test_every_query_runs(library: Library) -> None:
    fill(library)
    text_space, image_space = library.space("text"), library.space("image")
    library.vector(text_space, "sandcastle", unit(1))
    library.vector(image_space, "a.png", unit(1))
    everything = set(library.ask("").ids.tolist())

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(pieces, max_size=8), st.booleans(), st.sampled_from([None, 1, 5]))
    def runs(parts: list[str], vectors: bool, limit: int | None) -> None:
        line = " ".join(
            part.replace("_", " ") if part.startswith(('"', "sa", "date", "neg")) else part for part in parts
        )
        try:
            query = parse(line)
        except UsageError:
            return
        about = [(text_space, unit(1, 1))] if query.about or vectors else []
        like = [(image_space, unit(1, 2), 1)] if vectors else []
        result = find_images(library.conn, query, about=about, like=like, limit=limit)
        assert result.ids.dtype == np.int64
        assert set(result.ids.tolist()) <= everything
        assert len(set(result.ids.tolist())) == len(result.ids)
        assert limit is None or len(result.ids) <= limit
        assert (result.scores is None) == (not (query.terms or about or like))
        if query.filter is not None and not query.terms and not vectors and not about:
            negated = find_images(library.conn, parse(f"NOT ({line} )"), about=(), like=(), limit=None)
            if limit is None and "negative" not in line:
                assert set(negated.ids.tolist()) == everything - set(result.ids.tolist())

    runs()


def test_every_token_reaches_the_database(library: Library) -> None:
    values = {"like": None}
    others = {"aesthetic_score": "5.5", "hypernet strength": "<1"}
    texts = {"date": "today", "seed": "1", "steps": "1", "cfg": "1", "model_hash": "a", "model_or_hash": '"a"|b'}
    texts |= {
        "size": "1x1",
        "rating": "1",
        "type": "image",
        "has": "tags",
        "group": "duplicates",
        "queue": "failed",
        "sort": "size",
    } | others
    for token in TOKENS:
        if token.names[0] not in values:
            library.ask(f"{token.names[0]}:{texts.get(token.names[0], 'true')}")

"""Ranking by words: what a page shows is what ranking every image by itself gives, in the same order."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dtk_tui.domain.query.nodes import And, Node, Not, Or, Prompt
from dtk_tui.domain.query.parser import parse
from dtk_tui.store.library import postings
from dtk_tui.store.search import first_by_words, listed, newest, spreading, words
from dtk_tui.store.search.search import SearchResult, find_images
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.search_library import DIMS, NOON, Library

WORDS = ["castle", "Castles", "sandcastle", "sea", "the", "oil painting", "red", "Red", "redder", "night-sky", "ÄRGER"]
RARE = ["50%", "a_b", "日本", "soire\u0301e", "x"]
TERMS = [*WORDS, *RARE, "cast", "oil", "painting red", "night", "ärger", "soirée", "nothing"]
OTHERS = ["", "", "", "rating:>=3", "steps:20-25", "tag:some", "-tag:some", "rating:1 steps:20", "has:tags OR steps:20"]
IMAGES, PROMPTS = 1500, 300


@dataclass
class Known:
    """A library, its prompts, and its images: id, prompt, creation, newest first."""

    library: Library
    prompts: dict[int, str]
    images: list[tuple[int, int | None, datetime]]
    space: int

    def ranks(self, line: str) -> dict[int, float]:
        """Return the rank of every prompt."""
        ranking = words.Words.of(parse(line).terms)
        query = "SELECT id, {}(search, websearch_to_tsquery('english', %s), 1) FROM prompt"
        return dict(self.library.conn.execute(query.format(ranking.rank), (ranking.text,)).fetchall())

    def expected(self, line: str, others: str, about: np.ndarray | None, count: int) -> tuple[list[int], list[float]]:
        """Return what a search must find, with the scores, by a look at each image."""
        tree, ranks = parse(line).filter, self.ranks(line)
        kept = set(self.library.ask(others).ids.tolist())
        prompts = {number for number, text in self.prompts.items() if tree is not None and meets(tree, text)}
        images = [(number, prompt) for number, prompt, _ in self.images if prompt in prompts and number in kept]
        used = {prompt for _, prompt in images if prompt is not None}
        order = sorted({ranks[number] for number in used}, reverse=True)
        places = {number: order.index(ranks[number]) + 1 for number in used}
        scores = {number: 1 / (60 + place) for number, place in places.items()}
        if about is not None:
            sql = "SELECT prompt_id, vec <=> %s::halfvec FROM prompt_vector WHERE prompt_id = ANY (%s)"
            values = (str(about.tolist()), list(used), count)
            near = self.library.conn.execute(sql + " ORDER BY 2 LIMIT %s", values).fetchall()
            distances = sorted({distance for _, distance in near})
            for number, distance in near:
                scores[number] += 1 / (60 + distances.index(distance) + 1)
        found = sorted(images, key=lambda image: (-scores[image[1] or 0], places[image[1] or 0]))
        return [number for number, _ in found], [scores[prompt or 0] for _, prompt in found]


def meets(node: Node, text: str) -> bool:
    if isinstance(node, And):
        return all(meets(part, text) for part in node.parts)
    if isinstance(node, Or):
        return any(meets(part, text) for part in node.parts)
    if isinstance(node, Not):
        return not meets(node.part, text)
    assert isinstance(node, Prompt)
    return folded(node.text) in folded(text)


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


@pytest.fixture(scope="module")
def known(server: EmbeddedServer) -> Iterator[Known]:
    """Many prompts that rank as equals, some that many images have, creation times that are shared."""
    chance = random.Random(5)
    with database(server) as url, psycopg.connect(url) as conn:
        library = Library(conn)
        folder, space = library.folder("/pictures"), library.space("text")
        for number in range(PROMPTS):
            some = chance.choices(WORDS, k=chance.choice([2, 3, 3, 3, 12])) + chance.choices(
                ["", *RARE], [20, *[1] * 5]
            )
            chance.shuffle(some)
            prompt = library.prompt(f"{', '.join(some)}, {number}")
            vec = np.array([chance.gauss(0, 1) for _ in range(DIMS)])
            conn.execute("INSERT INTO prompt_vector VALUES (%s, %s, %s::halfvec)", (space, prompt, str(vec.tolist())))
            if number == PROMPTS * 4 // 5:  # the others are in no list
                assert postings.list_some(conn, least=1)
        # A prompt that no image has, and one that images only avoid.
        library.prompt("castle castle castle")
        avoided = library.prompt("castle castle castle castle")
        rows = [
            (
                folder,
                f"{number}.png",
                NOON - timedelta(minutes=chance.randrange(IMAGES // 2)),
                None if chance.random() < 0.05 else 1 + int(PROMPTS * chance.random() ** 2),
                avoided,
                chance.choice([None, 1, 2, 3, 4, 5]),
                chance.randrange(20, 30),
            )
            for number in range(IMAGES)
        ]
        columns = "folder_id, file_name, created_at, prompt_id, negative_prompt_id, rating, steps, file_size, mtime_ns"
        with conn.cursor() as cursor:
            cursor.executemany(f"INSERT INTO image ({columns}) VALUES (%s, %s, %s, %s, %s, %s, %s, 1, 0)", rows)
        conn.execute("INSERT INTO tag (name) VALUES ('some')")
        conn.execute(
            "INSERT INTO image_tag (image_id, tag_id, source) SELECT id, 1, 'test' FROM image WHERE id % 3 = 0"
        )
        conn.execute("ANALYZE")
        images = conn.execute(
            "SELECT id, prompt_id, created_at FROM image ORDER BY created_at DESC, id DESC"
        ).fetchall()
        yield Known(library, dict(conn.execute("SELECT id, text FROM prompt")), images, space)


def ask(known: Known, line: str, others: str, limit: int | None, about: np.ndarray | None) -> SearchResult:
    parts = [f"({part})" for part in (others, line) if part] + ["about:x"] * (about is not None)
    query = parse(" ".join(parts), date(2025, 3, 1))
    vectors = [] if about is None else [(known.space, about)]
    return find_images(known.library.conn, query, about=vectors, like=(), limit=limit)


some_lines = st.one_of(
    st.lists(st.sampled_from(TERMS), min_size=1, max_size=3).map(", ".join),
    st.lists(st.sampled_from(TERMS), min_size=2, max_size=3).map(" OR ".join),
    st.tuples(st.sampled_from(TERMS), st.sampled_from(TERMS)).map(lambda pair: f'{pair[0]} -"{pair[1]}"'),
    st.just(", ".join(["castle", "sea", "red"] * 3) + ", x OR " + " OR ".join(TERMS[:9])),
)


@pytest.mark.parametrize("small", [False, True])
def test_a_page_is_the_beginning_of_what_a_look_at_each_image_gives(
    known: Known, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    if small:  # what takes a large library else: long groups of equals, windows that suffice, or do not
        monkeypatch.setattr(first_by_words, "_FEW", 0)
        monkeypatch.setattr(spreading, "_IMAGE_COST", 0.001)
        monkeypatch.setattr(spreading, "_FIRST_PROMPTS", 1)
        monkeypatch.setattr(spreading, "_MANY_EQUALS", 1)
        monkeypatch.setattr(newest, "_LEAST_WINDOW", 5)
        monkeypatch.setattr(newest, "WINDOW_COST", 0.001)
    # All images of a result are found by their prompts, or by what else they meet.
    monkeypatch.setattr(listed, "_INDEXED_COST", 0.001 if small else 1e6)
    monkeypatch.setattr(listed, "_LOOKED_AT_COST", 0.001 if small else 1e6)

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(some_lines, st.sampled_from(OTHERS), st.sampled_from([1, 20, 300, None]), st.integers(0, 40))
    @example("castle", "", 20, 0)
    @example("castle", "rating:>=3", 20, 0)
    @example("cast", "", 20, 1)
    @example("castle", "", 20, 1)
    @example("castle", "", 300, 4)
    @example("ÄRGER", "", 300, 7)
    @example("the", "", 20, 0)
    @example("red OR sea", "", 20, 3)
    @example('castle -"castle"', "", 1, 0)
    def check(line: str, others: str, limit: int | None, direction: int) -> None:
        about: Any = None
        if direction % 3 == 1:
            about = np.array(np.random.default_rng(direction).normal(size=DIMS), np.float32)
            about /= np.linalg.norm(about)
        ids, scores = known.expected(line, others, about, 1000 if limit is None else min(max(2 * limit, 100), 1000))
        found = ask(known, line, others, limit, about)
        assert found.ids.tolist() == ids[:limit]
        assert found.scores is not None
        assert found.scores.tolist() == pytest.approx(scores[:limit], abs=1e-6)

    check()


def test_the_index_of_ranks_holds_the_ranks(known: Known) -> None:
    """A prompt whose words are ``times`` and ``length`` has the level of its rank, where that is 2 or more."""
    sql = """
        SELECT ts_rank_cd(search, quote_literal(lexeme)::tsquery, 1),
               (SELECT number & 15 FROM unnest(dtk_word_ranks(search)) AS number
                 WHERE number >> 4 = hashtext(lexeme) & 134217727)
          FROM prompt, unnest(search) AS word (lexeme, places, weights)
    """
    found = known.library.conn.execute(sql).fetchall()
    levels = {level for _, level in found}
    assert {2, 5, 8} < levels
    for rank, level in found:
        low, high = (first_by_words._LEVEL_STARTS * 2 ** (number / 3) for number in (level or 0, (level or 1) + 1))
        assert (low if level else 0) <= rank * 1.00001
        assert rank <= high * 1.00001

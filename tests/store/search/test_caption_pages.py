"""Search in captions: a page is what a look at each caption gives, newest first."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dtk_tui.store.search import captioned, newest
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.search_library import NOON, Library

WORDS = ["fox", "dog", "hill", "lamp", "moon", "snow", "tree", "bird", "wind", "lake"]
STOP = ["the", "a"]
IMAGES = 2000
Part = tuple[bool, str]
Captions = dict[int, list[list[str]]]


@pytest.fixture(scope="module")
def library(server: EmbeddedServer) -> Iterator[tuple[Library, list[int], Captions]]:
    """A library, its images from the newest on, and the words of their captions: none, one or two."""
    chance = random.Random(3)
    known: Captions = {}
    with database(server) as url, psycopg.connect(url) as conn:
        library = Library(conn)
        folder = library.folder("/pictures")
        rows = [
            (folder, f"{n}.png", NOON - timedelta(minutes=chance.randrange(IMAGES // 2)), chance.choice([None, 1, 4]))
            for n in range(IMAGES)
        ]
        with conn.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO image (folder_id, file_name, created_at, rating, file_size, mtime_ns)"
                " VALUES (%s, %s, %s, %s, 1, 0)",
                rows,
            )
        ids = [n for (n,) in conn.execute("SELECT id FROM image ORDER BY created_at DESC, id DESC")]
        shares = [1 / (1 + place) for place in range(len(WORDS))]
        with conn.cursor().copy("COPY caption (image_id, is_user_edited, source, type, text) FROM STDIN") as copy:
            # The newest have none, and a word that is frequent stands in old ones alone.
            for place, number in enumerate(ids[IMAGES // 4 :]):
                known[number] = []
                for kind in ("short", "long")[: chance.choice([1, 1, 2])]:
                    said = chance.choices(WORDS, shares, k=chance.randint(1, 12))
                    for _ in range(chance.randint(0, 3)):
                        said.insert(chance.randrange(len(said) + 1), chance.choice(STOP))
                    said += ["old"] * (place > IMAGES // 2)
                    known[number].append(said)
                    copy.write_row((number, False, "test", kind, " ".join(said)))
        conn.execute(
            "INSERT INTO current_caption (image_id, caption_id, source, type, search)"
            " SELECT image_id, id, source, type, dtk_caption_words(text) FROM caption"
        )
        conn.execute("ANALYZE")
        yield library, ids, known


def meets(caption: list[str], parts: list[Part]) -> bool:
    """Look for the searched words of each part; a phrase has its words at the same distances."""
    asked = False
    for negated, text in parts:
        words = text.strip('"').split()
        searched = [(place, word) for place, word in enumerate(words) if word not in STOP]
        if not searched:
            continue
        asked = True
        first = searched[0][0]
        if text.startswith('"'):
            there = any(
                all(caption[at + place - first : at + place - first + 1] == [word] for place, word in searched)
                for at in range(len(caption))
            )
        else:
            there = all(word in caption for _, word in searched)
        if there == negated:
            return False
    return asked


a_word = st.sampled_from([*WORDS, "old"])
a_phrase = st.lists(st.sampled_from([*WORDS[:6], *STOP, "old"]), min_size=2, max_size=3).map(
    lambda w: f'"{" ".join(w)}"'
)
some_parts = st.lists(st.tuples(st.booleans(), st.one_of(a_word, a_phrase)), min_size=1, max_size=3)


@pytest.mark.parametrize("small", [False, True])
def test_a_page_is_what_a_look_at_each_caption_gives(
    library: tuple[Library, list[int], Captions], monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    asked, ids, known = library
    if small:  # what takes a large library else: windows that suffice, or do not
        monkeypatch.setattr(newest, "_LEAST_WINDOW", 5)
        monkeypatch.setattr(newest, "WINDOW_COST", 0.001)
        monkeypatch.setattr(captioned, "_LEAST", 5)
        monkeypatch.setattr(captioned, "_COST", 0.001)
    rated = set(asked.ask("rating:>=3").ids.tolist())

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(some_parts, st.booleans(), st.sampled_from([1, 10, 200, None]))
    @example([(False, "fox")], False, 10)
    @example([(False, "old")], True, 10)
    @example([(False, '"fox the dog"'), (True, "moon")], False, 10)
    @example([(False, '"fox fox fox"')], False, None)
    def check(parts: list[Part], filtered: bool, limit: int | None) -> None:
        line = "caption: " + " ".join("-" * negated + text for negated, text in parts) + " rating:>=3" * filtered
        right = [
            number
            for number in ids
            if any(meets(caption, parts) for caption in known.get(number, ())) and (not filtered or number in rated)
        ]
        assert asked.ask(line, limit).ids.tolist() == right[:limit], line

    check()


def test_the_pairs_of_words_are_those_that_follow_each_other(library: tuple[Library, list[int], Captions]) -> None:
    def pairs(text: str) -> set[int]:
        row = library[0].conn.execute("SELECT dtk_word_pairs(to_tsvector('english', %s))", (text,)).fetchone()
        assert row
        return set(row[0])

    assert pairs("") == pairs("fox") == pairs("a fox of the snow") == set()
    assert len(pairs("fox dog hill")) == 2
    assert pairs("fox dog") | pairs("dog hill") == pairs("fox dog hill")
    assert pairs("fox dog") != pairs("dog fox")
    assert pairs("foxes dogs, fox dog") >= pairs("fox dog")

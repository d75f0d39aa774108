"""The lists of prompts by word: what they tell is what a look at each prompt tells."""

from __future__ import annotations

import random

import numpy as np
import psycopg
import pytest

from dtk_tui.domain.query.nodes import And, Node, Not, Or, Prompt
from dtk_tui.domain.query.parser import parse
from dtk_tui.store import maintenance
from dtk_tui.store.database import Database
from dtk_tui.store.library import postings as lists
from dtk_tui.store.search import postings
from dtk_tui.store.search.search import find_images
from tests.helpers.search_library import DIMS, Library

WORDS = [
    "castle",
    "Castles",
    "sandcastle",
    "the",
    "running",
    "ÄRGER",
    "soire\u0301e",
    "blue_hair",
    "night-sky",
    "日本語",
]
TERMS = ["castle", "CASTLES", "cast", "runn", "running", "ärger", "soirée", "blue_hair", "night", "日本語", "absent"]
LOOK = """
SELECT prompt.id, ts_rank_cd(search, quote_literal(%(lexeme)s)::tsquery, 1)
  FROM prompt WHERE strpos(lowered, lower(%(term)s)) > 0 AND id <= %(up_to)s ORDER BY id
"""


def fill(library: Library, count: int) -> None:
    chance = random.Random(3)
    for number in range(count):
        some = chance.choices(WORDS, k=chance.choice([1, 2, 5, 40]))
        signs = chance.choices([" ", ", ", "\n", " (", ":1.2) ", "\t", " x"], k=len(some))
        library.prompt("".join(map("".join, zip(some, signs, strict=True))) + str(number))


@pytest.mark.parametrize("some", [7, 4096])
def test_terms_and_ranks_are_those_of_a_look_at_each_prompt(
    db: Database, monkeypatch: pytest.MonkeyPatch, some: int
) -> None:
    monkeypatch.setattr(lists, "_SOME", some)
    with db.connection() as conn:
        fill(Library(conn), 120)
        conn.execute("DELETE FROM prompt WHERE id % 10 = 0")
    maintenance.list_words(db)
    with db.connection() as conn:
        fill(Library(conn), 130)
        sql = "SELECT word FROM ts_stat('SELECT search FROM prompt') WHERE word !~ '^[0-9.]+$'"
        lexemes = [word for (word,) in conn.execute(sql)]
        assert {"castl", "run", "ärger"} < set(lexemes)
        for term in TERMS:
            for lexeme in [*lexemes, "absent"]:
                found = postings.find(conn, Prompt(term), [lexeme])
                assert found is not None
                rows = conn.execute(LOOK, {"term": term, "lexeme": lexeme, "up_to": found.up_to}).fetchall()
                assert found.ids.tolist() == [number for number, _ in rows], term
                ranks = np.array([rank for _, rank in rows], np.float32)
                assert found.ranks.tolist() == ranks.tolist(), (term, lexeme)
                assert not len(found.long)


def test_several_terms_and_words_are_those_of_a_look_at_each_prompt(db: Database) -> None:
    with db.connection() as conn:
        fill(Library(conn), 200)
    maintenance.list_words(db)
    castle, cast, run, night, absent = map(Prompt, ("castle", "cast", "running", "night", "absent"))
    trees: list[tuple[Node, str]] = [
        (And((castle, run)), "%(castle)s AND %(run)s"),
        (Or((castle, night)), "%(castle)s OR %(night)s"),
        (And((cast, Not(castle))), "%(cast)s AND NOT %(castle)s"),
        (And((Or((run, night)), Not(And((castle, run))))), "(%(run)s OR %(night)s) AND NOT (%(castle)s AND %(run)s)"),
        (And((castle, absent)), "%(castle)s AND false"),
    ]
    texts = {"castle": "castle", "cast": "cast", "run": "running", "night": "night"}
    has = {name: f"strpos(lowered, '{text}') > 0" for name, text in texts.items()}
    rank = "ts_rank_cd(search, quote_literal(%s)::tsquery || quote_literal(%s)::tsquery, 1)"
    with db.connection() as conn:
        for tree, condition in trees:
            for lexemes in (["castl", "run"], ["run", "absent"], ["night", "castl"]):
                found = postings.find(conn, tree, lexemes)
                assert found is not None
                sql = f"SELECT prompt.id, {rank} FROM prompt WHERE {condition % has} ORDER BY id"
                rows = conn.execute(sql.encode(), lexemes).fetchall()
                assert found.ids.tolist() == [number for number, _ in rows], condition
                assert found.ranks.tolist() == np.array([rank for _, rank in rows], np.float32).tolist(), condition


def test_what_the_lists_cannot_tell_is_looked_at(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.connection() as conn:
        library = Library(conn)
        space = library.space("text")
        texts = ["a fox", "fox " * 3000, "fox " + "y" * 300, "(fox:1.2)", "firefoxes", "owl", "a fox, red fox"]
        for number, text in enumerate(texts):
            library.image(f"{number}.png", text)
            conn.execute(
                "INSERT INTO prompt_vector SELECT %s, max(id), %s::halfvec FROM prompt",
                (space, str(np.eye(DIMS)[number].tolist())),
            )
            if number == 4:
                assert lists.list_some(conn, least=1)
        assert not lists.list_some(conn), "too few are new"
        found = postings.find(conn, Prompt("fox"), ["fox"])
        assert found is not None
        assert (found.ids.tolist(), found.up_to, found.long.tolist()) == ([1, 4, 5], 5, [2, 3])
        about = [(space, np.eye(DIMS, dtype=np.float32)[3])]
        result = find_images(conn, parse("fox about:x"), about=about, like=(), limit=20)
        assert set(result.ids.tolist()) == {1, 2, 3, 4, 5, 7}
        for term in ("fo", "red fox", "fox:", "f(x"):
            assert postings.find(conn, Prompt(term), ["fox"]) is None
        monkeypatch.setattr(postings, "find", lambda *_: None)
        monkeypatch.setattr(postings, "candidates", lambda *_: None)
        looked_at = find_images(conn, parse("fox about:x"), about=about, like=(), limit=20)
        assert result.ids.tolist() == looked_at.ids.tolist()
        assert result.scores is not None and looked_at.scores is not None
        assert result.scores.tolist() == looked_at.scores.tolist()


def test_what_has_all_the_words_of_a_term_is_looked_at(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        "a red fox",
        "a red foxtail",
        "a bored fox",
        "a fox, red",
        "a Red Fox, RED FOX",
        "red, fox",
        "owl",
        "bored fox",
    ]
    with db.connection() as conn:
        library = Library(conn)
        for number, text in enumerate([*texts, "red fox " * 2000, "six\u226fseven or eight"]):
            library.image(f"{number}.png", text)
        assert lists.list_some(conn, least=1)
        library.image("later.png", "the red fox of today")
        for line, may, ids in (
            ('"red fox"', {1, 2, 3, 5, 8, 9}, {1, 2, 3, 5, 8, 9, 11}),
            ('"red fox" -tail', {1, 3, 5, 8, 9}, {1, 3, 5, 8, 9, 11}),
            ('"red fox" -"a red"', {1, 2, 3, 5, 8, 9}, {3, 8, 9, 11}),
            ('"ed fox" OR owl', {1, 2, 3, 5, 7, 8, 9}, {1, 2, 3, 5, 7, 8, 9, 11}),
            ('"red, fox"', {6, 9}, {6}),
            ('"a red fox"', {1, 2, 5, 9}, {1, 2, 5}),
            ('"six>\u0338seven or"', {9, 10}, {10}),
        ):
            query = parse(line)
            assert query.filter is not None
            found = postings.candidates(conn, query.filter)
            assert found is not None and set(found[0].tolist()) >= may and found[1] == 10, line
            result = find_images(conn, query, about=(), like=(), limit=20)
            assert set(result.ids.tolist()) == ids, line
            with monkeypatch.context() as patched:
                patched.setattr(postings, "candidates", lambda *_: None)
                looked_at = find_images(conn, query, about=(), like=(), limit=20)
            assert result.ids.tolist() == looked_at.ids.tolist(), line
        for tree in (Prompt("r f"), Not(Prompt("red fox")), Or((Prompt("red fox"), Prompt("x")))):
            monkeypatch.setattr(postings, "_MOST_CANDIDATES", 5)
            assert postings.candidates(conn, tree) is None, "the lists tell nothing, or leave too many"


def test_a_prompt_that_is_being_written_is_waited_for(db: Database) -> None:
    with psycopg.connect(db.conninfo()) as writer:
        first = Library(writer).prompt("an owl that is not there yet")
        with db.connection() as conn:
            Library(conn).prompt("an owl that is there")
        with db.connection() as conn:
            assert not lists.list_some(conn, least=1), "that would leave the first one out for good"
            found = postings.find(conn, Prompt("owl"), ["owl"])
            assert found is not None and found.up_to == 0
    with db.connection() as conn:
        assert lists.list_some(conn, least=1)
        found = postings.find(conn, Prompt("owl"), ["owl"])
        assert found is not None
        assert (first, found.ids.tolist(), found.up_to) == (1, [1, 2], 2)


def test_one_writes_the_lists_at_a_time(db: Database) -> None:
    with db.connection() as conn:
        Library(conn).prompt("an owl")
    with psycopg.connect(db.conninfo()) as other:
        assert lists.list_some(other, least=1)
        with db.connection() as conn:
            assert not lists.list_some(conn, least=1)
    with db.connection() as conn:
        assert not lists.list_some(conn, least=1)
        assert conn.execute("SELECT token FROM token_posting ORDER BY 1").fetchall() == [("an",), ("owl",)]


def test_many_prompts_in_no_list_are_looked_at_as_without_lists(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postings, "_MOST_UNLISTED", 2)
    with db.connection() as conn:
        assert postings.find(conn, Prompt("owl"), ["owl"]) is not None
        for text in ("owl 1", "owl 2", "owl 3"):
            Library(conn).prompt(text)
        assert postings.find(conn, Prompt("owl"), ["owl"]) is None


def test_a_reindex_writes_the_lists_anew(db: Database) -> None:
    with db.connection() as conn:
        Library(conn).prompt("an owl")
        lists.list_some(conn, least=1)
        conn.execute("UPDATE token_posting SET prompts = ''")
    maintenance.reindex(db)
    with db.connection() as conn:
        found = postings.find(conn, Prompt("owl"), ["owl"])
        assert found is not None and found.ids.tolist() == [1]

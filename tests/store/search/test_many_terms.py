"""Trees of many conditions: they find what each image alone says, and are planned and ended in time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from dtk_tui.config import Config
from dtk_tui.domain.query.nodes import And, Negative, Node, Not, Or, Prompt, Query
from dtk_tui.domain.query.parser import MAX_LENGTH, parse
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library import search as service
from dtk_tui.settings import checked
from dtk_tui.store.database import Connection, Database, limit_time
from dtk_tui.store.search import conditions
from dtk_tui.store.search.conditions import NameIds
from dtk_tui.store.search.search import find_images
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.search_library import Library

WORDS = ["castle", "Forest", "sky", "ab", "x", "50%", "a_b", "old castle", "ÄRGER", "日本"]
Texts = dict[str, tuple[str | None, str | None]]


@pytest.fixture(scope="module")
def texts(server: EmbeddedServer) -> Iterator[tuple[Library, Texts]]:
    """Images with and without prompts of some of the words, and what stands in them."""
    chance = random.Random(7)
    known: Texts = {}
    with database(server) as url, psycopg.connect(url) as conn:
        library = Library(conn)
        for number in range(60):
            both = [
                ", ".join(chance.sample(WORDS, chance.randint(0, 4))).upper() if chance.random() < 0.8 else None
                for _ in range(2)
            ]
            known[str(number)] = (both[0], both[1])
            library.image(str(number), both[0], negative=both[1], steps=number)
        yield library, known


def meets(node: Node, image: tuple[str | None, str | None]) -> bool:
    if isinstance(node, And):
        return all(meets(part, image) for part in node.parts)
    if isinstance(node, Or):
        return any(meets(part, image) for part in node.parts)
    if isinstance(node, Not):
        return not meets(node.part, image)
    assert isinstance(node, Prompt | Negative)
    text = image[isinstance(node, Negative)]
    return text is not None and node.text.lower() in text.lower()


def some_tree(chance: random.Random, depth: int) -> Node:
    kind = chance.random() if depth else 1
    if kind < 0.15:
        return Not(some_tree(chance, depth - 1))
    if kind < 0.75:
        parts = tuple(some_tree(chance, depth - 1) for _ in range(chance.randint(2, 4)))
        return And(parts) if kind < 0.4 else Or(parts)
    return (Prompt if chance.random() < 0.7 else Negative)(chance.choice(WORDS))


def test_trees_of_terms_find_what_each_image_says(texts: tuple[Library, Texts]) -> None:
    library, known = texts
    chance = random.Random(11)
    for _ in range(150):
        tree = some_tree(chance, 4)
        query = Query(line="", filter=tree, terms=(), about=(), like=())
        ids = find_images(library.conn, query, about=(), like=(), limit=None).ids
        assert set(library.names(ids)) == {name for name, image in known.items() if meets(tree, image)}, tree


@pytest.mark.parametrize("operator", [" OR ", ", "])
def test_hundreds_of_terms_are_one_look_at_each_prompt(texts: tuple[Library, Texts], operator: str) -> None:
    library, known = texts
    terms = [f"none{number}" for number in range(200)] + ["castle"]
    found = {name for name, (text, _) in known.items() if text and "CASTLE" in text}
    assert set(library.find(operator.join(terms))) == (found if operator == " OR " else set())
    line = " ".join(f"-{term}" for term in terms)
    assert set(library.find(line)) == set(known) - found
    where = conditions.where(parse(line).filter, NameIds({}, {}, {}, {}, {}))
    assert where.condition.count("FROM prompt") == 1


def test_hundreds_of_ranges_and_names_are_looked_up(texts: tuple[Library, Texts]) -> None:
    library, _ = texts
    library.conn.execute("UPDATE image SET sampler = 'Eul ' || steps, cfg_scale = 7.1, seed = steps * 10")
    steps = "|".join(f"{number}-{number + 1}" for number in range(3, 40, 3))
    assert set(library.find("steps:" + steps)) == {str(n) for n in range(3, 41) if n % 3 != 2}
    assert len(library.find("cfg:7.1|" + "|".join(map(str, range(20, 40))))) == 60
    assert set(library.find("seed:" + "|".join(str(n * 10) for n in range(20)))) == {str(n) for n in range(20)}
    assert set(library.find("sampler:" + " | ".join(f"eul {n}" for n in range(12)))) == {str(n) for n in range(12)}


def test_many_tags_are_not_planned_as_a_join_of_all(texts: tuple[Library, Texts]) -> None:
    library, _ = texts
    names = [f"tag{number}" for number in range(300)]
    library.image("tagged", tags=[(name, None) for name in names])
    line = " ".join(f"tag:{name}" for name in names)
    limit_time(library.conn, 20)
    assert library.find(line) == ["tagged"]
    where = conditions.where(parse(line).filter, NameIds({name: [1] for name in names}, {}, {}, {}, {}))
    assert where.condition.count(") IS TRUE") == len(names) - 6


def test_a_search_that_takes_too_long_is_ended_with_a_sentence(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(conn: Connection, *_: object, **__: object) -> Any:
        conn.execute("SELECT pg_sleep(60)")

    monkeypatch.setattr(service, "find_images", sleep)
    quick = Config(config.paths, checked({"search": {"timeout_s": 0.1}}))
    with pytest.raises(DtkError, match="took longer than it may") as caught:
        service.find(db, quick, "castle")
    assert "[search] timeout_s" in caught.value.detail
    with db.connection() as conn:
        assert conn.execute("SHOW statement_timeout").fetchone() == ("0",), "only a search is ended"


def test_only_so_many_texts_and_pictures_rank() -> None:
    assert len(parse("about:x " * 20).about) == 20
    with pytest.raises(UsageError, match="at most 20 terms that rank or sort"):
        parse(("about:x like:1 " * MAX_LENGTH)[: MAX_LENGTH - 10])

"""The text of negative prompts, of which a library has few different ones or many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from dtk_tui.domain.query.parser import parse
from dtk_tui.store.search import negatives
from dtk_tui.store.search.search import condition_of
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.search_library import Library

TEXTS = ["blurry, text", "Blurry hands", "text, watermark", "flou, naïf", "50% \\ done_", "blurry"]
#: A line, and which negative prompt meets it; None is an image without one.
LINES: dict[str, Any] = {
    "negative: blurry": lambda text: "blurry" in text,
    "negative: naïf": lambda text: "naïf" in text,
    "negative: text,blurry": lambda text: "text" in text and "blurry" in text,
    "negative: nowhere": lambda text: False,
    "-negative:blurry": lambda text: "blurry" not in text,
    "-negative:nowhere": lambda text: True,
    "(negative:hands OR -negative:text)": lambda text: "hands" in text or "text" not in text,
    "negative:blurry -negative:text": lambda text: "blurry" in text and "text" not in text,
    "-(negative:blurry -negative:text)": lambda text: not ("blurry" in text and "text" not in text),
    '(negative:naïf OR negative:"50% ")': lambda text: "naïf" in text or "50% " in text,
    "negative:done_": lambda text: "done_" in text,
}


@pytest.fixture
def library(server: EmbeddedServer) -> Iterator[Library]:
    with database(server) as url, psycopg.connect(url) as conn:
        library = Library(conn)
        for number in range(30):
            negative = None if number % 5 == 4 else TEXTS[number % len(TEXTS)]
            library.image(str(number), "text, blurry" if number % 2 else None, negative=negative)
        conn.execute("ANALYZE")
        yield library


@pytest.mark.parametrize(("different", "holding"), [(1000, 5000), (0, 5000), (0, 2), (0, 0)])
def test_the_same_is_found_however_many_negative_prompts_there_are(
    library: Library, monkeypatch: pytest.MonkeyPatch, different: int, holding: int
) -> None:
    monkeypatch.setattr(negatives, "_MOST_DIFFERENT", different)
    monkeypatch.setattr(negatives, "_MOST_HOLDING", holding)
    sql = "SELECT file_name, coalesce(lower(text), '') FROM image LEFT JOIN prompt ON prompt.id = negative_prompt_id"
    told = dict(library.conn.execute(sql))
    for line, meets in LINES.items():
        assert set(library.find(line, 100)) == {name for name, text in told.items() if meets(text)}, line


def test_the_planner_knows_that_no_negative_prompt_has_a_word_of_many_prompts(library: Library) -> None:
    """An estimate from the texts of all prompts makes it look for an image that is not there among all of them."""
    conn = library.conn
    conn.execute("INSERT INTO prompt (text) SELECT 'castle ' || n FROM generate_series(1, 3000) n")
    conn.execute("ANALYZE prompt")
    where = condition_of(conn, parse("negative: castle", date(2025, 3, 1)))
    assert where.condition == "image.negative_prompt_id = ANY (%(v0)s::bigint[])"
    assert where.values == {"v0": []}

"""Every row of the query line against a look at each image: the same ids, the same counts, also after edits.

DTK_ORACLE_ROWS=20000 DTK_ORACLE_EXAMPLES=2000 pytest tests/store/search/test_brute_force.py is the long form.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dtk_tui.config import Config
from dtk_tui.domain.caption_edit import CaptionEdit
from dtk_tui.domain.query.tokens import BY_NAME
from dtk_tui.services.captions import batch, versions
from dtk_tui.services.library import journal
from dtk_tui.services.library.caption_words import catch_up
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.search import newest
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.query_checks import check, check_facets, check_sorted
from tests.helpers.query_oracle import LEAVES, Asked, queries, sorts
from tests.helpers.query_rows import Row, make_rows, read_rows

ROWS = int(os.environ.get("DTK_ORACLE_ROWS", "2000"))
EXAMPLES = int(os.environ.get("DTK_ORACLE_EXAMPLES", "200"))
_LENIENT = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="DTK_ORACLE_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
    # A failing query says enough as it is; to find the shortest one takes minutes.
    phases=(Phase.explicit, Phase.generate),
)


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer) -> Iterator[tuple[Connection, list[Row]]]:
    """A library that the tests only read, and its rows, the newest first."""
    with database(server) as url, psycopg.connect(url) as conn:
        make_rows(conn, ROWS)
        conn.commit()
        yield conn, read_rows(conn)


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_a_token_finds_what_a_look_at_each_image_finds(filled: tuple[Connection, list[Row]], name: str) -> None:
    conn, rows = filled

    @settings(_LENIENT, max_examples=max(8, EXAMPLES // 20))
    @given(LEAVES[name], st.integers(1, 50))
    def same(asked: Asked, limit: int) -> None:
        check(conn, rows, asked, limit)

    assert not name or name in BY_NAME
    same()


@pytest.mark.parametrize("small", [False, True])
def test_combinations_find_what_a_look_at_each_image_finds(
    filled: tuple[Connection, list[Row]], monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    conn, rows = filled
    if small:  # what takes a large library else: a first window of images that does not suffice
        monkeypatch.setattr(newest, "_LEAST_WINDOW", 5)
        monkeypatch.setattr(newest, "WINDOW_COST", 0.001)

    @settings(_LENIENT, max_examples=EXAMPLES // 2 if small else EXAMPLES)
    @given(queries(), st.integers(1, 50))
    def same(asked: Asked, limit: int) -> None:
        check(conn, rows, asked, limit)

    same()


def test_a_sorted_result_is_in_the_order_of_its_columns(filled: tuple[Connection, list[Row]]) -> None:
    conn, rows = filled

    @settings(_LENIENT, max_examples=max(40, EXAMPLES // 4))
    @given(queries(), st.lists(sorts(), min_size=1, max_size=2), st.integers(1, 400))
    def same(asked: Asked, keys: list[tuple[str, bool]], limit: int) -> None:
        for count in (None, limit):
            check_sorted(conn, rows, asked, keys, count)

    same()


def test_facets_count_what_a_look_at_each_image_counts(filled: tuple[Connection, list[Row]]) -> None:
    conn, rows = filled

    @settings(_LENIENT, max_examples=max(12, EXAMPLES // 20))
    @given(queries())
    def same(asked: Asked) -> None:
        check_facets(conn, rows, asked)

    check_facets(conn, rows, Asked("", lambda row: True))
    same()


def test_edits_of_captions_and_their_undo_leave_searches_right(db: Database, config: Config) -> None:
    with db.connection() as conn:
        make_rows(conn, 400)
        ids = [number for (number,) in conn.execute("SELECT id FROM image ORDER BY id")]

    def look() -> None:
        catch_up(db)

        @settings(_LENIENT, max_examples=12)
        @given(st.one_of(LEAVES["caption"], LEAVES["has"], queries()), st.integers(1, 50))
        def same(asked: Asked, limit: int) -> None:
            check(conn, rows, asked, limit)

        with db.connection() as conn:
            rows = read_rows(conn)
            same()

    for edit in (
        CaptionEdit("prefix", "the running fox "),
        CaptionEdit("replace", "red", "deep snow"),
        CaptionEdit("regex", r"\bnight\b", "foxes"),
        CaptionEdit("remove"),
    ):
        done = batch.apply(db, ids[::2], edit)
        assert done.changed and done.journal is not None
        look()
        journal.undo(db, done.journal)
        look()
    with db.connection() as conn:
        versions.set_text(conn, ids[0], "red night snow", "descriptive")
    look()
    journal.undo(db, journal.last_edits(db, 1)[0].id)
    look()

"""Facets: every count is what its query finds, whatever the query before; counting ends when nobody wants it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dtk_tui.config import Config
from dtk_tui.domain.facets import FACETS, Facet, narrowed
from dtk_tui.domain.query.parser import parse
from dtk_tui.services.library.facets import CountStoppedError, FacetCounter
from dtk_tui.services.library.search import find
from dtk_tui.store.database import Database
from dtk_tui.store.search import facets as store
from tests.helpers.query_oracle import Asked, queries
from tests.helpers.query_rows import make_rows
from tests.helpers.search_library import NOON, Library, fill

LINES = [
    "",
    "castle",
    "castle OR dog",
    "-castle",
    "rating:>=2 negative: blurry",
    'path:"/pictures/out/*"',
    "tag:sfw",
    "castle, OR (dog rating:none)",
    "nothing like it",
]


@pytest.fixture
def hard(db: Database) -> None:
    """The small library, and names that are hard to ask for or that are alike to the query line."""
    with db.connection() as conn:
        library = Library(conn)
        fill(library)
        library.image("e.png", "castle", model="SDXL_BASE", rating=5, tags=[("blue hair", 0.5), ("blue_hair", 0.9)])
        library.image("f.png", model="a, b", folder='/pictures/out/say "x"', tags=[('a "b" c', None)])
        library.image("g.png", model="what?*", dialect="comfyui", folder="/pictures/out/by\udc80te")
        library.image("h.png", model="\x1b[31mred", created_at=NOON - timedelta(days=800), rating=0)
        sql = """WITH made AS (
                     INSERT INTO caption (image_id, source, type, text, is_user_edited)
                     SELECT id, 'user', 'descriptive', 'a castle', true FROM image WHERE file_name < 'c'
                     RETURNING id, image_id, source, type, text)
                 INSERT INTO current_caption (image_id, caption_id, source, type, search)
                 SELECT image_id, id, source, type, to_tsvector('english', text) FROM made"""
        conn.execute(sql)


def values_of(facet: Facet) -> dict[str, int]:
    return {value.name: value.count for value in facet.values}


@pytest.mark.parametrize("line", LINES)
def test_a_count_is_what_its_query_finds(db: Database, config: Config, hard: None, line: str) -> None:
    counts = FacetCounter(db, config, line).count()
    assert [facet.name for facet in counts.facets] == list(FACETS)
    assert counts.images == len(find(db, config, line).ids)
    asked = 0
    for facet in counts.facets:
        assert facet.is_exact and facet.others == 0
        if facet.name in ("folder", "rating", "month", "caption"):
            assert sum(value.count for value in facet.values) == counts.images
        for value in facet.values:
            if value.query is not None:
                assert len(find(db, config, value.query).ids) == value.count, value
                asked += 1
    assert asked or not counts.images


@pytest.mark.parametrize(
    "line",
    [
        "sort:rating_asc castle",
        "sort:model (castle OR dog)",
        "NOT (castle OR dog) sort:size",
        "-(rating:5) -tag:sfw",
        "album:clever",
        "-album:clever OR castle",
        "sort:name_desc album:CLEVER -album:best negative: blurry",
        "castle OR negative: blurry",
        "date: since 2024-01-01 -album:clever",
        "caption: castle OR -has:caption",
    ],
)
def test_a_narrower_query_keeps_what_stands_in_the_line(db: Database, config: Config, hard: None, line: str) -> None:
    with db.connection() as conn:
        conn.execute("INSERT INTO album (name, query) VALUES ('clever', 'sort:name ((rating:>=2 castle) OR dog)')")
    counts = FacetCounter(db, config, line).count()
    assert counts.images == len(find(db, config, line).ids)
    order = find(db, config, line).ids.tolist()
    for facet in counts.facets:
        for value in facet.values:
            if value.query is not None:
                found = find(db, config, value.query).ids.tolist()
                assert len(found) == value.count, value
                assert parse(value.query).sort == () or found == [one for one in order if one in found], value


def test_every_query_is_narrowed_to_what_was_counted(db: Database, config: Config) -> None:
    with db.connection() as conn:
        make_rows(conn, 300)
        conn.execute(
            "INSERT INTO album (name, query) VALUES ('clever', 'castle OR rating:>=4'), ('sorted', 'sort:name')"
        )
    albums = st.sampled_from(["album:clever", "-album:clever", "NOT album:sorted", "album:sorted"])
    sorting = st.sampled_from(["", "sort:rating", "sort:name_desc sort:model"])

    @settings(max_examples=25, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(queries(), st.one_of(st.just(""), albums), sorting, st.integers(0, 30))
    def same(asked: Asked, album: str, sort: str, place: int) -> None:
        line = " ".join(part for part in (sort, album, f"({asked.text})") if part)
        counts = FacetCounter(db, config, line).count()
        assert counts.images == len(find(db, config, line).ids), line
        for facet in counts.facets:
            if facet.values:
                value = facet.values[place % len(facet.values)]
                assert value.query is not None or facet.name == "model", (line, value)
                if value.query is not None:
                    assert len(find(db, config, value.query).ids) == value.count, (line, value)

    same()


def test_what_ranks_or_sorts_stays_as_it_is() -> None:
    for line in ("-about: fog", "like:4 -like:5 about: fog", "-looks: fog sort:rating_asc", "sort:score fog"):
        assert narrowed(line, "rating:5") == f"rating:5 {line}"


def test_what_the_query_line_takes_for_one_is_one(db: Database, config: Config, hard: None) -> None:
    counts = FacetCounter(db, config, "").count()
    by_name = {facet.name: facet for facet in counts.facets}
    assert values_of(by_name["tag"]) == {"blue_hair": 3, "sfw": 1, 'a "b" c': 1}
    assert {name.lower(): count for name, count in values_of(by_name["model"]).items()} == {
        "sdxl_base": 2, "dream(v2)": 1, "a, b": 1, "what?*": 1, "\x1b[31mred": 1,
    }  # fmt: skip
    assert {name.lower(): count for name, count in values_of(by_name["dialect"]).items()} == {
        "comfyui": 4, "automatic1111": 1,
    }  # fmt: skip
    assert list(values_of(by_name["rating"]).items()) == [("5", 2), ("2", 1), ("0", 1), ("none", 7)]
    assert list(values_of(by_name["month"]).items()) == [("2025-03", 8), ("2025-02", 1), ("2025-01", 1), ("2022-12", 1)]
    assert values_of(by_name["caption"]) == {"yes": 2, "no": 9}
    unasked = {value.name for facet in counts.facets for value in facet.values if value.query is None}
    assert unasked == {"a, b", "what?*", "\x1b[31mred", "/pictures/out/by\udc80te"}


def test_narrowing_twice_says_it_once(db: Database, config: Config, hard: None) -> None:
    (first,) = [value.query for facet in FacetCounter(db, config, "castle").count().facets for value in facet.values
                if value.name == "sfw"]  # fmt: skip
    assert first == 'tag:"sfw" castle'
    again = [value.query for facet in FacetCounter(db, config, first).count().facets for value in facet.values
             if value.name == "sfw"]  # fmt: skip
    assert again == [first]


def test_tags_of_many_images_are_a_bound_that_says_so(
    db: Database, config: Config, hard: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_TAGGED", 1)
    counter = FacetCounter(db, config, "castle")
    counter.fields()
    tags = counter.tags()
    assert not tags.is_exact
    assert values_of(tags) == {"blue_hair": 1, "sfw": 1}, "those of the newest castle"
    whole = FacetCounter(db, config, "")
    whole.fields()
    assert whole.tags().is_exact, "the index of tags has them"


def test_counting_ends_when_nobody_wants_it(db: Database, config: Config, hard: None) -> None:
    counter = FacetCounter(db, config, "castle")
    counter.fields()
    ended: list[Exception] = []

    def count() -> None:
        try:
            counter.tags()
        except CountStoppedError as error:
            ended.append(error)

    with db.connection() as conn:
        conn.execute("LOCK TABLE image_tag")  # it waits for as long as we like
        thread = threading.Thread(target=count, daemon=True)
        thread.start()
        counter.stop()
        thread.join(60)
    assert len(ended) == 1

"""Completion of a query line from what the library has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.query.parser import MAX_LENGTH
from dtk_tui.services.library.queries import saved_queries
from dtk_tui.services.library.queries.completion import complete
from dtk_tui.services.library.search import find
from dtk_tui.store.database import Database
from dtk_tui.store.search import names
from tests.helpers.search_library import Library, fill


@pytest.fixture
def filled(db: Database) -> Iterator[Database]:
    with db.connection() as conn:
        library = Library(conn)
        fill(library)
        library.image("e.png", model="SDXL_base", sampler="Euler", tags=[("blue_eyes", 0.5), ("sky blue", 1.0)])
        library.image("f.png", model="sdxl-turbo", sampler="Euler", tags=[("blue_eyes", 0.5)])
    return db


def offered(db: Database, line: str) -> list[tuple[str, str]]:
    found = complete(db, line, len(line))
    assert all(line[: found.start] + one.text for one in found.candidates)
    return [(one.text, one.note) for one in found.candidates]


def test_names_are_completed_with_their_images(filled: Database) -> None:
    blue = [("blue_eyes", "2"), ('"blue hair"', "1"), ("blue_hair", "1"), ('"sky blue"', "1")]
    assert offered(filled, "castle tag:blu") == blue
    assert offered(filled, "castle tag:BLUE_") == blue[:3]
    assert offered(filled, "tag:nothing") == []
    assert offered(filled, 'tag:"sky b') == [('"sky blue"', "1")]
    assert offered(filled, "album:s") == [('"so so"', "1"), ("best", "2")]
    base, turbo = (text for text, _ in offered(filled, "model:sdxl"))
    assert base in ("SDXL_base", "sdXL_base") and turbo == "sdxl-turbo", "as one of its images writes it"
    assert offered(filled, "sampler: eul") == [("Euler", "2"), ('"Euler a"', "1")]
    assert offered(filled, "folder:sub") == [("/pictures/out/sub_dir", "1")]
    assert ("has:", "caption, tags, embedding, workflow or error") in offered(filled, "ha")
    assert offered(filled, "has:t") == [("tags", "")]
    assert offered(filled, "has:tags") == [], "what is complete is not offered"


def test_months_with_images_are_offered_for_a_date(db: Database) -> None:
    with db.connection() as conn:
        library = Library(conn)
        days = ("2025-11-30T23:59", "2025-11-01T00:00", "2025-12-01T00:00", "2024-02-29T12:00", "2019-07-05T12:00")
        for number, day in enumerate(days):
            image = library.image(f"{number}.png")
            conn.execute(
                "UPDATE image SET created_at = %s WHERE id = %s", (datetime.fromisoformat(day).astimezone(), image)
            )
    assert offered(db, "date:2") == [("2025-12", "1"), ("2025-11", "2"), ("2024-02", "1"), ("2019-07", "1")]
    assert offered(db, "castle date:2025-1") == [("2025-12", "1"), ("2025-11", "2")]
    assert offered(db, "date:2024") == [("2024-02", "1")]
    assert offered(db, "date:2018") == offered(db, "date:30") == offered(db, "date:2025-11-0") == []
    assert offered(db, "date:")[-2:] == [("2025-12", "1"), ("2025-11", "2")]
    assert offered(db, "date:t") == [("today", "")]


def test_saved_queries_are_offered_at_the_beginning(filled: Database) -> None:
    saved_queries.save(filled, "Rated well", "rating:>=4")
    assert offered(filled, "rat") == [("rating:", offered(filled, "rat")[0][1]), ("rating:>=4", "saved: Rated well")]
    assert [text for text, _ in offered(filled, "castle rat")] == ["rating:"]


def test_counts_end_where_nobody_reads_on(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "COUNTED", 1)
    assert offered(filled, "tag:blue_e") == [("blue_eyes", "1+")]


def test_hostile_names_are_not_put_into_the_line(filled: Database) -> None:
    with filled.connection() as conn:
        library = Library(conn)
        library.image("g.png", model="evil\x1b[31m", tags=[("evil\ttag", 1.0), ("evil [red]%_", 1.0)])
    assert offered(filled, "model:ev") == []
    assert offered(filled, "tag:ev") == [('"evil [red]%_"', "1")]
    assert offered(filled, "tag:%") == [('"evil [red]%_"', "1")]


def test_what_is_offered_is_found_whatever_its_name(filled: Database, config: Config) -> None:
    with filled.connection() as conn:
        library = Library(conn)
        model = library.image("h.png", model="one, two*", sampler="x-y | z", tags=[('say "hi", you', 1.0)])
        library.image("i.png", model=" blank", sampler="blank ", tags=[("x" * MAX_LENGTH, 1.0)])
    for kind, typed in (("model", "one"), ("sampler", "x-y"), ("tag", "say")):
        line = f"{kind}:{offered(filled, f'{kind}:{typed}')[0][0]}"
        assert find(filled, config, line).ids.tolist() == [model], line
    for line in ("model:bl", "sampler:bl", "tag:xx"):
        assert offered(filled, line) == [], "the query line has no words for it"


def test_long_lines_and_long_saved_queries_do_no_harm(filled: Database) -> None:
    saved_queries.save(filled, "ratings", "rating:5 " * 1000)
    with filled.connection() as conn:
        conn.execute("UPDATE saved_query SET query = repeat('x', 1000000)")
    assert [text for text, _ in offered(filled, "rat")] == ["rating:"]
    for piece in ("tag:", 'tag:"', "sampler: a | ", "model:a,", "(", '"', "a", "\u65e5", "-", "tag:%_\\"):
        line = piece * (1_000_000 // len(piece))
        assert complete(filled, line, len(line)).candidates == (), piece

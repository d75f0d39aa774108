"""Duplicates: copies, groups, and pictures that look alike, in a real library."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.duplicates import DuplicateImage, DuplicateKind, KeepRule, best, differences, facts
from dtk_tui.errors import DtkError
from dtk_tui.inference.perceptual_hash import perceptual_hash
from dtk_tui.services.library.alike.sets import SearchStoppedError
from dtk_tui.services.library.duplicates import find, images_of
from dtk_tui.store.database import Connection, Database
from tests.helpers.pictures import picture
from tests.helpers.search_library import Library, unit


def seen(conn: Connection, name: str, bits: int | None, colours: int = 0) -> None:
    conn.execute(
        "INSERT INTO image_hash (image_id, bits, colours, fingerprint, is_compared)"
        " SELECT id, %s, %s, coalesce(fingerprint, ''), true FROM image WHERE file_name = %s",
        (bits, colours, name),
    )


@pytest.fixture
def library(db: Database) -> None:
    with db.connection() as conn:
        library = Library(conn)
        for number, name in enumerate(("a", "b", "c", "d", "e", "f", "g")):
            library.image(f"{name}.png", fingerprint=name.encode() * 16, width=100 + number, height=100)
        library.image("copy of a.png", fingerprint=b"a" * 16, width=100, height=100)
        library.image("third a.png", fingerprint=b"a" * 16, width=100, height=100, unavailable=True)
        library.image("unread.png", scan_phase=0)
        conn.execute(
            "UPDATE image SET is_embedding_representative = false,"
            " embedding_source_id = (SELECT id FROM image WHERE file_name = 'c.png') WHERE file_name = 'd.png'"
        )
        seen(conn, "a.png", 0)
        seen(conn, "b.png", 0b1111)  # 4 bits from a
        seen(conn, "c.png", 0b1111_1111_0000)  # 8 from a, 12 from b
        seen(conn, "e.png", -1, 31 << 20)
        seen(conn, "f.png", (1 << 62) - 1, 31 << 20)  # 2 from e: the highest bits
        seen(conn, "g.png", None)


def names(db: Database, config: Config, kind: DuplicateKind) -> list[list[str]]:
    found = find(db, config, kind)
    return [
        [Path(image.path).name for image in images]
        for images in images_of(db, [found.members(number) for number in range(len(found))])
    ]


def test_copies_have_one_content(db: Database, config: Config, library: None) -> None:
    assert names(db, config, DuplicateKind.EXACT) == [["a.png", "copy of a.png"]], "what has no file is no copy"


def test_groups_share_a_vector(db: Database, config: Config, library: None) -> None:
    assert names(db, config, DuplicateKind.GROUP) == [["c.png", "d.png"]]


def test_near_pictures_look_like_the_largest_of_their_set(db: Database, config: Config, library: None) -> None:
    assert names(db, config, DuplicateKind.NEAR) == [["a.png", "c.png", "copy of a.png"], ["e.png", "f.png"]]
    assert find(db, config, DuplicateKind.NEAR).unseen == 2, "d and the one that was not read"


def test_vectors_decide_where_hashes_leave_it_open(db: Database, config: Config, library: None) -> None:
    with db.connection() as conn:
        store = Library(conn)
        store.image("near b.png", fingerprint=b"n" * 16, width=10, height=10)
        seen(conn, "near b.png", 0b1111 ^ (0b111_1111_1111 << 50))  # 11 bits from b, in one block
        conn.commit()
        assert names(db, config, DuplicateKind.NEAR)[0] == ["a.png", "c.png", "copy of a.png"]
        space = store.space("image", 8, config.settings.models.image_embedder)
        store.vector(space, "b.png", unit(1, 0, 0))
        store.vector(space, "near b.png", unit(1, 1, 0))
        conn.commit()
        assert ["b.png", "near b.png"] not in names(db, config, DuplicateKind.NEAR)
        conn.execute("DELETE FROM image_vector")
        store.vector(space, "b.png", unit(1, 0, 0))
        store.vector(space, "near b.png", unit(1, 0.1, 0))
        conn.commit()
    assert ["b.png", "near b.png"] in names(db, config, DuplicateKind.NEAR)


def test_a_picture_at_another_size_looks_alike_in_the_library(db: Database, config: Config) -> None:
    with db.connection() as conn:
        store = Library(conn)
        for seed in range(6):
            for size in ((512, 384), (256, 192)):
                look = perceptual_hash(picture(seed, size))
                name = f"{seed}-{size[0]}.png"
                store.image(name, fingerprint=name.encode(), width=size[0], height=size[1])
                seen(conn, name, look.bits, look.colours)
    found = names(db, config, DuplicateKind.NEAR)
    assert sorted(found) == [[f"{seed}-512.png", f"{seed}-256.png"] for seed in range(6)]


def test_an_empty_library_has_none(db: Database, config: Config) -> None:
    for kind in (DuplicateKind.EXACT, DuplicateKind.GROUP, DuplicateKind.NEAR):
        found = find(db, config, kind)
        assert (len(found), found.unseen) == (0, 0)
    with pytest.raises(DtkError, match="nothing is embedded yet"):
        find(db, config, DuplicateKind.CLUSTER)


def test_a_search_that_nobody_wants_ends(db: Database, config: Config, library: None) -> None:
    stop = threading.Event()
    stop.set()
    for kind in DuplicateKind:
        with pytest.raises(SearchStoppedError):
            find(db, config, kind, stop=stop)


def test_the_best_by_each_rule(config: Config) -> None:
    one = DuplicateImage(1, "/1.png", 1000, datetime(2025, 1, 1, tzinfo=UTC), 10, 10)
    large = replace(one, id=2, width=20, albums=())
    newest = replace(one, id=3, created_at=datetime(2025, 1, 2, tzinfo=UTC))
    rated = replace(one, id=4, rating=0)
    listed = replace(one, id=5, albums=("best",))
    images = [one, large, newest, rated, listed]
    chosen = {rule: best(images, rule).id for rule in KeepRule}
    assert chosen == {KeepRule.LARGEST: 2, KeepRule.NEWEST: 3, KeepRule.RATED: 4, KeepRule.IN_ALBUM: 5}
    assert best([one, replace(large, for_deletion=True)], KeepRule.LARGEST).id == 1
    assert differences(images) == ("dimensions", "date", "rating", "albums")
    assert facts(rated)["rating"] == "0" and facts(large)["dimensions"] == "20x10"
    assert differences([one, replace(one, id=9, path="/9.png")]) == ()

"""Clusters of a real library: planted ones are found and no others, by vectors and by hash."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from msgspec import structs

from dtk_tui.config import Config
from dtk_tui.domain.duplicates import ClusterBy, DuplicateKind
from dtk_tui.errors import UsageError
from dtk_tui.services.library import duplicates
from dtk_tui.services.library.alike.clusters import Clusters, NothingEmbeddedError, find
from dtk_tui.services.library.alike.sets import SearchStoppedError
from dtk_tui.settings import ModelSettings
from dtk_tui.store.database import Connection, Database
from tests.helpers.search_library import Library, unit


def add(library: Library, space: int, name: str, vec: np.ndarray, pixels: int = 100, **columns: object) -> None:
    library.image(name, width=pixels, height=1, fingerprint=name.encode(), **columns)
    library.vector(space, name, vec)


def degrees(angle: float) -> np.ndarray:
    return unit(math.cos(math.radians(angle)), math.sin(math.radians(angle)))


def names(db: Database, found: Clusters) -> list[list[str]]:
    with db.connection() as conn:
        known = dict(conn.execute("SELECT id, file_name FROM image"))
    return [[known[one] for one in found.sets.members(number)] for number in range(len(found.sets))]


def hashed(conn: Connection, name: str, bits: int) -> None:
    conn.execute(
        "INSERT INTO image_hash (image_id, bits, colours, fingerprint, is_compared)"
        " SELECT id, %s, 0, fingerprint, true FROM image WHERE file_name = %s",
        (bits, name),
    )


def test_planted_clusters_are_found_and_no_others(db: Database, config: Config) -> None:
    rng = np.random.default_rng(17)
    with db.connection() as conn:
        library = Library(conn)
        space = library.space("image", 64, config.settings.models.image_embedder)
        planted = {}
        for cluster in range(8):
            base = rng.normal(size=64)
            members = [f"{cluster}-{number}.png" for number in range(2 + cluster % 3)]
            for number, name in enumerate(members):
                vec = base + rng.normal(scale=0.03, size=64) * bool(number)
                add(library, space, name, vec / np.linalg.norm(vec), pixels=100 - number)
            planted[members[0]] = set(members)
        for number in range(40):
            vec = rng.normal(size=64)
            add(library, space, f"alone {number}.png", vec / np.linalg.norm(vec))
    found = find(db, config)
    assert {one[0]: set(one) for one in names(db, found)} == planted, "the largest image leads"
    assert [len(one) for one in names(db, found)] == [4, 4, 3, 3, 3, 2, 2, 2]
    first = found.nearness[found.sets.places(0)]
    assert first[0] == 1 and (first[1:] >= 0.95).all() and list(first) == sorted(first, reverse=True)
    assert duplicates.find(db, config, DuplicateKind.CLUSTER).ids.tolist() == found.sets.ids.tolist()


def test_a_chain_is_not_one_cluster_and_the_threshold_counts(db: Database, config: Config) -> None:
    with db.connection() as conn:
        library = Library(conn)
        space = library.space("image", 8, config.settings.models.image_embedder)
        for angle, pixels in ((0, 50), (15, 90), (30, 60), (45, 70)):
            add(library, space, f"{angle}.png", degrees(angle), pixels)
    # cos 15 degrees is 0.966, cos 30 degrees 0.866.
    assert names(db, find(db, config, threshold=0.95)) == [["15.png", "30.png", "0.png"]]
    assert names(db, find(db, config, threshold=0.97)) == []
    assert {*names(db, find(db, config, threshold=0.85))[0]} == {"0.png", "15.png", "30.png", "45.png"}


def test_whoever_shares_a_vector_is_in_its_cluster_and_what_is_missing_in_none(db: Database, config: Config) -> None:
    with db.connection() as conn:
        library = Library(conn)
        space = library.space("image", 8, config.settings.models.image_embedder)
        add(library, space, "a.png", degrees(0))
        add(library, space, "b.png", degrees(5), 50)
        add(library, space, "gone.png", degrees(2), unavailable=True)
        library.image("member.png", width=10, height=1)
        conn.execute(
            "UPDATE image SET is_embedding_representative = false, embedding_source_id ="
            " (SELECT id FROM image WHERE file_name = 'b.png') WHERE file_name = 'member.png'"
        )
        library.image("not embedded.png")
    found = find(db, config)
    assert names(db, found) == [["a.png", "b.png", "member.png"]]
    assert found.sets.unseen == 1


def test_clusters_by_hash_are_as_near_as_was_asked(db: Database, config: Config) -> None:
    with db.connection() as conn:
        library = Library(conn)
        for number, (name, bits) in enumerate(
            {"a": 0, "b": 0b111, "c": 0b1_1111_1000, "copy of a": 0, "d": -1}.items()
        ):
            library.image(name, fingerprint=name.encode(), width=100 - number, height=1)
            hashed(conn, name, bits)
        library.image("unread", scan_phase=0)
    found = find(db, config, ClusterBy.HASH)
    assert names(db, found) == [["a", "copy of a", "b", "c"]]
    assert found.nearness.tolist() == [0, 0, 3, 6] and found.sets.unseen == 1
    assert names(db, find(db, config, ClusterBy.HASH, 3)) == [["a", "copy of a", "b"]]
    assert names(db, find(db, config, ClusterBy.HASH, 0)) == [["a", "copy of a"]]


def test_what_cannot_be_searched_for_is_said(db: Database, config: Config) -> None:
    with pytest.raises(NothingEmbeddedError, match="nothing is embedded yet"):
        find(db, config)
    assert len(find(db, config, ClusterBy.HASH).sets) == 0
    for by, threshold in (
        (ClusterBy.VECTORS, 0.4),
        (ClusterBy.VECTORS, 1.1),
        (ClusterBy.HASH, 9),
        (ClusterBy.HASH, 0.5),
    ):
        with pytest.raises(UsageError, match="is no threshold for"):
            find(db, config, by, threshold)
    stop = threading.Event()
    stop.set()
    for by in ClusterBy:
        with pytest.raises(SearchStoppedError):
            find(db, config, by, stop=stop)


def test_vectors_of_the_default_embedder_are_compared(db: Database, config: Config) -> None:
    with db.connection() as conn:
        library = Library(conn)
        space = library.space("image", model=config.settings.models.image_embedder)
        other = library.space("image", model="another")
        library.image("a.png", width=2, height=1)
        library.image("b.png", width=1, height=1)
        for name, angle in (("a.png", 0), ("b.png", 90)):
            library.vector(other, name, degrees(0))
            library.vector(space, name, degrees(angle))
    assert names(db, find(db, config)) == []
    models = ModelSettings(image_embedder="another")
    by_another = Config(config.paths, structs.replace(config.settings, models=models))
    assert names(db, find(db, by_another)) == [["a.png", "b.png"]]

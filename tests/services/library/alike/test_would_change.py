"""What sharing would change: vectors that differ although their pictures look alike, and finds that are lost."""

from __future__ import annotations

import numpy as np
import pytest

from dtk_tui.config import Config
from dtk_tui.errors import UsageError
from dtk_tui.services.library.alike.clusters import NothingEmbeddedError
from dtk_tui.services.library.alike.would_change import measure
from dtk_tui.store.database import Database
from tests.helpers.search_library import Library, unit
from tests.services.library.alike.test_clusters import hashed


def test_it_is_measured_on_pictures_that_have_both(db: Database, config: Config) -> None:
    with db.connection() as conn:
        library = Library(conn)
        space = library.space("image", 8, config.settings.models.image_embedder)
        vectors = {
            "a": (unit(1), 0, 300), "like a": (unit(1, 0.1), 0b11, 200), "other than a": (unit(0, 1), 0b1100, 100),
            "alone": (unit(0, 0, 1), -1, 50),
        }  # fmt: skip
        for name, (vec, bits, pixels) in vectors.items():
            library.image(name, fingerprint=name.encode(), width=pixels, height=1)
            library.vector(space, name, vec)
            hashed(conn, name, bits)
        library.image("no vector", fingerprint=b"n")
        hashed(conn, "no vector", 1)
        library.image("no hash")
        library.vector(space, "no hash", unit(0, 0, 0, 1))
        library.image("shares", fingerprint=b"s")
        library.vector(space, "shares", unit(1))
        hashed(conn, "shares", 1)
        conn.execute(
            "INSERT INTO shared_vector SELECT id, (SELECT id FROM image WHERE file_name = 'a') FROM image"
            " WHERE file_name = 'shares'"
        )
    found = measure(db, config, 4)
    assert (found.within_bits, found.pictures, found.skipped, found.below) == (4, 4, 2, 1)
    assert found.cosine_least == pytest.approx(0, abs=1e-3)
    assert found.cosine_median == pytest.approx((0 + 1 / np.sqrt(1.01)) / 2, abs=1e-3)
    assert found.queries == 4 and found.recall_at_10 == 1.0, "there are not more than ten to find"
    narrow = measure(db, config, 1)
    assert (narrow.pictures, narrow.skipped, narrow.cosine_least, narrow.recall_at_10) == (4, 0, 1.0, 1.0)


def test_what_a_search_loses_is_counted(db: Database, config: Config) -> None:
    rng = np.random.default_rng(5)
    with db.connection() as conn:
        library = Library(conn)
        space = library.space("image", 16, config.settings.models.image_embedder)
        hashes = rng.integers(2**62, size=30).tolist()
        for number in range(60):
            # Two by two they have one hash and vectors that have nothing in common.
            vec = rng.normal(size=16)
            library.image(f"{number}", fingerprint=str(number).encode(), width=100 - number % 2, height=1)
            library.vector(space, f"{number}", vec / np.linalg.norm(vec))
            hashed(conn, f"{number}", hashes[number // 2])
    found = measure(db, config, 0)
    assert (found.pictures, found.skipped) == (60, 30)
    assert found.below >= 29 and found.queries == 60
    assert 0.2 < found.recall_at_10 < 0.9


def test_what_cannot_be_measured_is_said(db: Database, config: Config) -> None:
    with pytest.raises(NothingEmbeddedError):
        measure(db, config)
    with pytest.raises(UsageError, match="number of bits"):
        measure(db, config, 9)

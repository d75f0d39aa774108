"""Pairs of vectors: every pair that a look at each finds where they are one cell, hardly fewer where they are many."""

from __future__ import annotations

import numpy as np
import pytest

from dtk_tui.errors import DtkError
from dtk_tui.services.library.alike import vector_pairs
from dtk_tui.services.library.alike.vector_pairs import near_vectors

DIMS = 64


def planted(seed: int, count: int) -> np.ndarray:
    """Return random vectors, a third of them near to one of the others; float16 [count, DIMS]."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, DIMS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    copies = count // 3
    vectors[-copies:] = vectors[:copies] + rng.normal(scale=0.02, size=(copies, DIMS))
    return (vectors * rng.uniform(0.5, 2, (count, 1))).astype(np.float16)


def brute(vectors: np.ndarray, least: float) -> set[tuple[int, int]]:
    unit = vectors.astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    left, right = np.nonzero(np.triu(unit @ unit.T >= least, 1))
    return set(zip(left.tolist(), right.tolist(), strict=True))


def test_all_pairs_of_one_cell_are_found_once_with_their_similarity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_pairs, "_ROWS", 100)
    monkeypatch.setattr(vector_pairs, "_COLUMNS", 170)
    vectors = planted(1, 600)
    pairs, similar = near_vectors(vectors, 0.95)
    found = [(int(a), int(b)) for a, b in pairs]
    assert len(found) == len(set(found)) and set(found) == brute(vectors, 0.95)
    assert len(found) >= 190
    unit = vectors.astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    assert np.allclose(similar, (unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(axis=1), atol=1e-5)


def test_of_many_cells_hardly_a_pair_is_missed_and_none_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_pairs, "_WHOLE", 500)
    vectors = planted(2, 3000)
    every = brute(vectors, 0.95)
    shares: list[float] = []
    pairs, _ = near_vectors(vectors, 0.95, shares.append)
    found = {(int(a), int(b)) for a, b in pairs}
    assert len(pairs) == len(found) and found <= every
    assert len(found) >= 0.98 * len(every)
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_too_many_pairs_and_a_stop_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_pairs, "_MOST", 10)
    with pytest.raises(DtkError, match="pairs of vectors are that similar"):
        near_vectors(np.ones((20, 4), np.float16), 0.9)

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        near_vectors(planted(3, 30), 0.95, stop)


def test_nothing_and_one_and_zeros_have_no_pairs() -> None:
    for vectors in (np.zeros((0, 4), np.float16), np.ones((1, 4), np.float16), np.zeros((3, 4), np.float16)):
        pairs, similar = near_vectors(vectors, 0.95)
        assert pairs.shape == (0, 2) and similar.shape == (0,)

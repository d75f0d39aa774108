"""Pairs of hashes: every pair that a look at each finds, whatever the hashes; sets with one leader."""

from __future__ import annotations

import numpy as np
import pytest

from dtk_tui.errors import DtkError
from dtk_tui.services.library import hash_pairs
from dtk_tui.services.library.hash_pairs import led_sets, near_pairs


def planted(seed: int, count: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random hashes, half of them copies of others with up to ``most`` bits turned."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, count, dtype=np.uint64)
    for place in range(count // 2, count):
        turned = rng.choice(64, rng.integers(0, most + 1), replace=False).astype(np.uint64)
        hashes[place] = hashes[rng.integers(0, count // 2)] ^ np.bitwise_or.reduce(np.uint64(1) << turned, initial=0)
    return hashes.view(np.int64), rng.integers(0, 2, count) * 5


def brute(bits: np.ndarray, colours: np.ndarray, within: int) -> set[tuple[int, int]]:
    levels = (colours[:, None] >> np.arange(55, -1, -5)) & 31
    apart = np.bitwise_count(bits.view(np.uint64)[:, None] ^ bits.view(np.uint64)[None])
    alike = np.abs(levels[:, None] - levels[None]).max(axis=2) <= 6
    left, right = np.nonzero(np.triu((apart <= within) & alike, 1))
    return set(zip(left.tolist(), right.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(2))
def test_all_pairs_that_look_alike_are_found_once(seed: int) -> None:
    bits, colours = planted(seed, 700, 9)
    pairs, distances = near_pairs(bits, colours)
    found = [(int(a), int(b)) for a, b in pairs]
    assert len(found) == len(set(found)) > 200
    assert set(found) == brute(bits, colours, 8)
    assert distances.max() == 8


def test_colours_tell_pictures_of_one_layout_apart() -> None:
    bits = np.array([7, 7 ^ 1, 7 ^ 2], np.int64)
    colours = np.array([0, 6 << 55 | 6, 7 << 20], np.int64)
    pairs, distances = near_pairs(bits, colours)
    assert pairs.tolist() == [[0, 1]] and distances.tolist() == [1]


def test_farther_pairs_are_mostly_found_and_never_wrong() -> None:
    bits, colours = planted(5, 700, 11)
    pairs, distances = near_pairs(bits, colours, 11)
    every = brute(bits, colours, 11)
    found = {(int(a), int(b)) for a, b in pairs}
    assert found <= every and brute(bits, colours, 8) <= found
    assert len(found) > 0.9 * len(every)
    assert distances.max() == 11


def test_many_pairs_are_compared_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    bits, colours = planted(1, 300, 9)
    every = brute(bits, colours, 8)
    monkeypatch.setattr(hash_pairs, "_AT_ONCE", 7)
    assert len(near_pairs(bits, colours)[0]) == len(every)
    monkeypatch.setattr(hash_pairs, "_MOST", 3)
    with pytest.raises(DtkError, match="pairs of pictures look alike"):
        near_pairs(bits, colours)


def test_nothing_and_one_have_no_pairs() -> None:
    for count in (0, 1):
        pairs, distances = near_pairs(np.zeros(count, np.int64), np.zeros(count, np.int64))
        assert pairs.shape == (0, 2) and distances.shape == (0,)


def test_a_set_is_what_looks_like_its_first() -> None:
    # 0 - 1 - 2 - 3 is a chain: 1 is the best, 3 looks like 2 only.
    pairs = np.array([[0, 1], [1, 2], [2, 3], [5, 6]])
    leaders = led_sets(pairs, np.array([1, 9, 3, 2, 4, 7, 7]))
    assert leaders.tolist() == [1, 1, 1, 3, 4, 5, 5]
    assert led_sets(np.zeros((0, 2), np.int64), np.zeros(2, np.int64)).tolist() == [0, 1]

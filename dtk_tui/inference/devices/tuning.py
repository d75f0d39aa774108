"""Measuring a model on its device, on made-up input: the batch from which speed does not grow, and half precision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dtk_tui.errors import ModelError
from dtk_tui.inference.devices.session import DeviceMemoryError

#: Runs of a size that are timed; the one before them allocates, and chooses kernels.
_RUNS = 3
#: A larger batch is faster when it brings so much; two in a row that do not end the search.
_GAIN = 1.05
_MOST_FLAT = 2
#: Vectors of half precision are as good when each points where that of single precision does.
_COSINE = 0.999
#: So much may a score differ: thresholds are given in hundredths.
_SCORE = 0.02


def batch_rates(
    run: Callable[[int], object], *, most: int, clock: Callable[[], float], has_room: Callable[[], bool]
) -> dict[int, float]:
    """Return items a second by batch size: doubled until that brings nothing, or memory is short.

    Args:
        run: infers so many items; raises ModelError where they do not fit.
        most: the largest batch to try.
        clock: seconds that only grow.
        has_room: whether the memory of the device would take more than the last run did.
    """
    rates: dict[int, float] = {}
    size, best, flat = 1, 0.0, 0
    while size <= most and flat < _MOST_FLAT:
        try:
            run(size)
            begun = clock()
            for _ in range(_RUNS):
                run(size)
            seconds = clock() - begun
        except ModelError:  # of memory, or of a model that takes batches of one size alone
            break
        rates[size] = _RUNS * size / max(seconds, 1e-9)
        if not has_room():
            break
        flat = 0 if rates[size] >= _GAIN * best else flat + 1
        best = max(best, rates[size])
        size *= 2
    return rates


def best_batch(rates: dict[int, float]) -> int | None:
    """Return the smallest batch that is about as fast as the fastest; None where none fitted."""
    enough = max(rates.values(), default=0.0) / _GAIN
    return min((size for size, rate in rates.items() if rate >= enough), default=None)


def vector_difference(expected: np.ndarray, found: np.ndarray) -> str | None:
    """Say how vectors of half precision differ, as the end of a sentence; None where they are as good.

    Args:
        expected: of single precision, float32 [n, dims], each of length 1; ``found`` likewise.
    """
    cosine = float((expected * found).sum(axis=1).min())
    return None if cosine >= _COSINE else f"its vectors differ (cosine {cosine:.4f})"


def score_difference(expected: np.ndarray, found: np.ndarray) -> str | None:
    """Say how scores of half precision differ, as the end of a sentence; None where they are as good."""
    largest = float(np.abs(expected - found).max(initial=0.0))
    return None if largest <= _SCORE else f"its scores differ by up to {largest:.3f}"


def half_difference(
    expected: np.ndarray,
    run: Callable[[], np.ndarray],
    difference: Callable[[np.ndarray, np.ndarray], str | None],
) -> str | None:
    """Say what is wrong in half precision, as the end of a sentence; None where nothing is.

    Args:
        expected: of single precision.
        run: infers the same in half precision; raises ModelError, as for what is not finite.
        difference: says how the two differ.
    """
    try:
        found = run()
    except DeviceMemoryError:
        raise
    except ModelError as error:
        return f"it cannot be used ({error.title})"
    return difference(expected, found)


def made_up_pictures(count: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return pictures to measure with, uint8 [count, *shape]: slopes with noise, each another, always the same."""
    random = np.random.default_rng(16)
    height, width, channels = shape
    slopes = random.uniform(-1, 1, (count, 2, channels)).astype(np.float32)
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, None, :, None] * slopes[:, None, :1, :]
    down = np.linspace(-1, 1, height, dtype=np.float32)[None, :, None, None] * slopes[:, None, 1:, :]
    noise = random.integers(0, 64, shape, np.uint8)
    return np.asarray((96 + 48 * (across + down)).astype(np.uint8) + noise, np.uint8)

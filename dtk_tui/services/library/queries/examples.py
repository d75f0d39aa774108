"""Combining examples, what results shall and shall not be like, into one vector a space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dtk_tui.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    Vector = npt.NDArray[np.float32]

#: What results shall not be like counts half as much as what they shall be like.
_NEGATIVE_WEIGHT = 0.5
#: Vectors whose sum is shorter than this say nothing any more.
_SHORTEST = 1e-3


@dataclass(frozen=True, slots=True)
class Example:
    """A unit vector, float32 [dims], of a space that results shall be near to, or not (``negated``).

    ``image`` is the image of the library that it is of.
    """

    space: int
    vector: Vector
    negated: bool = False
    image: int | None = None


def combined(examples: Sequence[Example]) -> list[tuple[int, Vector]]:
    """Return one unit vector for each space of some examples, in the order of the spaces.

    The mean of what is wanted less half the mean of what is not (Rocchio's formula: Manning, Raghavan and Schuetze,
    Introduction to Information Retrieval, 9.1.1). Where nothing is wanted, the opposite of what is not.

    Raises:
        UsageError: the examples cancel each other out.
    """
    result: list[tuple[int, Vector]] = []
    for space in dict.fromkeys(example.space for example in examples):
        total = np.zeros(1, np.float32)
        for negated, weight in ((False, 1.0), (True, -_NEGATIVE_WEIGHT)):
            some = [one.vector for one in examples if one.space == space and one.negated is negated]
            if some:
                total = total + np.float32(weight) * np.mean(some, axis=0)
        length = float(np.linalg.norm(total))
        if length < _SHORTEST:
            raise UsageError(
                "What the results shall be like and what they shall not be like cancel each other out.",
                "Leave one of the examples out.",
            )
        result.append((space, (total / length).astype(np.float32)))
    return result

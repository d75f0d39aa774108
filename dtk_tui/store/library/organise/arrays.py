"""Numbers as parameters for arrays."""

from __future__ import annotations

from collections.abc import Iterable


def as_array(numbers: Iterable[int]) -> str:
    """Return numbers as a parameter for an array: a list would be taken apart number by number."""
    return f"{{{','.join(map(str, numbers))}}}"

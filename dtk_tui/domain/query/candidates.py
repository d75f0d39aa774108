"""What may stand at a place in a query line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may stand at a place: the text to put there, and a word about it, such as how many images have it."""

    text: str
    note: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What may stand from ``start`` to ``end`` of a line, the likeliest first."""

    start: int
    end: int
    candidates: tuple[Candidate, ...] = ()

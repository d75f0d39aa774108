"""Differences of two texts, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_WORD = re.compile(r"\w+|\s|[^\w\s]")
#: Of texts that differ over more words only so many changes are looked for: difflib's time grows with the product.
_MOST_WORDS = 4_000
_MOST_CHANGES = 300
_LONG_WORD = 100

Kind = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text that both texts have, or only the old one (``gone``), or only the new one."""

    kind: Kind
    text: str


def word_diff(old: str, new: str, *, are_cut: bool = False) -> list[Span]:
    """Return what makes ``new`` of ``old``; the spans but the new ones are ``old``, and but the gone ones ``new``.

    Args:
        are_cut: both are the beginnings of longer texts: they are compared up to where the first of them ends, as how
            the other one goes on there is no difference.
    """
    before, after = _WORD.findall(old), _WORD.findall(new)
    head = _alike(before, after)
    spans = [Span("same", "".join(before[:head]))]
    if are_cut:
        spans += _bounded(before[head:], after[head:], are_cut=True)
        return list(_joined(spans))
    tail = _alike(before[head:][::-1], after[head:][::-1])
    spans += _middle(before[head : len(before) - tail], after[head : len(after) - tail])
    spans.append(Span("same", "".join(before[len(before) - tail :])))
    return list(_joined(spans))


def _alike(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many words two texts begin with alike."""
    least = min(len(first), len(second))
    return next((place for place in range(least) if first[place] != second[place]), least)


def _middle(before: Sequence[str], after: Sequence[str]) -> list[Span]:
    if max(len(before), len(after)) > _MOST_WORDS:
        return _bounded(before, after, are_cut=False)
    spans = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after).get_opcodes():
        if tag == "equal":
            spans.append(Span("same", "".join(before[i1:i2])))
        else:
            spans += [Span("gone", "".join(before[i1:i2])), Span("new", "".join(after[j1:j2]))]
    return spans


def _bounded(before: Sequence[str], after: Sequence[str], *, are_cut: bool) -> list[Span]:
    """Return the fewest changes (Myers, Algorithmica 1986); more than ``_MOST_CHANGES`` are one difference."""
    reached: dict[int, int] = {1: 0}  # by the diagonal, words of `before` less those of `after`: words of `before`
    steps: list[dict[int, int]] = []
    for changes in range(_MOST_CHANGES + 1):
        steps.append(dict(reached))
        for diagonal in range(-changes, changes + 1, 2):
            is_new = diagonal == -changes or (
                diagonal != changes and reached.get(diagonal - 1, -1) < reached.get(diagonal + 1, -1)
            )
            x = reached[diagonal + 1] if is_new else reached[diagonal - 1] + 1
            y = x - diagonal
            while x < len(before) and y < len(after) and before[x] == after[y]:
                x, y = x + 1, y + 1
            reached[diagonal] = x
            at_ends = (x >= len(before), y >= len(after))
            if any(at_ends) if are_cut else all(at_ends):
                spans = _walked_back(before, after, steps, x, diagonal)
                return _until_the_cut(before, after, spans) if are_cut else spans
    return [Span("gone", "".join(before)), Span("new", "".join(after))]


def _until_the_cut(before: Sequence[str], after: Sequence[str], spans: list[Span]) -> list[Span]:
    """Return changes without those at the end that only the cut makes: on one side no more than a piece of a word."""
    while spans and (spans[-1].kind != "same" or not spans[-1].text):
        spans.pop()
    gone = "".join(before)[sum(len(span.text) for span in spans if span.kind != "new") :]
    new = "".join(after)[sum(len(span.text) for span in spans if span.kind != "gone") :]
    return [*spans, Span("gone", gone), Span("new", new)] if min(len(gone), len(new)) > _LONG_WORD else spans


def _walked_back(
    before: Sequence[str], after: Sequence[str], steps: Sequence[dict[int, int]], x: int, diagonal: int
) -> list[Span]:
    """Return the changes on the way to a place, from the places that were reached after each number of changes."""
    spans: list[Span] = []
    for changes in range(len(steps) - 1, 0, -1):
        reached = steps[changes]
        is_new = diagonal == -changes or (
            diagonal != changes and reached.get(diagonal - 1, -1) < reached.get(diagonal + 1, -1)
        )
        start = reached[diagonal + 1] if is_new else reached[diagonal - 1]
        behind = start if is_new else start + 1
        spans.append(Span("same", "".join(before[behind:x])))
        if is_new:
            spans.append(Span("new", after[start - diagonal - 1]))
            diagonal += 1
        else:
            spans.append(Span("gone", before[start]))
            diagonal -= 1
        x = start
    spans.append(Span("same", "".join(before[:x])))
    return spans[::-1]


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    """Yield spans in which changes with nothing but a blank between them are one."""
    gone, new, blank = "", "", ""
    for span in [*(one for one in spans if one.text), Span("same", "")]:
        if span.kind == "gone":
            gone, new, blank = gone + blank + span.text, new + blank, ""
        elif span.kind == "new":
            gone, new, blank = gone + blank, new + blank + span.text, ""
        elif span.text == " " and gone and new:
            blank = " "
        else:
            yield from (one for one in (Span("gone", gone), Span("new", new)) if one.text)
            gone, new = "", ""
            if blank + span.text:
                yield Span("same", blank + span.text)
            blank = ""

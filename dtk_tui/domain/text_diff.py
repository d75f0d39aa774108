"""Differences of two texts, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_WORD = re.compile(r"\w+|\s|[^\w\s]")
#: Texts that differ over more words are told to differ as a whole: difflib's time grows with the product.
_MOST_WORDS = 4_000

Kind = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text that both texts have, or only the old one (``gone``), or only the new one."""

    kind: Kind
    text: str


def word_diff(old: str, new: str) -> list[Span]:
    """Return what makes ``new`` of ``old``; the spans but the new ones are ``old``, and but the gone ones ``new``."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    spans = [Span("same", "".join(before[:head]))]
    spans += _middle(before[head : len(before) - tail], after[head : len(after) - tail])
    spans.append(Span("same", "".join(before[len(before) - tail :])))
    return list(_joined(spans))


def _alike(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many words two texts begin with alike."""
    least = min(len(first), len(second))
    return next((place for place in range(least) if first[place] != second[place]), least)


def _middle(before: Sequence[str], after: Sequence[str]) -> list[Span]:
    if max(len(before), len(after)) > _MOST_WORDS:
        return [Span("gone", "".join(before)), Span("new", "".join(after))]
    spans = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after).get_opcodes():
        if tag == "equal":
            spans.append(Span("same", "".join(before[i1:i2])))
        else:
            spans += [Span("gone", "".join(before[i1:i2])), Span("new", "".join(after[j1:j2]))]
    return spans


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

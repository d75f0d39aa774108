"""What is being typed at a place of a query line, and what may stand there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dtk_tui.domain.query.nodes import SORT_COLUMNS
from dtk_tui.domain.query.tokens import BY_NAME, TOKEN_START, TOKENS

#: Tokens whose values are names that the library knows, and what they are names of.
NAMED = {"tag": "tag", "album": "album", "folder": "folder", "model": "model", "sampler": "sampler"}
#: Tokens with a few values that are always the same.
CHOICES: dict[str, tuple[str, ...]] = {
    "has": ("caption", "tags", "embedding", "workflow", "error"),
    "group": ("representative", "duplicates"),
    "queue": ("pending", "failed"),
    "type": ("image", "video"),
    "size": ("portrait", "landscape", "square"),
    "rating": ("none",),
    "date": ("today", "yesterday", "since ", "before ", "between ", "from "),
    "path": ("starts with ", "contains ", "ends with "),
    "sort": (*SORT_COLUMNS, *(f"{name}_{'asc' if largest else 'desc'}" for name, largest in SORT_COLUMNS.items())),
} | {
    token.names[0]: ("true", "false") for token in TOKENS if token.expected == "true or false"
}  # fmt: skip
#: What stands between several values of one token.
_LINKS = {"model": ",", "sampler": "|"}
_SPACE = re.compile(r"\s*")
_BETWEEN = re.compile(r"[\s,()]*-?")
_WORD = re.compile(r'[^\s,()"]+')
_VALUE = re.compile(r"[^\s,]*")
_PLAIN = re.compile(r"[\w./\\:+~@-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """What is being typed.

    Attributes:
        kind: ``token``, the name of a token with fixed ``CHOICES``, or what the name is of, as in ``NAMED``.
        typed: what stands there, without quotes.
        start: where the text that a completion replaces begins; it ends at the cursor.
        is_first: nothing else stands before it.
    """

    kind: str
    typed: str
    start: int
    is_first: bool = False


def place_at(line: str, cursor: int) -> Place | None:
    """Return what is being typed at a cursor (characters from the beginning); None where nothing can complete it."""
    head = line[:cursor]
    pos = 0
    while True:
        pos = _end(_BETWEEN, head, pos)
        if pos >= len(head):
            return None
        token = TOKEN_START.match(head, pos)
        if token:
            name = token.group(1).lower().partition("@")[0]
            place, pos = _value(BY_NAME[name].names[0], head, _end(_SPACE, head, token.end()))
            if place is not None or pos >= len(head):
                return place
        elif head[pos] == '"':
            pos = _close(head, pos)
            if pos < 0:
                return None
        else:
            start, pos = pos, _end(_WORD, head, pos)
            if pos >= len(head):
                return Place("token", head[start:], start, is_first=not head[:start].strip())
            pos = max(pos, start + 1)


def value_of(kind: str, name: str) -> str | None:
    """Return a name as the value of a token that finds it; None where the query line has no words for it."""
    if not name.strip() or name != name.strip():
        return None
    # Between models stands a comma, also in quotes: a wildcard takes the place of one that belongs to the name.
    return quoted(name.replace(",", "?") if kind == "model" else name)


def quoted(name: str) -> str:
    """Return a name as the value of a token."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def tokens(typed: str) -> list[tuple[str, str]]:
    """Return the tokens that begin with a text, each with what it expects; of what is typed the shorter ones first."""
    start = typed.lower()
    found = [
        (name, token.expected)
        for token in TOKENS
        for name in (next((name for name in token.names if name.startswith(start)), None),)
        if name is not None
    ]
    return sorted(found, key=lambda one: len(one[0])) if start else found


def choices(token: str, typed: str) -> list[str]:
    """Return the fixed values of a token that begin with a text."""
    return [value for value in CHOICES.get(token, ()) if value.startswith(typed.lower())]


def _value(name: str, head: str, pos: int) -> tuple[Place | None, int]:
    """Return what is typed of a value, or None and where the value ends."""
    link = _LINKS.get(name, "")
    while True:
        start = pos
        if head[pos : pos + 1] == '"':
            pos = _close(head, pos)
            if pos < 0:
                return _place(name, head[start + 1 :].replace('""', '"'), start), len(head)
        else:
            pos = _plain_end(name, head, pos)
            if pos >= len(head):
                return _place(name, head[start:], start), len(head)
        linked = _end(_SPACE, head, pos)
        if not link or head[linked : linked + 1] != link or (link == "," and linked != pos):
            return None, pos
        pos = _end(_SPACE, head, linked + 1) if link == "|" else linked + 1


def _place(name: str, typed: str, start: int) -> Place | None:
    kind = NAMED.get(name) or (name if name in CHOICES else None)
    return None if kind is None else Place(kind, typed, start)


def _plain_end(name: str, head: str, pos: int) -> int:
    """Return where a value without quotes ends; that of a sampler may hold spaces."""
    if name != "sampler":
        return _end(_VALUE, head, pos)
    while pos < len(head) and head[pos] not in ",|()":
        if head[pos].isspace() and TOKEN_START.match(head, _end(_SPACE, head, pos)):
            break
        pos += 1
    return pos


def _close(head: str, pos: int) -> int:
    """Return where the quote that opens at a place is over, in which two quotes stand for one; -1: it is open."""
    end = pos + 1
    while True:
        end = head.find('"', end)
        if end < 0:
            return -1
        if head[end + 1 : end + 2] != '"':
            return end + 1
        end += 2


def _end(pattern: re.Pattern[str], head: str, pos: int) -> int:
    match = pattern.match(head, pos)
    return match.end() if match else pos

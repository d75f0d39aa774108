"""Completing a query line while it is typed."""

from __future__ import annotations

from contextlib import suppress

from dtk_tui.domain.query import completion
from dtk_tui.domain.query.candidates import Candidate, Completion
from dtk_tui.domain.query.completion import Place
from dtk_tui.domain.query.parser import MAX_LENGTH
from dtk_tui.errors import DtkError
from dtk_tui.store.database import Database, limit_time
from dtk_tui.store.search import names, saved_queries
from dtk_tui.store.search.months import months
from dtk_tui.text import display

#: So many are offered at most.
OFFERED = 8
#: Whoever types waits for nothing: what takes longer, in seconds, is not offered.
_PATIENCE_S = 1.0


def complete(db: Database, line: str, cursor: int) -> Completion:
    """Return what may stand at a cursor in a query line; nothing where that cannot be said soon."""
    place = completion.place_at(line, cursor)
    if place is None:
        return Completion(cursor, cursor)
    found = [Candidate(value, "") for value in completion.choices(place.kind, place.typed)]
    if place.kind == "token":
        found = [Candidate(f"{name}:", expected) for name, expected in completion.tokens(place.typed)]
    if place.kind == "date" or place.kind not in completion.CHOICES:
        with suppress(DtkError):  # the search itself tells what is wrong with the database
            found += _of_library(db, place)
    room = MAX_LENGTH - place.start
    found = [one for one in found if len(one.text) <= room and _is_plain(one.text)]
    new = tuple(one for one in found[:OFFERED] if len(found) > 1 or one.text != line[place.start : cursor])
    return Completion(place.start, cursor, new)


def _is_plain(text: str) -> bool:
    """Tell whether a text may be put into a line that is typed: nothing in it is what a terminal might act on."""
    return display(text) == text and "\n" not in text and "\t" not in text


def _of_library(db: Database, place: Place) -> list[Candidate]:
    with db.connection() as conn:
        limit_time(conn, _PATIENCE_S)
        if place.kind == "date":
            return [Candidate(month, _images(count)) for month, count in months(conn, place.typed, OFFERED)]
        if place.kind != "token":
            found = names.names(conn, place.kind, place.typed, OFFERED)
            values = [(completion.value_of(place.kind, name), count) for name, count in found]
            return [Candidate(text, _images(count)) for text, count in values if text is not None]
        if not place.is_first:
            return []
        # A saved query takes the place of the line, which has nothing else yet.
        typed = place.typed.lower()
        return [
            Candidate(one.line, f"saved: {one.name}")
            for one in saved_queries.saved(conn, 1000)
            if one.line and typed in one.name.lower()
        ]


def _images(count: int) -> str:
    return f"{names.COUNTED:,}+" if count > names.COUNTED else f"{count:,}"

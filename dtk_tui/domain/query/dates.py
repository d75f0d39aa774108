"""Reading days of the query line: today, two weeks ago, 2025-11-02, and ranges of them."""

from __future__ import annotations

import re
from datetime import date, timedelta

from dtk_tui.domain.query.nodes import Created, Node
from dtk_tui.domain.query.scanner import Scanner

_DAY = re.compile(
    r"(?:(?P<word>today|yesterday)|(?P<count>[0-9]{1,6}|an?)\s+(?P<unit>day|week|month)s?\s+ago"
    r"|(?P<year>[0-9]{4})[-/](?P<month>[0-9]{1,2})[-/](?P<day>[0-9]{1,2}))(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_BEFORE = re.compile(r"(between|from|before|since)\s+", re.IGNORECASE | re.ASCII)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE | re.ASCII)
_UP_TO = re.compile(r"\s+(?:up\s+)?to\s+", re.IGNORECASE | re.ASCII)
_DASH_OR_TO = re.compile(r"\s*-\s*|\s+(?:up\s+)?to\s+", re.IGNORECASE | re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1900, 9000
A_DAY = "a day: today, yesterday, YYYY-MM-DD or N days/weeks/months ago"


def _day(scanner: Scanner) -> date:
    at = scanner.pos
    match = scanner.accept(_DAY)
    if not match:
        raise scanner.error(f"expected {A_DAY}")
    try:
        day = _day_of(match, scanner.today)
    except (ValueError, OverflowError):
        day = date.min
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise scanner.error(f"expected a day of the calendar from {_FIRST_YEAR} to {_LAST_YEAR}", at)
    return day


def _day_of(match: re.Match[str], today: date) -> date:
    if match["word"]:
        return today - timedelta(days=match["word"].lower() == "yesterday")
    if not match["unit"]:
        return date(int(match["year"]), int(match["month"]), int(match["day"]))
    count = int(match["count"]) if match["count"].isdecimal() else 1
    unit = match["unit"].lower()
    if unit != "month":
        return today - timedelta(days=count * (7 if unit == "week" else 1))
    months = today.year * 12 + today.month - 1 - count
    first = date(months // 12, months % 12 + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(today.day, last.day))


def read_date(scanner: Scanner) -> Node:
    """Read a day, or a range of days, into a condition on when an image was created."""
    match = scanner.accept(_BEFORE)
    word = match.group(1).lower() if match else ""
    first = _day(scanner)
    if word == "before":
        return Created(None, first)
    if word == "since":
        return Created(first, None)
    if word == "between" and not scanner.accept(_AND):
        raise scanner.error('expected "and" and the second day')
    if word == "from" and not scanner.accept(_UP_TO):
        raise scanner.error('expected "to" and the second day')
    start = scanner.pos
    if not word and scanner.accept_linked(_DASH_OR_TO, _DAY):
        scanner.pos = start
        scanner.accept(_DASH_OR_TO)
        word = "to"
    last = _day(scanner) if word else first
    return Created(min(first, last), max(first, last))

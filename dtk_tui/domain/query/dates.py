"""Reading dates of the query line: today, two weeks ago, 2025-11-02, 2025-11, 2025, and ranges of them."""

from __future__ import annotations

import re
from datetime import date, timedelta

from dtk_tui.domain.query.nodes import Created, Node
from dtk_tui.domain.query.scanner import Scanner

_AGO = r"(?P<word>today|yesterday)|(?P<count>[0-9]{1,6}|an?)\s+(?P<unit>day|week|month)s?\s+ago"
_YEAR, _MONTH, _DAY_OF_MONTH = r"(?P<year>[0-9]{4})", r"[-/](?P<month>[0-9]{1,2})", r"[-/](?P<day>[0-9]{1,2})"
_DAY = re.compile(rf"(?:{_AGO}|{_YEAR}{_MONTH}{_DAY_OF_MONTH})(?!\w)", re.IGNORECASE | re.ASCII)
_DATE = re.compile(rf"(?:{_AGO}|{_YEAR}(?:{_MONTH}(?:{_DAY_OF_MONTH})?)?)(?!\w)", re.IGNORECASE | re.ASCII)
_BEFORE = re.compile(r"(between|from|before|since)\s+", re.IGNORECASE | re.ASCII)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE | re.ASCII)
_UP_TO = re.compile(r"\s+(?:up\s+)?to\s+", re.IGNORECASE | re.ASCII)
_DASH_OR_TO = re.compile(r"-\s*|\s+-\s+|\s+(?:up\s+)?to\s+", re.IGNORECASE | re.ASCII)
_TOUCHING_DASH = re.compile(r"\s+-")
_FIRST_YEAR, _LAST_YEAR = 1900, 9000
A_DATE = "a date: today, yesterday, YYYY-MM-DD, YYYY-MM, YYYY or N days/weeks/months ago"


def calendar_days(text: str) -> tuple[date, date] | None:
    """Return the first and the last day of YYYY-MM-DD, YYYY-MM or YYYY; None: the text is no such date."""
    match = _DATE.fullmatch(text)
    return _days(match, date.min) if match and match["year"] else None


def read_date(scanner: Scanner) -> Node:
    """Read a date, or a range of dates, into a condition on when an image was created."""
    match = scanner.accept(_BEFORE)
    word = match.group(1).lower() if match else ""
    first = _date(scanner)
    if word == "before":
        # The day itself counts as before it, as in Diffusion Toolkit; no day of a month or a year does.
        return Created(None, first[1] if first[0] == first[1] else first[0] - timedelta(days=1))
    if word == "since":
        return Created(first[0], None)
    if word == "between" and not scanner.accept(_AND):
        raise scanner.error('expected "and" and the second date')
    if word == "from" and not scanner.accept(_UP_TO):
        raise scanner.error('expected "to" and the second date')
    last = _date(scanner) if word or _accept_link(scanner) else first
    if first[0] > last[1]:
        first, last = last, first
    return Created(first[0], last[1])


def _accept_link(scanner: Scanner) -> bool:
    """Move past a dash or "to" between two dates."""
    start = scanner.pos
    # Behind a blank and a dash that touches it, a month or a year is a text that the prompt must not have: -2024.
    for link, second in ((_DASH_OR_TO, _DATE), (_TOUCHING_DASH, _DAY)):
        if scanner.accept_linked(link, second):
            scanner.pos = start
            return scanner.accept(link) is not None
    return False


def _date(scanner: Scanner) -> tuple[date, date]:
    """Read a date; return its first and its last day."""
    at = scanner.pos
    match = scanner.accept(_DATE)
    if not match:
        raise scanner.error(f"expected {A_DATE}")
    days = _days(match, scanner.today)
    if days is None:
        raise scanner.error(f"expected a date of the calendar from {_FIRST_YEAR} to {_LAST_YEAR}", at)
    return days


def _days(match: re.Match[str], today: date) -> tuple[date, date] | None:
    """Return the first and the last day of a date; None where the calendar has none."""
    try:
        days = _of_calendar(match) if match["year"] else _before_today(match, today)
    except (ValueError, OverflowError):
        return None
    return days if _FIRST_YEAR <= days[0].year <= _LAST_YEAR else None


def _of_calendar(match: re.Match[str]) -> tuple[date, date]:
    first = date(int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
    if match["day"]:
        return first, first
    last = _last_of_month(first) if match["month"] else first.replace(month=12, day=31)
    return first, last


def _before_today(match: re.Match[str], today: date) -> tuple[date, date]:
    unit = (match["unit"] or "day").lower()
    if match["word"]:
        count = int(match["word"].lower() == "yesterday")
    else:
        count = int(match["count"]) if match["count"].isdecimal() else 1
    if unit == "month":
        months = today.year * 12 + today.month - 1 - count
        first = date(months // 12, months % 12 + 1, 1)
        day = first.replace(day=min(today.day, _last_of_month(first).day))
    else:
        day = today - timedelta(days=count * (7 if unit == "week" else 1))
    return day, day


def _last_of_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)

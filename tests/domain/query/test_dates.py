"""Dates of the query line: days, months and years, ranges of them, and what is none."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.domain.query.dates import calendar_days
from dtk_tui.domain.query.nodes import And, Created, Node, Not, Prompt
from dtk_tui.domain.query.parser import parse
from dtk_tui.errors import UsageError

TODAY = date(2025, 3, 31)
CASES: list[tuple[str, Node]] = [
    ("date: today", Created(TODAY, TODAY)),
    ("date:yesterday", Created(date(2025, 3, 30), date(2025, 3, 30))),
    ("date:2024-02-29", Created(date(2024, 2, 29), date(2024, 2, 29))),
    ("date: 3 days ago", Created(date(2025, 3, 28), date(2025, 3, 28))),
    ("date: 2 weeks ago", Created(date(2025, 3, 17), date(2025, 3, 17))),
    ("date: 1 month ago", Created(date(2025, 2, 28), date(2025, 2, 28))),
    ("date: since a week ago", Created(date(2025, 3, 24), None)),
    ("date: before 2022-11-11", Created(None, date(2022, 11, 11))),
    ("date: between 2025-01-02 and today", Created(date(2025, 1, 2), TODAY)),
    ("date: from yesterday to 2025-01-02", Created(date(2025, 1, 2), date(2025, 3, 30))),
    ("date: 2024-01-01 - 2024-02-01", Created(date(2024, 1, 1), date(2024, 2, 1))),
    ("date: 2024-01-01-2024-02-01", Created(date(2024, 1, 1), date(2024, 2, 1))),
    ("date:2024-02", Created(date(2024, 2, 1), date(2024, 2, 29))),
    ("date:2024/12", Created(date(2024, 12, 1), date(2024, 12, 31))),
    ("date:2026-9", Created(date(2026, 9, 1), date(2026, 9, 30))),
    ("date:2026-09", Created(date(2026, 9, 1), date(2026, 9, 30))),
    ("date:2024", Created(date(2024, 1, 1), date(2024, 12, 31))),
    ("date:9000", Created(date(9000, 1, 1), date(9000, 12, 31))),
    ("date: since 2026-09", Created(date(2026, 9, 1), None)),
    ("date: since 2026", Created(date(2026, 1, 1), None)),
    ("date: before 2024-03", Created(None, date(2024, 2, 29))),
    ("date: before 2024", Created(None, date(2023, 12, 31))),
    ("date: before yesterday", Created(None, date(2025, 3, 30))),
    ("date: before 1900", Created(None, date(1899, 12, 31))),
    ("date: from 2026-03 to 2026-05", Created(date(2026, 3, 1), date(2026, 5, 31))),
    ("date: from 2026-05 up to 2026-03", Created(date(2026, 3, 1), date(2026, 5, 31))),
    ("date: between 2026-03 and 2026-05", Created(date(2026, 3, 1), date(2026, 5, 31))),
    ("date: between 2026-05 and 2026-05-10", Created(date(2026, 5, 1), date(2026, 5, 10))),
    ("date: between 2026-05-10 and 2026-05", Created(date(2026, 5, 10), date(2026, 5, 31))),
    ("date: between 2026-03 and 2025", Created(date(2025, 1, 1), date(2026, 3, 31))),
    ("date: 2026-03 - 2026-05", Created(date(2026, 3, 1), date(2026, 5, 31))),
    ("date: 2026-03 to 2027", Created(date(2026, 3, 1), date(2027, 12, 31))),
    ("date:2026-03-2026-05", Created(date(2026, 3, 1), date(2026, 5, 31))),
    ("date:2026-2027", Created(date(2026, 1, 1), date(2027, 12, 31))),
    ("date:2026 - 2027", Created(date(2026, 1, 1), date(2027, 12, 31))),
    ("date:2024 - yesterday", Created(date(2024, 1, 1), date(2025, 3, 30))),
    ("date:2024 -yesterday", Created(date(2024, 1, 1), date(2025, 3, 30))),
    ("date:2024-01-01 -2024-02-01", Created(date(2024, 1, 1), date(2024, 2, 1))),
    ("date:2026 days ago", Created(date(2019, 9, 13), date(2019, 9, 13))),
    ("date:2026 2027", And((Created(date(2026, 1, 1), date(2026, 12, 31)), Prompt("2027")))),
    ("date:2026 -2027", And((Created(date(2026, 1, 1), date(2026, 12, 31)), Not(Prompt("2027"))))),
    ("date:2026 -09", And((Created(date(2026, 1, 1), date(2026, 12, 31)), Not(Prompt("09"))))),
    ("date:today -2024-05", And((Created(TODAY, TODAY), Not(Prompt("2024-05"))))),
    ("-date:2026", Not(Created(date(2026, 1, 1), date(2026, 12, 31)))),
    ("(date:2026-09)", Created(date(2026, 9, 1), date(2026, 9, 30))),
    ("date:2026-09, sea", And((Created(date(2026, 9, 1), date(2026, 9, 30)), Prompt("sea")))),
    ("date: today -teal", And((Created(TODAY, TODAY), Not(Prompt("teal"))))),
]


@pytest.mark.parametrize(("line", "tree"), CASES)
def test_a_date_is_understood(line: str, tree: Node) -> None:
    assert parse(line, TODAY).filter == tree


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("date: 11-11-2022", 7, "YYYY-MM-DD"),
        ("date: 2023-02-30", 7, "calendar"),
        ("date: 26-09", 7, "YYYY-MM, YYYY or"),
        ("date:202", 6, "YYYY-MM-DD, YYYY-MM, YYYY or"),
        ("date:202609", 6, "YYYY-MM"),
        ("date:2026-13", 6, "a date of the calendar from 1900 to 9000"),
        ("date:2026-00", 6, "calendar"),
        ("date:2026-09-00", 6, "calendar"),
        ("date:0000", 6, "calendar"),
        ("date:1899-12", 6, "calendar"),
        ("date:9001", 6, "calendar"),
        ("date: 2026 - 0927", 14, "calendar"),
        ("date:2026-100", 10, "YYYY-MM"),
        ("date:2026-09-1x", 13, "YYYY-MM"),
        ("date:2026-", 10, "YYYY-MM"),
        ("date: before 2026-13", 14, "calendar"),
        ("date: from 2026-03 to 2026-13", 23, "calendar"),
        ("date: between 2026-03 2026-05", 22, '"and" and the second date'),
        ("date: 999999 months ago", 7, "calendar"),
        ("date: between today", 20, '"and"'),
        ("date: from today until yesterday", 17, '"to"'),
    ],
)
def test_what_is_no_date_is_told_where_it_stands(line: str, column: int, expected: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(line, TODAY)
    assert f"column {column}:" in raised.value.title
    assert expected in raised.value.title


@given(st.dates(date(1900, 1, 1), date(9000, 12, 31)))
def test_each_day_is_in_its_month_and_its_year_alone(day: date) -> None:
    assert calendar_days(day.isoformat()) == (day, day)
    for text, unit in ((f"{day:%Y-%m}", "month"), (f"{day:%Y}", "year")):
        days = calendar_days(text)
        assert days is not None
        first, last = days
        assert first <= day <= last
        assert getattr(first - timedelta(days=1), unit) != getattr(day, unit)
        assert getattr(last + timedelta(days=1), unit) != getattr(day, unit)


@pytest.mark.parametrize(
    "text", ["", "today", "2025-13", "2025-02-29", "1899", "20250102", "2025-", "a 2025", "2025-01 ", "2025-1\n"]
)
def test_other_texts_are_no_days_of_the_calendar(text: str) -> None:
    assert calendar_days(text) is None

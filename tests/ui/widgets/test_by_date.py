"""The first image of a date in a list of any length, found with a few fetches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dtk_tui.domain.library import ImageRow
from dtk_tui.domain.query.dates import calendar_days
from dtk_tui.ui.widgets.tables.by_date import first_of_date

_NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def _image(number: int, created_at: datetime) -> ImageRow:
    return ImageRow(number, 1, f"{number}.png", 1000, created_at, 64, 64, None)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=500),
    st.integers(-40, 450),
    st.sampled_from(["%Y-%m-%d", "%Y-%m", "%Y"]),
    st.booleans(),
)
def test_it_is_the_one_that_a_look_at_each_image_finds(
    made: list[tuple[int, bool]], wanted: int, form: str, newest_first: bool
) -> None:
    made.sort(reverse=newest_first)
    days = calendar_days(f"{_NOON + timedelta(days=wanted):{form}}")
    assert days is not None
    rows = {number: _image(number, _NOON + timedelta(days=day)) for number, (day, _) in enumerate(made)}
    there = [number for number, (_, is_there) in enumerate(made) if is_there]

    def fetch(ids: Sequence[int]) -> list[ImageRow]:
        assert 0 < len(ids) < 100
        return [rows[number] for number in sorted(ids, reverse=True) if number in there]

    def day(number: int) -> date:
        return rows[number].created_at.astimezone().date()

    behind = [n for n in there if (day(n) <= days[1] if newest_first else day(n) >= days[0])]
    expected = behind[0] if behind else len(made) - 1
    is_of_date = bool(behind) and days[0] <= day(behind[0]) <= days[1]
    assert first_of_date(np.arange(len(made)), fetch, days, newest_first=newest_first) == (expected, is_of_date)


def test_a_million_images_take_a_few_fetches() -> None:
    count, fetched = 1_000_000, []
    ids = np.arange(count)[::-1].copy()

    def fetch(some: Sequence[int]) -> list[ImageRow]:
        fetched.append(len(some))
        return [_image(number, _NOON + timedelta(minutes=number)) for number in some]

    for day in (date(2025, 8, 9), date(2024, 1, 1), date(2030, 1, 1)):
        fetched.clear()
        place, is_there = first_of_date(ids, fetch, (day, day), newest_first=True)
        created = _NOON + timedelta(minutes=int(ids[place]))
        assert is_there is (created.astimezone().date() == day) is (day.year == 2025)
        assert len(fetched) <= 4 and max(fetched) <= 64

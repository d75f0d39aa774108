"""Which part of a picture is seen, by hand-worked numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.ui.widgets.viewer.viewport import LARGEST, STEP, Zoom, part_of

_SIZES = st.tuples(st.integers(1, 20_000), st.integers(1, 20_000))
_SHARES = st.floats(0, 1)


def test_what_fits_shows_all() -> None:
    part = part_of((1000, 500), (200, 200), Zoom())
    assert (part.box, part.drawn, part.scale) == ((0, 0, 1000, 500), (200, 100), 0.2)
    assert part.is_whole and part.zoom.is_fit


def test_what_is_smaller_than_the_room_is_not_enlarged() -> None:
    assert part_of((50, 40), (200, 200), Zoom()).drawn == (50, 40)


def test_actual_size_shows_the_middle_pixel_by_pixel() -> None:
    part = part_of((1000, 500), (200, 100), Zoom(is_actual=True))
    assert (part.box, part.drawn, part.scale) == ((400, 200, 600, 300), (200, 100), 1.0)
    assert not part.is_whole


def test_a_step_is_half_as_large_again() -> None:
    part = part_of((1000, 1000), (100, 100), Zoom(steps=2))
    assert part.scale == pytest.approx(0.1 * STEP**2)
    assert part.box[2] - part.box[0] == pytest.approx(1000 / STEP**2)


def test_a_move_goes_by_a_quarter_of_what_is_seen_and_ends_at_the_edge() -> None:
    part = part_of((1000, 500), (200, 100), Zoom(is_actual=True))
    moved = part_of((1000, 500), (200, 100), part.moved(1, -1))
    assert moved.box == pytest.approx((450, 175, 650, 275))
    for _ in range(20):
        moved = part_of((1000, 500), (200, 100), moved.moved(1, 1))
    assert moved.box == pytest.approx((800, 400, 1000, 500))


def test_smaller_than_what_fits_is_what_fits() -> None:
    assert part_of((1000, 500), (200, 100), Zoom(steps=-3, is_actual=True)).scale == pytest.approx(STEP**-3)
    assert part_of((1000, 500), (200, 100), Zoom(steps=-9, is_actual=True)).zoom.is_fit


def test_beyond_the_largest_steps_are_not_counted() -> None:
    part = part_of((1000, 500), (200, 100), Zoom(steps=60))
    assert part.scale == LARGEST
    back = part_of((1000, 500), (200, 100), part.zoom.larger(-1))
    assert LARGEST / STEP <= back.scale < LARGEST


@given(_SIZES, _SIZES, st.integers(-200, 200), st.booleans(), _SHARES, _SHARES)
def test_what_is_seen_lies_inside_the_picture_and_the_room(
    size: tuple[int, int], room: tuple[int, int], steps: int, is_actual: bool, x: float, y: float
) -> None:
    part = part_of(size, room, Zoom(steps, is_actual, x, y))
    left, top, right, bottom = part.box
    assert -1e-6 <= left < right <= size[0] + 1e-6 and -1e-6 <= top < bottom <= size[1] + 1e-6
    assert 1 <= part.drawn[0] <= room[0] and 1 <= part.drawn[1] <= room[1]

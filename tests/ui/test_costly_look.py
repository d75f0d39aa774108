"""When badges are fetched again: one statement at a time, with rests, unless a person did something."""

from __future__ import annotations

import pytest

from dtk_tui.ui import refresh_policy
from dtk_tui.ui.refresh_policy import CostlyLook


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(refresh_policy, "monotonic", clock)
    return clock


def test_one_at_a_time_and_then_a_rest(clock: _Clock) -> None:
    look = CostlyLook()
    assert not look.begin(), "nobody asked"
    look.ask(now=False)
    assert look.begin()
    look.ask(now=True)
    assert not look.begin(), "one is under way"
    clock.now += 2
    look.end(failed=False)
    assert look.begin(), "a person asked for it meanwhile"
    clock.now += 2
    look.end(failed=False)
    look.ask(now=False)
    clock.now += 5
    assert not look.begin(), "it rests longer than it took"
    clock.now += 20
    assert look.begin()
    look.end(failed=False)
    assert not look.begin(), "nothing changed since"


def test_what_failed_is_due_again(clock: _Clock) -> None:
    look = CostlyLook()
    look.ask(now=False)
    assert look.begin()
    clock.now += 8
    look.end(failed=True)
    assert look.begin()


def test_a_person_does_not_wait_for_the_rest(clock: _Clock) -> None:
    look = CostlyLook()
    look.ask(now=False)
    assert look.begin()
    clock.now += 3
    look.end(failed=False)
    look.ask(now=True)
    assert look.begin()

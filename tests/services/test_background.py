"""Work in a thread of its own: how it ends, well or not."""

from __future__ import annotations

import logging

import pytest

from dtk_tui.domain.events import Event, ImportFinished
from dtk_tui.errors import DtkError
from dtk_tui.services.background import BackgroundTask


class Errand(BackgroundTask):
    """Waits until it is stopped, or fails."""

    def __init__(self, told: list[Event], failure: Exception | None = None) -> None:
        super().__init__("errand", told.append)
        self._failure = failure

    def _work(self) -> None:
        if self._failure is not None:
            raise self._failure
        assert self._stop_asked.wait(120)

    def _ended(self) -> None:
        self._emit(ImportFinished())


def test_it_ends_when_it_is_asked_to() -> None:
    told: list[Event] = []
    errand = Errand(told)
    errand.start()
    assert errand.is_alive() and not told
    errand.stop()
    errand.join(20)
    assert errand.error is None and told == [ImportFinished()]


def test_a_failure_is_kept_and_the_end_is_told() -> None:
    told: list[Event] = []
    failure = DtkError("The disk is full.", "Make room.")
    errand = Errand(told, failure)
    errand.start()
    errand.join(20)
    assert errand.error is failure and told == [ImportFinished()]


def test_a_fault_is_logged_and_becomes_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        errand = Errand([], ZeroDivisionError("x"))
        errand.start()
        errand.join(20)
    assert errand.error is not None and errand.error.title == "The errand failed."
    assert errand.error.detail == "ZeroDivisionError: x"
    assert "ZeroDivisionError" in caplog.text

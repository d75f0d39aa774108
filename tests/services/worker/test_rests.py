"""Rests of a kind of work, and whom a dead server is blamed on."""

from __future__ import annotations

import threading

from dtk_tui.domain.events import Event
from dtk_tui.domain.job import Kind
from dtk_tui.services.worker.handlers.base import KindPausedError
from dtk_tui.services.worker.handlers.crashes import CrashSuspects
from dtk_tui.services.worker.rests import KindRests


def test_a_rest_grows_to_a_bound_and_ends_with_a_success() -> None:
    now, told = 0.0, list[Event]()
    rests = KindRests(told.append, lambda: now)
    lengths = []
    for _ in range(9):
        rests.begin(Kind.CAPTION, KindPausedError("busy", pause_s=1.0))
        rests.begin(Kind.CAPTION, KindPausedError("busy", pause_s=1.0))  # of all threads at once it is one rest
        lengths.append(rests.left_s(Kind.CAPTION))
        now += lengths[-1]
    assert lengths == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert len(told) == 1 and rests.reason == "busy" and not rests.lasting
    rests.begin(Kind.CAPTION, KindPausedError("busy", pause_s=300.0))
    assert rests.left_s(Kind.CAPTION) == 300, "as long as the server says"
    now += 601
    assert rests.lasting == (Kind.CAPTION,), "it does not pass by itself"
    rests.end(Kind.CAPTION)
    rests.begin(Kind.CAPTION, KindPausedError("busy", pause_s=1.0))
    assert rests.left_s(Kind.CAPTION) == 1 and len(told) == 2


def test_what_a_person_has_to_mend_rests_for_minutes_and_until_asked() -> None:
    rests = KindRests(lambda event: None, lambda: 0.0)
    rests.begin(Kind.CAPTION, KindPausedError("The key is wrong."))
    assert (rests.left_s(Kind.CAPTION), rests.left_s(Kind.TAG)) == (60, 0)
    assert rests.lasting == (Kind.CAPTION,)
    rests.clear()
    assert rests.left_s(Kind.CAPTION) == 0 and rests.reason is None


def test_only_what_dies_alone_is_blamed() -> None:
    suspects = CrashSuspects()
    with suspects.turn(1) as first, suspects.turn(2) as second:
        assert not (first or second)
        assert not suspects.died(1, alone=False) and not suspects.died(2, alone=False)
    suspects.lived(2)
    with suspects.turn(2) as alone:
        assert not alone, "its neighbour was it"
    blamed = []
    for _ in range(2):
        with suspects.turn(1) as alone:
            assert alone
            blamed.append(suspects.died(1, alone=True))
    assert blamed == [False, True]


def test_a_suspect_has_the_server_for_itself() -> None:
    suspects = CrashSuspects()
    suspects.died(1, alone=False)
    inside, leave, order = threading.Event(), threading.Event(), list[str]()

    def neighbour() -> None:
        with suspects.turn(2):
            inside.set()
            leave.wait(30)
            order.append("neighbour")

    def suspect() -> None:
        with suspects.turn(1) as alone:
            order.append(f"suspect {alone}")

    threads = [threading.Thread(target=neighbour), threading.Thread(target=suspect)]
    threads[0].start()
    assert inside.wait(30)
    threads[1].start()
    leave.set()
    for thread in threads:
        thread.join(30)
    assert order == ["neighbour", "suspect True"]

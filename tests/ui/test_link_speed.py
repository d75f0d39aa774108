"""What a link carries, by answers of the terminal, and how large a picture may be on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.services.library import previews
from dtk_tui.store.database import Database
from dtk_tui.ui.drivers import link_speed
from dtk_tui.ui.drivers.link_speed import LinkSpeed
from dtk_tui.ui.widgets.picture import Picture
from tests.helpers.running_app import WIDE, library_app


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the measurement."""
    found = Clock()
    monkeypatch.setattr(link_speed, "monotonic", found)
    return found


def test_a_slow_link_has_smaller_pictures(clock: Clock) -> None:
    link = LinkSpeed()
    link.answered()  # to what Textual asked
    assert (link.share(10**9), link.is_busy) == (1.0, False)
    link.asked(80_000)
    assert link.is_busy
    clock.now += 0.8
    link.answered()
    assert not link.is_busy
    assert link.share(50_000) == 1.0
    assert link.share(200_000) == pytest.approx(0.5)
    assert link.share(10**9) == pytest.approx(0.3)
    link.asked(500)  # tells nothing
    clock.now += 0.2
    link.answered()
    assert link.share(200_000) == pytest.approx(0.5)
    link.asked(300_000)
    clock.now += 1
    link.answered()
    assert link.share(100_000) == 1.0


def test_a_terminal_that_does_not_answer_is_not_asked_again(clock: Clock) -> None:
    link = LinkSpeed()
    link.asked(80_000)
    clock.now += 5.1
    assert (link.is_busy, link.is_measurable) == (False, False)


async def test_a_picture_waits_for_the_one_before_and_is_as_small_as_it_has_to_be(
    db: Database, config: Config, library: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with library_app(db, config, WIDE) as run:
        told: list[str] = []
        monkeypatch.setattr(run.dtk, "tell_terminal", told.append)
        run.dtk._sync_available = True
        picture = run.main.query_one("#preview Picture", Picture)
        rooms: list[tuple[int, int]] = []
        await run.shows("▀▀▀▀")
        run.main.table.focus()
        await run.press("down")
        await run.until(lambda: run.dtk.link.is_busy)
        assert told == ["\x1b[?2026$p"]

        def note(path: str, room: tuple[int, int], load=previews.load):  # type: ignore[no-untyped-def]
            rooms.append(room)
            return load(path, room)

        monkeypatch.setattr(previews, "load", note)
        await run.press("down")
        clock.now += 2.0
        run.dtk.on_terminal_supports_synchronized_output()
        await run.until(lambda: rooms)
        assert rooms[0][0] < picture.size.width and rooms[0][1] < picture.size.height * 2

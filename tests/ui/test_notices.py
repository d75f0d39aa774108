"""Notices at the bottom of the screen, however fast somebody types."""

from __future__ import annotations

from textual.widgets._toast import Toast

from dtk_tui.ui.textual_compat import FaultReportingApp
from tests.helpers.running_app import NARROW, running


async def test_notices_leave_the_screen_in_sight() -> None:
    """One that says the same takes the place of the one before, and of others the newest stay."""
    app = FaultReportingApp()
    async with running(app, NARROW) as run:

        def shown() -> list[str]:
            return [str(toast._notification.message) for toast in app.screen.query(Toast)]

        for _ in range(30):
            app.notify("This is for images: Tab goes from the folder to them.")
        await run.until(lambda: shown() == ["This is for images: Tab goes from the folder to them."])
        for number in range(30):
            app.notify(f"Undone: Rating {number}.")
        await run.until(lambda: shown() == [f"Undone: Rating {number}." for number in (25, 26, 27, 28, 29)])
        app.notify("Undone: Rating 28.")
        await run.until(lambda: shown() == [f"Undone: Rating {number}." for number in (25, 26, 27, 29, 28)])

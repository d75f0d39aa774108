"""Offering to check the groups of a library that was made before pictures were looked at."""

from __future__ import annotations

from typing import Any

from textual.app import App

from dtk_tui.domain.stats import Stats
from dtk_tui.text import counted
from dtk_tui.ui.background import in_thread, start_task
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.dialogs import Confirm


class GroupCheckOffer:
    """Asks once, after an upgrade, whether to check the groups."""

    def __init__(self, app: App[Any], context: AppContext) -> None:
        self._app = app
        self._context = context
        self._is_considered = False

    def consider(self, stats: Stats) -> None:
        """Look whether there is something to offer, when the first numbers say that there are images."""
        if self._is_considered:
            return
        self._is_considered = True
        if stats.library.images:
            start_task(self._app, self._ask, name="offer_group_check", group="offer group check")

    async def _ask(self) -> None:
        number = await in_thread(self._context.library.sharing_to_offer)
        if not number:
            return
        text = (
            f"{counted(number, 'image shares', 'images share')} the vector of another one because of its parameters; "
            "nobody has looked whether they look alike. A check decodes their pictures, and queues those that do not. "
            "Later: dtk library groups --check."
        )
        self._app.push_screen(Confirm("Check who shares a vector?", text, "Check"), self._answered)

    def _answered(self, yes: bool | None) -> None:
        # Only an answer ends the offer: one that nobody saw, since the app ended first, is made again.
        start_task(self._app, self._note, name="note_group_check_offer", group="note group check")
        if yes:
            self._context.tasks.start_group_check()

    async def _note(self) -> None:
        await in_thread(self._context.library.note_group_check_offered)

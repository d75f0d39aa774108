"""The pane with the focus is marked, also after another window had it."""

from __future__ import annotations

from pathlib import Path

from textual import events

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from tests.helpers.running_app import WIDE, library_app


async def test_the_pane_is_marked_while_the_window_has_the_focus(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.until(lambda: run.main.table.current_row is not None)

        def is_marked() -> bool:
            return run.app.screen.query_one("#images-title").styles.text_style.underline is True

        await run.until(is_marked)
        for _ in range(2):
            run.app.post_message(events.AppBlur())
            await run.until(lambda: not is_marked())
            run.app.post_message(events.AppFocus())
            await run.until(is_marked)
            assert run.app.focused is run.main.table

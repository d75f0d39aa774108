"""Opening the thresholds of a tagger."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.queue import Target
from dtk_tui.services.library.thresholds import listed
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.commands.run import in_background
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.dialogs import Entry, Menu
from dtk_tui.ui.messages import ThresholdsOpened


@in_background("thresholds", asked=True)
async def open_thresholds(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show the thresholds of a tagger, after a question where there are several."""
    app = screen.app
    found = await in_thread(listed, context.library.db, context.library.config.paths.models)
    if not found:
        context.notify("No image was tagged yet: queue some for tags first.", severity="warning")
    elif len(found) == 1:
        app.post_message(ThresholdsOpened(found[0]))
    else:
        entries = [Entry(one_line(of.tagger, 40), f"{of.images:,}", str(n)) for n, of in enumerate(found)]

        def chosen(number: str | None) -> None:
            if number is not None:
                app.post_message(ThresholdsOpened(found[int(number)]))

        app.push_screen(Menu("Thresholds of which tagger", entries), chosen)

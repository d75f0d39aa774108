"""Opening the edit of many captions."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.queue import Target
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.messages import BatchEditOpened


def edit_captions(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show the edit of the captions of what is chosen, listed or found."""
    sets = screen.image_sets()
    if sets:
        screen.app.post_message(BatchEditOpened(sets))
    else:
        context.notify("There are no images here.", severity="warning")

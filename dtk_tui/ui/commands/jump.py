"""Jumping to any part of the screen."""

from __future__ import annotations

from typing import Any

from textual.widget import Widget

from dtk_tui.domain.queue import Target
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.jump import JumpScreen


def jump(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Offer a letter for each part of what is shown and in sight."""
    shown = screen.app.screen
    sight = shown.region
    places = [place for place in shown.focus_chain if place.region.overlaps(sight) and place.region.area]

    def chosen(place: Widget | None) -> None:
        if place is not None and place.is_attached:
            place.focus()

    if len(places) > 1:
        screen.app.push_screen(JumpScreen(places), chosen)
    else:
        context.notify("There is one part of this screen alone, and it has the keys.")

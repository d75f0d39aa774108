"""Light or dark colours, kept for the next session."""

from __future__ import annotations

from typing import Any

from textual.theme import Theme

from dtk_tui.domain.queue import Target
from dtk_tui.services.view_state import ViewState
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.commands.run import in_background
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.theme import DARK, LIGHT, THEMES

_THEME = "theme"


def theme_of(view_state: ViewState) -> Theme:
    """Return the theme of the last session, or the dark one."""
    kept = view_state.value(_THEME)
    return next((theme for theme in THEMES if theme.name == kept), DARK)


@in_background("theme")
async def toggle_theme(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Turn from dark to light colours, or back."""
    name = LIGHT.name if screen.app.theme == DARK.name else DARK.name
    screen.app.theme = name
    await in_thread(context.view_state.keep, **{_THEME: name})

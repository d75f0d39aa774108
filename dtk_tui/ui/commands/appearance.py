"""How the app looks: its theme, kept for the next session, and whether anything in it moves."""

from __future__ import annotations

from typing import Any

from textual import constants
from textual.app import App
from textual.theme import Theme
from textual.widgets import Input, TextArea

from dtk_tui.domain.queue import Target
from dtk_tui.services.view_state import ViewState
from dtk_tui.settings import DisplaySettings
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.commands.run import in_background
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.theme import DARK, SIXTEEN, THEMES, TITLES

_THEME = "theme"


def theme_of(app: App[Any], view_state: ViewState) -> Theme:
    """Return the theme of the last session; without one the dark one, or that of a terminal with 16 colours."""
    if app.no_color:
        return SIXTEEN
    kept = view_state.value(_THEME)
    usual = SIXTEEN if app.console.color_system in (None, "standard") else DARK
    return next((theme for theme in THEMES if theme.name == kept), usual)


@in_background("theme")
async def next_theme(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Change to the next theme and say which it is."""
    if screen.app.no_color:
        context.notify("NO_COLOR is set: start dtk without it to have colours.", severity="warning")
        return
    names = [theme.name for theme in THEMES]
    name = names[(names.index(screen.app.theme) + 1) % len(names)]
    screen.app.theme = name
    context.notify(f"{TITLES[name]}.")
    await in_thread(context.view_state.keep, **{_THEME: name})


def take_over(app: App[Any], settings: DisplaySettings) -> None:
    """Move, and place what is on the screens, as the settings say."""
    app.animation_level = constants.TEXTUAL_ANIMATIONS if settings.motion else "none"
    focused = app.focused if app.screen_stack else None
    if isinstance(focused, Input | TextArea):
        focused.cursor_blink = settings.motion
    for screen in app.screen_stack:
        if isinstance(screen, ContextScreen):
            screen.room_changed()

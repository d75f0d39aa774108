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
from dtk_tui.ui.textual_compat import FaultReportingApp
from dtk_tui.ui.theme import DARK, LIGHT, SIXTEEN, THEMES, TITLES

#: Under which the choice is kept, and what is kept of one for the theme that suits the terminal.
_THEME, _AS_TERMINAL = "theme", "terminal"
_CHOICES = (*(theme.name for theme in THEMES), _AS_TERMINAL)


def theme_of(app: FaultReportingApp, view_state: ViewState) -> Theme:
    """Return the theme that a person chose; without a choice the one that suits the terminal."""
    if app.no_color:
        return SIXTEEN
    kept = view_state.value(_THEME)
    return next((theme for theme in THEMES if theme.name == kept), _suiting(app))


def _suiting(app: FaultReportingApp) -> Theme:
    if app.console.color_system in (None, "standard"):
        return SIXTEEN
    return LIGHT if app.has_light_ground else DARK


def follow_ground(app: FaultReportingApp, view_state: ViewState) -> None:
    """From now on change with the ground of the terminal, unless a person chose a theme."""

    def changed(is_light: bool) -> None:
        app.theme = theme_of(app, view_state).name

    app.ground_changed.subscribe(app, changed)


@in_background("theme")
async def next_theme(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Change to the next theme and say which it is."""
    app = screen.app
    assert isinstance(app, FaultReportingApp)
    if app.no_color:
        context.notify("NO_COLOR is set: start dtk without it to have colours.", severity="warning")
        return
    suiting = _suiting(app).name
    # Whoever never chose sees another one at once.
    is_following = context.view_state.value(_THEME) == _AS_TERMINAL and app.theme == suiting
    name = _CHOICES[(_CHOICES.index(_AS_TERMINAL if is_following else app.theme) + 1) % len(_CHOICES)]
    app.theme = suiting if name == _AS_TERMINAL else name
    title = TITLES[app.theme]
    context.notify(f"As the terminal: {title.lower()}." if name == _AS_TERMINAL else f"{title}.")
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

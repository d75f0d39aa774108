"""The keys of the config as they are in force: taken over, also while the app runs, and what is wrong with them."""

from __future__ import annotations

from typing import Any

from textual.app import App

from dtk_tui.text import counted
from dtk_tui.ui.commands import appearance
from dtk_tui.ui.commands.command import Command
from dtk_tui.ui.commands.registry import BY_ID, refusing
from dtk_tui.ui.commands.settings.keymap import keymap_faults
from dtk_tui.ui.context import AppContext, ContextScreen

#: More than so many faults are counted, not named.
_NAMED = 2


class ConfigKeys:
    """What ``[keys]`` says, for an app and its screens."""

    def __init__(self, app: App[Any], context: AppContext) -> None:
        self._app = app
        self._context = context
        self._refusing = self._those_refusing()

    def _those_refusing(self) -> dict[str, list[Command]]:
        return refusing(self._known())

    def _known(self) -> dict[str, str]:
        return {name: keys for name, keys in self._context.config.settings.keys.items() if name in BY_ID}

    def take_over(self) -> None:
        """Bind the keys that the config names now, show them, and look as the config says."""
        appearance.take_over(self._app, self._context.config.settings.display)
        self._refusing = self._those_refusing()
        self._app.set_keymap(self._known())
        for screen in self._app.screen_stack:
            if isinstance(screen, ContextScreen):
                screen.keys_changed()

    def tell_faults(self) -> None:
        """Name the actions that do not exist, and keys that two actions have at once."""
        keymap = self._context.config.settings.keys
        unknown = sorted(set(keymap) - set(BY_ID))
        if unknown:
            words = f"[keys] in config.toml names actions that do not exist: {', '.join(unknown)}"
            self._context.notify(words, severity="warning")
        known = self._known()
        faults = keymap_faults(known) if known else {}
        if len(faults) > _NAMED:
            words = f"[keys] in config.toml: {counted(len(faults), 'entry', 'entries')} cannot be; see dtk config check"
            self._context.notify(words, severity="warning")
        elif faults:
            told = "; ".join(f"{name}: {sentence}" for name, sentence in faults.items())
            self._context.notify(f"[keys] in config.toml: {told}", severity="warning")

    def why_not(self, key: str, screen: ContextScreen[Any]) -> str:
        """Say why a key does nothing, where it is that of a command that cannot be done now; else nothing."""
        here = [one for one in self._refusing.get(key, ()) if one.area in screen.COMMAND_GROUPS]
        why = next((why for one in here if (why := one.refusal(screen))), "")
        taken = screen.active_bindings.get(key) if why else None
        return why if taken is None or not taken.enabled else ""

"""The line of keys at the foot of a screen, made anew only when it would show something else."""

from __future__ import annotations

from textual.screen import Screen
from textual.widgets import Footer


class KeyFooter(Footer):
    """Textual's footer, compact, without the key of the palette.

    Textual makes all its keys anew, and lays out the screen, whenever the bindings may have changed: at each change of
    focus and several times around a dialogue.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._shown: list[tuple[str, str, str, str, bool, str]] | None = None

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Show other keys, if they are others."""
        if self.is_attached and screen is self.screen:
            keys = self._keys()
            if keys == self._shown:
                return
            self._shown = keys if screen.app.app_focus else None
        super().bindings_changed(screen)

    def _keys(self) -> list[tuple[str, str, str, str, bool, str]]:
        return [
            (binding.key, self.app.get_key_display(binding), binding.description, binding.action, enabled, tooltip)
            for _, binding, enabled, tooltip in self.screen.active_bindings.values()
            if binding.show
        ]

"""The line of keys at the foot of a screen, made anew only when it would show something else."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

from dtk_tui.text import cell_width
from dtk_tui.ui.textual_compat import footer_key

#: What is left out last: how to leave, and where all keys stand.
_KEPT = ("Esc", "?", "F1")


class KeyFooter(Footer):
    """Textual's footer, compact, without the key of the palette, with as many keys as there is room for.

    Textual makes all its keys anew, and lays out the screen, whenever the bindings may have changed: at each change of
    focus and several times around a dialogue.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._shown: list[tuple[str, str, str, str, bool, str]] | None = None
        self._width = 0

    def compose(self) -> ComposeResult:
        """The keys that fit, whole: of those that do not, the last ones are left out."""
        self._width = self.app.size.width
        keys = [footer_key(widget) for widget in super().compose()]
        for key in keys:
            key.key_display = key.key_display.replace("Ctrl+", "^")
            key.add_class("-compact", update=False)  # it would be styled again when it gets it as it comes
        # A cell at the left, one between key and words, and two behind them.
        widths = [cell_width(f"{key.key_display} {key.description}") + 2 for key in keys]
        left = self._width - 1
        kept = set()
        for number in sorted(range(len(keys)), key=lambda place: keys[place].key_display not in _KEPT):
            left -= widths[number]
            if left < -2:
                break
            kept.add(number)
        yield from (key for number, key in enumerate(keys) if number in kept)

    def on_resize(self, event: events.Resize) -> None:
        """Choose the keys anew for another width."""
        if self._shown is not None and self.app.size.width != self._width:
            self.call_after_refresh(self.recompose)

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

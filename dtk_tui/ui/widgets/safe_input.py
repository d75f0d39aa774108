"""An input line that keeps out what a terminal might act on."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from dtk_tui.text import display

_LONGEST = 10_000


class SafeInput(Input):
    """An input line into which no control characters can be pasted."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        # Terminals send a carriage return for the end of a line; spaces inside a path are part of it.
        text = " ".join(display(event.text[:_LONGEST].replace("\r", "\n")).strip("\n").splitlines())
        if text:
            self.replace(text, *sorted(self.selection))

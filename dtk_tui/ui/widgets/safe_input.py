"""An input line that keeps out what a terminal might act on."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from dtk_tui.text import one_line


class SafeInput(Input):
    """An input line into which no control characters can be pasted."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = one_line(event.text, 10_000)
        if text:
            self.replace(text, *sorted(self.selection))

"""An input line that keeps out what a terminal might act on."""

from __future__ import annotations

from dtk_tui.text import display
from dtk_tui.ui.textual_compat import PasteInput

_LONGEST = 10_000


class SafeInput(PasteInput):
    """An input line into which no control characters can be pasted."""

    def pasted(self, text: str) -> None:
        """Put in one line of what was pasted."""
        # Terminals send a carriage return for the end of a line; spaces inside a path are part of it.
        line = " ".join(display(text[:_LONGEST].replace("\r", "\n")).strip("\n").splitlines())
        if line:
            self.replace(line, *sorted(self.selection))

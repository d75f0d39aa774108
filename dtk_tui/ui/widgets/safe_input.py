"""An input line that keeps out what a terminal might act on."""

from __future__ import annotations

from dtk_tui.text import display
from dtk_tui.ui.textual_compat import PasteInput

#: One character more than a query may have: what is too long is told, and not cut without a word.
_LONGEST = 10_001


class SafeInput(PasteInput):
    """An input line into which no control characters can be pasted, and no more than a person can look through."""

    def pasted(self, text: str) -> None:
        """Put in one line of what was pasted."""
        start, end = sorted(self.selection)
        room = _LONGEST - len(self.value) + end - start
        # Terminals send a carriage return for the end of a line; spaces inside a path are part of it.
        line = " ".join(display(text[:_LONGEST].replace("\r", "\n")).strip("\n").splitlines())[: max(room, 0)]
        if line:
            self.replace(line, start, end)

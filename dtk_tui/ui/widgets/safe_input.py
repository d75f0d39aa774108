"""An input line that keeps out what a terminal might act on."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from dtk_tui.text import display
from dtk_tui.ui.textual_compat import PasteInput

#: One character more than a query may have: what is too long is told, and not cut without a word.
_LONGEST = 10_001


class SafeInput(PasteInput):
    """An input line into which no control characters can be pasted, and no more than a person can look through.

    Tab takes the completion where there is one, as a shell does.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "take_completion", "Complete", show=False)]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Tab to the screen where nothing is completed."""
        return self.suggester is not None if action == "take_completion" else super().check_action(action, parameters)

    def action_take_completion(self) -> None:
        """Put in the completion, also one that is still on its way; where there is none, nothing happens."""
        if self.value and self.cursor_position == len(self.value):
            # Apart from the keys: the folder of a network that is away answers late or never.
            self.run_worker(self._complete(self.value), group="completion", exclusive=True)

    async def _complete(self, value: str) -> None:
        found = await self.suggester.get_suggestion(value) if self.suggester is not None else None
        if found is not None and self.value == value:
            self.value = found
            self.cursor_position = len(found)

    def pasted(self, text: str) -> None:
        """Put in one line of what was pasted."""
        start, end = sorted(self.selection)
        room = _LONGEST - len(self.value) + end - start
        # Terminals send a carriage return for the end of a line; spaces inside a path are part of it.
        line = " ".join(display(text[:_LONGEST].replace("\r", "\n")).strip("\n").splitlines())[: max(room, 0)]
        if line:
            self.replace(line, start, end)

"""An input line of a question whose text is completed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester

from dtk_tui.ui.widgets.safe_input import SafeInput


class CompletedInput(SafeInput):
    """An input line in which Tab takes the completion, as in a shell; without a suggester it leaves Tab alone."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "take_completion", "Complete", show=False)]

    def __init__(self, value: str, suggester: Suggester | None) -> None:
        super().__init__(value, suggester=suggester, compact=True, select_on_focus=False)

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

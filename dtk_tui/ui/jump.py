"""Going to any part of a screen by one letter."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Static

from dtk_tui.ui.textual_drawing import TintingScreen

#: In the order in which hands find them.
LETTERS = "asdfghjklqwertyuiopzxcvbnm"


class JumpScreen(TintingScreen[Widget]):
    """Puts a letter on each part of the screen below that can have the focus; its result is the one that was chosen.

    Any other key, or a click elsewhere, leaves it.
    """

    def __init__(self, places: Sequence[Widget]) -> None:
        super().__init__()
        self._places = dict(zip(LETTERS, places, strict=False))

    def compose(self) -> ComposeResult:
        """A letter in the corner of each place."""
        for letter, place in self._places.items():
            label = Static(f" {letter} ", markup=False, classes="jump")
            label.styles.offset = place.region.offset
            yield label

    def on_resize(self) -> None:
        """Follow the places, which the screen below puts elsewhere."""
        self.call_after_refresh(self._follow)

    def _follow(self) -> None:
        for label, place in zip(self.query(Static), self._places.values(), strict=True):
            label.styles.offset = place.region.offset
            label.display = bool(place.region.area) and place.region.overlaps(self.region)

    def on_key(self, event: events.Key) -> None:
        """Go there."""
        event.stop()
        self.dismiss(self._places.get(event.key))

    def on_click(self, event: events.Click) -> None:
        """Go to what is clicked."""
        point = event.screen_offset
        self.dismiss(next((place for place in self._places.values() if place.region.contains_point(point)), None))

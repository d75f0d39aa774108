"""A walk through the app by keys, and a picture at each stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from PIL import Image
from textual.color import Color
from textual.widgets import Input, TextArea

from dtk_tui.errors import DtkError
from dtk_tui.ui.theme import DARK, LIGHT
from dtk_tui.ui.widgets.picture import Picture
from tour.page import file_name
from tour.raster import picture
from tour.stops import STOPS, Stop

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot

#: A screen has to stay the same for so long before it is drawn.
_STILL_S = 0.7
_WITHIN_S = 90.0
#: Colours of a picture: without this a preview in half blocks doubles its bytes.
_COLOURS = 256
_THEMES = {"light": LIGHT.name, "dark": DARK.name}
_KEY_NAMES = {
    " ": "space", "/": "slash", ":": "colon", "-": "minus", ".": "full_stop", "%": "percent_sign", "_": "underscore",
    '"': "quotation_mark", ">": "greater_than_sign", "=": "equals_sign", ",": "comma",
}  # fmt: skip


class Walk:
    """One app, walked through by keys.

    Args:
        folder: where the pictures go.
        size: of the terminal, in columns and rows.
    """

    def __init__(self, app: App[Any], pilot: Pilot[Any], folder: Path, size: tuple[int, int]) -> None:
        self.app = app
        self._pilot = pilot
        self._folder = folder
        self._size = size
        self.reached: list[str] = []

    @property
    def is_wide(self) -> bool:
        """Whether there is room for a preview beside the table."""
        return self._size[0] >= 120

    def text(self) -> str:
        """Return what is on the screen, line by line."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    async def press(self, *keys: str) -> None:
        """Press keys; what was told before has been read."""
        self.app.clear_notifications()
        await self._pilot.press(*keys)

    async def write(self, line: str) -> None:
        """Type a line."""
        await self.press(*(_KEY_NAMES.get(char, char) for char in line))

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for something that must come; raises DtkError with what is on the screen instead."""
        end = monotonic() + _WITHIN_S
        while not condition():
            if monotonic() > end:
                size = f"{self._size[0]}x{self._size[1]}"
                raise DtkError(f"{what} was not reached at {size}.", f"The screen shows {self._top()}:\n{self.text()}")
            await self._pilot.pause(0.05)

    async def shows(self, words: str) -> None:
        """Wait for words."""
        await self.until(lambda: words in " ".join(self.text().split()) or words in self.text(), f"\u201c{words}\u201d")

    async def close(self, *keys: str) -> None:
        """Press keys that close what lies on top."""
        top = self.app.screen
        await self.press(*keys)
        await self.until(lambda: top not in self.app.screen_stack, f"The end of {type(top).__name__}")

    async def stop(self, name: str, *, notices: bool = False, opened_by: str = "") -> None:
        """Wait for the screen of a stop, and make its pictures.

        Args:
            notices: keep the notices in the corner.
            opened_by: the key that opens it, where it keeps the colours with which it was opened; it is closed then.
        """
        (stop,) = (one for one in STOPS if one.name == name)
        self.reached.append(name)
        if not opened_by:
            await self.until(lambda: self._is_at(stop), f"The screen \u201c{stop.title}\u201d ({name})")
        for suffix, theme in _THEMES.items():
            self.app.theme = theme
            if opened_by:
                await self.still()
                await self.press(opened_by)
                await self.until(lambda: self._is_at(stop), f"The screen \u201c{stop.title}\u201d ({name})")
            image = await self.still(notices=notices)
            image = image.quantize(_COLOURS, dither=Image.Dither.NONE).convert("RGB")
            image.save(self._folder / file_name(name, self._size, suffix), lossless=True, quality=100, method=4)
            if opened_by:
                await self.close("escape")

    async def still(self, *, notices: bool = False) -> Image.Image:
        """Return a picture of the screen once nothing moves on it."""
        shown: object = None
        since = monotonic()
        end = since + _WITHIN_S
        self._stop_blinking()
        while monotonic() < since + _STILL_S and monotonic() < end:
            if not notices:
                self.app.clear_notifications()
            await self._pilot.pause(0.1)
            now = [list(strip) for strip in self.app.screen._compositor.render_strips()]
            # A picture in the colours of before stands still as well.
            if now != shown or any(one.is_drawing for one in self.app.screen.query(Picture)):
                shown, since = now, monotonic()
        return self.picture()

    def _stop_blinking(self) -> None:
        for line in self.app.screen.query(Input):
            line.cursor_blink = False
        for area in self.app.screen.query(TextArea):
            area.cursor_blink = False

    def picture(self) -> Image.Image:
        """Return a picture of the screen as it is."""
        colours = self.app.current_theme
        front, back = (Color.parse(one or "white").rgb for one in (colours.foreground, colours.background))
        return picture(self.app.screen._compositor.render_strips(), self._size[0], front, back)

    def _top(self) -> str:
        return type(self.app.screen).__name__

    def _is_at(self, stop: Stop) -> bool:
        text = self.text()
        flat = " ".join(text.split())
        return self._top() == stop.screen and all(word in text or word in flat for word in stop.words)

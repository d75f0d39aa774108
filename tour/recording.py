"""A short recording of the app as an animated GIF: what a person does who comes back to a library."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PIL import Image

from tour.walk import Walk

#: Columns and rows.
SIZE: Final = (110, 32)
_COLOURS: Final = 96
_KEY_MS, _LOOK_MS = 160, 1600


class Recording:
    """Frames of an app that is walked through."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._frames: list[Image.Image] = []
        self._times_ms: list[int] = []

    async def press(self, *keys: str) -> None:
        """Press keys, with a frame after each."""
        for key in keys:
            await self._walk.press(key)
            self._add(self._walk.picture(), _KEY_MS)

    async def write(self, line: str) -> None:
        """Type a line, with a frame after each two letters."""
        for start in range(0, len(line), 2):
            await self._walk.write(line[start : start + 2])
            self._add(self._walk.picture(), _KEY_MS)

    async def look(self, *words: str) -> None:
        """Wait for words and until nothing moves, and stay for a while."""
        for word in words:
            await self._walk.shows(word)
        self._add(await self._walk.still(notices=True), _LOOK_MS)

    def _add(self, frame: Image.Image, time_ms: int) -> None:
        self._frames.append(frame)
        self._times_ms.append(time_ms)

    def save(self, file: Path) -> None:
        """Write the animation, in the colours of the frame that has most of them."""
        palette = max(self._frames, key=lambda frame: len(frame.getcolors(1 << 24) or ())).quantize(_COLOURS)
        frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in self._frames]
        frames[0].save(file, save_all=True, append_images=frames[1:], duration=self._times_ms, loop=0, optimize=False)


async def record(walk: Walk, file: Path) -> None:
    """Look, search by meaning, look at thumbnails, rate, and look at duplicates."""
    take = Recording(walk)
    await walk.press("p")
    await walk.shows("All images")
    await take.look("\u2580")
    await take.press("down", "down", "down")
    await take.look()
    await take.press("slash")
    await take.write('about: "a puppy playing outside"')
    await take.press("enter")
    await take.look("best first")
    await take.press("escape", "G")
    await take.look("1 of ")
    await take.press("right", "right", "right", "down")
    await take.press("9")
    await take.look()
    await take.press("G", "D")
    await take.look("3 sets")
    await take.press("down")
    await take.look()
    take.save(file)

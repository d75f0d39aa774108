"""Which part of a picture is shown how large: plain numbers, in pixels of the picture and of the screen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

#: One step of zooming, and the most pixels of the screen that one of the picture becomes, in each direction.
STEP, LARGEST = 1.5, 16.0
#: A move goes by this share of what is seen.
_MOVE = 0.25


@dataclass(frozen=True, slots=True)
class Zoom:
    """What a person asked for.

    Attributes:
        steps: how many steps larger than the picture that fits, or than its actual size.
        is_actual: a pixel of the picture is a pixel of the screen, but for ``steps``.
        x, y: the middle of what is seen, as shares of the picture (0 to 1).
    """

    steps: int = 0
    is_actual: bool = False
    x: float = 0.5
    y: float = 0.5

    @property
    def is_fit(self) -> bool:
        """Whether all of the picture is shown, as large as there is room."""
        return not self.is_actual and self.steps <= 0

    def larger(self, by: int) -> Zoom:
        """Return this by some steps larger, or smaller where ``by`` is negative."""
        return replace(self, steps=self.steps + by)


@dataclass(frozen=True, slots=True)
class Part:
    """What is seen of a picture.

    Attributes:
        size: of the picture, in its pixels.
        box: left, top, right and bottom of what is seen, in pixels of the picture.
        drawn: width and height on the screen, in its pixels.
        scale: pixels of the screen for one of the picture.
        zoom: what was asked for, within what is possible.
    """

    size: tuple[int, int]
    box: tuple[float, float, float, float]
    drawn: tuple[int, int]
    scale: float
    zoom: Zoom

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the picture is outside."""
        return self.box[2] - self.box[0] >= self.size[0] and self.box[3] - self.box[1] >= self.size[1]

    def moved(self, across: int, down: int) -> Zoom:
        """Return the zoom of a part that lies further to the right and further down by some moves."""
        x = self.zoom.x + across * _MOVE * (self.box[2] - self.box[0]) / self.size[0]
        y = self.zoom.y + down * _MOVE * (self.box[3] - self.box[1]) / self.size[1]
        return replace(self.zoom, x=min(max(x, 0.0), 1.0), y=min(max(y, 0.0), 1.0))


def part_of(size: tuple[int, int], room: tuple[int, int], zoom: Zoom) -> Part:
    """Return what is seen of a picture of ``size`` in a ``room`` of the screen, both (width, height) in pixels.

    What fits is never enlarged, and nothing gets smaller than what fits.
    """
    fits = min(room[0] / size[0], room[1] / size[1], 1.0)
    base = 1.0 if zoom.is_actual else fits
    wanted = base * STEP ** max(-100, min(zoom.steps, 100))
    scale = min(max(wanted, fits), LARGEST)
    width, height = min(size[0], room[0] / scale), min(size[1], room[1] / scale)
    x = min(max(zoom.x * size[0], width / 2), size[0] - width / 2)
    y = min(max(zoom.y * size[1], height / 2), size[1] - height / 2)
    if wanted < fits or (not zoom.is_actual and zoom.steps <= 0):
        zoom = Zoom()
    elif wanted > LARGEST:
        zoom = replace(zoom, steps=math.floor(math.log(LARGEST / base, STEP)) + 1)
    return Part(
        size=size,
        box=(x - width / 2, y - height / 2, x + width / 2, y + height / 2),
        drawn=(
            max(1, min(room[0], round(width * scale))),
            max(1, min(room[1], round(height * scale))),
        ),
        scale=scale,
        zoom=replace(zoom, x=x / size[0], y=y / size[1]),
    )

"""A small drawing board for the demo library: shaded shapes, soft light and fractal texture over Pillow and numpy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Point = tuple[float, float]
Colour = tuple[int, int, int]
Axis = Literal["y", "x", "round"]
Floats = NDArray[np.float32]
_OVERSAMPLING = 2
# Light over a finished picture: gain of red, green and blue, lift of the blacks, gamma.
MOODS: tuple[tuple[tuple[float, float, float], float, float], ...] = (
    ((1.0, 1.0, 1.0), 0.0, 1.0),
    ((1.0, 0.84, 0.68), 0.0, 1.2),
    ((0.74, 0.78, 0.84), 0.15, 0.95),
    ((0.6, 0.7, 0.92), 0.0, 1.25),
)


def rgb(code: str) -> Colour:
    """Return the colour of ``rrggbb``."""
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def mix(first: str, second: str, share: float) -> str:
    """Return the colour between two ``rrggbb`` codes; ``share`` 0 is the first, 1 the second."""
    pairs = zip(rgb(first), rgb(second), strict=True)
    return "".join(f"{max(0, min(255, round(a + (b - a) * share))):02x}" for a, b in pairs)


def dark(code: str, share: float = 0.4) -> str:
    """Return ``code`` mixed with a near black."""
    return mix(code, "0c0a14", share)


def light(code: str, share: float = 0.4) -> str:
    """Return ``code`` mixed with a warm white."""
    return mix(code, "fffaf0", share)


def smooth(points: Sequence[Point], closed: bool = True, steps: int = 8) -> list[Point]:
    """Return a Catmull-Rom curve through ``points``."""
    count = len(points)
    out: list[Point] = []
    for i in range(count if closed else count - 1):
        if closed:
            p0, p1, p2, p3 = (points[(i + k - 1) % count] for k in range(4))
        else:
            p0, p1, p2, p3 = (points[max(0, min(count - 1, i + k - 1))] for k in range(4))
        for step in range(steps):
            t = step / steps
            out.append(
                (
                    _catmull(p0[0], p1[0], p2[0], p3[0], t),
                    _catmull(p0[1], p1[1], p2[1], p3[1], t),
                )
            )
    if not closed:
        out.append(points[-1])
    return out


def _catmull(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)


def turned(points: Iterable[Point], angle: float, cx: float, cy: float) -> list[Point]:
    """Return ``points`` turned by ``angle`` degrees (clockwise on the screen) about a centre."""
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return [(cx + (x - cx) * c - (y - cy) * s, cy + (x - cx) * s + (y - cy) * c) for x, y in points]


def arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float, steps: int = 32) -> list[Point]:
    """Return points of an elliptic arc; degrees, 0 to the right, growing clockwise on the screen."""
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


class Canvas:
    """A picture in the making, drawn larger and reduced at the end.

    Lengths are in units of a hundredth of the shorter side, so ``w`` and ``h`` are 100 and more; a ``zoom`` below 1
    steps back, so that more of them fit. Everything random comes from ``rng``: the same seed gives the same picture.
    """

    def __init__(self, width: int, height: int, seed: int, zoom: float = 1.0) -> None:
        self.width, self.height = width, height
        self._unit = _OVERSAMPLING * min(width, height) / 100 * zoom
        self.w = width * _OVERSAMPLING / self._unit
        self.h = height * _OVERSAMPLING / self._unit
        self.rng = np.random.default_rng(seed)
        self._image = Image.new("RGB", (width * _OVERSAMPLING, height * _OVERSAMPLING))
        self._draw = ImageDraw.Draw(self._image)

    def uniform(self, low: float, high: float) -> float:
        """Return one random number."""
        return float(self.rng.uniform(low, high))

    def pick(self, options: Sequence[str]) -> str:
        """Return one random choice."""
        return options[int(self.rng.integers(len(options)))]

    # Shapes

    def poly(
        self,
        points: Sequence[Point],
        fill: str,
        to: str | None = None,
        axis: Axis = "y",
        alpha: float = 1.0,
        blur: float = 0.0,
    ) -> None:
        """Fill a polygon with a colour, or with a shade from ``fill`` to ``to`` over its extent."""
        px = [(x * self._unit, y * self._unit) for x, y in points]
        if to is None and alpha >= 1 and blur == 0:
            self._draw.polygon(px, fill=rgb(fill))
            return
        pad = blur * self._unit * 2
        box = self._box(px, pad)
        if box is None:
            return
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        ImageDraw.Draw(mask).polygon([(x - box[0], y - box[1]) for x, y in px], fill=round(255 * alpha))
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * self._unit))
        self._paint(mask, box, fill, to, axis)

    def blob(
        self, points: Sequence[Point], fill: str, to: str | None = None, axis: Axis = "y", alpha: float = 1.0
    ) -> None:
        """Fill the smooth closed curve through ``points``."""
        self.poly(smooth(points), fill, to, axis, alpha)

    def ellipse(
        self,
        cx: float,
        cy: float,
        rx: float,
        ry: float,
        fill: str,
        to: str | None = None,
        axis: Axis = "y",
        angle: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """Fill an ellipse, turned by ``angle`` degrees."""
        steps = 24 if max(rx, ry) < 4 else 64
        points = arc(cx, cy, rx, ry, 0, 360, steps)
        self.poly(turned(points, angle, cx, cy) if angle else points, fill, to, axis, alpha)

    def ball(self, cx: float, cy: float, r: float, colour: str) -> None:
        """Draw a sphere lit from the upper left."""
        self.ellipse(cx, cy, r, r, light(colour, 0.12), dark(colour, 0.5), "round")
        self.soft(cx - 0.32 * r, cy - 0.38 * r, 0.55 * r, 0.5 * r, "ffffff", 0.75)

    def rect(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        fill: str,
        to: str | None = None,
        axis: Axis = "y",
        alpha: float = 1.0,
        radius: float = 0.0,
    ) -> None:
        """Fill a rectangle, with rounded corners if ``radius`` is given."""
        if radius <= 0:
            self.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill, to, axis, alpha)
            return
        r = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
        corners = ((x1 - r, y0 + r, -90), (x1 - r, y1 - r, 0), (x0 + r, y1 - r, 90), (x0 + r, y0 + r, 180))
        points = [p for cx, cy, start in corners for p in arc(cx, cy, r, r, start, start + 90, 8)]
        self.poly(points, fill, to, axis, alpha)

    def line(self, points: Sequence[Point], width: float, fill: str, end_width: float | None = None) -> None:
        """Draw a stroke with round ends; ``end_width`` lets it taper."""
        u = self._unit
        colour = rgb(fill)
        if end_width is None:
            px = [(x * u, y * u) for x, y in points]
            self._draw.line(px, fill=colour, width=max(1, round(width * u)), joint="curve")
            if width * u > 4:
                for x, y in (px[0], px[-1]):
                    r = width * u / 2
                    self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
            return
        span = sum(math.dist(a, b) for a, b in pairwise(points))
        thin = max(0.25, min(width, end_width))
        path = smooth(points, closed=False, steps=max(8, math.ceil(5 * span / thin / len(points))))
        for i, (x, y) in enumerate(path):
            r = u * (width + (end_width - width) * i / (len(path) - 1)) / 2
            self._draw.ellipse((x * u - r, y * u - r, x * u + r, y * u + r), fill=colour)

    def ring(self, cx: float, cy: float, r: float, width: float, fill: str) -> None:
        """Draw a circle's outline."""
        u = self._unit
        box = ((cx - r) * u, (cy - r) * u, (cx + r) * u, (cy + r) * u)
        self._draw.ellipse(box, outline=rgb(fill), width=max(1, round(width * u)))

    def soft(self, cx: float, cy: float, rx: float, ry: float, colour: str, alpha: float = 1.0) -> None:
        """Lay a soft spot of colour: a glow, a shadow, a puff of cloud."""
        u = self._unit
        box = self._box([((cx - rx) * u, (cy - ry) * u), ((cx + rx) * u, (cy + ry) * u)], 0)
        if box is None:
            return
        ys = (np.linspace(box[1], box[3], 48, dtype=np.float32) / u - cy) / ry
        xs = (np.linspace(box[0], box[2], 48, dtype=np.float32) / u - cx) / rx
        near = np.clip(1 - np.hypot(xs[None, :], ys[:, None]), 0, 1)
        values = (near * near * (3 - 2 * near) * 255 * alpha).astype(np.uint8)
        mask = Image.fromarray(values).resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BICUBIC)
        self._image.paste(rgb(colour), box, mask)

    # Fields

    def sky(self, stops: Sequence[str], top: float = 0.0, bottom: float | None = None) -> None:
        """Fill the full width from ``top`` to ``bottom`` with an even ramp through ``stops``."""
        low = self.h if bottom is None else bottom
        y0, y1 = round(top * self._unit), round(low * self._unit)
        places = np.linspace(0, len(stops) - 1, max(1, y1 - y0))
        table = np.array([rgb(s) for s in stops], dtype=np.float32)
        channels = [np.interp(places, range(len(stops)), table[:, c]) for c in range(3)]
        ramp = np.stack(channels, axis=-1)[:, None, :].round().astype(np.uint8)
        strip = Image.fromarray(ramp).resize((self._image.width, max(1, y1 - y0)), Image.Resampling.NEAREST)
        self._image.paste(strip, (0, y0))

    def noise(self, cells: float, octaves: int = 4, stretch: float = 1.0) -> Floats:
        """Return fractal noise in 0..1 at half of the final resolution; ``stretch`` over 1 draws it out sideways."""
        height, width = self.height // 2, self.width // 2
        total = np.zeros((height, width), dtype=np.float32)
        weight, sum_of_weights = 1.0, 0.0
        for octave in range(octaves):
            n = cells * 2**octave
            grid = self.rng.random((round(n * stretch * self.h / 100) + 2, round(n * self.w / 100) + 2), np.float32)
            layer = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
            total += weight * np.asarray(layer)
            sum_of_weights += weight
            weight *= 0.5
        total /= sum_of_weights
        low, high = float(total.min()), float(total.max())
        return (total - low) / max(high - low, 1e-6)

    def veil(self, colour: str, values: Floats, area: Sequence[Point] | None = None, alpha: float = 1.0) -> None:
        """Lay ``colour`` over the picture (or a polygon of it) with an opacity map in 0..1."""
        small = Image.fromarray((np.clip(values, 0, 1) * (255 * alpha)).astype(np.uint8))
        mask = small.resize(self._image.size, Image.Resampling.BILINEAR)
        if area is not None:
            shape = Image.new("L", self._image.size)
            ImageDraw.Draw(shape).polygon([(x * self._unit, y * self._unit) for x, y in area], fill=255)
            mask = Image.composite(mask, Image.new("L", self._image.size), shape)
        self._image.paste(rgb(colour), (0, 0), mask)

    def rows(self) -> Floats:
        """Return the height in units of each row of a noise map, as a column."""
        return np.linspace(0, self.h, self.height // 2, dtype=np.float32)[:, None]

    def clouds(self, colour: str, amount: float, top: float, bottom: float, cells: float = 3.0) -> None:
        """Drift clouds over the rows from ``top`` to ``bottom``; ``amount`` 0..1 says how much of the sky they take."""
        field = self.noise(cells, 5, stretch=2.2)
        rows = self.rows()
        fade = np.clip(np.minimum(rows - top, bottom - rows) / (0.3 * (bottom - top)), 0, 1)
        self.veil(colour, np.clip((field - (1 - amount)) * 3.2, 0, 1) * fade)

    def ridge(self, base: float, height: float, rough: float = 0.5, peaks: int = 3) -> list[Point]:
        """Return a mountain outline across the picture, closed at the bottom edge."""
        n = 129
        xs = np.linspace(0, 1, n)
        line = np.zeros(n)
        weight = 1.0
        for octave in range(6):
            knots = peaks * 2**octave + 1
            line += weight * np.interp(xs, np.linspace(0, 1, knots), self.rng.random(knots))
            weight *= rough
        line = (line - line.min()) / (line.max() - line.min())
        top = [(float(x * self.w), float(base - height * y)) for x, y in zip(xs, line, strict=True)]
        return [(0.0, self.h), *top, (self.w, self.h)]

    def strokes(
        self, count: int, area: tuple[float, float, float, float], colours: Sequence[str], length: float, lean: float
    ) -> None:
        """Scatter short upright strokes (grass, fur, reeds), longer and denser towards the bottom of ``area``."""
        x0, y0, x1, y1 = area
        spots = self.rng.random((count, 4))
        spots = spots[np.argsort(spots[:, 1])]
        u = self._unit
        width = max(1, round(length * u * 0.09))
        for a, b, c, d in spots.tolist():
            x, y = x0 + a * (x1 - x0), y0 + b * b**0.3 * (y1 - y0)
            size = length * (0.35 + 0.65 * b) * (0.6 + 0.8 * c)
            tip = x + lean * size + (d - 0.5) * size * 0.7
            colour = rgb(colours[int(d * 9973) % len(colours)])
            self._draw.line((x * u, y * u, tip * u, (y - size) * u), fill=colour, width=width)

    def stars(self, count: int, bottom: float) -> None:
        """Strew stars over the sky above ``bottom``."""
        for x, y, size, tint in self.rng.random((count, 4)).tolist():
            r = 0.12 + 0.28 * size**4
            self.ellipse(x * self.w, y * bottom, r, r, mix("fff4d8", "cfe0ff", tint), alpha=0.45 + 0.55 * size)

    def glints(self, count: int, top: float, bottom: float, colour: str, centre: float, spread: float) -> None:
        """Lay short level glints on water, wider apart towards the viewer."""
        for a, b, c in self.rng.random((count, 3)).tolist():
            depth = b * b
            y = top + depth * (bottom - top)
            reach = spread * (0.25 + 0.75 * depth)
            x = centre + (a - 0.5) * 2 * reach
            half = (0.6 + 3.4 * depth) * (0.4 + c)
            self.ellipse(x, y, half, 0.12 + 0.32 * depth, colour, alpha=0.35 + 0.5 * c)

    # The end

    def mirror(self, line: float, depth: float, fade: float, tint: str) -> None:
        """Reflect what stands above ``line`` into the ``depth`` units below it, mixed with ``tint``."""
        y, n = round(line * self._unit), round(min(depth, line) * self._unit)
        part = self._image.crop((0, y - n, self._image.width, y)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        part = part.filter(ImageFilter.BoxBlur(self._unit * 0.35))
        flat = Image.new("RGB", part.size, rgb(tint))
        self._image.paste(Image.blend(part, flat, fade), (0, y))

    def reshape(self, change: Callable[[Floats], Floats]) -> None:
        """Replace the picture by what ``change`` makes of it (height x width x 3, 0..255)."""
        self._image = Image.fromarray(
            np.clip(change(np.asarray(self._image, dtype=np.float32)), 0, 255).astype(np.uint8)
        )
        self._draw = ImageDraw.Draw(self._image)

    def finish(self, mood: int = 0, vignette: float = 0.25) -> Image.Image:
        """Return the picture in its final size, its corners darkened, in the light of one of the ``MOODS``."""
        picture = self._image.reduce(_OVERSAMPLING)
        gains, lift, gamma = MOODS[mood % len(MOODS)]
        if mood % len(MOODS):
            levels = np.linspace(0, 1, 256) ** gamma
            table = [np.clip((levels * gain + lift) * 255, 0, 255).round().astype(int).tolist() for gain in gains]
            picture = picture.point([*table[0], *table[1], *table[2]])
        if vignette <= 0:
            return picture
        ys = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
        xs = np.linspace(-1, 1, 64, dtype=np.float32)[None, :]
        edge = np.clip((np.hypot(xs, ys) - 0.55) / 0.86, 0, 1) ** 1.6 * 255 * vignette
        mask = Image.fromarray(edge.astype(np.uint8)).resize(picture.size, Image.Resampling.BICUBIC)
        picture.paste((6, 4, 12), (0, 0), mask)
        return picture

    def _box(self, px: Sequence[Point], pad: float) -> tuple[int, int, int, int] | None:
        """Return the pixel box around ``px``, cut to the picture, or None when nothing of it shows."""
        xs, ys = [x for x, _ in px], [y for _, y in px]
        x0, y0 = max(0, math.floor(min(xs) - pad)), max(0, math.floor(min(ys) - pad))
        x1 = min(self._image.width, math.ceil(max(xs) + pad) + 1)
        y1 = min(self._image.height, math.ceil(max(ys) + pad) + 1)
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def _paint(self, mask: Image.Image, box: tuple[int, int, int, int], fill: str, to: str | None, axis: Axis) -> None:
        if to is None:
            self._image.paste(rgb(fill), box, mask)
            return
        if axis == "round":
            ys = np.linspace(0, 1, 40, dtype=np.float32)[:, None] - 0.32
            xs = np.linspace(0, 1, 40, dtype=np.float32)[None, :] - 0.36
            share = np.clip(np.hypot(xs, ys) / 0.72, 0, 1) ** 1.3
        else:
            ramp = np.linspace(0, 1, 128, dtype=np.float32)
            share = ramp[:, None] if axis == "y" else ramp[None, :]
        first, second = np.array(rgb(fill), np.float32), np.array(rgb(to), np.float32)
        shades = (first + (second - first) * share[..., None]).round().astype(np.uint8)
        patch = Image.fromarray(shades).resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BILINEAR)
        self._image.paste(patch, box, mask)

"""Things that several scenes share: trees, snow, hills of grass, windows of a room."""

from __future__ import annotations

from collections.abc import Sequence

from dtk_tui.demo.scenes.canvas import Canvas, dark, light, mix


def tree(c: Canvas, x: float, y: float, size: float, leaves: str) -> None:
    """Draw a leafy tree that stands at (x, y), ``size`` units high."""
    c.soft(x, y, size * 0.45, size * 0.07, "101808", 0.6)
    c.line([(x, y), (x - size * 0.02, y - size * 0.3), (x + size * 0.03, y - size * 0.55)], size * 0.1, "4a3322", 2)
    for i in range(34):
        share = i / 33
        px = x + c.uniform(-0.33, 0.33) * size * (1.1 - 0.5 * share)
        py = y - size * (0.38 + 0.5 * share) + c.uniform(-0.04, 0.04) * size
        r = size * c.uniform(0.09, 0.15)
        c.ellipse(px, py, r, r * 0.85, light(leaves, 0.35 * share + 0.05), dark(leaves, 0.55 - 0.35 * share), "round")


def pine(c: Canvas, x: float, y: float, size: float, colour: str, snow: bool = False) -> None:
    """Draw a conifer of ragged tiers; with ``snow`` each tier carries some."""
    c.line([(x, y), (x, y - size * 0.2)], size * 0.06, dark(colour, 0.5))
    for tier in range(6):
        top = y - size * (0.32 + 0.136 * tier)
        low = y - size * (0.08 + 0.13 * tier)
        half = size * (0.27 - 0.038 * tier)
        teeth = [(x + half * (k / 3 - 1), low + (0.03 * size if k % 2 else 0)) for k in range(7)]
        c.poly([(x, top), *reversed(teeth)], light(colour, 0.12), dark(colour, 0.45), "x")
        if snow:
            c.poly([(x, top), (x + half * 0.55, low - size * 0.05), (x - half * 0.75, low - size * 0.02)], "f4f8ff")


def meadow(c: Canvas, top: float, colour: str, blades: int = 2600, length: float = 5.0) -> None:
    """Fill the picture below ``top`` with grass."""
    c.sky([light(colour, 0.25), colour, dark(colour, 0.35)], top, c.h)
    shades = [light(colour, 0.3), colour, dark(colour, 0.3), mix(colour, "c8c050", 0.35)]
    c.strokes(blades, (0, top + 1, c.w, c.h + 3), shades, length, 0.1)


def flowers(c: Canvas, count: int, area: tuple[float, float, float, float], colours: Sequence[str]) -> None:
    """Strew small five-petalled flowers, larger towards the viewer."""
    x0, y0, x1, y1 = area
    for b, a, d in sorted(c.rng.random((count, 3)).tolist()):
        x, y, r = x0 + a * (x1 - x0), y0 + b * (y1 - y0), 0.35 + 0.75 * b
        colour = colours[int(d * len(colours))]
        for k in range(5):
            dx, dy = ((0, -1), (0.95, -0.3), (0.6, 0.8), (-0.6, 0.8), (-0.95, -0.3))[k]
            c.ellipse(x + dx * r * 0.7, y + dy * r * 0.7, r * 0.6, r * 0.55, colour)
        c.ellipse(x, y, r * 0.4, r * 0.4, "ffd84a")


def snowfall(c: Canvas, count: int) -> None:
    """Let snow fall over the whole picture."""
    for x, y, s in c.rng.random((count, 3)).tolist():
        r = 0.18 + 0.6 * s * s
        c.ellipse(x * c.w, y * c.h, r, r, "ffffff", alpha=0.5 + 0.45 * s)


def boards(c: Canvas, top: float, colour: str, rows: int = 9) -> None:
    """Lay a wooden floor or table top below ``top``, its boards seen in perspective."""
    c.sky([dark(colour, 0.25), colour, light(colour, 0.12)], top, c.h)
    middle = c.w / 2
    for k in range(-rows, rows + 1):
        x = middle + k * c.w / rows
        c.line([(middle + (x - middle) * 0.55, top), (middle + (x - middle) * 1.4, c.h)], 0.35, dark(colour, 0.45))
    c.veil(dark(colour, 0.5), (c.noise(2.0, 4, 14.0) - 0.45) * 1.4, [(0, top), (c.w, top), (c.w, c.h), (0, c.h)], 0.6)


def wall(c: Canvas, bottom: float, colour: str, pattern: bool = False) -> None:
    """Paint the wall of a room down to ``bottom``, lit from the left; ``pattern`` gives it a striped paper."""
    c.rect(0, 0, c.w, bottom, light(colour, 0.3), dark(colour, 0.3), "x")
    if pattern:
        for k in range(int(c.w / 7) + 1):
            c.rect(k * 7, 0, k * 7 + 2.2, bottom, dark(colour, 0.2), alpha=0.35)
    c.veil(dark(colour, 0.4), (c.noise(5, 3) - 0.5), [(0, 0), (c.w, 0), (c.w, bottom), (0, bottom)], 0.35)
    c.rect(0, bottom - 2.2, c.w, bottom, light(colour, 0.55), light(colour, 0.2))

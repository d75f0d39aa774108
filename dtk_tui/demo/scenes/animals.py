"""Scenes with animals."""

from __future__ import annotations

import math

from dtk_tui.demo.scenes.canvas import Canvas, arc, dark, light, mix, smooth, turned
from dtk_tui.demo.scenes.parts import boards, flowers, meadow, snowfall, tree, wall


def dog_in_park(c: Canvas, variant: int) -> None:
    """A dog with a ball on a lawn between trees."""
    coat = ("c98a44", "8a5a34", "e2c496", "4a4038")[variant % 4]
    ball = ("d63a2f", "2f6fd6", "f0b020", "d63a8f")[variant % 4]
    c.sky([("6fb6ea", "8cc4e8", "f2c48c", "7fb0dc")[variant % 4], "e8f2f4"], 0, c.h * 0.5)
    c.clouds("ffffff", 0.45, 0, c.h * 0.4)
    for k in range(6):
        leaves = ("4f8f3a", "5c9a35", "b8792a", "3f8048")[variant % 4]
        tree(c, c.w * (0.02 + 0.2 * k) + c.uniform(-3, 3), c.h * 0.52, c.uniform(30, 44), leaves)
    meadow(c, c.h * 0.5, ("6aa53c", "5f9f45", "8fa040", "569a48")[variant % 4])
    edge = smooth([(c.w * 0.8, c.h * 0.5), (c.w * 0.74, c.h * 0.62), (c.w * 0.84, c.h * 0.8), (c.w * 0.78, c.h)], False)
    far = smooth([(c.w * 1.12, c.h), (c.w * 1.0, c.h * 0.8), (c.w * 0.82, c.h * 0.62), (c.w * 0.82, c.h * 0.5)], False)
    c.poly([*edge, *far], "dccaa2", "b89a68")
    flowers(c, 40, (0, c.h * 0.58, c.w * 0.6, c.h), ("ffffff", "f4d03f", "e87ca8"))
    x, y = c.w * (0.46, 0.42, 0.5, 0.45)[variant % 4], c.h * 0.86
    _dog(c, x, y, min(c.w, c.h) / 100 * 1.05, coat, variant)
    c.soft(x - 36, y + 3, 8, 2.5, "10200a", 0.7)
    c.ball(x - 36, y - 2, 5, ball)


def _dog(c: Canvas, x: float, y: float, s: float, coat: str, variant: int) -> None:
    """A sitting dog seen from the front left; its paws stand at ``y``."""
    shade, pale = dark(coat, 0.45), light(coat, 0.6)
    c.soft(x, y + 1, 27 * s, 6 * s, "0c1606", 0.8)
    c.line([(x + 15 * s, y - 5 * s), (x + 25 * s, y - 9 * s), (x + 28 * s, y - 20 * s)], 5 * s, coat, 2 * s)
    c.blob(
        [(x - 8 * s, y - 36 * s), (x + 8 * s, y - 36 * s), (x + 18 * s, y - 12 * s), (x + 17 * s, y), (x - 12 * s, y)],
        light(coat, 0.15),
        shade,
        "round",
    )
    c.ellipse(x + 12 * s, y - 8 * s, 9 * s, 9 * s, light(coat, 0.1), shade, "round")
    c.blob(
        [(x - 7 * s, y - 32 * s), (x + 4 * s, y - 32 * s), (x + 3 * s, y - 14 * s), (x - 4 * s, y - 12 * s)], pale, coat
    )
    for dx in (-7, 3):
        c.rect(x + (dx - 3) * s, y - 22 * s, x + (dx + 3) * s, y, light(coat, 0.2), shade, "x", radius=3 * s)
        c.ellipse(x + dx * s, y - 1 * s, 4.4 * s, 2.8 * s, pale, coat)
    c.ellipse(x + 14 * s, y - 1.2 * s, 6 * s, 2.8 * s, coat, shade)
    hx, hy = x - 2 * s, y - 45 * s
    c.ellipse(hx, hy, 13 * s, 12.5 * s, light(coat, 0.3), shade, "round")
    for side in (-1, 1):
        ear = [
            (hx + side * 8 * s, hy - 10 * s),
            (hx + side * 15 * s, hy - 7 * s),
            (hx + side * 17 * s, hy + 8 * s),
            (hx + side * 11 * s, hy + 9 * s),
        ]
        c.blob(ear, dark(coat, 0.3), dark(coat, 0.6))
        c.ellipse(hx + side * 5 * s, hy - 2.5 * s, 2.1 * s, 2.5 * s, "1a0f08")
        c.ellipse(hx + side * 5 * s - 0.7 * s, hy - 3.3 * s, 0.7 * s, 0.7 * s, "ffffff")
    c.ellipse(hx, hy + 6 * s, 7.5 * s, 6.2 * s, light(coat, 0.75), pale, "round")
    c.poly(arc(hx, hy + 8.5 * s, 2.6 * s, 5 * s, 0, 180), "e8697a", "c04055")
    c.line(arc(hx - 2.6 * s, hy + 6 * s, 2.6 * s, 2.6 * s, 0, 150), 0.7 * s, "2a1810")
    c.line(arc(hx + 2.6 * s, hy + 6 * s, 2.6 * s, 2.6 * s, 30, 180), 0.7 * s, "2a1810")
    c.ellipse(hx, hy + 2.6 * s, 3 * s, 2.2 * s, "3a2c28", "0a0608")
    collar = ("c42f2f", "2f5fc4", "2f9a5a", "e0a020")[variant % 4]
    c.line([(hx - 9 * s, hy + 11.5 * s), (hx, hy + 14 * s), (hx + 9 * s, hy + 11.5 * s)], 2.6 * s, collar)
    c.ball(hx, hy + 16 * s, 1.9 * s, "e8c33a")


def cat_on_sofa(c: Canvas, variant: int) -> None:
    """A cat curled on a sofa in a living room."""
    fur = ("e08a3c", "8a8a92", "2e2a30")[variant % 3]
    sofa = ("3d6a78", "7a3d55", "8a7a4a")[variant % 3]
    wall(c, c.h * 0.72, ("d8c8ac", "b8c4b8", "c4b0b8")[variant % 3], pattern=True)
    boards(c, c.h * 0.72, "8a5f3a")
    window = (c.w * 0.1, c.h * 0.07, c.w * 0.38, c.h * 0.4)
    c.rect(*window, "f4efe2")
    c.rect(window[0] + 1.5, window[1] + 1.5, window[2] - 1.5, window[3] - 1.5, "8cc4ee", "e4f0e0")
    c.rect(c.w * 0.235, window[1], c.w * 0.245, window[3], "f4efe2")
    c.rect(c.w * 0.62, c.h * 0.1, c.w * 0.86, c.h * 0.33, "6a4a2c", "4a3018")
    c.rect(c.w * 0.64, c.h * 0.12, c.w * 0.84, c.h * 0.31, "e8a85a", "3a5a7a")
    x0, x1, seat, low = c.w * 0.06, c.w * 0.94, c.h * 0.64, c.h * 0.86
    c.soft(c.w / 2, low + 2, c.w * 0.5, 8, "1a0f08", 0.8)
    for left in (x0 + 3, x1 - 8):
        c.rect(left, low - 2, left + 4, low + 3, "5a3a20", "2a180c", "x")
    c.rect(x0 + 6, c.h * 0.42, x1 - 6, seat + 6, light(sofa, 0.2), dark(sofa, 0.25), radius=9)
    for k in (0, 1):
        left = x0 + 8 + k * (x1 - x0 - 16) / 2
        right = left + (x1 - x0 - 16) / 2
        c.rect(left + 0.6, c.h * 0.44, right - 0.6, seat, light(sofa, 0.28), dark(sofa, 0.15), radius=6)
        c.rect(left, seat - 1, right, low - 6, light(sofa, 0.32), dark(sofa, 0.3), radius=4)
    for left in (x0, x1 - 13):
        c.rect(left, c.h * 0.54, left + 13, low, light(sofa, 0.3), dark(sofa, 0.35), "x", radius=6)
    c.poly(turned(arc(x1 - 26, seat - 8, 13, 13, 45, 405, 4), 12, x1 - 26, seat - 8), "e6c25a", "b8862c")
    _cat(c, c.w * (0.42, 0.46, 0.4)[variant % 3], seat + 2, fur)


def _cat(c: Canvas, x: float, y: float, fur: str) -> None:
    """A lying cat, its head raised to the left; it lies on ``y``."""
    shade, stripe = dark(fur, 0.5), dark(fur, 0.6)
    c.soft(x, y, 34, 6, "100a0c", 0.8)
    c.line([(x + 22, y - 5), (x + 33, y - 3), (x + 30, y + 9), (x + 23, y + 11)], 5, fur, 3)
    c.blob(
        [(x - 20, y), (x - 19, y - 14), (x - 2, y - 19), (x + 18, y - 19), (x + 28, y - 8), (x + 26, y)],
        light(fur, 0.3),
        shade,
    )
    for k in range(5):
        c.line([(x - 3 + 6 * k, y - 18.5), (x + 6 * k, y - 13), (x - 1 + 6 * k, y - 8)], 1.6, stripe, 0.5)
    c.ellipse(x + 17, y - 6, 10, 7.5, light(fur, 0.15), shade, "round")
    for dx in (-20, -11):
        c.ellipse(x + dx, y - 1, 7, 2.8, light(fur, 0.55), fur)
    hx, hy = x - 19, y - 20
    for side in (-1, 1):
        c.poly([(hx + side * 3, hy - 8), (hx + side * 10.5, hy - 17), (hx + side * 11, hy - 3)], light(fur, 0.1), shade)
        c.poly([(hx + side * 5, hy - 9), (hx + side * 9.4, hy - 14), (hx + side * 9.6, hy - 6)], "e8a0a0")
    c.ellipse(hx, hy, 12, 10.5, light(fur, 0.35), shade, "round")
    for dx in (-3, 0, 3):
        c.line([(hx + dx, hy - 10), (hx + dx * 0.7, hy - 5.5)], 0.9, stripe)
    c.ellipse(hx, hy + 4.5, 6, 4.3, light(fur, 0.75))
    for side in (-1, 1):
        c.ellipse(hx + side * 4.8, hy - 1.2, 2.5, 2.3, "d8e86a", "6aa02c")
        c.ellipse(hx + side * 4.8, hy - 1.2, 0.75, 2, "0c0a08")
        for k in (-1, 0, 1):
            c.line([(hx + side * 3, hy + 4.5), (hx + side * 15, hy + 4 + 2.2 * k)], 0.25, "fdfaf4")
    c.poly([(hx - 1.4, hy + 2.2), (hx + 1.4, hy + 2.2), (hx, hy + 4)], "d0707c")
    c.line(arc(hx - 1.5, hy + 4.2, 1.5, 1.9, 0, 160), 0.5, "402820")
    c.line(arc(hx + 1.5, hy + 4.2, 1.5, 1.9, 20, 180), 0.5, "402820")


def owl_on_branch(c: Canvas, variant: int) -> None:
    """An owl on a branch before the full moon."""
    plume = ("8a6238", "c8bca8")[variant % 2]
    c.sky([("0a1030", "160c28")[variant % 2], ("24406a", "4a2c5a")[variant % 2], "5a6a8a"])
    c.stars(120, c.h * 0.8)
    mx, my = c.w * 0.62, c.h * 0.3
    c.soft(mx, my, 60, 60, "f4ecc0", 0.55)
    c.ellipse(mx, my, 25, 25, "fffbe6", "d8cfa0", "round")
    for dx, dy, r in ((-8, -6, 5), (7, 3, 6), (-4, 10, 4), (10, -10, 3)):
        c.ellipse(mx + dx, my + dy, r, r * 0.9, "c8bf94", alpha=0.55)
    c.poly(c.ridge(c.h * 0.9, 14, 0.6, 5), "141c30", "060810")
    x, y = c.w * 0.46, c.h * 0.78
    c.line([(-4, y + 9), (c.w * 0.4, y + 3), (c.w + 6, y - 6)], 7, "3a281a", 3.5)
    c.line([(c.w * 0.7, y - 1), (c.w * 0.85, y - 16)], 2.5, "3a281a", 1)
    c.blob(
        [(x - 19, y - 24), (x - 9, y - 46), (x + 9, y - 46), (x + 19, y - 24), (x + 12, y + 3), (x - 12, y + 3)],
        light(plume, 0.2),
        dark(plume, 0.5),
        "round",
    )
    for row in range(7):
        for k in range(-3, 4):
            px, py = x + k * 3.4 + (1.7 if row % 2 else 0), y - 24 + row * 3.8
            if abs(px - x) < 11 - row * 0.6:
                c.ellipse(px, py, 1.9, 2.5, light(plume, 0.7), mix(plume, "5a3a20", 0.4))
    for side in (-1, 1):
        wing = [(x + side * 14, y - 32), (x + side * 21, y - 18), (x + side * 15, y + 6), (x + side * 10, y - 8)]
        c.blob(wing, dark(plume, 0.2), dark(plume, 0.65))
        for k in range(4):
            c.line(
                [(x + side * (15 + k % 2), y - 26 + 6 * k), (x + side * 12.5, y - 18 + 6 * k)], 0.8, light(plume, 0.4)
            )
        c.poly([(x + side * 6, y - 56), (x + side * 17, y - 66), (x + side * 16, y - 50)], dark(plume, 0.3))
    c.ellipse(x, y - 49, 18, 14, light(plume, 0.25), dark(plume, 0.4), "round")
    for side in (-1, 1):
        c.ellipse(x + side * 7.5, y - 49, 8.5, 9, light(plume, 0.75), light(plume, 0.2))
        c.ball(x + side * 7.2, y - 49, 5.2, "f0a818")
        c.ellipse(x + side * 7.2, y - 49, 2.7, 2.7, "080406")
        c.ellipse(x + side * 7.2 - 1.2, y - 50.4, 0.9, 0.9, "ffffff")
        for toe in (-2.2, 0, 2.2):
            c.line([(x + side * 6 + toe, y + 1), (x + side * 6 + toe, y + 5)], 1.4, "e0b050")
    c.poly([(x - 2.4, y - 45.5), (x + 2.4, y - 45.5), (x, y - 39)], "f0c060", "a06818")


def aquarium(c: Canvas, variant: int) -> None:
    """Tropical fish among weed and coral under water."""
    c.sky([("4ac0dc", "48a8e8")[variant % 2], ("1a78b0", "2058b0")[variant % 2], "082a58"])
    for k in range(6):
        x = c.w * (0.08 + 0.17 * k)
        c.poly([(x, 0), (x + 5, 0), (x + 16 + 3 * k, c.h), (x - 12 + 3 * k, c.h)], "c8f4ff", alpha=0.09, blur=1.2)
    c.blob(
        [
            (-8, c.h * 0.88),
            (c.w * 0.3, c.h * 0.84),
            (c.w * 0.7, c.h * 0.9),
            (c.w + 8, c.h * 0.85),
            (c.w + 8, c.h + 9),
            (-8, c.h + 9),
        ],
        "ecd49a",
        "a8824a",
    )
    for k in range(9):
        x = c.w * (0.03 + 0.12 * k) + c.uniform(-2, 2)
        tall = c.uniform(18, 46)
        sway = [(x + 2.5 * math.sin(j * 1.3 + k), c.h * 0.9 - tall * j / 5) for j in range(6)]
        c.line(sway, 3, ("2f9a4a", "5ab03a", "1f7a5a")[k % 3], 0.7)
    for k in range(16):
        x, y = c.w * (0.12 if k % 2 else 0.84) + c.uniform(-9, 9), c.h * 0.88 - c.uniform(0, 11)
        c.ball(x, y, c.uniform(1.6, 3.6), ("f0607a", "f48a4a", "c45ab8")[k % 3])
    inks = (
        ("ff8a1f", "ffffff"),
        ("ffd62f", "2a5ae0"),
        ("3fb4ff", "ffe45a"),
        ("ff4a5a", "ffd8a0"),
        ("9a5af0", "fff0a0"),
    )
    for k in range(7):
        body, band = inks[(k + 2 * variant) % 5]
        size = (11, 7.5, 9, 6, 8, 5.5, 10)[k]
        x, y = c.w * (0.32, 0.74, 0.66, 0.2, 0.46, 0.86, 0.3)[k], c.h * (0.3, 0.22, 0.5, 0.56, 0.7, 0.68, 0.12)[k]
        _fish(c, x + c.uniform(-4, 4), y + c.uniform(-3, 3), size, body, band, 1 if (k + variant) % 2 else -1)
    for k in range(24):
        x, r = c.w * (0.55 if k % 2 else 0.92) + c.uniform(-3, 3), c.uniform(0.5, 1.5)
        c.ring(x, c.h * k / 24, r, 0.3, "d8f6ff")


def _fish(c: Canvas, x: float, y: float, s: float, body: str, band: str, side: int) -> None:
    def at(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x + side * px * s, y + py * s) for px, py in points]

    c.blob(at([(-0.9, 0), (-1.75, -0.7), (-1.55, 0), (-1.75, 0.7)]), light(body, 0.2), dark(body, 0.3))
    c.blob(at([(-0.5, -0.5), (0, -1.05), (0.5, -0.45)]), dark(body, 0.15))
    c.blob(at([(-0.3, 0.5), (-0.1, 0.95), (0.35, 0.45)]), dark(body, 0.25))
    c.blob(
        at([(1.15, 0), (0.5, -0.58), (-0.4, -0.5), (-1.05, 0), (-0.4, 0.5), (0.5, 0.58)]),
        light(body, 0.35),
        dark(body, 0.35),
    )
    for px in (0.42, -0.3):
        c.blob(at([(px, -0.53), (px + 0.16, 0), (px, 0.53), (px - 0.2, 0)]), band, dark(band, 0.25))
    c.ellipse(x + side * 0.8 * s, y - 0.12 * s, 0.17 * s, 0.17 * s, "ffffff")
    c.ellipse(x + side * 0.83 * s, y - 0.12 * s, 0.1 * s, 0.1 * s, "080810")


def butterfly(c: Canvas, variant: int) -> None:
    """A large butterfly over flowers."""
    wing, tip = (("f08a1c", "2a1408"), ("3a8af0", "0a1030"))[variant % 2]
    c.sky([("d8ecc0", "f0dcc8")[variant % 2], ("8fbf6a", "c89ab0")[variant % 2], "4a7a3a"])
    for _ in range(26):
        c.soft(c.uniform(0, c.w), c.uniform(0, c.h), 9, 9, c.pick(("f4f0c0", "c8e49a", "f0b8d0", "7ab050")), 0.5)
    for k in range(5):
        x, y = c.w * (0.1, 0.9, 0.3, 0.7, 0.5)[k], c.h * (0.82, 0.78, 0.93, 0.92, 0.84)[k]
        c.line([(x + 4, c.h + 4), (x, y)], 1.6, "3f7a2c")
        for petal in range(14):
            angle = petal * 360 / 14
            rim = arc(x, y, 7.5, 7.5, angle, angle, 1)[0]
            colour = ("e85a9a", "f4f0fa", "f4b02c", "b070e0", "f06a4a")[(k + variant) % 5]
            c.ellipse((x + rim[0]) / 2, (y + rim[1]) / 2, 4.6, 1.7, light(colour, 0.3), colour, angle=angle)
        c.ball(x, y, 3, "d89a1c")
    x, y = c.w * 0.5, c.h * 0.44
    for side in (-1, 1):
        upper = [(0, 2), (10, -22), (34, -31), (40, -16), (28, 3), (8, 7)]
        lower = [(0, 4), (10, 6), (27, 9), (29, 24), (16, 32), (5, 20)]
        for points, scale in ((upper, 1.0), (lower, 1.0), (upper, 0.84), (lower, 0.82)):
            placed = [(x + side * (1.2 + px * scale), y + py * scale) for px, py in points]
            c.blob(placed, *((tip, dark(tip, 0.5)) if scale == 1 else (light(wing, 0.3), dark(wing, 0.2))))
        for ex, ey in ((31, -21), (22, -13), (14, -8), (21, 17), (13, 14)):
            c.line([(x + side * 2, y + 2), (x + side * ex, y + ey)], 0.8, tip, 0.4)
        for ex, ey, r in ((35, -24, 1.3), (37, -18, 1.2), (33, -12, 1), (27, 20, 1.3), (23, 26, 1.1), (17, 29, 0.9)):
            c.ellipse(x + side * ex, y + ey, r, r, "fff8e8")
        c.line([(x, y - 9), (x + side * 6, y - 22), (x + side * 10, y - 26)], 0.5, "1a1008", 0.9)
    c.ellipse(x, y + 4, 2, 14, "4a3420", "140c06", "x")
    c.ball(x, y - 10, 2.6, "3a2818")


def penguins(c: Canvas, variant: int) -> None:
    """Penguins on an ice floe."""
    c.sky([("7ab4e0", "e8a88a")[variant % 2], ("d4ecf8", "f8e4c8")[variant % 2]], 0, c.h * 0.45)
    c.poly(c.ridge(c.h * 0.45, 22, 0.45, 4), "f4fbff", "9cc4dc")
    c.sky(["3a88b4", "145078"], c.h * 0.42, c.h)
    c.glints(160, c.h * 0.43, c.h * 0.7, "d8f4ff", c.w / 2, c.w * 0.6)
    c.blob(
        [
            (-9, c.h * 0.68),
            (c.w * 0.3, c.h * 0.62),
            (c.w * 0.75, c.h * 0.64),
            (c.w + 9, c.h * 0.7),
            (c.w + 9, c.h * 1.1),
            (-9, c.h * 1.1),
        ],
        "ffffff",
        "b4d4e8",
    )
    for k, (px, py, size) in enumerate(((0.3, 0.82, 1.15), (0.62, 0.88, 1.35), (0.84, 0.78, 0.8), (0.1, 0.76, 0.7))):
        x, y, s = c.w * px + (4 if variant % 2 else 0), c.h * py, size
        c.soft(x + 4 * s, y, 16 * s, 4 * s, "4a7a9a", 0.6)
        for side in (-1, 1):
            c.ellipse(x + side * 4.5 * s, y - 0.5 * s, 4 * s, 1.8 * s, "f4a020", "c06808")
            flap = [(10, -26), (15, -17), (13, -8), (10, -12)]
            c.blob([(x + side * px2 * s, y + py2 * s) for px2, py2 in flap], "2a3440", "0c1016")
        c.ellipse(x, y - 17 * s, 11.5 * s, 17 * s, "3a4654", "0a0e14", "round")
        c.ellipse(x, y - 15 * s, 8.4 * s, 14 * s, "ffffff", "d4dce4", "round")
        c.ellipse(x, y - 37 * s, 8.2 * s, 8 * s, "3a4654", "0a0e14", "round")
        for side in (-1, 1):
            c.ellipse(x + side * 5.2 * s, y - 34 * s, 2.6 * s, 3.6 * s, "f8c840", "ffffff")
            c.ellipse(x + side * 2.8 * s, y - 38.5 * s, 1.1 * s, 1.3 * s, "ffffff")
            c.ellipse(x + side * 2.7 * s, y - 38.4 * s, 0.65 * s, 0.8 * s, "000000")
        tilt = 1 if k % 2 else -1
        c.poly(
            [(x - 2 * s, y - 36 * s), (x + 2 * s, y - 36 * s), (x + tilt * 1.5 * s, y - 31.5 * s)], "f8a828", "c86808"
        )
    snowfall(c, 70)

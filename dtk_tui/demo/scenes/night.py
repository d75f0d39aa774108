"""Cities, buildings and scenes of the night."""

from __future__ import annotations

import math

from dtk_tui.demo.scenes.canvas import Canvas, arc, dark, light, mix, smooth
from dtk_tui.demo.scenes.parts import pine, snowfall, tree


def city_at_night(c: Canvas, variant: int) -> None:
    """A skyline of lit windows that stands in the water."""
    sky, neon = (("14143c", "ff5aa0"), ("0a2438", "3ad0f0"), ("2a1030", "f0a03a"))[variant % 3]
    line = c.h * 0.76
    c.sky(["04040e", sky, mix(sky, neon, 0.45)], 0, line)
    c.stars(90, c.h * 0.4)
    mx = c.w * (0.8, 0.18, 0.66)[variant % 3]
    c.soft(mx, c.h * 0.15, 22, 22, "e8ecff", 0.5)
    c.ellipse(mx, c.h * 0.15, 6, 6, "fdfcf0", "d0d0d8", "round")
    for depth, count in ((0, 17), (1, 12), (2, 9)):
        for k in range(count):
            width = c.w / count * c.uniform(0.75, 1.05)
            x = c.w * k / count + c.uniform(-2, 2)
            tall = c.h * c.uniform(0.2, 0.52 if depth else 0.6) * (1 - 0.16 * depth)
            _tower(c, x, line, width, tall, mix(mix(sky, neon, 0.22), "080814", 0.25 + 0.3 * depth), neon)
    c.mirror(line, c.h - line, 0.4, "060a1c")
    c.glints(190, line + 0.5, c.h, light(neon, 0.3), c.w / 2, c.w * 0.6)
    c.glints(90, line + 0.5, c.h, "ffe4a0", c.w / 2, c.w * 0.6)
    c.rect(0, line - 0.6, c.w, line + 0.7, "0a0a14")


def _tower(c: Canvas, x: float, line: float, width: float, tall: float, wall: str, neon: str) -> None:
    top = line - tall
    c.rect(x, top, x + width, line, light(wall, 0.1), dark(wall, 0.35), "x")
    style = int(c.rng.integers(4))
    if style == 0:
        c.poly([(x, top), (x + width / 2, top - 9), (x + width, top)], light(wall, 0.08), dark(wall, 0.3), "x")
        c.line([(x + width / 2, top - 8), (x + width / 2, top - 17)], 0.4, wall)
        c.soft(x + width / 2, top - 17, 2, 2, "ff4040", 1)
    elif style == 1:
        c.rect(x + width * 0.2, top - 5, x + width * 0.8, top, light(wall, 0.08), dark(wall, 0.3), "x")
    elif style == 2:
        c.rect(x + width * 0.15, top + 2, x + width * 0.85, top + 3.2, neon)
        c.soft(x + width / 2, top + 2.6, width * 0.8, 6, neon, 0.5)
    lamps = ("ffe6a0", "ffd070", "fff4d0", light(neon, 0.5), "a0d0ff")
    columns = max(3, int(width / 1.9))
    for row in range(int(tall / 2.5) - 1):
        for column in range(columns):
            if c.rng.random() < 0.46:
                wx = x + width * (column + 0.5) / columns
                wy = top + 4.5 + row * 2.5
                c.rect(wx - 0.45, wy - 0.65, wx + 0.45, wy + 0.65, c.pick(lamps))


def castle(c: Canvas, variant: int) -> None:
    """A castle with pointed towers on a hill."""
    stone, roof = (("c8b89c", "3a5a9a"), ("a8a8b4", "a83a3a"))[variant % 2]
    c.sky([("5a9ad8", "c86a7a")[variant % 2], ("f4e4cc", "f8d8a8")[variant % 2]], 0, c.h * 0.75)
    c.clouds("ffffff", 0.55, 0, c.h * 0.5)
    c.poly(c.ridge(c.h * 0.72, 22, 0.5, 4), "8aa0b8", "6a8a8a")
    hill = smooth(
        [
            (-9, c.h * 0.9),
            (c.w * 0.2, c.h * 0.76),
            (c.w * 0.5, c.h * 0.7),
            (c.w * 0.8, c.h * 0.76),
            (c.w + 9, c.h * 0.9),
        ],
        False,
    )
    c.poly([*hill, (c.w + 9, c.h + 2), (-9, c.h + 2)], "6a9a44", "2a4a24")
    x, y = c.w / 2, c.h * 0.755
    c.rect(x - 30, y - 22, x + 30, y, light(stone, 0.2), dark(stone, 0.3), "x")
    for k in range(13):
        c.rect(x - 30 + k * 4.8, y - 25, x - 27.4 + k * 4.8, y - 21.5, light(stone, 0.1))
    towers = ((-32, 6, 38), (32, 6, 40), (-14, 5, 52), (14, 5, 47), (0, 7.5, 64))
    for dx, r, tall in towers:
        _turret(c, x + dx, y, r, tall, stone, roof)
    for row in range(8):
        for k in range(16):
            bx = x - 29 + k * 3.8 + (1.9 if row % 2 else 0)
            if c.rng.random() < 0.4:
                c.rect(bx, y - 21 + row * 2.6, bx + 2.6, y - 19.6 + row * 2.6, dark(stone, 0.2), alpha=0.45)
    c.poly([*arc(x, y - 9, 5, 6, 180, 360), (x + 5, y), (x - 5, y)], "4a3020", "1c100a")
    for k in (-3, 0, 3):
        c.line([(x + k, y - 14), (x + k, y)], 0.4, "8a6a44")
    road = [(x - 5, y), (x + 5, y), (x + 16, c.h * 0.88), (x + 4, c.h + 2), (x - 26, c.h + 2), (x - 6, c.h * 0.87)]
    c.poly(smooth(road), "dcc89c", "b09870")
    for k in range(12):
        px = c.w * k / 11
        if abs(px - x) > 22:
            (tree if variant % 2 else pine)(c, px, c.h * c.uniform(0.86, 0.98), c.uniform(13, 22), "3a7a3c")


def _turret(c: Canvas, x: float, y: float, r: float, tall: float, stone: str, roof: str) -> None:
    c.rect(x - r, y - tall, x + r, y, light(stone, 0.3), dark(stone, 0.4), "x")
    c.rect(x - r - 1, y - tall - 2, x + r + 1, y - tall + 1.5, light(stone, 0.25), dark(stone, 0.35), "x")
    c.poly(
        [(x - r - 1.6, y - tall - 2), (x, y - tall - r * 3.4), (x + r + 1.6, y - tall - 2)],
        light(roof, 0.25),
        dark(roof, 0.4),
        "x",
    )
    tip = y - tall - r * 3.4
    c.line([(x, tip + 1), (x, tip - 6)], 0.4, "4a3a2c")
    c.poly([(x, tip - 6), (x + 5.5, tip - 4.6), (x, tip - 3)], "e8b02c", "c84a2a", "x")
    for k in range(int(tall / 14)):
        wy = y - tall + 7 + 12 * k
        c.poly([*arc(x, wy, 1.2, 1.6, 180, 360, 8), (x + 1.2, wy + 3), (x - 1.2, wy + 3)], "2a2430")


def _lighthouse_tower(c: Canvas, x: float, top: float, stripe: str, beam: str, beam_alpha: float) -> None:
    """Draw the striped tower of a lighthouse whose gallery is at (x, top), with its lamp and two beams."""
    for angle in (182, -2):
        near, far = arc(x, top - 4, 95, 95, angle - 6, angle + 6, 1)
        c.poly([(x, top - 4), near, far], beam, alpha=beam_alpha, blur=1.2)
    for k in range(6):
        a, b = k / 6, (k + 1) / 6
        paint = stripe if k % 2 == 0 else "f8f4ec"
        quad = [
            (x - 5 - 3.5 * a, top + 56 * a),
            (x + 5 + 3.5 * a, top + 56 * a),
            (x + 5 + 3.5 * b, top + 56 * b),
            (x - 5 - 3.5 * b, top + 56 * b),
        ]
        c.poly(quad, light(paint, 0.25), dark(paint, 0.45), "x")
    c.rect(x - 7.5, top - 1.2, x + 7.5, top + 1.2, "3a3a44", "14141c", "x")
    c.rect(x - 4, top - 9, x + 4, top - 1, "fff4c0", "f0c860")
    c.soft(x, top - 5, 15, 13, beam, 0.9)
    c.poly([(x - 5, top - 9), (x, top - 15), (x + 5, top - 9)], light(stripe, 0.2), dark(stripe, 0.4), "x")


def lighthouse(c: Canvas, variant: int) -> None:
    """A striped lighthouse on a cliff above waves."""
    sky, beam = (("2a4a7a", "fff0b0"), ("5a9ad0", "ffffff"), ("3a2450", "ffd890"))[variant % 3]
    stripe = ("c8322c", "2a4a8a", "2c2c34")[variant % 3]
    line = c.h * 0.66
    c.sky([dark(sky, 0.35), sky, mix(sky, "ffd8b0", 0.6)], 0, line)
    c.clouds(mix(sky, "ffffff", 0.55), 0.6, 0, c.h * 0.55)
    c.sky([mix(sky, "2a7a8a", 0.5), "0c2c44"], line, c.h)
    for k in range(6):
        y = line + (c.h - line) * (k / 6) ** 1.3 + 1
        crest = [(c.w * i / 9 - 5, y + c.uniform(-1.2, 1.2) * (1 + k)) for i in range(11)]
        wave = smooth(crest, False)
        c.poly([*wave, (c.w + 20, c.h + 9), (-9, c.h + 9)], mix("4aa0b0", "0c3450", k / 6), "082038")
        c.line(wave, 0.35 + 0.2 * k, "e8f8fa")
    x, y = c.w * (0.66, 0.36, 0.6)[variant % 3], line - 3
    lean = -1 if x > c.w / 2 else 1
    edge = (x - lean * 60, x + lean * 26)
    cliff = smooth(
        [
            (edge[0], y + 2),
            (x - lean * 16, y - 1),
            (x + lean * 14, y + 1),
            (edge[1], y + 9),
            (x + lean * 24, c.h * 0.86),
            (x + lean * 36, c.h + 9),
        ],
        False,
    )
    shape = [*cliff, (edge[0], c.h + 9)]
    c.poly(shape, "8a8074", "2c2830")
    c.veil("1c1820", (c.noise(7, 4, 0.6) - 0.45) * 2.2, shape, 0.8)
    c.poly(
        [
            *smooth([(edge[0], y + 1), (x - lean * 16, y - 2), (x + lean * 14, y), (edge[1], y + 9)], False),
            (x, y + 8),
            (edge[0], y + 10),
        ],
        "6a9a4a",
        "3a5a34",
    )
    for k in range(5):
        c.soft(x + lean * (26 + 5 * k), c.h * 0.93 + 2 * k, 12, 5, "ffffff", 0.7)
    top = y - 56
    _lighthouse_tower(c, x, top, stripe, beam, 0.36 if variant != 1 else 0.2)
    _cottage(c, x + lean * -24, y, stripe)


def _cottage(c: Canvas, x: float, y: float, stripe: str) -> None:
    c.rect(x, y - 11, x + 13, y, "f4ece0", "b8ac9c", "x")
    c.poly([(x - 1.5, y - 11), (x + 6.5, y - 17), (x + 14.5, y - 11)], stripe)
    c.rect(x + 5, y - 6, x + 8, y, "4a3424")


def aurora_cabin(c: Canvas, variant: int) -> None:
    """A snowed-in cabin under northern lights."""
    bands = (("4af0a0", "3ac0d0", "8a6af0"), ("f06ac0", "7a6af0", "4ad8e8"))[variant % 2]
    c.sky(["050a20", "0c1c3c", "1c3a54"], 0, c.h * 0.75)
    c.stars(170, c.h * 0.65)
    for k, colour in enumerate(bands):
        base = c.h * (0.42 - 0.1 * k)
        for i in range(80):
            x = c.w * i / 79
            y = base + 7 * math.sin(i * 0.11 + 2 * k + variant) + 3 * math.sin(i * 0.31 + k)
            c.soft(x, y - 13, 3.4, 24, colour, 0.3)
            c.soft(x, y, 3, 5, light(colour, 0.4), 0.28)
    c.poly(c.ridge(c.h * 0.7, 20, 0.5, 4), "4a6a8a", "b4cce0")
    for _ in range(26):
        pine(c, c.uniform(-3, c.w + 3), c.h * c.uniform(0.68, 0.74), c.uniform(10, 19), "1c3a3c", snow=True)
    snow = smooth([(-9, c.h * 0.74), (c.w * 0.3, c.h * 0.7), (c.w * 0.7, c.h * 0.76), (c.w + 9, c.h * 0.71)], False)
    c.poly([*snow, (c.w + 9, c.h + 2), (-9, c.h + 2)], "dce8f8", "7a94b8")
    x, y = c.w * (0.36, 0.6)[variant % 2], c.h * 0.87
    c.soft(x, y + 2, 38, 9, "ffd890", 0.6)
    for k in range(7):
        c.rect(x - 18, y - 21 + 3 * k, x + 18, y - 18.2 + 3 * k, "9a6a40", "4a2c18", radius=1.4)
    c.poly([(x - 18, y - 21), (x, y - 36), (x + 18, y - 21)], "7a5030", "4a2c18")
    c.poly(
        [(x - 23, y - 18), (x, y - 38), (x + 23, y - 18), (x + 23, y - 22), (x, y - 43), (x - 23, y - 22)],
        "ffffff",
        "c4d8f0",
    )
    c.rect(x + 8, y - 43, x + 12, y - 29, "7a6a64", "4a3c38", "x")
    for k in range(5):
        c.soft(x + 11 + 2.4 * k, y - 47 - 6 * k, 4 + k, 4 + k, "c8d4e4", 0.5)
    for wx in (-11, 11):
        c.soft(x + wx, y - 11, 9, 9, "ffd070", 0.8)
        c.rect(x + wx - 4, y - 15, x + wx + 4, y - 8, "ffe8a0", "f4b040")
        c.line([(x + wx, y - 15), (x + wx, y - 8)], 0.6, "4a2c18")
    c.rect(x - 3.4, y - 13, x + 3.4, y, "6a3a20", "3a2010", radius=0.8)
    for px, size in ((0.1, 34), (0.9, 38), (0.78, 26), (0.02, 28)):
        pine(c, c.w * px, c.h * 0.93, size, "24484a", snow=True)
    snowfall(c, 50)


def bridge_in_fog(c: Canvas, variant: int) -> None:
    """A suspension bridge whose towers rise from fog."""
    steel = ("d0482c", "4a6a7a")[variant % 2]
    c.sky([("8ab0d0", "e8a884")[variant % 2], "f0e8e0", ("c8d4dc", "f0d0b8")[variant % 2]], 0, c.h)
    c.soft(c.w * 0.75, c.h * 0.25, 44, 44, "fffbe8", 0.8)
    for k in range(3):
        c.poly(c.ridge(c.h * (0.62 + 0.06 * k), 20 - 4 * k, 0.45, 3 + k), mix("c4d0d8", "6a8494", k / 3), "dfe6ea")
    deck = c.h * 0.62
    tops = (c.w * 0.27, c.w * 0.73)
    top = c.h * 0.17
    cable = []
    for i in range(61):
        x = c.w * i / 60
        span = (x - tops[0]) / (tops[1] - tops[0])
        sag = 4 * span * (1 - span) if 0 <= span <= 1 else -min(abs(span), abs(span - 1)) * 1.6
        cable.append((x, top + (deck - 7 - top) * abs(sag)))
    for i, (x, y) in enumerate(cable):
        if i % 2 == 0 and y < deck:
            c.line([(x, y), (x, deck)], 0.28, dark(steel, 0.25))
    c.line(cable, 1.1, dark(steel, 0.2))
    c.rect(0, deck, c.w, deck + 3.4, light(steel, 0.1), dark(steel, 0.5))
    for k in range(int(c.w / 4)):
        c.line([(4 * k, deck + 3.4), (4 * k + 2, deck + 6.4), (4 * k + 4, deck + 3.4)], 0.5, dark(steel, 0.35))
    for tx in tops:
        for side in (-4.6, 4.6):
            c.rect(tx + side - 1.7, top - 2, tx + side + 1.7, c.h * 0.9, light(steel, 0.2), dark(steel, 0.45), "x")
        for y in (top + 2, top + 13, top + 24, deck + 8):
            c.rect(tx - 5, y, tx + 5, y + 3, light(steel, 0.05), dark(steel, 0.4))
    for k in range(9):
        c.soft(c.w * k / 8, c.h * c.uniform(0.78, 0.86), 36, 15, "f8f6f4", 0.85)
    c.sky(["e8ecee", "b8c8d0"], c.h * 0.93, c.h)
    for _ in range(14):
        c.soft(c.uniform(0, c.w), c.h * c.uniform(0.86, 1.0), 30, 10, "ffffff", 0.8)
    c.line([(c.w * 0.45, c.h * 0.3), (c.w * 0.47, c.h * 0.31), (c.w * 0.49, c.h * 0.3)], 0.5, "3a4450")
    c.line([(c.w * 0.52, c.h * 0.26), (c.w * 0.54, c.h * 0.27), (c.w * 0.56, c.h * 0.26)], 0.5, "3a4450")

"""Things that drive, fly and roll."""

from __future__ import annotations

import math

from dtk_tui.demo.scenes.canvas import Canvas, arc, dark, light, mix, smooth
from dtk_tui.demo.scenes.parts import meadow, pine, tree


def sports_car(c: Canvas, variant: int) -> None:
    """A sports car on a coast road."""
    paint = ("d8202a", "c81824", "e83a2a", "b01828")[variant % 4]
    sky = ("4a9ae0", "e8885a", "2c3a6a", "7ab0d8")[variant % 4]
    line = c.h * 0.55
    c.sky([sky, mix(sky, "fff0d8", 0.8)], 0, line)
    c.clouds("ffffff", 0.45, 0, c.h * 0.35)
    if variant % 2:
        c.poly(c.ridge(line, 26, 0.5, 4), mix(sky, "6a6a7a", 0.6), mix(sky, "4a4a54", 0.6))
    else:
        c.sky(["2a8ab8", "1c6a98"], line - 9, line)
        c.glints(70, line - 8, line, "ffffff", c.w / 2, c.w * 0.6)
        for px, tall in ((0.08, 38), (0.9, 44)):
            _palm(c, c.w * px, line + 2, tall)
    c.rect(0, line, c.w, line + 5, "c8b890", "9a8a60")
    c.sky(["6a6a70", "48484e", "343438"], line + 4, c.h)
    c.veil("202024", c.noise(20, 3) - 0.4, [(0, line + 4), (c.w, line + 4), (c.w, c.h), (0, c.h)], 0.5)
    for k in range(9):
        x = c.w * (k / 8) * 1.1 - 6
        c.poly([(x, c.h * 0.915), (x + 9, c.h * 0.915), (x + 8, c.h * 0.935), (x - 2, c.h * 0.935)], "f0e8d0")
    for k in range(int(c.w / 12) + 1):
        c.rect(12 * k, line - 3, 12 * k + 1.6, line + 4, "d8d8dc", "8a8a90", "x")
    c.rect(0, line - 3, c.w, line - 0.6, "e4e4e8", "94949c")
    _coupe(
        c, c.w * 0.5, c.h * 0.84, c.w / 100 * (0.84, 0.92, 0.84, 0.9)[variant % 4], paint, (1, -1, -1, 1)[variant % 4]
    )


def _coupe(c: Canvas, x: float, y: float, s: float, paint: str, side: int) -> None:
    """A low two-seater in profile; its wheels stand at ``y``."""

    def at(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x + side * px * s, y + py * s) for px, py in points]

    c.soft(x, y, 56 * s, 5 * s, "000000", 0.9)
    body = at(
        [
            (-46, -5),
            (-47, -14),
            (-40, -19),
            (-26, -21),
            (-14, -29),
            (4, -30),
            (18, -21.5),
            (38, -17),
            (47, -12),
            (47, -5),
            (30, -3.4),
            (-30, -3.4),
        ]
    )
    c.blob(body, light(paint, 0.3), dark(paint, 0.55))
    c.poly(smooth(at([(-22, -21.5), (-12, -27.6), (3, -28.4), (15, -21)]), False), "2a3a4c", "0c1218")
    c.poly(smooth(at([(-19, -21.6), (-11, -26.6), (-6, -27), (-10, -21.4)]), True), "8ab0c8", "3a5468")
    c.line(at([(-3, -28), (-4, -21)]), 1.3 * s, dark(paint, 0.25))
    c.line(smooth(at([(-42, -15.5), (-15, -17), (20, -16.5), (43, -11.5)]), False), 0.9 * s, light(paint, 0.65))
    c.line(at([(-26, -5), (26, -5)]), 2 * s, dark(paint, 0.75))
    c.line(smooth(at([(-5, -21), (-7, -12), (-4, -6)]), False), 0.45 * s, dark(paint, 0.6))
    c.line(smooth(at([(15, -20), (17, -12), (15, -6)]), False), 0.45 * s, dark(paint, 0.6))
    c.ellipse(*at([(12, -15)])[0], 1.9 * s, 0.7 * s, "e8e8ec")
    c.blob(at([(37, -16.2), (45, -12.6), (44, -10.8), (36, -13)]), "fffff0", "c8d8e8")
    c.soft(*at([(42, -13)])[0], 7 * s, 4 * s, "fffbe0", 0.8)
    c.blob(at([(-46.4, -14.5), (-41, -16.6), (-41, -13.6), (-46.2, -11.6)]), "ff6a4a", "a01010")
    c.poly(at([(-47, -20.5), (-35, -22.5), (-34, -20.6), (-45, -18.6)]), dark(paint, 0.15), dark(paint, 0.55))
    c.poly(at([(40, -8), (47, -8.6), (46.6, -5), (41, -5)]), "18181c")
    for wx in (-29, 29):
        cx, cy = at([(wx, -7.6)])[0]
        c.ellipse(cx, cy, 9.6 * s, 9.6 * s, "08080a")
        c.ellipse(cx, cy, 8.4 * s, 8.4 * s, "3a3a3e", "101012", "round")
        c.ellipse(cx, cy, 5.8 * s, 5.8 * s, "f0f0f4", "7a7a84", "round")
        for k in range(5):
            tip = arc(cx, cy, 5.4 * s, 5.4 * s, 72 * k - 90, 72 * k - 89, 1)[0]
            c.line([(cx, cy), tip], 1.5 * s, "4a4a52")
        c.ball(cx, cy, 1.4 * s, "c8c8d0")


def _palm(c: Canvas, x: float, y: float, tall: float) -> None:
    c.line([(x, y), (x + 1.5, y - tall * 0.5), (x + 5, y - tall)], 2.6, "8a6a44", 1.5)
    for angle in (-170, -140, -105, -70, -40, -10, 20, 160):
        a = math.radians(angle)
        tip = (x + 5 + 15 * math.cos(a), y - tall + 12 * math.sin(a) + 5)
        middle = (x + 5 + 8 * math.cos(a), y - tall + 9 * math.sin(a) - 1.5)
        c.line([(x + 5, y - tall), middle, tip], 2.6, "3a8a44", 0.4)


def hot_air_balloons(c: Canvas, variant: int) -> None:
    """Striped hot air balloons over a valley."""
    sky = ("5ab0f0", "f0a070", "8a9ae8")[variant % 3]
    c.sky([sky, mix(sky, "fff4e0", 0.85)], 0, c.h)
    c.clouds("ffffff", 0.5, 0, c.h * 0.7)
    for k in range(3):
        c.poly(
            c.ridge(c.h * (0.84 + 0.05 * k), 14, 0.4, 3),
            mix("9ab8c8", ("6aa04a", "b8884a", "5a9a6a")[variant % 3], k / 2),
            "3a6a3a",
        )
    paints = (
        ("e83a3a", "f8d040"),
        ("2a7ae0", "ffffff"),
        ("8a3ac0", "f8a03a"),
        ("1fa06a", "f8f0c0"),
        ("f06a9a", "5a2a7a"),
    )
    spots = ((0.4, 0.36, 22), (0.78, 0.52, 13), (0.14, 0.62, 10), (0.62, 0.16, 8), (0.9, 0.2, 7))
    for k, (px, py, r) in enumerate(spots):
        place = 1 - px if variant % 2 else px
        x, y = c.w * place + c.uniform(-2, 2), c.h * py + c.uniform(-2, 2)
        first, second = paints[(k + 2 * variant) % 5]
        _balloon(c, x, y, r, first, second)


def _balloon(c: Canvas, x: float, y: float, r: float, first: str, second: str) -> None:
    def profile(share: float) -> list[tuple[float, float]]:
        over = arc(x, y, r * share, r, -180, 0, 24)
        under = smooth(
            [(x + r * share, y), (x + r * 0.9 * share, y + r * 0.5), (x + r * 0.24 * share, y + r * 1.35)], False
        )
        left = [(2 * x - px, py) for px, py in reversed(under)]
        return [*over, *under, *left]

    for k in range(5):
        share = 1 - 0.24 * k
        paint = first if k % 2 == 0 else second
        c.poly(profile(share), light(paint, 0.18), dark(paint, 0.38), "x")
    c.soft(x - r * 0.35, y - r * 0.4, r * 0.55, r * 0.6, "ffffff", 0.5)
    low = y + r * 1.35
    for dx in (-0.2, 0.2):
        c.line([(x + dx * r, low), (x + dx * r * 0.8, low + r * 0.35)], 0.3, "4a3424")
    c.soft(x, low + r * 0.06, r * 0.22, r * 0.22, "ffb030", 1)
    c.rect(x - r * 0.2, low + r * 0.33, x + r * 0.2, low + r * 0.62, "b8803c", "5a3818", "x", radius=0.8)
    c.line([(x - r * 0.21, low + r * 0.35), (x + r * 0.21, low + r * 0.35)], 0.05 * r, "e0b070")


def steam_train(c: Canvas, variant: int) -> None:
    """A steam locomotive on a track through hills."""
    paint = ("1f3a2a", "7a1c20", "1c2c50")[variant % 3]
    line = c.h * 0.6
    c.sky([("7ab0d8", "c89a8a", "8aa0b4")[variant % 3], "f4ecdc"], 0, line)
    for k in range(3):
        c.poly(c.ridge(line + 4 * k, 26 - 6 * k, 0.45, 3 + k), mix("a8bcc8", "5a8a4a", k / 2), "4a7a44")
    for k in range(14):
        pine(c, c.w * k / 13, line + c.uniform(0, 6), c.uniform(9, 15), ("2f6a3a", "8a6a2a", "34604a")[variant % 3])
    meadow(c, line + 5, ("7aa84a", "a8944a", "6a9a54")[variant % 3], 1500, 3.5)
    y = c.h * 0.87
    c.poly([(0, y), (c.w, y), (c.w, y + 8), (0, y + 8)], "8a8078", "5a524c")
    for k in range(int(c.w / 5) + 1):
        c.rect(5 * k, y + 1, 5 * k + 2.6, y + 4.4, "5a3c24", "3a2414")
    c.rect(0, y - 0.6, c.w, y + 0.8, "d8dce0", "6a6e74")
    side = -1 if variant % 2 else 1
    _engine(c, c.w * (0.56 if side > 0 else 0.44), y - 0.6, min(1.0, c.w / 140), paint, side)


def _engine(c: Canvas, x: float, y: float, s: float, paint: str, side: int) -> None:
    def at(px: float, py: float) -> tuple[float, float]:
        return x + side * px * s, y + py * s

    def block(x0: float, y0: float, x1: float, y1: float, colour: str) -> None:
        left, right = sorted((at(x0, 0)[0], at(x1, 0)[0]))
        c.rect(left, y + y0 * s, right, y + y1 * s, light(colour, 0.28), dark(colour, 0.5))

    for k in range(12):
        cx, cy = at(30 - 7.5 * k, -52 - 9 * math.sqrt(k) + c.uniform(-2, 2))
        c.soft(cx, cy, (7 + 2.6 * k) * s, (6 + 1.7 * k) * s, mix("ffffff", "8a8a90", 0.25 + 0.3 * (k % 3) / 2), 0.85)
    block(-96, -26, -49, -7, mix(paint, "5a3a2a", 0.3))
    for k in range(5):
        block(-93 + 9 * k, -23, -87 + 9 * k, -15, "f8e0a0")
    block(-98, -28, -47, -25.5, dark(paint, 0.3))
    block(-44, -38, -24, -8, paint)
    block(-47, -41, -21, -37.5, dark(paint, 0.4))
    block(-40, -34, -29, -22, "ffe8b0")
    block(-25, -29, 33, -11, paint)
    for k in range(4):
        block(-17 + 14 * k, -29.4, -15.6 + 14 * k, -10.6, "d8b040")
    block(33, -29.4, 38, -10.6, "2a2a30")
    c.ellipse(*at(38, -20), 2.4 * s, 9.4 * s, "4a4a54", "18181c", "x")
    block(27, -44, 33, -28, "2a2a30")
    block(24.5, -47.5, 35.5, -43.5, "3a3a42")
    c.ellipse(*at(8, -29.4), 5 * s, 5 * s, "f0c850", "8a6420", "round")
    c.ellipse(*at(-9, -29.4), 4 * s, 4.4 * s, light(paint, 0.3), dark(paint, 0.5), "round")
    c.ball(*at(40, -31), 3 * s, "ffe890")
    c.soft(*at(42, -31), 10 * s, 8 * s, "fff4c0", 0.8)
    block(-46, -11, 40, -7.6, "8a1c1c")
    c.poly([at(38, -8), at(50, 0), at(38, 0)], "b02424", "5a1010")
    wheels = ((-35, 6.4), (-17, 8.4), (2, 8.4), (21, 8.4), (35, 4.4), (-86, 4.6), (-60, 4.6))
    for wx, r in wheels:
        cx, cy = at(wx, -r)
        c.ellipse(cx, cy, r * s, r * s, "3a3a40", "101014", "round")
        c.ellipse(cx, cy, r * 0.76 * s, r * 0.76 * s, "b83030", "601414", "round")
        for k in range(8):
            c.line([(cx, cy), arc(cx, cy, r * 0.72 * s, r * 0.72 * s, 45 * k, 45 * k + 1, 1)[0]], 0.6 * s, "2a0808")
        c.ball(cx, cy, r * 0.22 * s, "c8c8cc")
    c.line([at(-19, -6.5), at(23, -6.5)], 1.5 * s, "d8d8e0")


def bicycle(c: Canvas, variant: int) -> None:
    """A bicycle with a basket of flowers before a wall."""
    paint, brick = (("2a8a9a", "b8644a"), ("e0b02c", "8a9ab0"))[variant % 2]
    low = c.h * 0.8
    c.rect(0, 0, c.w, low, light(brick, 0.15), dark(brick, 0.25))
    for row in range(int(low / 5) + 1):
        for k in range(int(c.w / 12) + 2):
            x = 12.0 * k - (6 if row % 2 else 0)
            tone = mix(brick, c.pick(("e8a080", "6a3a30", "d8b8a0")), c.uniform(0.05, 0.3))
            c.rect(x + 0.3, 5 * row + 0.3, x + 11.6, 5 * row + 4.6, light(tone, 0.1), dark(tone, 0.2))
    c.sky(["b8b0a4", "7a7268"], low, c.h)
    for k in range(26):
        c.line([(c.w * k / 13 - c.w / 2, c.h), (c.w * (0.25 + 0.5 * k / 26), low)], 0.3, "6a6258")
    s = c.w / 100 * (0.78 if c.w > 120 else 0.92)
    x, y = c.w * 0.5, c.h * 0.9
    c.soft(x, y, 54 * s, 5 * s, "1c1814", 0.8)
    r = 19 * s
    back, front = (x - 28 * s, y - r), (x + 28 * s, y - r)
    for cx, cy in (back, front):
        c.ring(cx, cy, r, 2.4 * s, "1c1c20")
        c.ring(cx, cy, r - 2.2 * s, 0.8 * s, "d0d4d8")
        for k in range(20):
            c.line([(cx, cy), arc(cx, cy, r - 2.5 * s, r - 2.5 * s, 18 * k, 18 * k + 1, 1)[0]], 0.22 * s, "e0e4e8")
        c.ball(cx, cy, 1.7 * s, "c0c4c8")
        c.line(arc(cx, cy, r + 2 * s, r + 2 * s, 200, 330), 1.3 * s, light(paint, 0.2))
    crank, seat, head = (x - 4 * s, y - 17 * s), (x - 13 * s, y - 44 * s), (x + 20 * s, y - 46 * s)
    for a, b in ((back, crank), (back, seat), (crank, seat), (crank, head), (seat, head), (head, front)):
        c.line([a, b], 2.2 * s, dark(paint, 0.15))
        c.line([(a[0] - 0.4 * s, a[1] - 0.4 * s), (b[0] - 0.4 * s, b[1] - 0.4 * s)], 0.7 * s, light(paint, 0.5))
    c.line([seat, (seat[0] - 2 * s, seat[1] - 6 * s)], 1.6 * s, "c0c4c8")
    c.blob(
        [(seat[0] - 11 * s, seat[1] - 8 * s), (seat[0] + 8 * s, seat[1] - 7 * s), (seat[0] - 3 * s, seat[1] - 4 * s)],
        "7a4a2a",
        "3a2010",
    )
    c.line([head, (head[0] - 2 * s, head[1] - 9 * s), (head[0] - 11 * s, head[1] - 11 * s)], 1.6 * s, "c8ccd0")
    c.line([(head[0] - 7 * s, head[1] - 10.6 * s), (head[0] - 13 * s, head[1] - 11 * s)], 2.6 * s, "5a3420")
    c.ring(*crank, 5 * s, 1.3 * s, "8a8e94")
    c.line([(crank[0] - 5 * s, crank[1] - 6 * s), (crank[0] + 5 * s, crank[1] + 6 * s)], 1.2 * s, "a0a4aa")
    for dx, dy in ((-5, -6), (5, 6)):
        c.rect(
            crank[0] + (dx - 3) * s,
            crank[1] + (dy - 0.8) * s,
            crank[0] + (dx + 3) * s,
            crank[1] + (dy + 0.8) * s,
            "28282c",
        )
    _flower_basket(c, head[0] + 8 * s, head[1] - 1 * s, s)
    tree(c, c.w * 0.04, low + 3, 30, "4a8a3c")


def _flower_basket(c: Canvas, bx: float, by: float, s: float) -> None:
    for _ in range(26):
        petal = c.pick(("f06a9a", "f8d048", "ffffff", "b06af0", "f0503a"))
        c.ball(bx + c.uniform(-8, 8) * s, by - c.uniform(3, 14) * s, c.uniform(1.6, 2.8) * s, petal)
    c.poly(
        [(bx - 10 * s, by - 5 * s), (bx + 10 * s, by - 5 * s), (bx + 8 * s, by + 9 * s), (bx - 8 * s, by + 9 * s)],
        "c89a5a",
        "7a5428",
    )
    for k in range(5):
        c.line(
            [(bx - 9.6 * s + 0.4 * k, by - 3 * s + 2.8 * k * s), (bx + 9.6 * s - 0.4 * k, by - 3 * s + 2.8 * k * s)],
            0.5 * s,
            "8a6434",
        )

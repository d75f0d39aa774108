"""Landscapes by day."""

from __future__ import annotations

import numpy as np

from dtk_tui.demo.scenes.canvas import Canvas, arc, dark, light, mix, smooth
from dtk_tui.demo.scenes.parts import flowers, meadow, pine, tree


def sailing_boat(c: Canvas, variant: int) -> None:
    """A sailing boat before the setting sun."""
    high = ("3a2a6a", "28406a", "5a2448", "1c3a5a")[variant % 4]
    glow = ("ff9a4a", "ffb45a", "ff6a4a", "ffc86a")[variant % 4]
    line = c.h * 0.58
    c.sky([high, mix(high, glow, 0.5), glow, light(glow, 0.5)], 0, line)
    sx = c.w * (0.62, 0.3, 0.5, 0.74)[variant % 4]
    c.soft(sx, line - 8, c.w * 0.55, 50, "fff0b0", 0.7)
    c.ellipse(sx, line - 7, 11, 11, "fffbe0", "ffd060")
    c.clouds(mix(glow, "c04a6a", 0.5), 0.5, c.h * 0.03, c.h * 0.45)
    c.sky([mix(glow, "ffe0a0", 0.4), mix(high, glow, 0.4), dark(high, 0.35)], line, c.h)
    c.glints(260, line + 0.5, c.h, "ffeeb0", sx, 16)
    c.glints(220, line + 0.5, c.h, dark(high, 0.3), c.w / 2, c.w * 0.6)
    for k in range(3):
        c.line(
            [
                (c.w * (0.06 + 0.05 * k), c.h * (0.12 + 0.03 * k)),
                (c.w * (0.075 + 0.05 * k), c.h * (0.13 + 0.03 * k)),
                (c.w * (0.09 + 0.05 * k), c.h * (0.118 + 0.03 * k)),
            ],
            0.5,
            dark(high, 0.5),
        )
    x, y, s = (
        c.w * (0.4, 0.64, 0.36, 0.42)[variant % 4],
        line + (10, 12, 9, 14)[variant % 4],
        (1.0, 1.15, 0.95, 1.2)[variant % 4],
    )
    sail = ("fdf4e4", "e8503a", "f4e0b8", "ffffff")[variant % 4]
    c.soft(x, y + 3 * s, 30 * s, 4.5 * s, dark(high, 0.6), 0.8)
    c.line([(x, y), (x + 1 * s, y - 52 * s)], 1.1 * s, "4a3020")
    main = [(x + 2 * s, y - 50 * s), (x + 2 * s, y - 8 * s), (x + 25 * s, y - 7 * s), (x + 15 * s, y - 28 * s)]
    c.poly([*smooth([main[0], (x + 14 * s, y - 28 * s), main[2]], False), main[1]], sail, mix(sail, glow, 0.45), "x")
    jib = smooth([(x - 1 * s, y - 46 * s), (x - 13 * s, y - 24 * s), (x - 20 * s, y - 7 * s)], False)
    c.poly([*jib, (x - 2 * s, y - 9 * s)], light(sail, 0.3), mix(sail, "8a6a90", 0.4), "x")
    c.poly([(x + 1 * s, y - 52 * s), (x + 8 * s, y - 50 * s), (x + 1 * s, y - 48 * s)], "d8302a")
    hull = [(x - 24 * s, y - 4 * s), (x + 26 * s, y - 5 * s), (x + 20 * s, y + 4 * s), (x - 17 * s, y + 4 * s)]
    c.poly(hull, ("8a4a2a", "f4f4f0", "2a4a7a", "7a2430")[variant % 4], "1c1018")
    c.line([hull[0], hull[1]], 0.9 * s, "f8e8c8")


def mountain_lake(c: Canvas, variant: int) -> None:
    """Snowy mountains that stand in a still lake."""
    sky, rock = (("4a90d8", "6a7a94"), ("e89a7a", "7a5a74"), ("7ab8c8", "4f6a62"))[variant % 3]
    line = c.h * 0.6
    c.sky([sky, mix(sky, "ffffff", 0.75)], 0, line)
    c.clouds("ffffff", 0.4, 0, c.h * 0.3)
    for k, (share, base) in enumerate(((0.4, 46), (0.22, 30), (0.05, 17))):
        tint = mix(rock, mix(sky, "ffffff", 0.5), share)
        edge = c.ridge(line - 2, base, 0.52, (3, 4, 6)[k])
        c.poly(edge, light(tint, 0.15), dark(tint, 0.35))
        if k < 2:
            cap = line - 2 - base * 0.6
            snow = (cap - c.rows() + 9 * (c.noise(9, 4, 0.6) - 0.5)) / 2.5
            c.veil("ffffff", snow.astype(np.float32), edge, 0.95)
        c.veil(dark(tint, 0.5), (c.noise(6, 4) - 0.5) * 2, edge, 0.45)
    for _ in range(46):
        x = c.uniform(-2, c.w + 2)
        if abs(x - c.w / 2) > c.w * 0.16:
            pine(c, x, line + 0.5, c.uniform(8, 15), ("2f5a3a", "3a4a3a", "2a5a4a")[variant % 3])
    c.mirror(line, c.h - line, 0.34, mix(sky, "123a5a", 0.5))
    c.glints(150, line + 1, c.h, "ffffff", c.w / 2, c.w * 0.6)
    shore = [(-6, c.h * 0.93), (c.w * 0.25, c.h * 0.9), (c.w * 0.55, c.h * 0.97), (c.w + 6, c.h * 0.92)]
    c.blob([*shore, (c.w + 6, c.h + 12), (-6, c.h + 12)], "6a6a5a", "2a3424")
    for _ in range(26):
        x, r = c.uniform(0, c.w), c.uniform(1, 3.4)
        c.ellipse(x, c.h - c.uniform(0, 5), r * 1.4, r, "b0aca4", "4a4a4c", "round")
    pine(c, c.w * (0.1, 0.88, 0.14)[variant % 3], c.h * 0.96, 44, "24503a")
    pine(c, c.w * (0.22, 0.98, 0.03)[variant % 3], c.h * 0.98, 32, "1f4632")


def desert(c: Canvas, variant: int) -> None:
    """Saguaro cacti between dunes and table mountains."""
    sky, sand = (("4aa0e0", "e0a860"), ("c8507a", "c87a4a"), ("5a4a9a", "b8805a"))[variant % 3]
    c.sky([sky, mix(sky, "ffe4b0", 0.75), light(sand, 0.3)], 0, c.h * 0.64)
    sun = c.w * (0.78, 0.5, 0.24)[variant % 3]
    c.soft(sun, c.h * 0.26, 46, 46, "fff4c0", 0.75)
    c.ellipse(sun, c.h * 0.26, 9, 9, "fffdf0", "ffe080")
    for x, width, tall in ((0.12, 30, 24), (0.46, 20, 17), (0.86, 40, 29)):
        cx, base, top = c.w * x, c.h * 0.57, c.h * 0.57 - tall
        mesa = [
            (cx - width * 0.7, base),
            (cx - width * 0.5, top + 6),
            (cx - width * 0.42, top),
            (cx + width * 0.42, top + 1),
            (cx + width * 0.5, top + 7),
            (cx + width * 0.7, base),
        ]
        c.poly(mesa, "b8603a", "7a3a2c")
        for k in range(4):
            c.line([(cx - width * 0.46, top + 4 + 4 * k), (cx + width * 0.46, top + 5 + 4 * k)], 0.7, "8a4430")
    for k in range(4):
        y = c.h * (0.55 + 0.11 * k)
        crest = [(c.w * i / 5 - 4, y + c.uniform(-4, 4)) for i in range(6)]
        crest[-1] = (c.w + 6, crest[-1][1])
        shape = [*smooth(crest, False), (c.w + 6, c.h + 2), (-6, c.h + 2)]
        c.poly(shape, light(sand, 0.3 - 0.05 * k), dark(sand, 0.15 + 0.06 * k))
    c.veil(
        dark(sand, 0.5), (c.noise(3, 4, 9) - 0.5) * 1.6, [(0, c.h * 0.68), (c.w, c.h * 0.68), (c.w, c.h), (0, c.h)], 0.4
    )
    spots = ((0.26, 0.9, 1.15), (0.68, 0.8, 0.8), (0.9, 0.74, 0.5), (0.52, 0.7, 0.4))
    for k, (px, py, s) in enumerate(spots):
        place = 1 - px if variant % 2 else px
        _cactus(c, c.w * place, c.h * py, s, "4a8a4a" if k % 2 else "3f7a48")
    for _ in range(20):
        x, y, r = c.uniform(0, c.w), c.h * c.uniform(0.75, 1), c.uniform(0.6, 2)
        c.ellipse(x, y, r * 1.4, r, light(sand, 0.1), dark(sand, 0.6), "round")


def _cactus(c: Canvas, x: float, y: float, s: float, green: str) -> None:
    c.soft(x + 9 * s, y, 22 * s, 3.5 * s, "3a2010", 0.65)
    for side, height, out in ((-1, 26, 14), (1, 34, 15)):
        joint = y - height * s
        arm = [(x, joint), (x + side * out * 0.7 * s, joint - 1 * s), (x + side * out * s, joint - 7 * s)]
        c.line([*arm, (x + side * out * s, joint - 17 * s)], 6.4 * s, dark(green, 0.15), 6 * s)
        c.line(
            [(x + side * out * s - 1 * s, joint - 8 * s), (x + side * out * s - 1 * s, joint - 17 * s)],
            1 * s,
            light(green, 0.4),
        )
    c.rect(x - 5.5 * s, y - 58 * s, x + 5.5 * s, y, light(green, 0.25), dark(green, 0.45), "x", radius=5.5 * s)
    for k in range(-1, 2):
        c.line([(x + k * 3 * s, y - 54 * s), (x + k * 3 * s, y - 1 * s)], 0.7 * s, dark(green, 0.4))
    for k in range(24):
        px, py = x + (k % 4 - 1.5) * 3 * s, y - (4 + 2.1 * k) * s
        c.line([(px, py), (px + 1.2 * s, py - 1 * s)], 0.3 * s, "f0ecc8")
    c.ball(x, y - 59 * s, 2.2 * s, "f06a9a")


def waterfall(c: Canvas, variant: int) -> None:
    """A waterfall in a green gorge with a rainbow in its spray."""
    rock = ("5a6258", "6a5a50")[variant % 2]
    c.sky(["8ac8f0", "e4f4f4"], 0, c.h * 0.4)
    c.clouds("ffffff", 0.45, 0, c.h * 0.25)
    for k in range(12):
        tree(c, c.w * k / 11, c.h * 0.27, c.uniform(16, 26), ("3f8a44", "6a9a34")[variant % 2])
    left = [
        (-2, c.h * 0.22),
        (c.w * 0.22, c.h * 0.24),
        (c.w * 0.36, c.h * 0.27),
        (c.w * 0.33, c.h * 0.5),
        (c.w * 0.26, c.h * 0.78),
        (-2, c.h * 0.84),
    ]
    right = [
        (c.w + 2, c.h * 0.2),
        (c.w * 0.8, c.h * 0.23),
        (c.w * 0.64, c.h * 0.27),
        (c.w * 0.68, c.h * 0.52),
        (c.w * 0.75, c.h * 0.78),
        (c.w + 2, c.h * 0.82),
    ]
    c.rect(c.w * 0.3, c.h * 0.26, c.w * 0.7, c.h * 0.76, dark(rock, 0.4), dark(rock, 0.6))
    for bank in (left, right):
        c.poly(bank, light(rock, 0.2), dark(rock, 0.55))
        c.veil(dark(rock, 0.7), (c.noise(7, 4, 0.5) - 0.45) * 2.2, bank, 0.8)
        c.veil("5a9a3a", (c.noise(5, 4) - 0.5) * 2.6, bank, 0.85)
    c.rect(c.w * 0.37, c.h * 0.262, c.w * 0.63, c.h * 0.77, "f4fbff", "b4dcec")
    for _ in range(150):
        x, y = c.uniform(c.w * 0.37, c.w * 0.63), c.uniform(c.h * 0.26, c.h * 0.68)
        c.line(
            [(x, y), (x + c.uniform(-0.4, 0.4), y + c.uniform(4, 14))],
            c.uniform(0.2, 0.7),
            c.pick(("ffffff", "d4ecf8", "8cc0d8")),
        )
    c.sky(["6ac0c8", "2a8a94", "145a68"], c.h * 0.76, c.h)
    c.glints(170, c.h * 0.78, c.h, "e4fbff", c.w / 2, c.w * 0.6)
    bow = ("e84a4a", "f48a3a", "f4d84a", "5ac85a", "4a8af0", "8a5ae0")
    for k, colour in enumerate(bow):
        outer, inner = c.w * 0.46 - k * 1.7, c.w * 0.46 - (k + 1) * 1.7
        cx, cy = c.w * (0.56, 0.42)[variant % 2], c.h * 0.84
        c.poly(
            [*arc(cx, cy, outer, outer, 190, 350), *arc(cx, cy, inner, inner, 350, 190)], colour, alpha=0.5, blur=0.4
        )
    for _ in range(9):
        c.soft(c.w / 2 + c.uniform(-18, 18), c.h * 0.77 + c.uniform(-4, 3), 17, 10, "ffffff", 0.6)
    for k in range(9):
        x, y, r = c.w * (0.04 + 0.12 * k), c.h * 0.98 - (k % 3) * 5, c.uniform(4, 8)
        c.ellipse(x, y, r * 1.3, r, light(rock, 0.35), dark(rock, 0.6), "round")
        c.ellipse(x, y - r * 0.5, r, r * 0.4, "5a9440", alpha=0.7)


def autumn_path(c: Canvas, variant: int) -> None:
    """A path through an autumn forest."""
    golds = (("e8a02c", "d8642a", "c83a24"), ("f0c83a", "d88a2a", "a85a24"), ("c8702a", "a83a2a", "7a2a34"))[
        variant % 3
    ]
    c.sky(["f8e8c0", light(golds[0], 0.5), golds[1]], 0, c.h * 0.62)
    c.soft(c.w * 0.5, c.h * 0.42, 46, 60, "fffbe8", 0.9)
    c.sky([mix(golds[1], "8a5a2a", 0.4), dark(golds[1], 0.5)], c.h * 0.6, c.h)
    bend = (0.47, 0.56, 0.42)[variant % 3]
    one = smooth(
        [(c.w * 0.48, c.h * 0.6), (c.w * (bend - 0.06), c.h * 0.72), (c.w * 0.34, c.h * 0.86), (c.w * 0.14, c.h)], False
    )
    two = smooth(
        [(c.w * 0.84, c.h), (c.w * 0.66, c.h * 0.86), (c.w * (bend + 0.07), c.h * 0.72), (c.w * 0.53, c.h * 0.6)], False
    )
    c.poly([*one, *two], "e4c898", "9a7a54")
    for row in range(5):
        depth = row / 4
        for side in (-1, 1):
            for k in range(4 - row // 2):
                x = c.w / 2 + side * c.w * (0.1 + 0.42 * depth + 0.14 * k) + c.uniform(-3, 3)
                y, thick = c.h * (0.6 + 0.27 * depth), 1.2 + 6.5 * depth
                bark = mix("8a6a50", "2a1a14", depth)
                c.line(
                    [(x, y + 3), (x + c.uniform(-2, 2), y * 0.4), (x + c.uniform(-4, 4), -6)], thick, bark, thick * 0.5
                )
        for _ in range(70):
            x, y = c.uniform(0, c.w), c.uniform(-2, c.h * (0.5 - 0.06 * row))
            if abs(x - c.w / 2) > c.w * (0.05 + 0.06 * row):
                r = 1.2 + 1.6 * depth
                leaf = c.pick(golds)
                c.ellipse(x, y, r * 1.8, r * 1.2, light(leaf, 0.25), dark(leaf, 0.2), angle=c.uniform(0, 180))
    for a, b in sorted(c.rng.random((420, 2)).tolist()):
        y, r = c.h * (0.62 + 0.38 * a), 0.4 + 1.1 * a
        leaf = c.pick(golds)
        c.ellipse(b * c.w, y, r * 1.7, r * 0.8, light(leaf, 0.2), angle=c.uniform(-40, 40))


def lavender_mill(c: Canvas, variant: int) -> None:
    """A windmill behind rows of flowers."""
    bloom = ("8a5ac8", "e84a5a")[variant % 2]
    line = c.h * 0.5
    c.sky([("5aa4e4", "7a8ad0")[variant % 2], ("f8e8d0", "fcd0b0")[variant % 2]], 0, line)
    c.clouds("ffffff", 0.5, 0, c.h * 0.36)
    c.poly(c.ridge(line + 1, 9, 0.4, 3), "7a9a7a", "5a8a5a")
    c.sky([mix(bloom, "6a9a4a", 0.45), dark(bloom, 0.25)], line, c.h)
    middle = c.w * 0.4
    for k in range(-9, 15):
        near = middle + (k - 0.5) * c.w * 0.19
        far = middle + (k - 0.5) * c.w * 0.032
        c.poly([(far, line), (far + c.w * 0.009, line), (near + c.w * 0.06, c.h), (near, c.h)], "4a7a34", "2c5424")
        for step in range(26):
            t = (step / 25) ** 1.7
            x = far + (near - far) * t - c.w * 0.055 * t
            y, r = line + (c.h - line) * t, 0.3 + 3.2 * t
            c.ellipse(x, y - r * 0.3, r * 1.25, r, light(bloom, 0.35), dark(bloom, 0.3), "round")
    x, y = c.w * (0.7, 0.3)[variant % 2], line + 6
    c.soft(x + 4, y, 19, 3, "201828", 0.6)
    c.poly([(x - 11, y), (x - 7, y - 34), (x + 7, y - 34), (x + 11, y)], "f8f0e0", "b8a488", "x")
    c.poly([(x - 8.5, y - 33), (x, y - 44), (x + 8.5, y - 33)], "8a4a34", "5a2a20", "x")
    c.rect(x - 2.6, y - 9, x + 2.6, y, "6a4028", radius=2)
    for wy in (-17, -27):
        c.rect(x - 1.6, y + wy - 2, x + 1.6, y + wy + 2, "3a4a5a")
    for k in range(4):
        tip = arc(x, y - 35, 27, 27, 28 + 90 * k + 17 * variant, 29 + 90 * k + 17 * variant, 1)[0]
        side = arc(x, y - 35, 27, 27, 42 + 90 * k + 17 * variant, 43 + 90 * k + 17 * variant, 1)[0]
        inner = (x + (side[0] - x) * 0.25, y - 35 + (side[1] - y + 35) * 0.25)
        c.poly([(x, y - 35), tip, side, inner], "fdf8ec", "d4c4a4", alpha=0.92)
        c.line([(x, y - 35), tip], 0.8, "5a3a24")
    c.ball(x, y - 35, 1.7, "6a4a30")


def flower_meadow(c: Canvas, variant: int) -> None:
    """A lone tree on a hill of wild flowers."""
    c.sky([("4a9ae4", "f0a07a")[variant % 2], "f4f8f4"], 0, c.h * 0.62)
    c.clouds("ffffff", 0.55, 0, c.h * 0.5)
    c.poly(c.ridge(c.h * 0.62, 10, 0.4, 3), "8ab4a0", "6a9a6a")
    meadow(c, c.h * 0.6, "6aae3c", 2200, 6)
    tree(c, c.w * (0.64, 0.34)[variant % 2], c.h * 0.68, 58, ("4f9a3c", "e88ab0")[variant % 2])
    flowers(c, 170, (0, c.h * 0.66, c.w, c.h), ("f4503a", "ffffff", "f8d040", "5a7af0", "f08ac0"))

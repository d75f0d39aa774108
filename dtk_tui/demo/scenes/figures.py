"""Made-up figures and worlds: robots, snowmen, rockets, planets, patterns."""

from __future__ import annotations

import math

import numpy as np

from dtk_tui.demo.scenes.canvas import Canvas, Floats, arc, dark, light, mix, smooth
from dtk_tui.demo.scenes.parts import pine, snowfall


def robot(c: Canvas, variant: int) -> None:
    """A friendly robot in a workshop."""
    paint, glow = (("8aa0b0", "3ae0f0"), ("d8a03a", "f05a3a"), ("5aa88a", "c8f03a"))[variant % 3]
    c.rect(0, 0, c.w, c.h, ("34404a", "4a3a34", "2a3a44")[variant % 3], "14181e")
    for k in range(int(c.w / 14) + 1):
        for row in range(int(c.h * 0.8 / 14) + 1):
            c.rect(
                14 * k + 0.5, 14 * row + 0.5, 14 * k + 13.5, 14 * row + 13.5, "46525c", "262e36", alpha=0.6, radius=1
            )
            c.ellipse(14 * k + 2, 14 * row + 2, 0.6, 0.6, "8a949c")
    for k in range(3):
        x = c.w * (0.12, 0.84, 0.94)[k]
        c.line([(x, 0), (x + 3, c.h * 0.3), (x - 2, c.h * 0.7)], 2.2, ("a84a2c", "3a6a8a", "b89a3a")[k])
    c.sky(["5a6068", "24282e"], c.h * 0.82, c.h)
    x, y = c.w * 0.5, c.h * 0.92
    c.soft(x, c.h * 0.5, 60, 60, glow, 0.35)
    c.soft(x, y, 34, 5, "000000", 0.9)
    pale, deep = light(paint, 0.4), dark(paint, 0.55)
    for side in (-1, 1):
        c.rect(x + side * 8 - 3.4, y - 22, x + side * 8 + 3.4, y - 3, "8a9098", "34383e", "x", radius=2)
        c.rect(x + side * 9 - 7, y - 6, x + side * 9 + 7, y, pale, deep, radius=3)
        raised = side == (1 if variant % 2 == 0 else -1)
        elbow = (x + side * 28, y - 38 if not raised else y - 50)
        hand = (x + side * (25 if not raised else 36), y - 24 if not raised else y - 68)
        c.line([(x + side * 17, y - 48), elbow, hand], 4, "6a7078", 3.4)
        c.ball(*elbow, 3.4, paint)
        c.ball(*hand, 4.4, paint)
        for k in (-1, 0, 1):
            way = -1 if raised else 1
            c.line([hand, (hand[0] + 3 * k, hand[1] + way * 6.5)], 1.8, deep)
        c.ball(x + side * 18, y - 48, 5, paint)
    c.rect(x - 18, y - 56, x + 18, y - 20, pale, deep, radius=6)
    c.rect(x - 12, y - 50, x + 12, y - 34, "1c2228", "0c1014", radius=2.5)
    pulse = [(x - 11 + 2.2 * k, y - 42 + (0, 0, -1, 2, -6, 5, -2, 0, 0, -1, 0)[k]) for k in range(11)]
    c.line(pulse, 0.8, glow)
    for k in range(4):
        c.ball(x - 9 + 6 * k, y - 28, 1.9, ("f04a3a", "f0c83a", "4ae06a", "3a9af0")[k])
    c.rect(x - 5, y - 62, x + 5, y - 55, "7a8088", "34383e", "x")
    c.rect(x - 19, y - 87, x + 19, y - 60, light(paint, 0.5), dark(paint, 0.45), radius=8)
    c.rect(x - 15, y - 82, x + 15, y - 66, "1a2026", "080c10", radius=6)
    for side in (-1, 1):
        c.soft(x + side * 7, y - 75, 9, 9, glow, 0.9)
        c.ellipse(x + side * 7, y - 75, 4.2, 4.2, light(glow, 0.7), glow, "round")
        c.ellipse(x + side * 7, y - 75, 1.7, 1.7, "0a1014")
        c.rect(x + side * 21 - 2.4, y - 79, x + side * 21 + 2.4, y - 69, pale, deep, radius=1.6)
    c.line(arc(x, y - 71, 5, 3, 25, 155), 0.8, glow)
    c.line([(x, y - 87), (x, y - 95)], 1.1, "8a9098")
    c.soft(x, y - 97, 8, 8, "ff5a4a", 0.8)
    c.ball(x, y - 97, 2.4, "f04a3a")


def snowman(c: Canvas, variant: int) -> None:
    """A snowman with hat and scarf in a winter wood."""
    scarf, sky = (("d83a3a", "8ab4dc"), ("2a8a5a", "e0a8a0"), ("3a5ac8", "5a6a9a"))[variant % 3]
    c.sky([sky, mix(sky, "ffffff", 0.75)], 0, c.h * 0.66)
    c.poly(c.ridge(c.h * 0.66, 16, 0.45, 4), "c4d8ea", "e8f2fa")
    for k in range(13):
        pine(c, c.w * k / 12 + c.uniform(-3, 3), c.h * c.uniform(0.64, 0.7), c.uniform(18, 34), "2a5a4a", snow=True)
    drift = smooth([(-9, c.h * 0.7), (c.w * 0.3, c.h * 0.66), (c.w * 0.65, c.h * 0.71), (c.w + 9, c.h * 0.67)], False)
    c.poly([*drift, (c.w + 9, c.h + 2), (-9, c.h + 2)], "ffffff", "b4cce4")
    for _ in range(14):
        c.soft(c.uniform(0, c.w), c.h * c.uniform(0.74, 1), 16, 3, "9ab8d8", 0.4)
    x, y = c.w * (0.5, 0.46, 0.54)[variant % 3], c.h * 0.93
    c.soft(x + 7, y, 36, 6, "5a7aa4", 0.8)
    for cy, r in ((-17, 20.0), (-44, 15.0), (-66, 11.5)):
        c.ellipse(x, y + cy, r, r, "ffffff", "a8c0dc", "round")
    for side in (-1, 1):
        hand = (x + side * 33, y - 58 + 4 * side)
        c.line([(x + side * 13, y - 46), (x + side * 23, y - 50), hand], 1.8, "5a3a24", 1)
        for dx, dy in ((3, -6), (7, -2), (6, 3)):
            c.line([hand, (hand[0] + side * dx, hand[1] + dy)], 0.9, "5a3a24")
    for k in range(3):
        c.ball(x + 1, y - 51 + 8 * k, 1.7, "24242c")
    for side in (-1, 1):
        c.ball(x + side * 4.2, y - 69, 1.6, "18181e")
    for k in range(5):
        px, py = arc(x, y - 66, 6, 5.4, 40 + 25 * k, 41 + 25 * k, 1)[0]
        c.ellipse(px, py, 0.8, 0.8, "1c1c22")
    c.poly([(x - 0.5, y - 67.5), (x + 15, y - 64), (x - 0.5, y - 63.6)], "f8942c", "d8601c")
    c.blob(
        [(x - 11, y - 58), (x, y - 55), (x + 11, y - 58), (x + 11, y - 53), (x, y - 50.5), (x - 11, y - 53)],
        light(scarf, 0.2),
        dark(scarf, 0.3),
    )
    c.poly([(x - 9, y - 55), (x - 3.5, y - 53), (x - 5, y - 33), (x - 12, y - 34)], light(scarf, 0.1), dark(scarf, 0.4))
    for k in range(3):
        c.line([(x - 9.4 - 0.6 * k, y - 49 + 5 * k), (x - 4 - 0.3 * k, y - 48 + 5 * k)], 1.1, "fff4e0")
    c.ellipse(x, y - 75, 15, 3.2, "34343c", "101014")
    c.rect(x - 9.5, y - 92, x + 9.5, y - 75, "4a4a54", "14141a", "x", radius=1.5)
    c.rect(x - 9.5, y - 80, x + 9.5, y - 76.4, scarf)
    snowfall(c, 130)


def moon_rocket(c: Canvas, variant: int) -> None:
    """A rocket that stands on the moon, the earth above."""
    paint = ("d83a2c", "f0a02c")[variant % 2]
    c.sky(["020208", "0c0c20", "1a1830"])
    c.stars(240, c.h * 0.8)
    ex, ey = c.w * (0.78, 0.22)[variant % 2], c.h * 0.22
    c.soft(ex, ey, 26, 26, "6ab0ff", 0.6)
    c.ellipse(ex, ey, 13, 13, "5ab0f8", "0a2458", "round")
    land = arc(ex, ey, 12.6, 12.6, 0, 360, 50)
    c.veil("4aa05a", (c.noise(7, 4) - 0.52) * 6, land, 0.9)
    c.veil("ffffff", (c.noise(8, 4, 2.0) - 0.58) * 5, land, 0.9)
    c.poly(c.ridge(c.h * 0.76, 14, 0.5, 5), "7a7a82", "4a4a54")
    ground = smooth([(-9, c.h * 0.78), (c.w * 0.3, c.h * 0.74), (c.w * 0.7, c.h * 0.77), (c.w + 9, c.h * 0.73)], False)
    shape = [*ground, (c.w + 9, c.h + 2), (-9, c.h + 2)]
    c.poly(shape, "c8c8cc", "6a6a74")
    c.veil("44444e", (c.noise(6, 5, 2.0) - 0.5) * 1.6, shape, 0.6)
    for px, py, r in ((0.12, 0.84, 9), (0.86, 0.9, 13), (0.66, 0.81, 5), (0.3, 0.95, 10), (0.93, 0.79, 5)):
        c.ellipse(c.w * px, c.h * py, r, r * 0.34, "e4e4e8")
        c.ellipse(c.w * px, c.h * py + 0.5, r * 0.88, r * 0.27, "4a4a54", "8a8a94")
    x, y = c.w * (0.42, 0.58)[variant % 2], c.h * 0.86
    c.poly([(x - 4, y - 1), (x + 4, y - 1), (x + 46, y + 7), (x + 36, y + 9)], "1c1c26", alpha=0.6, blur=0.7)
    for side in (-1, 1):
        fin = [(x + side * 8, y - 27), (x + side * 20, y - 10), (x + side * 19, y), (x + side * 8, y - 9)]
        c.poly(smooth(fin), light(paint, 0.15), dark(paint, 0.5))
    half = [(0.1, -66), (6, -56), (10, -40), (10.5, -24), (7, -7)]
    hull = [(x + px, y + py) for px, py in half] + [(x - px, y + py) for px, py in reversed(half)]
    c.poly(smooth(hull), "ffffff", "7a8494", "x")
    nose = [(0.1, -66.5), (4, -60), (7.4, -52)]
    c.poly(
        [(x + px, y + py) for px, py in nose] + [(x - px, y + py) for px, py in reversed(nose)],
        light(paint, 0.2),
        dark(paint, 0.45),
        "x",
    )
    c.line([(x - 10.4, y - 20), (x, y - 18.4), (x + 10.4, y - 20)], 2, paint)
    for height, radius in ((-41, 4.6), (-28, 3.0)):
        c.ellipse(x, y + height, radius, radius, "c8ccd4", "5a6068", "round")
        c.ellipse(x, y + height, radius * 0.72, radius * 0.72, "8ae0ff", "1c4a7a", "round")
    c.poly([(x - 5, y - 8), (x + 5, y - 8), (x + 7, y - 2), (x - 7, y - 2)], "5a5e66", "24262c", "x")
    c.line([(x, y - 20), (x, y - 2)], 2.4, dark(paint, 0.2))
    fx = x - 30 if variant % 2 == 0 else x + 30
    c.line([(fx, y + 3), (fx, y - 18)], 0.7, "d8d8dc")
    c.poly([(fx, y - 18), (fx + 11, y - 17), (fx + 11, y - 11), (fx, y - 11.6)], paint, dark(paint, 0.3), "x")


def ringed_planet(c: Canvas, variant: int) -> None:
    """A banded planet with rings and moons before a nebula."""
    body, mist = (("e0b070", "7a3a9a"), ("6ab0c8", "a83a4a"))[variant % 2]
    c.sky(["04030c", "0c0a20", "060410"])
    c.veil(mist, (c.noise(2.5, 5) - 0.42) * 1.7, None, 0.75)
    c.veil(light(mist, 0.4), (c.noise(3.5, 5) - 0.62) * 2.4, None, 0.7)
    c.veil("2a5aa0", (c.noise(2.2, 5) - 0.55) * 2, None, 0.6)
    c.stars(300, c.h)
    x, y, r, tilt = c.w * 0.5, c.h * 0.5, 25.0, (-16, 14)[variant % 2]

    def rings(start: float, end: float) -> None:
        for k in range(26):
            share = 1.32 + 0.035 * k
            if 13 <= k <= 14:
                continue
            tone = mix(light(body, 0.5), dark(body, 0.5), (k * 7 % 10) / 10)
            points = arc(x, y, r * share, r * share * 0.26, start, end, 60)
            c.line([_turn(p, tilt, x, y) for p in points], 0.75, tone)

    rings(180, 360)
    c.soft(x, y, r * 1.3, r * 1.3, light(body, 0.4), 0.4)
    c.ellipse(x, y, r, r, light(body, 0.3), body, "round")
    for k in range(-6, 6):
        level = k / 8
        half = math.sqrt(1 - level * level) * r
        band = [*arc(x, y + level * r, half, 3.2, 180, 0, 24), *arc(x, y + level * r + 2, half, 3.2, 0, 180, 24)]
        c.poly([_turn(p, tilt, x, y) for p in band], mix(body, ("fff0d0", "8a4a2c", "c8885a")[k % 3], 0.4), alpha=0.6)
    shadow = arc(x, y, r, r, 0, 360, 60)
    rows, columns = np.mgrid[0 : c.height // 2, 0 : c.width // 2].astype(np.float32)
    far: Floats = np.hypot(columns / (c.width / 2) * c.w - x + r * 0.5, rows / (c.height / 2) * c.h - y + r * 0.45)
    c.veil("04020a", (far - r * 0.85) / (r * 0.75), shadow, 0.92)
    rings(0, 180)
    for px, py, size, colour in ((0.16, 0.2, 4.5, "b8b0a8"), (0.86, 0.78, 3, "8ab0c8"), (0.8, 0.16, 2, "d8a080")):
        c.ball(c.w * px, c.h * py, size, colour)


def _turn(point: tuple[float, float], angle: float, cx: float, cy: float) -> tuple[float, float]:
    a = math.radians(angle)
    dx, dy = point[0] - cx, point[1] - cy
    return cx + dx * math.cos(a) - dy * math.sin(a), cy + dx * math.sin(a) + dy * math.cos(a)


def pumpkin(c: Canvas, variant: int) -> None:
    """A carved pumpkin on the steps at night."""
    glow = ("ffb030", "8af04a")[variant % 2]
    c.sky([("1c1030", "0c1c20")[variant % 2], ("4a2a5a", "2a4a3a")[variant % 2], "c8703a"], 0, c.h * 0.7)
    c.soft(c.w * 0.78, c.h * 0.2, 30, 30, "fff0c0", 0.5)
    c.ellipse(c.w * 0.78, c.h * 0.2, 11, 11, "fff8dc", "e0c890", "round")
    for k in range(6):
        bx, by, s = (
            c.w * (0.2, 0.34, 0.5, 0.64, 0.12, 0.44)[k],
            c.h * (0.16, 0.1, 0.22, 0.12, 0.3, 0.06)[k],
            c.uniform(2, 4),
        )
        wing = [
            (-2.2, -0.4),
            (-1.2, -1),
            (-0.4, -0.2),
            (0, -0.6),
            (0.4, -0.2),
            (1.2, -1),
            (2.2, -0.4),
            (1, 0.1),
            (0, 0.6),
            (-1, 0.1),
        ]
        c.poly([(bx + px * s, by + py * s) for px, py in wing], "0a0610")
    c.line([(c.w * 0.04, c.h * 0.75), (c.w * 0.08, c.h * 0.4), (c.w * 0.02, c.h * 0.05)], 5, "140c14", 2)
    for k in range(5):
        c.line(
            [
                (c.w * 0.07, c.h * (0.5 - 0.08 * k)),
                (c.w * (0.16 + 0.02 * k), c.h * (0.42 - 0.09 * k)),
                (c.w * (0.24 + 0.01 * k), c.h * (0.43 - 0.11 * k)),
            ],
            1.5,
            "140c14",
            0.4,
        )
    for k in range(3):
        top = c.h * (0.68 + 0.12 * k)
        c.sky(["6a605c", "3a3436"], top, top + c.h * 0.03)
        c.sky(["2c282c", "18141a"], top + c.h * 0.03, c.h)
    lanterns = ((0.5, 0.84, 30), (0.2, 0.9, 14), (0.84, 0.92, 16))
    for px, py, r in sorted(lanterns, key=lambda item: item[1]):
        _lantern(c, c.w * px, c.h * py, r, glow)


def _lantern(c: Canvas, x: float, y: float, r: float, glow: str) -> None:
    cy = y - r * 0.75
    c.soft(x, y, r * 1.9, r * 0.4, glow, 0.5)
    c.soft(x, y, r * 1.3, r * 0.24, "080408", 0.9)
    for offset, width in ((-0.72, 0.4), (0.72, 0.4), (-0.46, 0.46), (0.46, 0.46), (-0.2, 0.46), (0.2, 0.46), (0, 0.4)):
        skin = mix("f08a1c", "b8500c", abs(offset))
        c.ellipse(x + offset * r, cy, r * width, r * 0.8, light(skin, 0.2), dark(skin, 0.5), "round")
    c.line(
        [(x, cy - r * 0.72), (x + r * 0.04, cy - r * 0.92), (x + r * 0.2, cy - r * 1.06)], r * 0.17, "5a7a34", r * 0.1
    )
    for side in (-1, 1):
        eye = [
            (x + side * r * 0.16, cy - r * 0.1),
            (x + side * r * 0.52, cy - r * 0.12),
            (x + side * r * 0.36, cy - r * 0.42),
        ]
        c.soft(x + side * r * 0.34, cy - r * 0.2, r * 0.4, r * 0.4, glow, 0.8)
        c.poly(eye, light(glow, 0.6), glow)
    c.poly([(x - r * 0.08, cy + r * 0.08), (x + r * 0.08, cy + r * 0.08), (x, cy - r * 0.06)], light(glow, 0.5), glow)
    upper = [
        (x - r * 0.58, cy + r * 0.16),
        (x - r * 0.36, cy + r * 0.26),
        (x - r * 0.26, cy + r * 0.2),
        (x - r * 0.12, cy + r * 0.3),
        (x + r * 0.12, cy + r * 0.3),
        (x + r * 0.26, cy + r * 0.2),
        (x + r * 0.36, cy + r * 0.26),
        (x + r * 0.58, cy + r * 0.16),
    ]
    lower = [
        (x + r * 0.34, cy + r * 0.5),
        (x + r * 0.18, cy + r * 0.45),
        (x + r * 0.06, cy + r * 0.54),
        (x - r * 0.16, cy + r * 0.46),
        (x - r * 0.34, cy + r * 0.5),
    ]
    c.soft(x, cy + r * 0.32, r * 0.8, r * 0.36, glow, 0.7)
    c.poly([*upper, *lower], light(glow, 0.6), glow)


def spirals(c: Canvas, variant: int) -> None:
    """A Julia set in smooth colours."""
    seed = (complex(-0.7269, 0.1889), complex(-0.8, 0.156))[variant % 2]
    table = [("060420", "2a4ad0", "f8f0d0", "f08a2c", "5a0a2c"), ("04100c", "1c8a7a", "f0f8d8", "d84a8a", "1c0a3a")][
        variant % 2
    ]

    def paint(pixels: Floats) -> Floats:
        height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        z = ((xs / width - 0.5) * 2.6 * c.w / c.h + 1j * (ys / height - 0.5) * 2.6).astype(np.complex64) * 0.75
        count = np.zeros((height, width), np.float32)
        alive = np.ones((height, width), bool)
        for step in range(90):
            z[alive] = z[alive] ** 2 + seed
            gone = alive & (np.abs(z) > 8)
            count[gone] = step + 1 - np.log2(np.log(np.abs(z[gone])) / np.log(8))
            alive &= ~gone
        count[alive] = 90
        share = np.clip(count / 60, 0, 1) ** 0.6 * (len(table) - 1)
        colours = np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in table], np.float32)
        channels = [np.interp(share, range(len(table)), colours[:, k]) for k in range(3)]
        return np.stack(channels, axis=-1).astype(np.float32).repeat(2, axis=0).repeat(2, axis=1)

    c.reshape(paint)


def terminal_screenshot(c: Canvas, variant: int) -> None:
    """A screenshot: windows with rows of text and a chart."""
    back = ("1c2430", "e4e8ec")[variant % 2]
    ink = ("c8d4e0", "3a444e")[variant % 2]
    c.rect(0, 0, c.w, c.h, back)
    c.rect(0, 0, c.w, 5, mix(back, "808890", 0.35))
    for k in range(3):
        c.ellipse(3.4 + 4 * k, 2.5, 1.1, 1.1, ("f0605a", "f0c04a", "5ac060")[k])
    c.rect(0, 5, c.w * 0.2, c.h, mix(back, "808890", 0.14))
    for row in range(int(c.h / 4) - 2):
        c.rect(3, 8 + 4 * row, 3 + c.uniform(6, c.w * 0.15), 9.4 + 4 * row, mix(back, ink, 0.55))
        x = c.w * 0.23
        while x < c.w * 0.62:
            width = c.uniform(2, 9)
            c.rect(
                x,
                8 + 4 * row,
                x + width,
                9.4 + 4 * row,
                c.pick((ink, "5aa0e0", "e0905a", "7ac06a", mix(back, ink, 0.5))),
            )
            x += width + 1.4
    left, top, right, low = c.w * 0.67, 10, c.w - 4, c.h * 0.5
    c.rect(left, top, right, low, mix(back, "ffffff", 0.06))
    for k in range(12):
        tall = (low - top) * c.uniform(0.15, 0.9)
        c.rect(
            left + 2 + k * (right - left - 4) / 12,
            low - tall,
            left + 1 + (k + 1) * (right - left - 4) / 12,
            low - 1,
            "5a9ae0",
            "3a5ab0",
        )
    points = [(left + (right - left) * k / 30, c.h * 0.76 + 9 * math.sin(k * 0.5 + variant)) for k in range(31)]
    c.line(points, 0.9, "f0a03a")
    c.line([(left, c.h * 0.92), (right, c.h * 0.92)], 0.5, ink)

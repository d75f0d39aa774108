"""Things on a table, indoors."""

from __future__ import annotations

import math

from dtk_tui.demo.scenes.canvas import Canvas, Point, arc, dark, light, mix, smooth
from dtk_tui.demo.scenes.parts import boards, wall


def sunflower_vase(c: Canvas, variant: int) -> None:
    """A bunch of sunflowers in a vase by a window."""
    vase, room = (("3a6ab0", "e4d4b4"), ("c8583a", "a8c0b8"), ("e8e4dc", "6a7a9a"))[variant % 3]
    low = c.h * 0.76
    wall(c, low, room)
    light_x = c.w * (0.02, 0.7, 0.05)[variant % 3]
    c.poly([(light_x, 0), (light_x + 26, 0), (light_x + 46, low), (light_x + 8, low)], "fffbe0", alpha=0.35, blur=2)
    boards(c, low, ("9a6a40", "7a5034", "b08a5a")[variant % 3])
    x, y = c.w * 0.5, c.h * 0.9
    c.soft(x + 10, y, 34, 5, "1c1008", 0.8)
    heads = [(-17, -52, 11), (15, -56, 12), (-2, -72, 12.5), (-27, -68, 9), (28, -70, 9.5), (1, -46, 10.5)]
    for dx, dy, _ in heads:
        c.line(
            [(x + dx * 0.1, y - 28), (x + dx * 0.55, y - 28 + (dy + 28) * 0.5), (x + dx, y + dy)], 1.7, "4a7a2c", 1.3
        )
    for k in range(7):
        leaf_x, leaf_y = c.uniform(-22, 22), -c.uniform(34, 52)
        leaf = [(x + leaf_x * 0.5, y + leaf_y + 7), (x + leaf_x * 1.15, y + leaf_y), (x + leaf_x * 1.5, y + leaf_y + 8)]
        c.blob(leaf, ("5a9a3a", "3f7a30")[k % 2], "2a5424")
    for dx, dy, r in heads:
        _sunflower(c, x + dx + c.uniform(-1.5, 1.5), y + dy + c.uniform(-1.5, 1.5), r)
    half = [(6, -32), (7, -28), (5.4, -25), (11, -18), (13.5, -10), (11, -2), (8.5, 0)]
    outline = [(x + px, y + py) for px, py in half] + [(x - px, y + py) for px, py in reversed(half)]
    c.poly(smooth(outline), light(vase, 0.35), dark(vase, 0.5), "x")
    c.ellipse(x, y - 32, 6.4, 1.4, dark(vase, 0.6))
    for k in range(9):
        c.ellipse(x - 10 + 2.5 * k, y - 12 + 0.9 * math.sin(k), 0.9, 1.6, "f8f0d8", alpha=0.75)
    c.soft(x - 6, y - 15, 3.4, 9, "ffffff", 0.7)
    for k in range(3):
        c.ellipse(x + (-26, 22, 30)[k], y + (3, 4, 1)[k], 3.2, 1.2, "f8c838", "d89018", angle=20 * k)


def _sunflower(c: Canvas, x: float, y: float, r: float) -> None:
    for layer in range(2):
        for k in range(18):
            angle = 20 * k + 10 * layer
            px, py = arc(x, y, r * 0.78, r * 0.78, angle, angle + 1, 1)[0]
            petal = ("f0a818", "ffd034")[layer]
            c.ellipse(px, py, r * 0.44, r * 0.15, light(petal, 0.25), dark(petal, 0.12), "x", angle=angle)
    c.ellipse(x, y, r * 0.5, r * 0.5, "6a4020", "24120a", "round")
    for k in range(40):
        a, d = 2.4 * k, r * 0.47 * math.sqrt(k / 40)
        c.ellipse(x + d * math.cos(a), y + d * math.sin(a), 0.3, 0.3, "a8702c")


def teapot(c: Canvas, variant: int) -> None:
    """A teapot and two cups on a cloth."""
    glaze, cloth = (("4a8ab8", "f4ece0"), ("c84a5a", "d8e4d0"))[variant % 2]
    low = c.h * 0.56
    wall(c, low, ("c8b48c", "8a9a9a")[variant % 2], pattern=bool(variant % 2))
    c.sky([light(cloth, 0.2), cloth, dark(cloth, 0.25)], low, c.h)
    for k in range(-14, 15):
        c.line([(c.w / 2 + 5 * k, low), (c.w / 2 + 13 * k, c.h)], 0.7, mix(cloth, glaze, 0.28))
    for k in range(9):
        y = low + (c.h - low) * (k / 9) ** 1.5
        c.line([(0, y), (c.w, y)], 0.3 + 0.07 * k, mix(cloth, glaze, 0.28))
    x, y = c.w * 0.48, c.h * 0.8
    c.soft(x + 5, y, 44, 6, "2a2018", 0.8)
    c.line([(x - 22, y - 27), (x - 38, y - 26), (x - 40, y - 12), (x - 23, y - 8)], 4.4, dark(glaze, 0.25), 3.4)
    spout = [(x + 20, y - 14), (x + 31, y - 18), (x + 36, y - 32), (x + 41, y - 34), (x + 37, y - 14), (x + 22, y - 4)]
    c.blob(spout, light(glaze, 0.25), dark(glaze, 0.4))
    c.blob(
        [(x - 15, y - 35), (x + 15, y - 35), (x + 27, y - 17), (x + 15, y), (x - 15, y), (x - 27, y - 17)],
        light(glaze, 0.35),
        dark(glaze, 0.5),
        "round",
    )
    c.blob(
        [(x - 15, y - 35), (x - 9, y - 40), (x + 9, y - 40), (x + 15, y - 35), (x, y - 33)],
        light(glaze, 0.3),
        dark(glaze, 0.3),
    )
    c.ball(x, y - 42, 3, "e8c860")
    for k in range(9):
        px, py = x - 20 + 5 * k, y - 16 + 2.2 * math.sin(k * 1.4)
        for petal in range(5):
            dx, dy = arc(0, 0, 1.5, 1.5, 72 * petal, 72 * petal + 1, 1)[0]
            c.ellipse(px + dx, py + dy, 1, 1, "fff8ec")
        c.ellipse(px, py, 0.8, 0.8, "f0b83a")
    c.soft(x - 11, y - 25, 7, 8, "ffffff", 0.7)
    for cx, cy in ((x + 44, y + 7), (x - 38, y + 10)):
        c.soft(cx, cy + 3, 19, 4, "2a2018", 0.7)
        c.ellipse(cx, cy + 1, 15, 4, "ffffff", dark(glaze, 0.1))
        c.ring(cx + 9, cy - 6, 3.4, 1.3, light(glaze, 0.3))
        c.poly(
            [
                (cx - 9.5, cy - 11),
                *arc(cx, cy - 8, 9.5, 9, 10, 170),
            ],
            light(glaze, 0.6),
            dark(glaze, 0.1),
            "x",
        )
        c.ellipse(cx, cy - 9.6, 9.5, 2.6, "fdfaf4")
        c.ellipse(cx, cy - 9.4, 8.2, 2, "b8702c", "7a4418")
        for k in range(4):
            c.soft(cx + 2 * math.sin(k * 1.6), cy - 14 - 5 * k, 3.4, 5, "ffffff", 0.4)


def pizza(c: Canvas, variant: int) -> None:
    """A pizza on a wooden board, seen from above."""
    table = ("6a4a34", "3a3c42")[variant % 2]
    c.rect(0, 0, c.w, c.h, light(table, 0.1), dark(table, 0.4))
    for k in range(7):
        c.rect(0, c.h * k / 7, c.w, c.h * k / 7 + 0.5, dark(table, 0.6))
    c.veil(dark(table, 0.6), c.noise(2.5, 4, 10) - 0.4, None, 0.7)
    x, y, r = c.w * 0.5, c.h * 0.5, 39.0
    c.soft(x + 2, y + 3, 56, 56, "0c0806", 0.9)
    c.ellipse(x, y, r + 7, r + 7, "d8a868", "9a6a38")
    for k in range(5):
        c.ring(x, y, r + 6.5 - 2.1 * k, 0.25, "b07c44")
    crust = [
        (x + (r + c.uniform(-0.8, 0.8)) * math.cos(a / 8), y + (r + c.uniform(-0.8, 0.8)) * math.sin(a / 8))
        for a in range(50)
    ]
    c.blob(crust, "eab868", "a86a2c", "round")
    c.ellipse(x, y, r * 0.87, r * 0.87, "c83a20", "a82818", "round")
    c.ellipse(x, y, r * 0.84, r * 0.84, "f8d888", "e8a848", "round")
    c.veil("fff0c0", (c.noise(9, 3) - 0.5) * 3, arc(x, y, r * 0.83, r * 0.83, 0, 360, 60), 0.8)
    c.veil("c8602c", (c.noise(11, 3) - 0.62) * 4, arc(x, y, r * 0.83, r * 0.83, 0, 360, 60), 0.8)
    for k in range(46):
        px, py = arc(x, y, r * 0.94, r * 0.94, 7.8 * k, 7.8 * k + 1, 1)[0]
        c.soft(px + c.uniform(-1, 1), py, c.uniform(1.5, 4), c.uniform(1, 2.6), "6a3410", 0.6)
    spots: list[Point] = []
    for ring, count in ((0.66, 11), (0.36, 6), (0.05, 1)):
        spots += [
            arc(x, y, r * ring, r * ring, 360 * k / count + 40 * ring, 361 * k / count + 40 * ring, 1)[0]
            for k in range(count)
        ]
    for k, spot in enumerate(spots):
        px, py = spot[0] + c.uniform(-1.5, 1.5), spot[1] + c.uniform(-1.5, 1.5)
        if variant % 2 == 0 or k % 2:
            c.soft(px + 0.7, py + 1, 6.6, 6.6, "5a1408", 0.7)
            c.ellipse(px, py, 4.8, 4.8, "d8402c", "8a1a14", "round")
            for _ in range(6):
                c.ellipse(px + c.uniform(-2.8, 2.8), py + c.uniform(-2.8, 2.8), 0.5, 0.5, "f0907a")
        else:
            c.ellipse(px, py, 4.4, 3.4, "fdf8ec", "d8c8a8", "round")
            c.ellipse(px, py, 2.6, 1.8, "b8a484")
    for _ in range(13):
        a, d = c.uniform(0, 6.28), r * c.uniform(0.1, 0.76)
        px, py, turn = x + d * math.cos(a), y + d * math.sin(a), c.uniform(0, 180)
        c.ellipse(px, py, 4, 1.9, "5ab03a", "1f5a20", angle=turn)
        c.line(
            [arc(px, py, 3.4, 3.4, turn, turn + 1, 1)[0], arc(px, py, 3.4, 3.4, turn + 180, turn + 181, 1)[0]],
            0.3,
            "a8e07a",
        )
    for _ in range(9):
        a, d = c.uniform(0, 6.28), r * c.uniform(0.1, 0.74)
        c.ring(x + d * math.cos(a), y + d * math.sin(a), 1.9, 1.1, "24202c")
    for k in range(4):
        px, py = arc(x, y, r, r, 45 * k + 12, 45 * k + 13, 1)[0]
        c.line([(px, py), (2 * x - px, 2 * y - py)], 0.5, "8a4a1c")


def chess_board(c: Canvas, variant: int) -> None:
    """Chessmen on a board in perspective."""
    pale, deep = (("f0dcb0", "8a5230"), ("e8ecec", "3a6a54"))[variant % 2]
    c.sky([("3a2a20", "20343a")[variant % 2], ("7a5a3a", "4a6a6a")[variant % 2], "20140c"])
    for _ in range(12):
        c.soft(c.uniform(0, c.w), c.uniform(0, c.h * 0.34), 11, 11, c.pick(("ffd890", "ffb060", "a8d0e0")), 0.45)

    def at(column: float, row: float) -> Point:
        depth = 1.5 * row / (8 + 0.5 * row) if row > 0 else row / 8
        width = c.w * (1.0 - 0.46 * depth)
        return c.w / 2 + (column - 4) / 8 * width, c.h * (0.95 - 0.53 * depth)

    c.poly([at(-0.5, -0.4), at(8.5, -0.4), at(8.4, 8.4), at(-0.4, 8.4)], "6a4024", "3a2010")
    for row in range(8):
        for column in range(8):
            quad = [at(column, row), at(column + 1, row), at(column + 1, row + 1), at(column, row + 1)]
            shade = deep if (row + column) % 2 == 0 else pale
            c.poly(quad, mix(shade, "100806", 0.05 * row), light(shade, 0.1))
    ivory, ebony = "f4e8cc", ("3a2a24", "28303a")[variant % 2]
    men = [
        (0, 7, "r", 1),
        (4, 7, "k", 1),
        (7, 7, "r", 1),
        (3, 6, "p", 1),
        (6, 6, "p", 1),
        (1, 6, "p", 1),
        (5, 5, "b", 1),
        (4, 4, "p", 1),
        (3, 3, "p", 0),
        (6, 3, "b", 0),
        (1, 3, "q", 1),
        (2, 1, "p", 0),
        (0, 1, "p", 0),
        (7, 1, "p", 0),
        (4, 1, "q", 0),
        (5, 0, "k", 0),
        (2, 0, "r", 0),
    ]
    for column, row, kind, black in sorted(men, key=lambda man: -man[1]):
        place = 7 - column if variant % 2 else column
        x, y = at(place + 0.5, row + 0.42)
        scale = (at(1, row)[0] - at(0, row)[0]) / 10
        _chessman(c, x, y, scale, kind, ebony if black else ivory)


def _chessman(c: Canvas, x: float, y: float, s: float, kind: str, wood: str) -> None:
    tall = {"p": 11, "r": 13, "b": 16, "q": 20, "k": 22}[kind] * s
    pale, deep = light(wood, 0.3), dark(wood, 0.6)
    c.soft(x + 2.4 * s, y, 7 * s, 2.6 * s, "080404", 0.8)
    half = [(3.9 * s, 0.0), (3.9 * s, -1.6 * s), (2.2 * s, -3.4 * s), (1.5 * s, -tall * 0.6), (2.3 * s, -tall * 0.78)]
    c.poly([(x + px, y + py) for px, py in half] + [(x - px, y + py) for px, py in reversed(half)], pale, deep, "x")
    c.ellipse(x, y - 0.2 * s, 4 * s, 1.3 * s, pale, deep, "x")
    c.ellipse(x, y - tall * 0.76, 2.8 * s, 0.9 * s, pale, deep, "x")
    head = y - tall
    if kind == "p":
        c.ball(x, head + 1.2 * s, 2.7 * s, wood)
    elif kind == "r":
        c.rect(x - 2.8 * s, head - 0.4 * s, x + 2.8 * s, y - tall * 0.74, pale, deep, "x")
        for k in (-1, 0, 1):
            c.rect(x + (2 * k - 0.7) * s, head - 2 * s, x + (2 * k + 0.7) * s, head, pale, deep, "x")
    else:
        c.ellipse(x, head + 2.6 * s, 2.4 * s, 3.6 * s, pale, deep, "round")
    if kind == "q":
        for k in range(-2, 3):
            c.ball(x + 1.2 * k * s, head - 1 * s, 0.75 * s, wood)
    elif kind == "k":
        c.rect(x - 0.5 * s, head - 4.6 * s, x + 0.5 * s, head - 0.4 * s, pale, deep)
        c.rect(x - 1.6 * s, head - 3.5 * s, x + 1.6 * s, head - 2.5 * s, pale, deep)


def piano(c: Canvas, variant: int) -> None:
    """A grand piano on a stage under a spotlight."""
    stage = ("7a2030", "203a6a")[variant % 2]
    c.rect(0, 0, c.w, c.h * 0.68, dark(stage, 0.2), dark(stage, 0.75))
    for k in range(int(c.w / 6) + 1):
        c.rect(6 * k, 0, 6 * k + 3.4, c.h * 0.68, light(stage, 0.12), dark(stage, 0.55), "x", alpha=0.75)
    boards(c, c.h * 0.68, "8a5a34")
    c.poly(
        [(c.w * 0.42, -3), (c.w * 0.54, -3), (c.w * 0.95, c.h * 0.86), (c.w * 0.05, c.h * 0.86)],
        "fff4d0",
        alpha=0.3,
        blur=2,
    )
    c.soft(c.w / 2, c.h * 0.86, c.w * 0.5, 15, "fff0c8", 0.6)
    x, y, s = c.w * 0.5, c.h * 0.86, min(1.0, c.w / 118)

    def at(points: list[Point]) -> list[Point]:
        side = -1 if variant % 2 else 1
        return [(x + side * px * s, y + py * s) for px, py in points]

    c.soft(x, y + 1, 56 * s, 6 * s, "080404", 0.9)
    for px in (-38, 6, 36):
        c.poly(at([(px - 2, -22), (px + 2, -22), (px + 1.2, 0), (px - 1.2, 0)]), "3a3a40", "08080a", "x")
        c.ball(*at([(px, 0)])[0], 1.6 * s, "d8b04a")
    lid = smooth(at([(-38, -44), (-14, -78), (16, -80), (40, -66), (46, -43)]), False)
    c.poly(lid, "4a4a54", "0c0c10", "x")
    c.poly(smooth(at([(-33, -45), (-12, -74), (14, -76), (36, -63), (41, -44)]), False), "8a5a2c", "c89a4a")
    c.line(at([(26, -44), (22, -70)]), 1 * s, "1a1a1e")
    body = at([(-46, -40), (-40, -45), (42, -45), (49, -38), (49, -26), (-46, -23)])
    c.poly(body, "34343c", "050507")
    c.poly(at([(-40, -44.4), (42, -44.4), (46, -40), (-44, -40)]), "c8963c", "7a5420")
    for k in range(26):
        c.line(at([(-37 + 3 * k, -44), (-39 + 3.2 * k, -40.4)]), 0.3 * s, "f4dc9a")
    c.poly(at([(-50, -32), (-12, -32), (-12, -26.6), (-52, -26.6)]), "0c0c0e")
    for k in range(18):
        left = -51 + 2.15 * k
        c.poly(at([(left, -31.4), (left + 1.9, -31.4), (left + 1.9, -27), (left, -27)]), "ffffff", "d0ccc4")
        if k % 7 not in (2, 6):
            c.poly(at([(left + 1.4, -31.4), (left + 2.5, -31.4), (left + 2.5, -29), (left + 1.4, -29)]), "101014")
    c.poly(at([(-34, -42), (-14, -42), (-13, -54), (-33, -54)]), "f8f4e8", "d8d0bc")
    for k in range(5):
        c.line(at([(-31, -44 - 2 * k), (-16, -44 - 2 * k)]), 0.3 * s, "4a4a4a")
    c.line(at([(-20, -36), (40, -37)]), 0.7 * s, "7a7a88")
    c.poly(at([(-62, -15), (-44, -15), (-45, -10), (-61, -10)]), "5a1c20", "2a0c10")
    for px in (-60, -46):
        c.line(at([(px, -10), (px, 0)]), 1.6 * s, "1a1014")


def fruit_bowl(c: Canvas, variant: int) -> None:
    """A bowl of fruit on a table."""
    cloth, bowl = (("3a3430", "8aa4b0"), ("5a4a6a", "d8c8a8"))[variant % 2]
    low = c.h * 0.6
    wall(c, low, cloth)
    boards(c, low, ("8a5c38", "6a4a3c")[variant % 2])
    x, y = c.w * 0.5, c.h * 0.82
    c.soft(x, y + 1, 46, 7, "140a06", 0.9)
    fruit = [
        (-22, -25, 9, "f0a02c"),
        (20, -26, 9.5, "d83a2c"),
        (0, -29, 10.5, "8ab83a"),
        (-11, -36, 9, "d8502c"),
        (12, -38, 8.5, "f0b83a"),
        (28, -22, 7, "8a3a6a"),
        (-30, -20, 7, "d83a3a"),
    ]
    for dx, dy, r, colour in fruit:
        c.ball(x + dx, y + dy, r, colour)
        c.line([(x + dx, y + dy - r * 0.75), (x + dx + 1.4, y + dy - r - 2)], 0.7, "4a3020")
    for k in range(3):
        banana = arc(x - 6 + 3 * k, y - 52 + 2 * k, 24, 19, 20, 128, 20)
        c.line([banana[0], banana[5], banana[10], banana[15], banana[20]], 4.6, mix("f8d83a", "d8a81c", k / 2), 3)
    for row in range(6):
        for k in range(6 - row):
            gx, gy = x + 25 + (k - (5 - row) / 2) * 4.2 + row, y - 24 + row * 3.7
            c.ball(gx, gy, 2.6, ("5a2a7a", "7ab04a")[variant % 2])
    rim = [(x - 38, y - 20), *arc(x, y - 20, 38, 21, 180, 0, 40)[1:-1], (x + 38, y - 20)]
    c.poly([(x - 38, y - 19), *arc(x, y - 19, 38, 20, 180, 0, 40)], light(bowl, 0.4), dark(bowl, 0.5), "x")
    c.line([rim[0], (x - 20, y - 17), (x, y - 16), (x + 20, y - 17), rim[-1]], 1.6, light(bowl, 0.6))
    for k in range(11):
        c.ellipse(x - 28 + 5.6 * k, y - 9 + 2 * abs(5 - k) / -2, 1.5, 2.4, mix(bowl, "2a5a9a", 0.7), angle=8 * (5 - k))
    c.rect(x - 14, y - 1.5, x + 14, y + 2, light(bowl, 0.2), dark(bowl, 0.5), "x", radius=1.5)
    c.ball(x - 48, y + 3, 8, ("d83a2c", "f0a02c")[variant % 2])
    c.ball(x + 50, y + 5, 7, ("8ab83a", "d83a2c")[variant % 2])

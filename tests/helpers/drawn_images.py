"""Pictures drawn on the spot for models to look at."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """A picture with detail everywhere, so that any wrong pixel shows."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (max(2, height // 7), max(2, width // 7), 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def scene(kind: int, size: int = 512) -> Image.Image:
    """One of a few drawn pictures that look nothing like each other."""
    picture = Image.new("RGB", (size, size), [(120, 180, 240), (250, 250, 245), (20, 20, 40), (60, 140, 60)][kind % 4])
    draw = ImageDraw.Draw(picture)
    rng = np.random.default_rng(kind)
    if kind == 0:
        draw.rectangle((0, 330, size, size), fill=(70, 150, 60))
        draw.rectangle((150, 200, 370, 400), fill=(180, 90, 60), outline=(60, 30, 20), width=6)
        draw.polygon(((130, 200), (260, 90), (390, 200)), fill=(110, 40, 40))
        draw.rectangle((230, 300, 290, 400), fill=(60, 40, 30))
    elif kind == 1:
        for line in range(20):
            for column in range(0, 480, 40):
                draw.text((20 + column, 10 + line * 25), chr(int(rng.integers(65, 90))) * 4, fill=(10, 10, 10))
    elif kind == 2:
        for x, y in rng.integers(0, size, (300, 2)):
            draw.ellipse((x, y, x + 3, y + 3), fill=(255, 255, 220))
        draw.ellipse((160, 140, 380, 360), fill=(230, 220, 180))
        draw.ellipse((210, 190, 250, 230), fill=(190, 180, 150))
    else:
        for step in range(0, size, 32):
            draw.rectangle((step, 0, step + 15, size), fill=(200, 220, 40))
            draw.line((0, step, size, size - step), fill=(120, 0, 120), width=4)
    return picture

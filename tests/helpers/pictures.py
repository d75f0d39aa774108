"""Small real pictures with metadata, for tests."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo


def infotext(prompt: str, seed: int, negative: str = "blurry", steps: int = 20) -> str:
    """Return generation parameters in the form that AUTOMATIC1111 writes."""
    return (
        f"{prompt}\nNegative prompt: {negative}\n"
        f"Steps: {steps}, Sampler: Euler a, CFG scale: 7, Seed: {seed}, Size: 64x64, Model hash: 0123456789, "
        "Model: tiny"
    )


def picture(seed: int, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """Return a picture whose shapes and colours depend on the seed alone: at another size it looks alike."""
    chance = random.Random(seed)
    image = Image.new("RGB", size, tuple(chance.randrange(256) for _ in range(3)))
    pen = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = chance.random() * size[0], chance.random() * size[1]
        box = (x, y, x + (0.06 + chance.random()) * size[0], y + (0.06 + chance.random()) * size[1])
        (pen.ellipse if chance.random() < 0.5 else pen.rectangle)(
            box, fill=tuple(chance.randrange(256) for _ in range(3))
        )
    return image


def write_png(
    path: Path, prompt: str | None = None, seed: int = 1, size: tuple[int, int] = (64, 64), text: str | None = None
) -> Path:
    """Write a PNG, with AUTOMATIC1111 parameters when it has a prompt (or with exactly ``text``)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    info = PngInfo()
    if text is not None or prompt is not None:
        info.add_itxt("parameters", text if text is not None else infotext(prompt or "", seed))
    picture(seed, size).save(path, pnginfo=info)
    return path


def write_many(folder: Path, count: int, prompts: int = 7, first: int = 1000) -> list[Path]:
    """Write ``count`` different PNGs, with seeds from ``first`` on, that share ``prompts`` prompts."""
    return [
        write_png(folder / f"{i:05d}.png", f"a thing of kind {i % prompts}, painted", seed=first + i)
        for i in range(count)
    ]

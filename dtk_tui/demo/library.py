"""The demo library: pictures drawn by the program itself, stored the way image generators store theirs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFilter

from dtk_tui.demo.catalogue import Picture, pictures
from dtk_tui.demo.scenes import SCENES
from dtk_tui.demo.scenes.canvas import Canvas
from dtk_tui.demo.writers import encode

# Subjects of which a crop is made: their first picture.
_CROPPED = (
    "dog",
    "cat",
    "owl",
    "aquarium",
    "butterfly",
    "sailing-boat",
    "mountain-lake",
    "waterfall",
    "lighthouse",
    "cabin",
    "bridge",
    "balloons",
    "bicycle",
    "rocket",
    "sunflowers",
    "teapot",
    "chess",
    "robot",
    "saturn",
    "pumpkins",
)
_ENDS = {".png": b"IEND\xaeB`\x82", ".jpg": b"\xff\xd9"}


@dataclass(frozen=True, slots=True)
class DemoCounts:
    """What a scan of the whole demo library must find.

    Attributes:
        images: files.
        with_prompt: files that carry generation parameters.
        unique_prompts: different positive prompts; ``unique_texts`` counts negative prompts too.
        groups: different generation parameters, pixel size aside; each has one representative.
        pairs: groups with more than one member (an original and its upscaled final).
        representatives: groups, and the files without a prompt, which stand for themselves.
    """

    images: int
    with_prompt: int
    unique_prompts: int
    unique_texts: int
    groups: int
    pairs: int
    representatives: int


@dataclass(frozen=True, slots=True)
class DemoQuery:
    """One search with the answers that are right.

    Each of the first three results must be in ``expected`` (file stems); ``expected`` names every picture of the
    subject, finals included, and holds at least three.
    """

    text: str
    expected: frozenset[str]


def _asking(text: str, *subjects: str) -> DemoQuery:
    return DemoQuery(text, frozenset(p.path.stem for p in pictures() if p.subject in subjects))


QUERIES: tuple[DemoQuery, ...] = (
    _asking("puppy playing outdoors", "dog"),
    _asking("kitten resting on the couch", "cat"),
    _asking("a vessel on the ocean in the evening", "sailing-boat"),
    _asking("fast red automobile", "sports-car"),
    _asking("a frozen winter figure with a hat", "snowman"),
    _asking("yellow blossoms in a jar", "sunflowers"),
    _asking("downtown skyscrapers after dark", "night-city"),
    _asking("friendly humanoid machine", "robot"),
    _asking("old locomotive", "steam-train"),
    _asking("airships carried by warm air", "balloons"),
)


def expected() -> DemoCounts:
    """Return what a scan of the whole library must count, derived from the catalogue."""
    everything = pictures()
    told = [p for p in everything if p.recipe is not None]
    prompts = {p.recipe.prompt for p in told if p.recipe}
    negatives = {p.recipe.negative_prompt for p in told if p.recipe and p.recipe.negative_prompt}
    groups = {p.group for p in told}
    return DemoCounts(
        images=len(everything),
        with_prompt=len(told),
        unique_prompts=len(prompts),
        unique_texts=len(prompts | negatives),
        groups=len(groups),
        pairs=len(told) - len(groups),
        representatives=len(groups) + len(everything) - len(told),
    )


def create(folder: Path, progress: Callable[[int, int], None] | None = None) -> list[Path]:
    """Write the demo library below ``folder`` and return all its files; what is there and whole is left alone.

    ``progress`` is called with (files done, files in all) after each one. Modification times are set to the days of
    the folders' names, so that "newest first" has a meaning. Raises OSError when the folder cannot be written.
    """
    everything = pictures()
    out: list[Path] = []
    for number, picture in enumerate(everything, 1):
        path = folder / picture.path
        if not _is_whole(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, file_bytes(picture), picture.made_at)
        out.append(path)
        if progress is not None:
            progress(number, len(everything))
    return out


def draw(picture: Picture) -> Image.Image:
    """Return the picture in RGB; a final comes out twice as large, resampled and slightly sharpened."""
    seed = picture.variant * 7919 + sum(picture.scene.encode())
    canvas = Canvas(picture.width, picture.height, seed, (1.0, 0.84, 0.94, 0.76)[picture.variant % 4])
    SCENES[picture.scene](canvas, picture.variant)
    image = canvas.finish(mood=picture.variant)
    if picture.upscaled:
        size = (picture.width * 2, picture.height * 2)
        image = image.resize(size, Image.Resampling.LANCZOS).filter(ImageFilter.UnsharpMask(1.5, 60, 2))
    return image


def file_bytes(picture: Picture) -> bytes:
    """Return the whole file of ``picture``; the same bytes each time with the same Pillow."""
    return encode(
        draw(picture),
        picture.container,
        picture.dialect,
        picture.recipe,
        prefix=picture.prefix,
        upscaled=picture.upscaled,
    )


def create_crops(folder: Path, out_folder: Path) -> list[tuple[Path, Path]]:
    """Write crops of twenty pictures of the library in ``folder``, and return pairs (crop, its original).

    A crop keeps 60 to 75 percent of the area, a little off the middle, and carries no metadata: an oblong picture is
    cut towards a square, a square one is trimmed all round. It is what a person cuts out of a picture and later wants
    to find the original of.
    """
    first: dict[str, Picture] = {}
    for picture in pictures():
        if not picture.upscaled:
            first.setdefault(picture.subject, picture)
    out_folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for number, subject in enumerate(_CROPPED):
        original = folder / first[subject].path
        path = out_folder / f"crop-of-{original.stem}.png"
        with Image.open(original) as image:
            _crop(image.convert("RGB"), number).save(path, "PNG")
        pairs.append((path, original))
    return pairs


def _crop(image: Image.Image, number: int) -> Image.Image:
    share = (0.62, 0.66, 0.70, 0.74)[number % 4]
    wide, high = share**0.5, share**0.5
    if image.width != image.height:
        wide, high = (share / 0.97, 0.97) if image.width > image.height else (0.97, share / 0.97)
    width, height = round(image.width * wide), round(image.height * high)
    left = round((image.width - width) * (0.4, 0.6, 0.45, 0.55)[number % 4])
    top = round((image.height - height) * (0.55, 0.45, 0.6, 0.5)[number % 4])
    return image.crop((left, top, left + width, top + height))


def _is_whole(path: Path) -> bool:
    """Return whether ``path`` holds a file that was written to its end."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            size = file.seek(0, os.SEEK_END)
            if path.suffix == ".webp":
                return head[:4] == b"RIFF" and int.from_bytes(head[4:8], "little") + 8 == size
            end = _ENDS[path.suffix]
            file.seek(max(0, size - len(end)))
            return file.read() == end
    except FileNotFoundError:
        return False


def _write(path: Path, data: bytes, made_at: float) -> None:
    """Write ``data`` under another name first: a file of the library is whole or not there."""
    handle, name = tempfile.mkstemp(prefix=".dtk-demo-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
        os.utime(name, (made_at, made_at))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

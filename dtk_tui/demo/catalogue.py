"""What the demo library holds: every picture with its place, its drawing and the generation parameters it claims."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from dtk_tui.demo.prompts import ANIMALS, FIGURES, LANDSCAPES, STILL_LIFES, TOWNS, VEHICLES, WITHOUT_METADATA
from dtk_tui.demo.series import DatedFolder, Series
from dtk_tui.demo.writers import Container, Dialect, Recipe

_FOLDERS = (ANIMALS, LANDSCAPES, TOWNS, VEHICLES, STILL_LIFES, FIGURES, WITHOUT_METADATA)


@dataclass(frozen=True, slots=True)
class Picture:
    """One file of the demo library.

    ``path`` is relative to the library; ``subject`` says what can be seen; ``width`` and ``height`` are what was asked
    for, a final (``upscaled``) has twice as many pixels each way; ``made_at`` is its modification time (Unix seconds).
    """

    path: PurePosixPath
    subject: str
    scene: str
    variant: int
    width: int
    height: int
    dialect: Dialect
    container: Container
    recipe: Recipe | None
    prefix: str
    upscaled: bool
    made_at: float

    @property
    def group(self) -> Recipe | None:
        """What an original and its final share: equal for two pictures made with the same generation parameters."""
        return self.recipe


@functools.cache
def pictures() -> tuple[Picture, ...]:
    """Return every picture of the library, originals and finals, oldest first."""
    out: list[Picture] = []
    number = 0
    for folder in _FOLDERS:
        for series in folder.series:
            for index in range(len(series.seeds)):
                number += 1
                original = _original(folder, series, index, number)
                out.append(original)
                if index in series.finals:
                    out.append(_final(original, number))
    return tuple(sorted(out, key=lambda p: (p.made_at, p.path)))


def _original(folder: DatedFolder, series: Series, index: int, number: int) -> Picture:
    settings, container = series.settings, series.containers[index % len(series.containers)]
    names = {"a1111": f"{number:05}-{series.subject}", "comfyui": f"{series.subject}_{number:05}_"}
    name = names.get(settings.dialect, f"{series.subject}-{index + 1}")
    width, height = series.sizes[index % len(series.sizes)]
    recipe = Recipe(
        prompt=series.prompt,
        negative_prompt=settings.negative_prompt,
        model=settings.model[0],
        model_hash=settings.model[1],
        sampler=settings.sampler[0],
        scheduler=settings.sampler[1],
        steps=settings.steps,
        cfg_scale=settings.cfg_scale,
        seed=series.seeds[index],
        width=width,
        height=height,
        clip_skip=settings.clip_skip,
        loras=series.loras,
    )
    day = datetime.strptime(folder.day, "%Y-%m-%d").replace(tzinfo=UTC)
    return Picture(
        path=PurePosixPath(folder.path) / f"{name}.{container}",
        subject=series.subject,
        scene=series.scene,
        variant=series.first_variant + index,
        width=width,
        height=height,
        dialect=settings.dialect,
        container=container,
        recipe=None if settings.dialect == "none" else recipe,
        prefix=series.subject,
        upscaled=False,
        made_at=(day + timedelta(hours=8, minutes=7 * number)).timestamp(),
    )


def _final(original: Picture, number: int) -> Picture:
    """Return the upscaled twin of ``original``: the same generation parameters, in the folder ``final``."""
    path = PurePosixPath("final") / f"{original.prefix}-{number:05}-final.{original.container}"
    return replace(original, path=path, upscaled=True, made_at=original.made_at + 3 * 86400)

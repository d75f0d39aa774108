"""What the demo library holds: every picture with its place, its drawing and the generation parameters it claims."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from dtk_tui.services.demo_dialects import Container, Dialect, Recipe
from dtk_tui.services.demo_prompts import SERIES, Series


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
    for series in SERIES:
        for index, seed in enumerate(series.seeds):
            number += 1
            original = _picture(series, index, seed, number)
            out.append(original)
            if index in series.finals:
                out.append(_final(original, number))
    return tuple(sorted(out, key=lambda p: (p.made_at, p.path)))


def _picture(series: Series, index: int, seed: int, number: int) -> Picture:
    container: Container = series.containers[index % len(series.containers)]
    name = f"{series.slug}_{number:05}_" if series.dialect == "comfyui" else f"{number:05}-{series.slug}"
    if series.dialect == "none":
        name = f"{series.slug}-{index + 1}"
    recipe = None
    if series.dialect != "none":
        recipe = Recipe(
            prompt=series.prompt,
            negative_prompt=series.negative_prompt,
            model=series.model[0],
            model_hash=series.model[1],
            sampler=series.sampler[0],
            scheduler=series.sampler[1],
            steps=series.steps,
            cfg_scale=series.cfg_scale,
            seed=seed,
            width=series.width,
            height=series.height,
            clip_skip=series.clip_skip,
            loras=series.loras,
        )
    day = datetime.strptime(series.day, "%Y-%m-%d").replace(tzinfo=UTC)
    return Picture(
        path=PurePosixPath(series.folder) / f"{name}.{container}",
        subject=series.subject,
        scene=series.scene,
        variant=series.first_variant + index,
        width=series.width,
        height=series.height,
        dialect=series.dialect,
        container=container,
        recipe=recipe,
        prefix=series.slug,
        upscaled=False,
        made_at=(day + timedelta(hours=10, minutes=7 * number)).timestamp(),
    )


def _final(original: Picture, number: int) -> Picture:
    """Return the upscaled twin of ``original``: the same generation parameters in the folder ``final``."""
    container: Container = "png" if original.dialect == "comfyui" else original.container
    return Picture(
        path=PurePosixPath("final") / f"{original.prefix}-{number:05}-final.{container}",
        subject=original.subject,
        scene=original.scene,
        variant=original.variant,
        width=original.width,
        height=original.height,
        dialect=original.dialect,
        container=container,
        recipe=original.recipe,
        prefix=original.prefix,
        upscaled=True,
        made_at=original.made_at + 86400 * 3,
    )

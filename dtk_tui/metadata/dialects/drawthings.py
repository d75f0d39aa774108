"""Draw Things: XMP with JSON in ``exif:UserComment`` and an infotext in ``dc:description``."""

from __future__ import annotations

import dataclasses
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters
from dtk_tui.metadata import json_parameters, values
from dtk_tui.metadata.dialects import automatic1111
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields
from dtk_tui.metadata.infotext.parameters import infotext_parameters

NAME = "drawthings"
_MARKS = frozenset({"uc", "seed_mode", "sampler", "strength", "v2", "mask_blur"})


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of a Draw Things picture, from its JSON, else from its infotext."""
    signed = fields.texts.get("CreatorTool", "").startswith("Draw Things")
    for source in json_parameters.objects(fields):
        if isinstance(source.get("c"), str) and (signed or len(_MARKS.intersection(source)) >= 3):
            return DialectReading(NAME, _parameters(source))
    info = automatic1111.find_infotext(fields) if signed else None
    return None if info is None else DialectReading(NAME, _described(infotext_parameters(info)))


def _described(found: GenerationParameters) -> GenerationParameters:
    """Return what the description says: its negative prompt is a last line that begins with a minus."""
    if found.denoising_strength == 1:
        found = dataclasses.replace(found, denoising_strength=None)
    positive, newline, last = (found.prompt or "").rpartition("\n")
    if newline and last.startswith("-"):
        return dataclasses.replace(found, prompt=positive.strip(), negative_prompt=last[1:].strip())
    return found


def _parameters(source: dict[str, Any]) -> GenerationParameters:
    """Return what the JSON says."""
    get = source.get
    more = get("v2")
    width, height = values.size(get("size"))
    if width is None and isinstance(more, dict):
        width, height = values.pixels(more.get("width")), values.pixels(more.get("height"))
    strength = values.number(get("strength"))
    return GenerationParameters(
        prompt=values.prompt(get("c")),
        negative_prompt=values.prompt(get("uc")) or "",
        steps=values.count(get("steps")),
        sampler=values.text(get("sampler")),
        cfg_scale=values.number(get("scale")),
        seed=values.seed(get("seed")),
        width=width,
        height=height,
        model=values.text(get("model")),
        clip_skip=values.count(get("clip_skip")),
        denoising_strength=None if strength is None or strength >= 1 else strength,
        upscaler=values.text(get("upscaler")),
        loras=json_parameters.listed_loras(get("lora"), ("model", "file")),
    )

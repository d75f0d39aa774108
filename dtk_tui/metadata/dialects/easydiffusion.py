"""Easy Diffusion: one PNG text a setting, JSON in EXIF or a sidecar, or lines ``Label: value`` in a .txt."""

from __future__ import annotations

import re
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, Lora
from dtk_tui.metadata import json_parameters, values
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields

_MARKS = ("use_stable_diffusion_model", "stable_diffusion_model")
_LINE = re.compile(r"^([A-Z][A-Za-z0-9 /-]{1,40}):[ \t]*(.*)$")
_ITEM = re.compile(r"'((?:[^'\\]|\\.){1,500})'|\"((?:[^\"\\]|\\.){1,500})\"|([^\s,\[\]'\"][^,\[\]]{0,500})")


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of an Easy Diffusion picture, in whichever of its forms."""
    source = _texts(fields)
    if source is None:
        plain = (json_parameters.plain_keys(found) for found in json_parameters.objects(fields))
        source = next((found for found in plain if _marked(found)), None)
    if source is None:
        text = fields.texts.get("parameters")
        source = _lines(text) if text and fields.is_sidecar else None
    return None if source is None else DialectReading("easydiffusion", _parameters(source))


def _marked(source: dict[str, Any]) -> bool:
    return any(mark in source for mark in _MARKS)


def _texts(fields: MetadataFields) -> dict[str, Any] | None:
    """Return the settings kept as texts of their own, under names or labels."""
    texts = fields.texts
    if "use_stable_diffusion_model" not in texts and "Stable Diffusion model" not in texts:
        return None
    return json_parameters.plain_keys(texts)


def _lines(text: str) -> dict[str, Any] | None:
    """Return the settings of a .txt sidecar; a line without a label goes on with the setting before.

    The first versions began with the prompt as it is, ended it with ``Width:`` and knew one model alone.
    """
    text = text.replace("\r\n", "\n")
    begin = text.find("\nWidth:")
    is_first = begin > 0 and not text.startswith("Prompt:") and "\nHeight:" in text and "\nGuidance Scale:" in text
    found: dict[str, Any] = {"prompt": text[:begin]} if is_first else {}
    last = ""
    for line in text[begin + 1 if is_first else 0 :].split("\n")[:2000]:
        if match := _LINE.match(line):
            last = match[1].lower().replace(" ", "_")
            found.setdefault(last, match[2])
        elif last:
            found[last] = f"{found[last]}\n{line}"
    return found if is_first or _marked(found) else None


def _parameters(source: dict[str, Any]) -> GenerationParameters:
    """Return the generation parameters of settings with plain keys."""
    pick = json_parameters.pick
    positive = values.prompt(pick(source, "prompt"))
    return GenerationParameters(
        prompt=positive,
        negative_prompt=values.prompt(pick(source, "negative_prompt")) or ("" if positive is not None else None),
        steps=values.count(pick(source, "num_inference_steps", "steps")),
        sampler=values.text(pick(source, "sampler_name", "sampler")),
        scheduler=values.text(pick(source, "scheduler_name", "scheduler")),
        cfg_scale=values.number(pick(source, "guidance_scale")),
        seed=values.seed(pick(source, "seed")),
        width=values.pixels(pick(source, "width")),
        height=values.pixels(pick(source, "height")),
        model=_file(pick(source, *_MARKS)),
        clip_skip=_clip_skip(pick(source, "clip_skip")),
        denoising_strength=values.number(pick(source, "prompt_strength")),
        vae=_file(pick(source, "use_vae_model", "vae_model")),
        upscaler=_file(pick(source, "use_upscale", "use_upscaling")),
        loras=_loras(pick(source, "use_lora_model", "lora_model"), pick(source, "lora_alpha", "lora_strength")),
    )


def _file(value: object) -> str | None:
    """Return the file name of a model: some versions wrote the whole path."""
    found = values.text(value)
    return re.split(r"[/\\]", found)[-1] or None if found else None


def _clip_skip(value: object) -> int | None:
    """Return clip skip; where it is a switch, on means that one layer is left out (clip skip 2)."""
    if value is True or value == "True":
        return 2
    return values.count(value) or None


def _loras(names: object, weights: object) -> tuple[Lora, ...]:
    """Return LoRAs from JSON lists, or texts that show Python lists or values with commas."""
    return json_parameters.paired_loras(_items(names), _items(weights))


def _items(value: object) -> list[object]:
    """Return the items of a list, however it is written."""
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        return [next(group for group in match.groups() if group).strip() for match in _ITEM.finditer(value[:20000])]
    return [] if value is None else [value]

"""Generation parameters kept as JSON: finding the objects of a file, reading one by the many spellings of its keys."""

from __future__ import annotations

from itertools import islice
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, Lora
from dtk_tui.metadata import values
from dtk_tui.metadata.fields import COMMENT_KEYS, MetadataFields

_MODEL = ("base_model", "base_model_name", "model", "model_name", "checkpoint", "ckpt_name")
_NESTED_DEPTH, _NESTED_LIMIT = 3, 100
KEYS = ("parameters", *COMMENT_KEYS, "xmp:UserComment", "0x9286")


def objects(fields: MetadataFields) -> list[dict[str, Any]]:
    """Return the JSON objects under the names that programs use for all of their parameters."""
    if "objects" not in fields.cache:
        texts = fields.texts
        keys = [key for key in KEYS if key in texts and (not texts[key] or texts[key].lstrip()[:1] == "{")]
        found = [value for key in keys if (value := fields.json(key)) is not None]
        fields.cache["objects"] = found + (_nested(found) if fields.is_sidecar else [])
    found_all: list[dict[str, Any]] = fields.cache["objects"]
    return found_all


def _nested(sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the objects with a prompt inside others: downloaders keep what a site says (``generation.meta``)."""
    found, pending = [], [(source, 0) for source in sources]
    for source, depth in pending:
        inner = [value for value in islice(source.values(), _NESTED_LIMIT) if isinstance(value, dict)]
        if depth < _NESTED_DEPTH and len(pending) < _NESTED_LIMIT:
            pending += [(value, depth + 1) for value in inner]
        if depth and isinstance(source.get("prompt"), str):
            found.append(source)
    return found


def plain_keys(source: dict[str, Any]) -> dict[str, Any]:
    """Return ``source`` with keys in lower case and single underscores, so that spellings of a key meet."""
    return {str(key).strip().lower().replace(" ", "_").replace("-", "_"): value for key, value in source.items()}


def pick(source: dict[str, Any], *names: str) -> Any:
    """Return the first value under one of ``names`` that is not None."""
    for name in names:
        value = source.get(name)
        if value is not None:
            return value
    return None


def parameters(source: dict[str, Any]) -> GenerationParameters:
    """Return the generation parameters of an object with plain keys, under the names that writers of JSON use."""
    width, height = values.pixels(pick(source, "width")), values.pixels(pick(source, "height"))
    if width is None or height is None:
        width, height = size_of(pick(source, "resolution", "size", "image_size"))
    positive = values.prompt(pick(source, "prompt", "positive_prompt", "positive", "positiveprompt"))
    negative = values.prompt(pick(source, "negative_prompt", "negative", "negativeprompt"))
    return GenerationParameters(
        prompt=positive,
        negative_prompt="" if negative is None and positive is not None else negative,
        steps=values.count(pick(source, "steps", "num_inference_steps")),
        sampler=values.text(pick(source, "sampler", "sampler_name")),
        scheduler=values.text(pick(source, "scheduler", "scheduler_name", "schedule_type")),
        cfg_scale=values.number(pick(source, "guidance_scale", "cfg_scale", "cfg", "cfgscale", "guidance")),
        seed=values.seed(pick(source, "seed")),
        width=width,
        height=height,
        model=next((found for name in _MODEL if (found := values.text(source.get(name)))), None),
        model_hash=values.text(pick(source, "base_model_hash", "model_hash")),
        clip_skip=values.count(pick(source, "clip_skip", "base_clip_skip", "clipskip")),
        denoising_strength=values.number(pick(source, "denoising_strength", "denoise", "strength")),
        vae=vae(pick(source, "vae", "vae_name")),
        upscaler=values.text(pick(source, "upscaler")),
    )


def size_of(value: object) -> tuple[int | None, int | None]:
    """Return (width, height) of ``"512x768"``, ``"(512, 768)"`` or ``[512, 768]``."""
    if isinstance(value, list) and len(value) == 2:
        return values.pixels(value[0]), values.pixels(value[1])
    return values.size(value)


def vae(value: object) -> str | None:
    """Return a VAE's name; "Default (model)" and "Automatic" are none."""
    found = values.text(value)
    return None if found is None or found.lower() in {"default (model)", "automatic", "default"} else found


def paired_loras(names: list[Any], weights: object) -> tuple[Lora, ...]:
    """Return LoRAs from a list of names and one of weights, which may be shorter."""
    given = weights if isinstance(weights, list) else []
    padded = [*given, *[None] * len(names)]
    return tuple(found for name, weight in zip(names, padded, strict=False) if (found := lora(name, weight)))


def listed_loras(items: object, names: tuple[str, ...], weight: str = "weight") -> tuple[Lora, ...]:
    """Return LoRAs from a list of objects that have the name under one of ``names``."""
    entries = [item for item in (items if isinstance(items, list) else []) if isinstance(item, dict)]
    return tuple(found for item in entries if (found := lora(pick(item, *names), item.get(weight))))


def lora(name: object, weight: object = None) -> Lora | None:
    """Return a LoRA, or None when it has no name."""
    found = values.text(name)
    return None if found is None else Lora(found, values.number(weight))

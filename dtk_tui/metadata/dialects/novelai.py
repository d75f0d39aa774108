"""NovelAI: ``Software: NovelAI`` and JSON in ``Comment`` (text chunks, EXIF, or the pixels); V4 nests its captions."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.parameters import GenerationParameters
from dtk_tui.metadata import json_parameters, values
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields

_KEYS = ("Comment", "UserComment", "parameters", "Description", "ImageDescription", "comment")
# Two of these together stand in no other program's JSON.
_MARKS = frozenset(
    {"uc", "uncond_scale", "noise_schedule", "v4_prompt", "sm_dyn", "signed_hash", "request_type", "n_samples"}
)

_CHARACTERS_LIMIT = 100


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of a NovelAI picture."""
    software = fields.texts.get("Software", "")
    for key in _KEYS:
        text = fields.texts.get(key)
        if text is None or (text and text.lstrip()[:1] != "{"):
            continue
        source = fields.json(key)
        if source is not None and (software.startswith("NovelAI") or len(_MARKS.intersection(source)) >= 2):
            return DialectReading("novelai", _parameters(source, fields))
    return None


def _parameters(source: dict[str, Any], fields: MetadataFields) -> GenerationParameters:
    """Return what the JSON says; the first versions kept the prompt in ``Description`` only."""
    positive = _caption(source, "prompt", "v4_prompt")
    if positive is None:
        positive = values.prompt(fields.texts.get("Description"))
    negative = _caption(source, "uc", "v4_negative_prompt")
    is_image = "img2img" in str(source.get("request_type", "")).lower()
    return GenerationParameters(
        prompt=positive,
        negative_prompt="" if negative is None and positive is not None else negative,
        steps=values.count(source.get("steps")),
        sampler=values.text(source.get("sampler")),
        scheduler=values.text(source.get("noise_schedule")),
        cfg_scale=values.number(json_parameters.pick(source, "scale", "cfg_scale")),
        seed=values.seed(source.get("seed")),
        width=values.pixels(source.get("width")),
        height=values.pixels(source.get("height")),
        model=values.text(fields.texts.get("Source")) or values.text(source.get("model")),
        denoising_strength=values.number(source.get("strength")) if is_image else None,
    )


def _caption(source: dict[str, Any], plain: str, nested: str) -> str | None:
    """Return a prompt: the plain field or the base caption of a V4 one, and below it a line for each character."""
    found = values.prompt(source.get(plain))
    outer = source.get(nested)
    caption = outer.get("caption") if isinstance(outer, dict) else None
    if not isinstance(caption, dict):
        return found
    if not found:
        base = values.prompt(caption.get("base_caption"))
        found = found if base is None else base
    listed = caption.get("char_captions")
    items = listed[:_CHARACTERS_LIMIT] if isinstance(listed, list) else []
    texts = [values.prompt(item.get("char_caption")) for item in items if isinstance(item, dict)]
    lines = [text for text in (found, *texts) if text]
    return "\n".join(lines) if lines else found

"""stable-diffusion.cpp: an infotext signed in ``Version``, newer ones with the same as JSON under ``SDCPP``."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.parameters import GenerationParameters
from dtk_tui.metadata import json_parameters, values
from dtk_tui.metadata.dialects import automatic1111
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields
from dtk_tui.metadata.infotext.parameters import infotext_parameters

NAME = "sdcpp"
_SCHEMA = "sdcpp.image.params/"


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of a picture by stable-diffusion.cpp, the JSON before the text where both stand."""
    for source in json_parameters.objects(fields):
        if str(source.get("schema", "")).startswith(_SCHEMA):
            return DialectReading(NAME, _parameters(source))
    info = automatic1111.find_infotext(fields)
    if info is None:
        return None
    if not ("SDCPP" in info.settings or info.settings.get("Version", "").startswith("stable-diffusion.cpp")):
        return None
    found = infotext_parameters(info)
    inner = values.json_object(info.settings.get("SDCPP", ""))
    if inner and not (found.prompt or found.negative_prompt):
        return DialectReading(NAME, _parameters(inner).with_defaults(found))
    return DialectReading(NAME, found.with_defaults(_unnamed(_parameters(inner))) if inner else found)


def _unnamed(found: GenerationParameters) -> GenerationParameters:
    """Return only what an infotext has no word for or leaves out."""
    return GenerationParameters(
        prompt=found.prompt,
        negative_prompt=found.negative_prompt,
        seed=found.seed,
        model=found.model,
        clip_skip=found.clip_skip,
        denoising_strength=found.denoising_strength,
        vae=found.vae,
        upscaler=found.upscaler,
        loras=found.loras,
    )


def _parameters(source: dict[str, Any]) -> GenerationParameters:
    """Return what the JSON (schema sdcpp.image.params/v1) says."""
    prompt, sampling, models = (_object(source, name) for name in ("prompt", "sampling", "models"))
    guidance, hires = _object(sampling, "guidance"), _object(source, "hires")
    strength = values.number(hires.get("denoising_strength") if hires else source.get("strength"))
    return GenerationParameters(
        prompt=values.prompt(prompt.get("positive")),
        negative_prompt=values.prompt(prompt.get("negative")),
        steps=values.count(sampling.get("steps")),
        sampler=values.text(sampling.get("method")),
        scheduler=values.text(sampling.get("scheduler")),
        cfg_scale=values.number(guidance.get("txt_cfg")),
        seed=values.seed(source.get("seed")),
        width=values.pixels(source.get("width")),
        height=values.pixels(source.get("height")),
        model=values.text(models.get("model")) or values.text(models.get("diffusion_model")),
        clip_skip=values.count(source.get("clip_skip")),
        denoising_strength=strength,
        vae=values.text(models.get("vae")),
        upscaler=values.text(hires.get("upscaler")),
        loras=json_parameters.listed_loras(source.get("loras"), ("name",), "multiplier"),
    )


def _object(source: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object under ``name``, an empty one when there is none."""
    value = source.get(name)
    return value if isinstance(value, dict) else {}

"""SwarmUI: ``sui_image_params`` in JSON, under ``parameters``, in a UserComment, in the pixels or in a sidecar."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, Lora
from dtk_tui.metadata import json_parameters, values
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields

_MARK = "sui_image_params"


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of a SwarmUI picture."""
    for source in json_parameters.objects(fields):
        params = source.get(_MARK)
        if isinstance(params, dict):
            return DialectReading("swarmui", _parameters(params, source.get("sui_models")))
    return None


def _parameters(params: dict[str, Any], models: object) -> GenerationParameters:
    """Return what ``sui_image_params`` say; hashes stand in the list ``sui_models`` by the name of the parameter."""
    get = params.get
    positive = values.prompt(get("prompt"))
    upscaler = values.text(get("refinerupscalemethod"))
    return GenerationParameters(
        prompt=positive,
        negative_prompt=values.prompt(get("negativeprompt")) or ("" if positive is not None else None),
        steps=values.count(get("steps")),
        sampler=values.text(json_parameters.pick(params, "sampler", "comfyuisampler", "comfy_sampler")),
        scheduler=values.text(json_parameters.pick(params, "scheduler", "comfyuischeduler", "comfy_scheduler")),
        cfg_scale=values.number(json_parameters.pick(params, "cfgscale", "cfg_scale")),
        seed=values.seed(get("seed")),
        width=values.pixels(get("width")),
        height=values.pixels(get("height")),
        model=values.text(get("model")),
        model_hash=_hash(models),
        clip_skip=_clip_skip(get("clipstopatlayer")),
        denoising_strength=values.number(
            json_parameters.pick(params, "initimagecreativity", "refinercontrolpercentage")
        ),
        vae=json_parameters.vae(get("vae")),
        upscaler=upscaler.removeprefix("model-") if upscaler else None,
        loras=_loras(get("loras"), get("loraweights")),
    )


def _hash(models: object) -> str | None:
    """Return the hash of the base model."""
    if isinstance(models, list):
        for item in models:
            if isinstance(item, dict) and item.get("param") == "model":
                return values.text(item.get("hash"))
    return None


def _clip_skip(layer: object) -> int | None:
    """Return clip skip from "stop at layer" (-2 leaves one out, as clip skip 2 does)."""
    found = values.whole(layer, -24, -1)
    return None if found is None else -found


def _loras(names: object, weights: object) -> tuple[Lora, ...]:
    """Return LoRAs from two lists, or from two texts with commas as early versions wrote them."""
    if isinstance(names, str):
        names = names.split(",")
    if isinstance(weights, str):
        weights = weights.split(",")
    if not isinstance(names, list):
        return ()
    return json_parameters.paired_loras(names, weights)

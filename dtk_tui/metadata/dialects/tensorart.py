"""Tensor.Art: JSON in ``generation_data`` (a seed of "-1" stands in the graph only) beside a ComfyUI graph."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, Lora
from dtk_tui.metadata import json_parameters, values
from dtk_tui.metadata.dialects import comfyui
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of a Tensor.Art picture; what they lack comes from the graph."""
    source = fields.json("generation_data")
    if not source:
        return None
    found = _parameters(source)
    graph = comfyui.find_graph(fields)
    return DialectReading(
        "tensorart", found.with_defaults(comfyui.parameters(graph, fields.file_name)) if graph else found
    )


def _parameters(source: dict[str, Any]) -> GenerationParameters:
    """Return what ``generation_data`` says."""
    get = source.get
    base = get("baseModel")
    model = base if isinstance(base, dict) else {}
    positive = values.prompt(get("prompt"))
    return GenerationParameters(
        prompt=positive,
        negative_prompt=values.prompt(get("negativePrompt")) or ("" if positive is not None else None),
        steps=values.count(get("steps")),
        sampler=values.text(json_parameters.pick(source, "ksamplerName", "samplerName", "sampler")),
        scheduler=values.text(json_parameters.pick(source, "schedule", "scheduler")),
        cfg_scale=values.number(get("cfgScale")),
        seed=values.seed(get("seed")),
        width=values.pixels(get("width")),
        height=values.pixels(get("height")),
        model=values.text(json_parameters.pick(model, "modelFileName", "label")),
        model_hash=values.text(model.get("hash")),
        clip_skip=values.count(get("clipSkip")),
        vae=json_parameters.vae(get("sdVae")),
        loras=_loras(get("models")),
    )


def _loras(items: object) -> tuple[Lora, ...]:
    """Return the LoRAs among the further models."""
    models = [item for item in (items if isinstance(items, list) else []) if isinstance(item, dict)]
    loras = [item for item in models if "LORA" in str(item.get("type", "LORA")).upper()]
    return json_parameters.listed_loras(loras, ("modelFileName", "label"))

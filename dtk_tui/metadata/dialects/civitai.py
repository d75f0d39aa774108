"""Civitai's generator: a ComfyUI graph with the request beside it, as a JSON text in ``extraMetadata``."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.parameters import GenerationParameters
from dtk_tui.metadata import json_parameters, values
from dtk_tui.metadata.dialects import comfyui
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields


def read(fields: MetadataFields) -> DialectReading | None:
    """Return what the graph says, filled up from the request (all there is where the graph only upscales)."""
    source = _request(fields)
    if source is None:
        return None
    request = _parameters(source)
    graph = comfyui.find_graph(fields)
    drawn = comfyui.parameters(graph, fields.file_name) if graph else None
    if drawn is None or not drawn.prompt:
        return DialectReading("civitai", request)
    return DialectReading("civitai", drawn.with_defaults(request))


def _request(fields: MetadataFields) -> dict[str, Any] | None:
    """Return the request, from a text of its own or from inside the graph."""
    if "extraMetadata" in fields.texts:
        return fields.json("extraMetadata")
    for key in ("prompt", *json_parameters.KEYS):
        text = fields.texts.get(key)
        if text is not None and (not text or "extraMetadata" in text):
            inner = (fields.json(key) or {}).get("extraMetadata")
            if isinstance(inner, str):
                return values.json_object(inner)
            if isinstance(inner, dict):
                return inner
    return None


def _parameters(source: dict[str, Any]) -> GenerationParameters:
    """Return what the request says; its ``baseModel`` is a family of models, not a model."""
    get = source.get
    positive = values.prompt(get("prompt"))
    return GenerationParameters(
        prompt=positive,
        negative_prompt=values.prompt(get("negativePrompt")) or ("" if positive is not None else None),
        steps=values.count(get("steps")),
        sampler=values.text(get("sampler")),
        scheduler=values.text(get("scheduler")),
        cfg_scale=values.number(get("cfgScale")),
        seed=values.seed(get("seed")),
        width=values.pixels(get("width")),
        height=values.pixels(get("height")),
        clip_skip=values.count(get("clipSkip")),
        denoising_strength=values.number(get("denoise")),
    )

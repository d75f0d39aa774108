"""Tensor.Art: JSON in ``generation_data`` (a seed of "-1" stands in the graph only) beside a ComfyUI graph."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, Lora
from dtk_tui.metadata import values
from dtk_tui.metadata.dialects import comfyui, jsontext
from dtk_tui.metadata.evidence import Evidence, Found


def read(evidence: Evidence) -> Found | None:
    """Return the parameters of a Tensor.Art picture; what they lack comes from the graph."""
    source = evidence.json("generation_data")
    if not source:
        return None
    found = _parameters(source)
    graph = comfyui.find(evidence)
    return Found("tensorart", comfyui.merge(found, comfyui.parameters(graph)) if graph else found)


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
        sampler=values.text(jsontext.pick(source, "ksamplerName", "samplerName", "sampler")),
        scheduler=values.text(jsontext.pick(source, "schedule", "scheduler")),
        cfg_scale=values.number(get("cfgScale")),
        seed=values.seed(get("seed")),
        width=values.pixels(get("width")),
        height=values.pixels(get("height")),
        model=values.text(jsontext.pick(model, "modelFileName", "label")),
        model_hash=values.text(model.get("hash")),
        clip_skip=values.count(get("clipSkip")),
        vae=jsontext.vae(get("sdVae")),
        loras=_loras(get("models")),
    )


def _loras(items: object) -> tuple[Lora, ...]:
    """Return the LoRAs among the further models."""
    found = []
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and "LORA" in str(item.get("type", "LORA")).upper():
            lora = jsontext.lora(jsontext.pick(item, "modelFileName", "label"), item.get("weight"))
            if lora is not None:
                found.append(lora)
    return tuple(found)

"""Spaces on Hugging Face and other scripts that keep a plain JSON object of parameters, or a text for each."""

from __future__ import annotations

from typing import Any

from dtk_tui.metadata import json_parameters
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields

_SETTINGS = (
    "seed", "steps", "num_inference_steps", "guidance_scale", "cfg_scale", "cfg", "sampler", "sampler_name",
    "scheduler", "model", "model_name", "model_hash", "resolution", "width", "height", "negative_prompt",
)  # fmt: skip


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of an object that has a prompt and at least three settings of a generator."""
    texts = [fields.texts] if "prompt" in fields.texts and len(fields.texts) > 3 else []
    for source in (*json_parameters.objects(fields), *texts):
        plain = json_parameters.plain_keys(source)
        if isinstance(plain.get("model"), dict):
            # Animagine XL's spaces keep name and hash of the model in an object of their own.
            inner = json_parameters.plain_keys(plain["model"])
            plain |= {name: inner.get(name) for name in ("model", "model_hash")}
        if _is_parameters(plain):
            diffusers = "num_inference_steps" in plain or "guidance_scale" in plain
            return DialectReading("huggingface" if diffusers else "json", json_parameters.parameters(plain))
    return None


def _is_parameters(plain: dict[str, Any]) -> bool:
    """Return whether the object can only be generation parameters."""
    if not isinstance(plain.get("prompt"), str):
        return False
    return sum(1 for name in _SETTINGS if isinstance(plain.get(name), (str, int, float))) >= 3

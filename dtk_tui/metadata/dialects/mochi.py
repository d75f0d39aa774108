"""Mochi Diffusion: one line of ``Label: value; `` in the IPTC caption, which is the description of PNG and XMP."""

from __future__ import annotations

from dtk_tui.domain.parameters import GenerationParameters
from dtk_tui.metadata import values
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields

NAME = "mochi"
_KEYS = ("Caption", "Description", "ImageDescription", "UserComment", "parameters")
_SIGNATURE = "Generator: Mochi Diffusion"
# In the order of the writer. Any of them may have been left out, and a prompt may hold semicolons.
_LABELS = (
    "Include in Image", "Exclude from Image", "Model", "Steps", "Guidance Scale", "Seed", "Size", "Upscaler", "Quality",
    "Starting Image", "ControlNet Image", "Input Images", "Scheduler", "ML Compute Unit", "Generator",
)  # fmt: skip


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of a picture by Mochi Diffusion."""
    for key in _KEYS:
        text = fields.texts.get(key)
        if text and _SIGNATURE in text:
            return DialectReading(NAME, _parameters(_labelled(text)))
    return None


def _labelled(line: str) -> dict[str, str]:
    """Return the values by label, from the end of the line on."""
    rest = f"; {line}"
    found = {}
    for label in reversed(_LABELS):
        before, separator, value = rest.rpartition(f"; {label}: ")
        if separator:
            found[label] = value
            rest = before
    return found


def _parameters(found: dict[str, str]) -> GenerationParameters:
    """Return what the line says; what Mochi Diffusion calls scheduler names the sampler."""
    get = found.get
    width, height = values.size(get("Size"))
    positive = values.prompt(get("Include in Image"))
    return GenerationParameters(
        prompt=positive,
        negative_prompt=values.prompt(get("Exclude from Image")) or ("" if positive is not None else None),
        steps=values.count(get("Steps")),
        sampler=values.text(get("Scheduler")),
        cfg_scale=values.number(get("Guidance Scale")),
        seed=values.seed(get("Seed")),
        width=width,
        height=height,
        model=values.text(get("Model")),
        upscaler=values.text(get("Upscaler")),
    )

"""mflux: JSON with ``mflux_version`` in EXIF or beside the picture, and properties of its own in XMP."""

from __future__ import annotations

import dataclasses
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, Lora
from dtk_tui.metadata import json_parameters, values
from dtk_tui.metadata.containers import xmp
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of an mflux picture."""
    for source in json_parameters.objects(fields):
        if "mflux_version" in source:
            return DialectReading("mflux", _parameters(source))
    if fields.texts.get("CreatorTool", "").startswith("MFLUX"):
        packet = fields.first("XML:com.adobe.xmp", "xmp") or ""
        named = {name: xmp.element(packet, f"mflux:{name}") for name in ("seed", "steps", "guidance", "model")}
        return DialectReading("mflux", json_parameters.parameters({**named, "prompt": fields.texts.get("Description")}))
    return None


def _parameters(source: dict[str, Any]) -> GenerationParameters:
    """Return what the JSON says."""
    strength = values.number(source.get("image_strength"))
    paths, scales = source.get("lora_paths"), source.get("lora_scales")
    loras = json_parameters.paired_loras(paths if isinstance(paths, list) else [], scales)
    named = tuple(Lora(lora.name.rpartition("/")[2] or lora.name, lora.weight) for lora in loras)
    found = json_parameters.parameters(source)
    # The base model is the family that a custom model belongs to.
    model = values.text(source.get("model")) or found.model
    return dataclasses.replace(found, model=model, denoising_strength=strength, loras=named)

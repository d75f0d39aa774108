"""mflux: JSON with ``mflux_version`` in EXIF or beside the picture, and properties of its own in XMP."""

from __future__ import annotations

import dataclasses
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, Lora
from dtk_tui.metadata import values
from dtk_tui.metadata.containers import xmp
from dtk_tui.metadata.dialects import jsontext
from dtk_tui.metadata.evidence import Evidence, Found


def read(evidence: Evidence) -> Found | None:
    """Return the parameters of an mflux picture."""
    for source in jsontext.objects(evidence):
        if "mflux_version" in source:
            return Found("mflux", _parameters(source))
    if evidence.texts.get("CreatorTool", "").startswith("MFLUX"):
        packet = evidence.first("XML:com.adobe.xmp", "xmp") or ""
        named = {name: xmp.element(packet, f"mflux:{name}") for name in ("seed", "steps", "guidance", "model")}
        return Found("mflux", jsontext.parameters({**named, "prompt": evidence.texts.get("Description")}))
    return None


def _parameters(source: dict[str, Any]) -> GenerationParameters:
    """Return what the JSON says."""
    strength = values.number(source.get("image_strength"))
    paths, scales = source.get("lora_paths"), source.get("lora_scales")
    names = paths if isinstance(paths, list) else []
    given = scales if isinstance(scales, list) else []
    padded = [*given, *[None] * len(names)]
    loras = [jsontext.lora(path, scale) for path, scale in zip(names, padded, strict=False)]
    named = tuple(Lora(lora.name.rpartition("/")[2] or lora.name, lora.weight) for lora in loras if lora)
    return dataclasses.replace(jsontext.parameters(source), denoising_strength=strength, loras=named)

"""StabilityMatrix: an infotext, the same as JSON, a project file and a ComfyUI graph side by side in one PNG."""

from __future__ import annotations

import dataclasses

from dtk_tui.metadata.dialects import comfyui, infotext, jsontext
from dtk_tui.metadata.evidence import Evidence, Found


def read(evidence: Evidence) -> Found | None:
    """Return what the infotext says, filled up from the JSON; the graph adds what neither has a word for."""
    if "smproj" not in evidence.texts and "parameters-json" not in evidence.texts:
        return None
    text = evidence.texts.get("parameters")
    info = infotext.parse(text) if text else None
    source = evidence.json("parameters-json")
    if info is None and source is None:
        return None
    found = infotext.parameters(info) if info else None
    if source is not None:
        named = {"modelname": "model", "modelhash": "model_hash"}
        plain = {named.get(key.lower(), key.lower()): value for key, value in source.items()}
        listed = jsontext.parameters(plain)
        found = comfyui.merge(found, listed) if found else listed
    assert found is not None
    graph = comfyui.find(evidence)
    if graph is not None:
        drawn = comfyui.parameters(graph)
        found = dataclasses.replace(
            found,
            loras=found.loras or drawn.loras,
            vae=found.vae or drawn.vae,
            upscaler=found.upscaler or drawn.upscaler,
            clip_skip=found.clip_skip or drawn.clip_skip,
        )
    return Found("stabilitymatrix", found)

"""StabilityMatrix: an infotext, the same as JSON, a project file and a ComfyUI graph side by side in one PNG."""

from __future__ import annotations

import dataclasses

from dtk_tui.metadata import json_parameters
from dtk_tui.metadata.dialects import comfyui
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields
from dtk_tui.metadata.infotext.parameters import infotext_parameters
from dtk_tui.metadata.infotext.parser import parse_infotext


def read(fields: MetadataFields) -> DialectReading | None:
    """Return what the infotext says, filled up from the JSON; the graph adds what neither has a word for."""
    if "smproj" not in fields.texts and "parameters-json" not in fields.texts:
        return None
    text = fields.texts.get("parameters")
    info = parse_infotext(text) if text else None
    source = fields.json("parameters-json")
    if info is None and source is None:
        return None
    found = infotext_parameters(info) if info else None
    if source is not None:
        named = {"modelname": "model", "modelhash": "model_hash"}
        plain = {named.get(key.lower(), key.lower()): value for key, value in source.items()}
        listed = json_parameters.parameters(plain)
        found = found.with_defaults(listed) if found else listed
    assert found is not None
    graph = comfyui.find_graph(fields)
    if graph is not None:
        drawn = comfyui.parameters(graph, fields.file_name)
        found = dataclasses.replace(
            found,
            loras=found.loras or drawn.loras,
            vae=found.vae or drawn.vae,
            upscaler=found.upscaler or drawn.upscaler,
            clip_skip=found.clip_skip or drawn.clip_skip,
        )
    return DialectReading("stabilitymatrix", found)

"""Fooocus and its relatives (MRE, Plus, RuinedFooocus): JSON in the scheme ``fooocus``, an infotext in ``a1111``."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from dtk_tui.domain.parameters import Lora
from dtk_tui.metadata import json_parameters, values
from dtk_tui.metadata.dialects import automatic1111
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields
from dtk_tui.metadata.infotext.parameters import infotext_parameters

NAME = "fooocus"
# One of these beside a base model is enough; no other program has them.
_MARKS = frozenset({
    "metadata_scheme", "adm_guidance", "prompt_expansion", "fooocus_v2_expansion", "performance", "sharpness",
    "refiner_switch", "real_prompt", "base_model_name", "styles",
})  # fmt: skip
_COMBINED = re.compile(r"(.{1,500}?)\s*:\s*(-?\d+(?:\.\d+)?)\s*$", re.DOTALL)
_WEIGHT_FIRST = re.compile(r"(-?\d+(?:\.\d+)?)\s*-\s*(.{1,500})$", re.DOTALL)
_LORA_KEY = re.compile(r"lora(?:_combined)?_\d{1,2}$")


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of a Fooocus picture, in either scheme."""
    for source in json_parameters.objects(fields):
        plain = json_parameters.plain_keys(source)
        if is_fooocus(plain) or ("prompt" in plain and _signed(fields)):
            return DialectReading(NAME, parameters(plain))
    info = automatic1111.find_infotext(fields)
    if info is not None and (_signed(fields) or "Fooocus" in info.settings.get("Version", "")):
        found = infotext_parameters(info)
        weights = info.settings.get("Lora weights", "")
        named = tuple(Lora(name, weight) for name, weight in _pairs(weights))
        return DialectReading(
            NAME, dataclasses.replace(found, vae=json_parameters.vae(found.vae), loras=named or found.loras)
        )
    return None


def _signed(fields: MetadataFields) -> bool:
    """Return whether the file names Fooocus beside its text."""
    return "fooocus_scheme" in fields.texts or fields.texts.get("Software", "").startswith("Fooocus")


def is_fooocus(plain: dict[str, Any]) -> bool:
    """Return whether an object with plain keys is Fooocus'."""
    software = str(plain.get("software") or plain.get("version") or "")
    if "fooocus" in software.lower():
        return "prompt" in plain
    has_model = "base_model" in plain or "base_model_name" in plain
    return has_model and "prompt" in plain and bool(_MARKS.intersection(plain))


def parameters(plain: dict[str, Any]) -> Any:
    """Return the generation parameters of an object with plain keys."""
    return dataclasses.replace(json_parameters.parameters(plain), loras=_loras(plain))


def _loras(plain: dict[str, Any]) -> tuple[Lora, ...]:
    """Return LoRAs: lists of [name, weight, hash], of [hash, "weight - name"], or numbered texts "name : weight"."""
    found = []
    items = plain.get("loras")
    for item in items if isinstance(items, list) else []:
        if isinstance(item, list) and len(item) >= 2 and isinstance(item[0], str):
            if isinstance(item[1], str) and (match := _WEIGHT_FIRST.match(item[1])):
                found.append(Lora(match[2].strip(), values.number(match[1])))
            else:
                found.append(Lora(item[0], values.number(item[1])))
    if not found:
        for key, value in plain.items():
            if _LORA_KEY.match(key) and isinstance(value, str) and (match := _COMBINED.match(value)):
                found.append(Lora(match[1], values.number(match[2])))
    return tuple(lora for lora in found if lora.name not in ("None", ""))


def _pairs(text: str) -> list[tuple[str, float | None]]:
    """Return (name, weight) from ``name: weight, name: weight``."""
    parts = (part.rpartition(":") for part in text.split(",") if ":" in part)
    return [(name.strip(), values.number(weight)) for name, _, weight in parts if name.strip()]

"""Text nodes of ComfyUI-Lora-Manager: prompts with trigger words before them, of which some are switched off.

As py/nodes/prompt.py and py/nodes/trigger_word_toggle.py of github.com/willmiao/ComfyUI-Lora-Manager work them out.
"""

from __future__ import annotations

import re
from typing import Any

from dtk_tui.metadata import values
from dtk_tui.metadata.comfy.computing.node_inputs import NodeInputs
from dtk_tui.metadata.comfy.computing.undecidable import UndecidableError

_TRIGGER_INPUT = re.compile(r"trigger_words\d*$")
# Wildcards and choices are drawn when the graph runs.
_DRAWN = re.compile(r"__[^\s]+__|\{[^{}]*\|[^{}]*\}|\{\d+\$\$")
_WEIGHTED = re.compile(r"\((.+):([\d.]+)\)")


def prompt(inputs: NodeInputs) -> object:
    """Return the prompt that ``Prompt (LoraManager)`` encodes."""
    words = [inputs.text(name) for name in inputs.names("trigger_words") if _TRIGGER_INPUT.match(name)]
    return ", ".join([*(word for word in words if word), drawn(inputs)])


def drawn(inputs: NodeInputs) -> str:
    """Return a text about which no lots are drawn."""
    text = inputs.text("text")
    if _DRAWN.search(text):
        raise UndecidableError
    return text


def toggled_words(inputs: NodeInputs) -> object:
    """Return the trigger words that are switched on in ``TriggerWord Toggle (LoraManager)``."""
    listed = _unwrapped(inputs.raw("toggle_trigger_words"))
    if isinstance(listed, str) and listed:
        listed = values.json_value(listed)
    if not listed:
        message = _unwrapped(inputs.raw("orinalMessage"))
        return message if isinstance(message, str) else inputs.text("trigger_words", "")
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise UndecidableError
    has_strength = inputs.raw("allow_strength_adjustment") is True
    is_grouped = inputs.raw("group_mode") is not False
    found = []
    for item in listed:
        text, strength = _word(item, is_plain=is_grouped and not has_strength and "items" not in item)
        if not text or not item.get("active"):
            continue
        if is_grouped and isinstance(item.get("items"), list):
            inner = [
                _word(one, is_plain=False)[0] for one in item["items"] if isinstance(one, dict) and one.get("active")
            ]
            text = ", ".join(part for part in inner if part)
            if not text:
                continue
        found.append(f"({text}:{strength:.2f})" if has_strength and strength is not None else text)
    return ", ".join(found)


def _word(item: dict[str, Any], *, is_plain: bool) -> tuple[str, float | None]:
    """Return a word without the weight that stands around it, and its strength."""
    given = item.get("text")
    text = given.strip() if isinstance(given, str) else ""
    strength = values.number(item.get("strength"))
    if not is_plain and (match := _WEIGHTED.fullmatch(text[:2000])):
        return match[1].strip(), values.number(match[2]) if strength is None else strength
    return text, strength


def _unwrapped(value: object) -> object:
    return value["__value__"] if isinstance(value, dict) and "__value__" in value else value

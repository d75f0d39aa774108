"""Strict reading of the single values that metadata holds: numbers, seeds, sizes, texts, LoRAs, JSON."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from dtk_tui.domain.parameters import Lora

INT32_MAX = 2**31 - 1
SEED_MAX = 2**64 - 1
JSON_LIMIT_CHARS = 32 * 1024 * 1024

_INT = re.compile(r"[+-]?\d{1,20}(?:\.0{1,20})?")
_FLOAT = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?")
_SIZE = re.compile(r"\s*\(?\s*(\d{1,6})\s*[xX×,]\s*(\d{1,6})(?!\d)")
_LORA = re.compile(r"<(?:lora|lyco):([^:<>\n]{1,300})((?::[^:<>\n]{0,40}){0,4})>")
_LINE_END = re.compile(r"\r\n?")
#: What writers put where they have nothing to say.
_NOTHING = frozenset({"None", "null", "undefined", "unknown", "Unknown"})


def whole(value: object, low: int, high: int) -> int | None:
    """Return ``value`` as an int within low..high, or None for anything that is not exactly a whole number."""
    if isinstance(value, str):
        text = value.strip()
        if text.isdecimal() and len(text) <= 20:
            found = int(text)
        elif _INT.fullmatch(text):
            found = int(text.partition(".")[0])
        else:
            return None
    elif isinstance(value, float):
        if not math.isfinite(value) or not value.is_integer():
            return None
        found = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        found = value
    else:
        return None
    return found if low <= found <= high else None


def count(value: object) -> int | None:
    """Return a count (steps, pixels, clip skip) that fits a signed 32-bit column, or None."""
    return whole(value, 0, INT32_MAX)


def pixels(value: object) -> int | None:
    """Return a picture side in pixels (at least 1), or None."""
    return whole(value, 1, INT32_MAX)


def seed(value: object) -> int | None:
    """Return an unsigned 64-bit seed; "-1" and everything else out of range is unknown."""
    return whole(value, 0, SEED_MAX)


def number(value: object) -> float | None:
    """Return a finite float, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        if not _FLOAT.fullmatch(text):
            return None
        value = float(text)
    if isinstance(value, int):
        if abs(value) > 2**1000:
            return None
        value = float(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    return None


def text(value: object) -> str | None:
    """Return a stripped, non-empty text, or None; words that writers use for nothing count as nothing."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    stripped = value.strip()
    return stripped if stripped and stripped not in _NOTHING else None


def prompt(value: object) -> str | None:
    """Return a prompt text with plain line ends and without the white space around it; "" stays ""."""
    if not isinstance(value, str):
        return None
    return (_LINE_END.sub("\n", value) if "\r" in value else value).strip().strip("\0").strip()


def size(value: object) -> tuple[int | None, int | None]:
    """Return (width, height) from texts such as ``512x768`` or ``(1024, 1024)``, (None, None) otherwise."""
    if isinstance(value, str) and (match := _SIZE.match(value)):
        return pixels(match[1]), pixels(match[2])
    return None, None


def _no_constant(_name: str) -> None:
    return None


_DECODER = json.JSONDecoder(parse_constant=_no_constant, strict=False)


def json_object(source: str) -> dict[str, Any] | None:
    """Return the JSON object at the start of ``source`` or None; NaN becomes None, bytes after the object are ignored.

    Texts over 32 M characters and nesting too deep for a graph or a parameter list are refused.
    """
    value = json_value(source)
    return value if isinstance(value, dict) else None


def json_value(source: str) -> Any:
    """Return the JSON object or list at the start of ``source``, or None when there is none."""
    start = source.lstrip("\ufeff \t\r\n\0")
    if not start or start[0] not in "{[" or len(start) > JSON_LIMIT_CHARS:
        return None
    try:
        return _DECODER.raw_decode(start)[0]
    except (ValueError, RecursionError):
        return None


def json_end(source: str, start: int) -> int | None:
    """Return where the JSON value that begins at ``start`` ends, or None when it is not JSON."""
    try:
        return _DECODER.raw_decode(source, start)[1]
    except (ValueError, RecursionError):
        return None


def json_string(source: str) -> str | None:
    """Return the text of a JSON string literal, or None when ``source`` is not one."""
    try:
        value = _DECODER.decode(source)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, str) else None


def loras(prompt: str) -> tuple[Lora, ...]:
    """Return the LoRAs that a prompt calls as ``<lora:name:weight>`` or ``<lora:name:text encoder:unet>``."""
    if "<l" not in prompt:
        return ()
    found = []
    for match in _LORA.finditer(prompt):
        weights: list[float | None] = []
        clip: float | None = None
        for part in match[2].split(":")[1:]:
            name, equals, value = part.partition("=")
            if not equals:
                weights.append(number(name))
            elif name.strip() == "te":
                clip = number(value)
            elif name.strip() == "unet":
                weights.append(number(value))
        if len(weights) > 1:
            clip, weights = weights[0], weights[1:]
        found.append(Lora(match[1].strip(), weights[0] if weights else None, clip))
    return tuple(found)

"""Format strings that a graph holds, filled in as ``str.format`` does: no attributes, and no width without an end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from string import Formatter

from dtk_tui.metadata.comfy.computing.undecidable import UndecidableError

_FIELD = re.compile(r"([^.\[\]]*)((?:\[[^\]]+\])*)")
_INDEX = re.compile(r"\[([^\]]+)\]")
_LONG_NUMBER = re.compile(r"\d{4}")
_RESULT_CHARS = 1_000_000
_CONVERSIONS: dict[str | None, Callable[[object], object]] = {
    None: lambda value: value, "s": str, "r": repr, "a": ascii,
}  # fmt: skip


def formatted(template: str, values: Mapping[str, object]) -> str:
    """Return ``template.format(**values)``.

    Raises:
        UndecidableError: that would fail, or its result is too long, or it asks for what a value is made of.
    """
    try:
        return _filled(template, values, depth=2)
    except (ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise UndecidableError from error


def _filled(template: str, values: Mapping[str, object], depth: int) -> str:
    if depth <= 0:
        raise ValueError("formats within formats within formats")
    parts: list[str] = []
    size = 0
    for literal, name, spec, conversion in Formatter().parse(template):
        part = literal
        if name is not None:
            width = _filled(spec, values, depth - 1) if spec else ""
            if _LONG_NUMBER.search(width):
                raise OverflowError("a wide format")
            part += format(_CONVERSIONS[conversion](_looked_up(name, values)), width)
        size += len(part)
        if size > _RESULT_CHARS:
            raise OverflowError("too long")
        parts.append(part)
    return "".join(parts)


def _looked_up(name: str, values: Mapping[str, object]) -> object:
    """Return the value of a field such as ``a`` or ``a[0]``."""
    match = _FIELD.fullmatch(name)
    if match is None:
        raise ValueError("an attribute")
    value = values[match[1]]
    for index in _INDEX.findall(match[2]):
        if not isinstance(value, str) or not index.isdecimal():
            raise TypeError("no such part")
        value = value[int(index)]
    return value

"""What is wrong with a setting, in a sentence that says what belongs there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from math import isnan
from typing import Any

from msgspec import ValidationError

from dtk_tui.text import one_line

#: What is said of a value and of the name of a setting is cut there: a file may hold anything.
_SENTENCE_LIMIT, _KEY_LIMIT = 300, 100
#: More faults than that are no use to anyone.
_FAULTS_LIMIT = 100
#: What a value that must look a certain way looks like, by section and name.
_EXAMPLES = {
    "worker.auto_pause": 'hours belong here, like "09:00-17:00"',
    "captions.base_url": 'an address belongs here, like "http://127.0.0.1:8000/v1"',
    "captions.language": 'the name of a language belongs here, in small letters, like "english"',
    "captions.length": "any, very short, short, medium-length, long, very long, or a number of words belongs here",
}
_TYPES = {
    "array": 'a list belongs here: ["one", "two"]',
    "int": "a whole number belongs here, like 4",
    "float": "a number belongs here, like 0.5",
    "bool": "true or false belongs here",
    "str": 'text belongs here, in quotes: "..."',
    "object": "a table belongs here: { name = value }",
}
#: What a list looks like that is none of texts of any kind, by section and name.
_LISTS = {
    "worker.devices": "[0, 1]",
    "captions.devices": "[0, 1]",
    "hooks.work_ended": '["program", "argument"]',
    "hooks.often_failed": '["program", "argument"]',
}
#: Tables whose names a person chooses; a dot in one makes a table within the table, which is nobody's intention.
_NAMED_BY_PEOPLE = ("keys", "captions.templates", "paths.map", "tags.thresholds")
_SECTION = "a section belongs here, with a setting a line"
_BOUNDS = {
    ">=": "it is too small; {} is the least",
    ">": "it is too small; it must be more than {}",
    "<=": "it is too large; {} is the most",
    "<": "it is too large; it must be less than {}",
}
_LENGTHS = {
    ("array", ">="): "the list is empty; name at least one, or leave the setting out",
    ("str", ">="): "it is empty; write something, or leave the setting out",
    ("array", "<="): "the list is too long; {} entries are the most",
    ("str", "<="): "it is too long; {} characters are the most",
}
#: How msgspec says where a fault lies, and what it says of it; a rule of a section says what it will.
_WHERE = re.compile(r"(.*?)(?: - at (?:`key(?:s)?` in )?`\$([^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.[a-z_]+|\[[^\]]*\]")
_TYPE = re.compile(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`")
_OUT_OF_RANGE = re.compile(r"(Integer value|Number) out of range")
_BOUND = re.compile(r"Expected `(?:int|float)` (<=|>=|<|>) (\S+?)(?:\.0)?")
_LENGTH = re.compile(r"Expected `(array|str)` of length (<=|>=) (\d+)")
_PATTERN = re.compile(r"Expected `str` matching regex '(.*)'")
_UNKNOWN = re.compile(r"Object contains unknown field `.*`", re.DOTALL)
_CHOICE = re.compile(r"\^\(([a-z0-9|]+)\)\\+Z")
#: A value within a value within a section and so on: no setting goes so deep.
_DEPTH = 6


def sentences(raw: Mapping[str, Any], check: Callable[[dict[str, Any]], object]) -> dict[str, str]:
    """Return what is wrong with the tables of a config, by their keys, e.g. ``worker.batch_size``.

    Args:
        check: raises msgspec.ValidationError for the first fault in the tables that it is given.
    """
    found: dict[str, str] = {}
    for section, content in raw.items():
        before = len(found)
        for path, part in _parts(content):
            if (fault := _fault((section, *path), {section: part}, check)) is not None:
                found.setdefault(*fault)
            if len(found) >= _FAULTS_LIMIT:
                return found
        # What is right value by value may contradict itself, or be too much.
        if len(found) == before and (fault := _fault((section,), {section: content}, check)) is not None:
            found.setdefault(*fault)
    return found


def _parts(value: Any, depth: int = 1) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each single value within a value: where it stands, and the value without all others."""
    if depth < _DEPTH and value and isinstance(value, Mapping):
        for name, inner in value.items():
            yield from (((name, *path), {name: part}) for path, part in _parts(inner, depth + 1))
    elif depth < _DEPTH and value and isinstance(value, list):
        for number, inner in enumerate(value):
            yield from (((str(number), *path), [part]) for path, part in _parts(inner, depth + 1))
    else:
        yield (), value


def _fault(
    path: tuple[str, ...], part: dict[str, Any], check: Callable[[dict[str, Any]], object]
) -> tuple[str, str] | None:
    """Return the key and the sentence of what is wrong with a part of a config; None where nothing is."""
    try:
        check(part)
    except ValidationError as error:
        match = _WHERE.fullmatch(str(error))
        said, place = (match[1], match[2] or "") if match is not None else (str(error), "")
        depth = len(_STEP.findall(place))
        sentence = _sentence(said, path[:depth], part)
        if sentence is None:
            sentence = said
        else:
            path = path[: depth + 1] if _UNKNOWN.fullmatch(said) else path[:depth]
            if _BOUND.fullmatch(said) and _is_nan(part):
                sentence = _TYPES["float"]
        return one_line(".".join(path), _KEY_LIMIT), one_line(sentence, _SENTENCE_LIMIT)
    return None


def _is_nan(part: Any) -> bool:
    """Tell whether the one value of a part is no number, which no bound holds and which is not too small."""
    while part and isinstance(part, dict | list):
        part = next(iter(part.values() if isinstance(part, dict) else part))
    try:
        return isinstance(part, float | str) and isnan(float(part))
    except ValueError:
        return False


def _sentence(said: str, path: tuple[str, ...], part: Any) -> str | None:
    """Return the sentence for what msgspec says of the value at a place; None where a rule of the program says it."""
    if _UNKNOWN.fullmatch(said):
        return "there is no such setting; dtk config show --origin lists them all"
    if (match := _TYPE.fullmatch(said)) is not None:
        return _type_sentence(match[1], path, _dotted(path, part) if match[2] == "object" else "")
    if (match := _OUT_OF_RANGE.fullmatch(said)) is not None:
        return _TYPES["int" if match[1].startswith("Integer") else "float"]
    if (match := _BOUND.fullmatch(said)) is not None:
        return _BOUNDS[match[1]].format(match[2])
    if (match := _LENGTH.fullmatch(said)) is not None:
        return _LENGTHS[match[1], match[2]].format(match[3])
    if (match := _PATTERN.fullmatch(said)) is not None:
        choice = _CHOICE.fullmatch(match[1])
        if choice is not None:
            return f"one of these belongs here: {choice[1].replace('|', ', ')}"
        return _EXAMPLES[".".join(path)]
    return None


def _type_sentence(wanted: str, path: tuple[str, ...], dotted: str) -> str:
    if wanted == "object" and len(path) == 1:
        return _SECTION
    example = _LISTS.get(".".join(path)) if wanted == "array" else None
    sentence = f"a list belongs here: {example}" if example else _TYPES[wanted]
    return f'{sentence}; a name with a dot stands in quotes: "{dotted}"' if dotted else sentence


def _dotted(path: tuple[str, ...], part: Any) -> str:
    """Return the name with a dot that was taken for a table within a table; empty where that cannot be."""
    if not any(".".join(path).startswith(f"{place}.") for place in _NAMED_BY_PEOPLE):
        return ""
    for name in path:
        part = part[name] if isinstance(part, Mapping) else part[0]
    return f"{path[-1]}.{next(iter(part), '')}"

"""What is wrong with a setting, in a sentence that says what belongs there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dtk_tui.text import one_line

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

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
_CHOICE = re.compile(r"\^\(([a-z0-9|]+)\)\$")
_LISTED = 'a list belongs here: ["one", "two"]'
_WHOLE, _NUMBER = "a whole number belongs here, like 4", "a number belongs here, like 0.5"
_TABLE, _SECTION = "a table belongs here: { name = value }", "a section belongs here, with a setting a line"
_FIXED = {
    "tuple_type": _LISTED,
    "list_type": _LISTED,
    "too_short": "the list is empty; name at least one, or leave the setting out",
    "string_too_short": "it is empty; write something, or leave the setting out",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": "true or false belongs here",
    "bool_parsing": "true or false belongs here",
    "string_type": 'text belongs here, in quotes: "..."',
    "dict_type": _TABLE,
    "mapping_type": _TABLE,
    "model_type": _SECTION,
    "model_attributes_type": _SECTION,
}
_BOUNDS: dict[str, Callable[[Mapping[str, object]], str]] = {
    "greater_than_equal": lambda of: f"it is too small; {of['ge']} is the least",
    "greater_than": lambda of: f"it is too small; it must be more than {of['gt']}",
    "less_than_equal": lambda of: f"it is too large; {of['le']} is the most",
    "less_than": lambda of: f"it is too large; it must be less than {of['lt']}",
    "too_long": lambda of: f"the list is too long; {of['max_length']} entries are the most",
    "string_too_long": lambda of: f"it is too long; {of['max_length']} characters are the most",
    "literal_error": lambda of: f"one of these belongs here: {str(of['expected']).replace(chr(39), '')}",
}


def sentences(errors: list[ErrorDetails]) -> dict[str, str]:
    """Return what is wrong with the values that pydantic refused, by their keys, e.g. ``worker.batch_size``."""
    found: dict[str, str] = {}
    for error in errors[:_FAULTS_LIMIT]:
        key = one_line(".".join(map(str, error["loc"])), _KEY_LIMIT)
        found.setdefault(key, one_line(_sentence(error), _SENTENCE_LIMIT))
    return found


def _sentence(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _FIXED:
        return _FIXED[kind]
    if kind in _BOUNDS:
        return _BOUNDS[kind](context)
    if kind == "extra_forbidden":
        return "there is no such setting; dtk config show --origin lists them all"
    if kind == "string_pattern_mismatch":
        choice = _CHOICE.fullmatch(str(context.get("pattern", "")))
        if choice is not None:
            return f"one of these belongs here: {choice[1].replace('|', ', ')}"
        return _EXAMPLES.get(".".join(str(part) for part in error["loc"][:2]), error["msg"])
    return error["msg"].removeprefix("Value error, ")

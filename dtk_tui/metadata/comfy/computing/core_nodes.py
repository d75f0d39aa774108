"""Nodes of ComfyUI's core that compute a text, a number or a choice from what they are given.

As in comfy_extras/nodes_string.py, nodes_logic.py, nodes_primitive.py and nodes_dataset.py of ComfyUI.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from dtk_tui.metadata.comfy.computing.node_inputs import NodeInputs, joined, replaced
from dtk_tui.metadata.comfy.computing.string_format import formatted
from dtk_tui.metadata.comfy.computing.undecidable import UndecidableError

#: Returns what the asked output of a node gives.
Operation = Callable[[NodeInputs], object]

_JSON_STARTS, _JSON_CHARS = 200, 100_000


def _flags(inputs: NodeInputs) -> int:
    return (
        (re.IGNORECASE if inputs.flag("case_insensitive", True) else 0)
        | (re.MULTILINE if inputs.flag("multiline", False) else 0)
        | (re.DOTALL if inputs.flag("dotall", False) else 0)
    )


def _format(inputs: NodeInputs) -> object:
    prefix = "values."
    given = {name[len(prefix) :]: inputs.value(name) for name in inputs.names(prefix)}
    return formatted(inputs.text("f_string", "{a}"), given)


def _substring(inputs: NodeInputs) -> object:
    return inputs.text("string")[inputs.integer("start") : inputs.integer("end")]


def _case(inputs: NodeInputs) -> object:
    text, mode = inputs.text("string"), inputs.text("mode")
    changes = {"UPPERCASE": str.upper, "lowercase": str.lower, "Capitalize": str.capitalize, "Title Case": str.title}
    return changes[mode](text) if mode in changes else text


def _trim(inputs: NodeInputs) -> object:
    text, mode = inputs.text("string"), inputs.text("mode")
    changes = {"Both": str.strip, "Left": str.lstrip, "Right": str.rstrip}
    return changes[mode](text) if mode in changes else text


def _contains(inputs: NodeInputs) -> object:
    text, part = inputs.text("string"), inputs.text("substring")
    return part in text if inputs.flag("case_sensitive", True) else part.lower() in text.lower()


def _compare(inputs: NodeInputs) -> object:
    first, second, mode = inputs.text("string_a"), inputs.text("string_b"), inputs.text("mode")
    if not inputs.flag("case_sensitive", True):
        first, second = first.lower(), second.lower()
    if mode == "Equal":
        return first == second
    return first.startswith(second) if mode == "Starts With" else first.endswith(second)


def _regex_match(inputs: NodeInputs) -> object:
    try:
        return inputs.patterns.first(inputs.text("regex_pattern"), _flags(inputs), inputs.text("string")) is not None
    except re.error:
        return False


def _regex_extract(inputs: NodeInputs) -> object:
    pattern, flags, text, mode = (
        inputs.text("regex_pattern"),
        _flags(inputs),
        inputs.text("string"),
        inputs.text("mode"),
    )
    index = inputs.integer("group_index", 1)
    try:
        found = inputs.patterns.all(pattern, flags, text)
    except re.error:
        return ""
    if mode == "First Match":
        return found[0][0] if found else ""
    if mode == "All Matches":
        # re.findall gives the groups where there are some; of several the node takes the first.
        return joined("\n", [match[min(1, len(match) - 1)] or "" for match in found])
    if mode not in ("First Group", "All Groups"):
        return ""
    groups = [match[index] for match in found if len(match) > max(index, 1 if mode == "All Groups" else 0)]
    if mode == "First Group":
        return (found[0][index] or "") if found and len(found[0]) > index else ""
    return joined("\n", [group for group in groups if group is not None])


def _regex_replace(inputs: NodeInputs) -> object:
    try:
        return inputs.patterns.substitute(
            inputs.text("regex_pattern"), _flags(inputs), inputs.text("string"), inputs.text("replace"),
            inputs.integer("count", 0),
        )  # fmt: skip
    except re.error as error:
        raise UndecidableError from error


def _json_value(inputs: NodeInputs) -> object:
    """Return the value of a key of the first JSON object in a text."""
    text, key = inputs.text("json_string"), inputs.text("key")
    if len(text) > _JSON_CHARS:
        raise UndecidableError
    decoder = json.JSONDecoder()
    start, tried = text.find("{"), 0
    while start >= 0 and tried < _JSON_STARTS:
        try:
            found = decoder.raw_decode(text, start)[0]
        except json.JSONDecodeError:
            start, tried = text.find("{", start + 1), tried + 1
            continue
        except (RecursionError, ValueError) as error:
            raise UndecidableError from error
        value = found.get(key)
        return "" if value is None else str(value)
    if start >= 0:
        raise UndecidableError
    return ""


def _combo(inputs: NodeInputs) -> object:
    return inputs.text("choice") if inputs.slot == 0 else inputs.integer("index", 0)


def _pass_or_none(inputs: NodeInputs) -> object:
    if inputs.slot == 1:
        return "anything" not in inputs and "default" not in inputs
    return inputs.value("anything") if "anything" in inputs else inputs.value("default")


def _all(inputs: NodeInputs) -> object:
    given = [inputs.value(name) for name in inputs.names("values.")]
    return all(given)


def _any(inputs: NodeInputs) -> object:
    given = [inputs.value(name) for name in inputs.names("values.")]
    return any(given)


def _float(inputs: NodeInputs) -> object:
    found = inputs.value("value")
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise UndecidableError
    return float(found)


def _created_list(inputs: NodeInputs) -> object:
    """Return the only item of a list; each of several makes pictures of its own."""
    names = list(inputs.names("inputs."))
    if len(names) != 1:
        raise UndecidableError
    return inputs.value(names[0])


def _listed(inputs: NodeInputs) -> str:
    """Return the text of a node that takes a list of them, one at a time; other extensions have some of its names."""
    return inputs.text(next((name for name in ("texts", "text", "string") if name in inputs), "texts"))


OPERATIONS: dict[str, Operation] = {
    "StringFormat": _format,
    "StringConcatenate": lambda inputs: joined(inputs.text("delimiter", ""), inputs.texts("string_a", "string_b")),
    "StringSubstring": _substring,
    "StringLength": lambda inputs: len(inputs.text("string")),
    "CaseConverter": _case,
    "StringTrim": _trim,
    "StringReplace": lambda inputs: replaced(inputs.text("string"), inputs.text("find"), inputs.text("replace")),
    "StringContains": _contains,
    "StringCompare": _compare,
    "RegexMatch": _regex_match,
    "RegexExtract": _regex_extract,
    "RegexReplace": _regex_replace,
    "JsonExtractString": _json_value,
    "CustomCombo": _combo,
    "ComfyNotNode": lambda inputs: not inputs.value("value"),
    "InvertBooleanNode": lambda inputs: not inputs.flag("boolean"),
    "ComfyAndNode": _all,
    "ComfyOrNode": _any,
    "ComfyPassOrNoneNode": _pass_or_none,
    "PrimitiveFloat": _float,
    "CreateList": _created_list,
    # comfy_extras/nodes_dataset.py: one text of a list at a time
    "TextToLowercase": lambda inputs: _listed(inputs).lower(),
    "TextToUppercase": lambda inputs: _listed(inputs).upper(),
    "TruncateText": lambda inputs: _listed(inputs)[: inputs.integer("max_length")],
    "AddTextPrefix": lambda inputs: inputs.text("prefix", "") + _listed(inputs),
    "AddTextSuffix": lambda inputs: _listed(inputs) + inputs.text("suffix", ""),
    "ReplaceText": lambda inputs: replaced(_listed(inputs), inputs.text("find", ""), inputs.text("replace", "")),
    "StripWhitespace": lambda inputs: _listed(inputs).strip(),
}

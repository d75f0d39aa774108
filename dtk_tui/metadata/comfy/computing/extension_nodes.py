"""Nodes of widely used extensions that compute a text from what they are given, each as its extension does it.

ComfyUI_Comfyroll_CustomNodes, was-node-suite-comfyui, ComfyUI-Custom-Scripts, ComfyUI-KJNodes, ComfyUI-Impact-Pack,
ComfyUI-Easy-Use, Derfuu_ComfyUI_ModdedNodes, ComfyUI_LayerStyle, ComfyUI-basic_data_handling, mikey_nodes, and the
styler of sdxl_prompt_styler. Where releases of an extension differ, what they agree on is worked out.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dtk_tui.metadata.comfy.computing.core_nodes import Operation
from dtk_tui.metadata.comfy.computing.node_inputs import NodeInputs, joined, replaced
from dtk_tui.metadata.comfy.computing.undecidable import UndecidableError

_TOKEN = re.compile(r"\[(?:time|hostname|cuda_device|cuda_name|user)\b")
_SIDES = ("text", "text_b", "text_c", "text_d")


def _replace_in_turn(name: str) -> Operation:
    """Return the operation of a node with three pairs of ``find`` and ``replace``."""

    def replace(inputs: NodeInputs) -> object:
        text = inputs.text(name)
        for number in "123":
            text = replaced(text, inputs.text(f"find{number}", ""), inputs.text(f"replace{number}", ""))
        return text

    return replace


def _around(delimiter: str, first: str, second: str, default: str = "") -> Operation:
    """Return the operation of a node that puts ``delimiter`` between two texts, empty or not."""
    return lambda inputs: joined(inputs.text(delimiter, default), inputs.texts(first, second))


def _non_empty(inputs: NodeInputs, names: tuple[str, ...], delimiter: str) -> str:
    return joined(delimiter, [text for text in inputs.texts(*names) if text])


def _cr_operation(inputs: NodeInputs) -> object:
    changes: dict[str, Callable[[str], str]] = {
        "uppercase": str.upper, "lowercase": str.lower, "capitalize": str.capitalize, "invert_case": str.swapcase,
        "reverse": lambda text: text[::-1], "trim": str.strip, "remove_spaces": lambda text: text.replace(" ", ""),
    }  # fmt: skip
    change = changes.get(inputs.text("operation"))
    if change is None:
        raise UndecidableError
    return change(inputs.text("text"))


def _cr_blacklist(inputs: NodeInputs) -> object:
    text, replacement = inputs.text("text"), inputs.text("replacement_text", "")
    for line in inputs.text("blacklist_words", "").split("\n"):
        if line.strip():
            text = replaced(text, line.strip(), replacement)
    return text


def _cr_split(inputs: NodeInputs) -> object:
    delimiter = inputs.text("delimiter", ",")
    if not delimiter or inputs.slot > 3:
        raise UndecidableError
    parts = [part.strip() for part in inputs.text("text").split(delimiter)[:4]]
    return [*parts, "", "", "", ""][inputs.slot]


def _cr_multiline(inputs: NodeInputs) -> object:
    if inputs.flag("convert_from_csv", False) or inputs.flag("split_string", False):
        raise UndecidableError
    removed = inputs.text("chars_to_remove", "") if inputs.flag("remove_chars", False) else ""
    kept = _uncommented(inputs.text("text").rstrip(","))
    return "\n".join(line.replace(removed, "") if removed else line for line in kept)


def _uncommented(text: str) -> list[str]:
    """Return the lines that do not begin with ``#``, as a text stream gives them: without an empty last one."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line for line in lines if not line.strip().startswith("#")]


def _was_tokens(text: str) -> str:
    """Return a text that holds none of the tokens which stand for the time and the machine."""
    if _TOKEN.search(text):
        raise UndecidableError
    return text


def _was_text(inputs: NodeInputs) -> object:
    if inputs.slot >= len(_SIDES):
        raise UndecidableError
    return _was_tokens(inputs.text(_SIDES[inputs.slot], ""))


def _was_concatenate(inputs: NodeInputs) -> object:
    delimiter = inputs.text("delimiter", ", ")
    kept = inputs.texts(*sorted(inputs.names("text")))
    if inputs.flag("clean_whitespace", True):
        kept = [text.strip() for text in kept]
    return joined("\n" if delimiter == "\\n" else delimiter, [text for text in kept if text])


def _was_replace(inputs: NodeInputs) -> object:
    """Return what the node gives whose search is a regular expression."""
    return _substituted(inputs, inputs.text("find"), inputs.text("text"), inputs.text("replace"))


def _substituted(inputs: NodeInputs, pattern: str, text: str, replacement: str, flags: int = 0, count: int = 0) -> str:
    try:
        return inputs.patterns.substitute(pattern, flags, text, replacement, count)
    except re.error as error:
        raise UndecidableError from error


def _was_replace_input(inputs: NodeInputs) -> object:
    text, find, replace = inputs.text("text"), inputs.text("find"), inputs.text("replace")
    if find and find in replace and find in text:
        raise UndecidableError
    for _ in range(1000):
        if not find or find not in text:
            return text
        text = replaced(text, find, replace, 1)
    raise UndecidableError


def _was_truncate(inputs: NodeInputs) -> object:
    if inputs.slot >= len(_SIDES):
        raise UndecidableError
    text, length = inputs.text(_SIDES[inputs.slot], ""), inputs.integer("truncate_to")
    from_start = inputs.text("truncate_from") == "beginning"
    kept = slice(None, length) if from_start == (length >= 0) else slice(-length if not from_start else length, None)
    return text[kept] if inputs.text("truncate_by") == "characters" else " ".join(text.split()[kept])


def _string_function(inputs: NodeInputs) -> object:
    """Return what ``StringFunction|pysssss`` gives."""
    tidy = inputs.text("tidy_tags") == "yes"
    first, second, third = inputs.texts("text_a", "text_b", "text_c")
    if inputs.text("action") == "append":
        text = joined(", " if tidy else "", [part for part in (first, second, third) if part])
    elif second.startswith("/") and second.endswith("/"):
        text = _substituted(inputs, second[1:-1], first, third)
    else:
        text = replaced(first, second, third)
    if tidy:
        text = re.sub(r",{2,}", ",", re.sub(r"\s{2,}", " ", text).replace(" ,", ",")).strip()
    return text


def _kj_join(inputs: NodeInputs) -> object:
    if inputs.flag("return_list", False):
        raise UndecidableError
    text, delimiter = inputs.text("string_1"), inputs.text("delimiter", " ")
    others = inputs.texts(*[f"string_{number}" for number in range(2, min(inputs.integer("inputcount", 2), 1000) + 1)])
    return joined(delimiter, [text, *[other for other in others if other]])


def _kj_multiline(inputs: NodeInputs) -> object:
    text = inputs.text("string")
    return text.replace("\n", "").strip() if inputs.flag("strip_newlines", True) else text


def _kj_stringify(inputs: NodeInputs) -> object:
    return inputs.text("prefix", "") + str(inputs.value("input")) + inputs.text("suffix", "")


def _impact_selector(inputs: NodeInputs) -> object:
    text, number = inputs.text("strings"), inputs.integer("select")
    if not inputs.flag("multiline", False):
        lines = text.split("\n")
        return lines[number % len(lines)]
    blocks: list[str] = []
    current = ""
    for line in text.split("\n"):
        if line.startswith("#") and current:
            blocks.append(current.strip())
            current = ""
        current += line + "\n"
    blocks.append(current.strip())
    return blocks[number % len(blocks)].removeprefix("#")


def _derfuu_replace(inputs: NodeInputs) -> object:
    pattern, text, replacement = inputs.text("Pattern"), inputs.text("Text"), inputs.text("Replace_With", "")
    if "\\" in pattern or not pattern.isascii():
        raise UndecidableError
    if inputs.text("Mode") == "RegEx":
        return _substituted(inputs, pattern, text, replacement, re.MULTILINE)
    return replaced(text, pattern, replacement)


def _joined_lines(inputs: NodeInputs) -> object:
    lines = [line.strip() for line in inputs.text("string").split("\n")]
    return joined(inputs.text("delimiter", " | "), [line for line in lines if line])


def _layer_join(inputs: NodeInputs) -> object:
    delimiter = inputs.text("delimiter", ",") if inputs.kind.endswith("V2") else ", "
    return _non_empty(inputs, ("text_1", "text_2", "text_3", "text_4"), delimiter)


def _single_line(inputs: NodeInputs) -> object:
    """Return the only line of a list of lines; each of several makes pictures of its own."""
    lines = inputs.text("prompt").split("\n")
    if inputs.flag("remove_empty_lines", True):
        lines = [line for line in lines if line.strip()]
    start = max(0, min(inputs.integer("start_index", 0), len(lines) - 1))
    kept = lines[start : start + inputs.integer("max_rows", 1000)]
    if len(kept) != 1:
        raise UndecidableError
    return kept[0]


def _between_removed(inputs: NodeInputs) -> object:
    start, end = re.escape(inputs.text("start", "<think>")), re.escape(inputs.text("end", "</think>"))
    if inputs.slot != 0 or not start or not end:
        raise UndecidableError
    return _substituted(inputs, f"{start}.*?{end}", inputs.text("text"), "", re.DOTALL).strip()


def _styled(inputs: NodeInputs) -> object:
    """Return the text of a styler; its styles stand in files beside it, and one that is none of them does nothing."""
    name = "text_positive" if inputs.slot == 0 else "text_negative"
    side = "style_positive" if inputs.slot == 0 else "style_negative"
    style = inputs.text("style", "none").strip().lower()
    if style in ("none", "base", "no style", "") or not inputs.flag(side, True):
        return inputs.text(name, "")
    raise UndecidableError


def _preserved(inputs: NodeInputs) -> object:
    """Return what a node has written into the graph while it ran."""
    found = inputs.text("result_text")
    if found.startswith("Result Text Here"):
        raise UndecidableError
    return found


def _counted_replace(inputs: NodeInputs) -> object:
    return replaced(inputs.text("string"), inputs.text("old"), inputs.text("new"), inputs.integer("count", -1))


def _counted_substitution(inputs: NodeInputs) -> object:
    pattern, text, replacement = inputs.text("pattern"), inputs.text("string"), inputs.text("repl")
    return _substituted(inputs, pattern, text, replacement, count=inputs.integer("count", 0))


def _basic(change: Callable[[str], str]) -> Operation:
    return lambda inputs: change(inputs.text("string"))


def _stripped(change: Callable[[str, str | None], str]) -> Operation:
    return lambda inputs: change(inputs.text("string"), inputs.text("chars", "") or None)


OPERATIONS: dict[str, Operation] = {
    "CR Text Replace": _replace_in_turn("text"),
    "CR Text Concatenate": _around("separator", "text1", "text2"),
    "CR Text Operation": _cr_operation,
    "CR Text Blacklist": _cr_blacklist,
    "CR Text Length": lambda inputs: len(inputs.text("text")),
    "CR Split String": _cr_split,
    "CR Multiline Text": _cr_multiline,
    "CR Combine Prompt": lambda inputs: joined(
        inputs.text("separator", ""), inputs.texts("part1", "part2", "part3", "part4")
    ),
    "CR String To Combo": lambda inputs: inputs.text("text").split(",")[0],
    "CR Integer To String": lambda inputs: str(inputs.integer("int_")),
    "CR Float To String": lambda inputs: str(inputs.value("float_")),
    "Text Multiline": lambda inputs: _was_tokens("\n".join(_uncommented(inputs.text("text")))),
    "Text Multiline (Code Compatible)": lambda inputs: _was_tokens(inputs.text("text")),
    "Text String": _was_text,
    "Text Parse Tokens": lambda inputs: _was_tokens(inputs.text("text")),
    "Text Concatenate": _was_concatenate,
    "Text Find and Replace": _was_replace,
    "Text Find and Replace Input": _was_replace_input,
    "Text String Truncate": _was_truncate,
    "Text Contains": lambda inputs: (
        inputs.text("sub_text").lower() in inputs.text("text").lower()
        if inputs.flag("case_insensitive", True)
        else inputs.text("sub_text") in inputs.text("text")
    ),
    "Boolean To Text": lambda inputs: "True" if inputs.flag("boolean") else "False",
    "StringFunction|pysssss": _string_function,
    "JoinStrings": _around("delimiter", "string1", "string2", " "),
    "JoinStringMulti": _kj_join,
    "StringConstantMultiline": _kj_multiline,
    "SomethingToString": _kj_stringify,
    "StringSelector": _impact_selector,
    "easy promptConcat": _around("separator", "prompt1", "prompt2"),
    "easy promptReplace": _replace_in_turn("prompt"),
    "easy promptLine": _single_line,
    "easy stringJoinLines": _joined_lines,
    "String Concatenate": _around("Delimiter", "Prepend", "Append", ", "),
    "DF_String_Concatenate": _around("Delimiter", "Prepend", "Append", ", "),
    "String Replace": _derfuu_replace,
    "DF_String_Replace": _derfuu_replace,
    # QualityOfLifeSuit_Omar92
    "Concat Text _O": _around("separator", "text1", "text2", ","),
    "Replace Text _O": lambda inputs: replaced(inputs.text("text"), inputs.text("old"), inputs.text("new")),
    "Trim Text _O": lambda inputs: inputs.text("text").strip(),
    "LayerUtility: TextJoin": _layer_join,
    "LayerUtility: TextJoinV2": _layer_join,
    "TextConcat": lambda inputs: _non_empty(
        inputs, ("text1", "text2", "text3", "text4", "text5"), inputs.text("delimiter", " ")
    ),
    "TextPreserve": _preserved,
    "RemoveTextBetween": _between_removed,
    "SDXLPromptStyler": _styled,
    **{
        f"Basic data handling: {name}": operation
        for name, operation in {
            "StringCapitalize": _basic(str.capitalize), "StringCasefold": _basic(str.casefold),
            "StringLower": _basic(str.lower), "StringUpper": _basic(str.upper), "StringTitle": _basic(str.title),
            "StringSwapcase": _basic(str.swapcase), "StringStrip": _stripped(str.strip),
            "StringLstrip": _stripped(str.lstrip), "StringRstrip": _stripped(str.rstrip),
            "StringConcat": _around("none", "string_a", "string_b"), "StringReplace": _counted_replace,
            "StringLength": lambda inputs: len(inputs.text("string")),
            "StringIn": lambda inputs: inputs.text("substring") in inputs.text("string"),
            "StringRemoveprefix": lambda inputs: inputs.text("string").removeprefix(inputs.text("prefix", "")),
            "StringRemovesuffix": lambda inputs: inputs.text("string").removesuffix(inputs.text("suffix", "")),
            "RegexSub": _counted_substitution,
        }.items()
    },
}  # fmt: skip

"""Nodes of ComfyUI that compute a text: worked out as the node does it, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dtk_tui.domain.parameters import RawChunk
from dtk_tui.metadata.reader import derive
from tests.helpers.metadata.comfy_graphs import base, node, read_graph

_EXTRACT = {"string": "x1 y22", "regex_pattern": r"([a-z])(\d+)", "group_index": 2}
_REGEX = {"case_insensitive": True, "multiline": False, "dotall": False}


def prompt_of(kind: str, slot: int = 0, others: dict[str, Any] | None = None, **inputs: Any) -> str | None:
    """Return the prompt of the default graph whose text is what an output of one node gives."""
    graph = base(**(others or {}), **{"30": node(kind, **inputs)})
    graph["6"]["inputs"]["text"] = ["30", slot]
    found = read_graph(graph)
    assert (found.seed, found.negative_prompt) == (42, "blurry")
    return found.prompt


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (node("StringFormat", f_string="{a}|{b:03d}|{c!r}|{{x}}", **{"values.a": "ab", "values.b": 7, "values.c": "q"}),
         "ab|007|'q'|{x}"),
        (node("StringFormat", f_string="{a[1]}{a[0]}", **{"values.a": "xy"}), "yx"),
        (node("StringFormat", f_string="{a:{b}}", **{"values.a": "x", "values.b": ">3"}), "x"),
        (node("StringFormat", f_string="{a.__class__}", **{"values.a": "x"}), None),
        (node("StringFormat", f_string="{a:999999999}", **{"values.a": "x"}), None),
        (node("StringFormat", f_string="{b}", **{"values.a": "x"}), None),
        (node("StringFormat", f_string="{}", **{"values.a": "x"}), None),
        (node("StringSubstring", string="a castle by the sea", start=2, end=-8), "castle by"),
        (node("CaseConverter", string="a CASTLE's tower", mode="Title Case"), "A Castle'S Tower"),
        (node("CaseConverter", string="a CASTLE", mode="Capitalize"), "A castle"),
        (node("CaseConverter", string="a castle", mode="UPPERCASE"), "A CASTLE"),
        (node("StringReplace", string="a.b", find=".", replace="x"), "axb"),
        (node("StringReplace", string="ab", find="", replace="-"), "-a-b-"),
        (node("StringReplace", string="a" * 2000, find="", replace="b" * 2000), None),
        (node("StringConcatenate", string_a="", string_b="a", delimiter=", "), ", a"),
        (node("RegexReplace", string="A red, a RED", regex_pattern="red", replace="blue", count=1, **_REGEX),
         "A blue, a RED"),
        (node("RegexReplace", string="castle, sea", regex_pattern=r"(\w+), (\w+)", replace=r"\2 \g<1>"), "sea castle"),
        (node("RegexReplace", string="abc", regex_pattern="x*", replace="-", **_REGEX), "-a-b-c-"),
        (node("RegexReplace", string="a", regex_pattern="(", replace="-"), None),
        (node("RegexReplace", string="a\nb", regex_pattern="^", replace="> ", **_REGEX | {"multiline": True}),
         "> a\n> b"),
        (node("RegexExtract", mode="First Match", **_EXTRACT, **_REGEX),
         "x1"),
        (node("RegexExtract", mode="All Matches", **_EXTRACT, **_REGEX),
         "x\ny"),
        (node("RegexExtract", string="x1 y22", regex_pattern=r"[a-z]\d+", mode="All Matches", group_index=1, **_REGEX),
         "x1\ny22"),
        (node("RegexExtract", mode="First Group", **_EXTRACT, **_REGEX),
         "1"),
        (node("RegexExtract", mode="All Groups", **_EXTRACT, **_REGEX),
         "1\n22"),
        (node("RegexExtract", string="x", regex_pattern="(", mode="First Match", group_index=1, **_REGEX), ""),
        (node("JsonExtractString", json_string='ok ```json\n{"p": "a castle", "n": {"k": [1, true]}}\n```', key="p"),
         "a castle"),
        (node("JsonExtractString", json_string='{"n": {"k": [1, true]}}', key="n"), "{'k': [1, True]}"),
        (node("JsonExtractString", json_string="{no} {}", key="n"), ""),
        (node("CustomCombo", choice="b", index=1, option1="a", option2="b"), "b"),
        (node("CR Text Replace", text="a b c", find1="a", replace1="b", find2="b", replace2="d"), "d d c"),
        (node("CR Text Concatenate", text1="a", separator=", "), "a,"),
        (node("CR Text Operation", text="aB c", operation="invert_case"), "Ab C"),
        (node("CR Text Operation", text=" a b ", operation="remove_spaces"), "ab"),
        (node("CR Text Blacklist", text="a cat, a dog", blacklist_words="cat\n\n dog ", replacement_text="x"),
         "a x, a x"),
        (node("CR Multiline Text", text="a\n# no\nb,", convert_from_csv=False, split_string=False, remove_chars=False),
         "a\nb"),
        (node("CR Combine Prompt", part1="a", part2="", part3="b", separator=","), "a,,b,"),
        (node("Text Concatenate", delimiter="\\n", clean_whitespace="true", text_b="b ", text_a=" a", text_c=""),
         "a\nb"),
        (node("Text Find and Replace", text="a1b22", find=r"\d+", replace="-"), "a-b-"),
        (node("Text Multiline", text="a\n # no\nb\n"), "a\nb"),
        (node("Text Multiline", text="a [time]"), None),
        (node("Text String Truncate", text="a b c d", truncate_by="words", truncate_from="beginning", truncate_to=2),
         "a b"),
        (node("Text String Truncate", text="abcd", truncate_by="characters", truncate_from="end", truncate_to=3),
         "bcd"),
        (node("StringFunction|pysssss", action="append", tidy_tags="yes", text_a="a  ,, b", text_c="c"), "a, b, c"),
        (node("StringFunction|pysssss", action="replace", tidy_tags="no", text_a="a1b", text_b=r"/\d/", text_c="-"),
         "a-b"),
        (node("JoinStringMulti", inputcount=3, delimiter="-", return_list=False, string_1="a", string_3="c"),
         "a-c"),
        (node("StringConstantMultiline", string="a\nb", strip_newlines=True), "ab"),
        (node("StringSelector", strings="a\nb\nc", multiline=False, select=4), "b"),
        (node("StringSelector", strings="#a\nx\n#b\ny", multiline=True, select=1), "b\ny"),
        (node("easy promptLine", prompt="a\n\n", start_index=0, max_rows=10, remove_empty_lines=True), "a"),
        (node("easy promptLine", prompt="a\nb", start_index=0, max_rows=10, remove_empty_lines=True), None),
        (node("LayerUtility: TextJoin", text_1="a", text_2="", text_3="c"), "a, c"),
        (node("SDXLPromptStyler", text_positive="a", text_negative="b", style="sai-anime", style_positive=True), None),
        (node("SDXLPromptStyler", text_positive="a", text_negative="b", style="sai-anime", style_positive=False), "a"),
        (node("TextToUppercase", texts="a castle"), "A CASTLE"),
        (node("ReplaceText", text="a tower", find="tower", replace="castle"), "a castle"),
        (node("Replace Text _O", text="a tower", old="tower", new="castle"), "a castle"),
        # What no graph says: lots, other files, models, and nodes that are not known but change a text.
        (node("Text Random Line", text="a\nb", seed=4), None),
        (node("DPRandomGenerator", text="a {red|blue} fox", seed=4, autorefresh="Yes"), None),
        (node("DPRandomGenerator", text="a red fox", seed=4, autorefresh="Yes"), "a red fox"),
        (node("ImpactWildcardProcessor", wildcard_text="__x__", populated_text="a __x__", mode="fixed"), None),
        (node("OllamaGenerate", prompt="say something"), None),
        (node("Text Load Line From File", file_path="x.txt", text="a"), None),
        (node("SomeTextTranslator", text="ein Schloss"), None),
        (node("Prompt Shuffle", text="a, b"), None),
        (node("StringConcatenate", string_a="a", string_b=["31", 0], delimiter=", "), None),
        (node("Text box", text="a castle"), "a castle"),
    ],
)  # fmt: skip
def test_a_computed_text(made: dict[str, Any], expected: str | None) -> None:
    other = {"31": node("Text Random Line", text="a\nb", seed=4)}
    assert prompt_of(made["class_type"], others=other, **made["inputs"]) == expected


@pytest.mark.parametrize(
    ("kind", "slot", "inputs", "expected"),
    [
        ("CR Split String", 1, {"text": "a; b ;c", "delimiter": ";"}, "b"),
        ("Text String", 2, {"text": "a", "text_b": "b", "text_c": "c"}, "c"),
        ("CR Split String", 4, {"text": "a", "delimiter": ","}, None),
    ],
)
def test_each_output_gives_its_own(kind: str, slot: int, inputs: dict[str, Any], expected: str | None) -> None:
    assert prompt_of(kind, slot, **inputs) == expected


def test_numbers_and_booleans_that_are_computed() -> None:
    switch: dict[str, Any] = {"switch": ["31", 0], "on_true": "a", "on_false": "b"}
    contains = node("StringContains", string="A Castle", substring="castle", case_sensitive=False)
    assert prompt_of("ComfySwitchNode", others={"31": contains}, **switch) == "a"
    negated = {"31": node("ComfyNotNode", value=["32", 0]), "32": contains}
    assert prompt_of("ComfySwitchNode", others=negated, **switch) == "b"
    random = {"31": node("RandomBoolean", seed=1)}
    assert prompt_of("ComfySwitchNode", others=random, **switch) is None
    assert prompt_of("ComfySwitchNode", others=random, **switch | {"on_false": "a"}) == "a"
    length = node("StringLength", string="abc")
    assert prompt_of("StringFormat", others={"31": length}, f_string="{a:.1f}", **{"values.a": ["31", 0]}) == "3.0"
    combo = node("CustomCombo", choice="two", index=2, option1="one", option2="two")
    assert prompt_of("CR Text Input Switch", others={"31": combo}, Input=["31", 1], text1="a", text2="b") == "b"


def test_a_negative_prompt_that_only_the_run_knew_leaves_the_positive_one() -> None:
    graph = base(**{"30": node("Text Random Line", text="a\nb", seed=4)})
    graph["7"]["inputs"]["text"] = ["30", 0]
    assert (read_graph(graph).prompt, read_graph(graph).negative_prompt) == ("a castle", None)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)*b", "(.*)*=", "a?" * 20 + "b"])
def test_an_expression_that_never_ends_is_given_up(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtk_tui.metadata.comfy.computing.patterns._LIMIT_S", 0.2)
    assert prompt_of("RegexReplace", string="a" * 40 + "c" + "a" * 40, regex_pattern=pattern, replace="x") is None


def test_a_repeat_within_a_repeat_is_worked_out_in_a_process() -> None:
    assert prompt_of("RegexReplace", string="a, b, c", regex_pattern=r"(?:, \w)+", replace="!") == "a!"


def test_texts_that_double_end() -> None:
    chain = {str(30 + n): node("StringConcatenate", string_a=[str(31 + n), 0], string_b=[str(31 + n), 0], delimiter="")
             for n in range(50)}  # fmt: skip
    graph = base(**chain, **{"80": node("PrimitiveString", value="xxxx")})
    graph["6"]["inputs"]["text"] = ["30", 0]
    assert read_graph(graph).prompt is None


def test_a_text_that_was_shown_stands_in_the_graph_of_the_editor() -> None:
    graph = base(**{"30": node("ShowText|pysssss", text=["31", 0], text_0="of the run before"),
                    "31": node("OllamaGenerate", prompt="say something")})  # fmt: skip
    graph["6"]["inputs"]["text"] = ["30", 0]

    def prompt(values: object) -> str | None:
        workflow = {"nodes": [{"id": 30, "type": "ShowText|pysssss", "widgets_values": values}]}
        chunks = [RawChunk("png", "prompt", json.dumps(graph)), RawChunk("png", "workflow", json.dumps(workflow))]
        return derive(chunks, 8, 8)[1].prompt

    assert prompt([["a castle"]]) == "a castle"
    # This is what it showed before it ran.
    assert prompt(["of the run before"]) is None
    assert prompt([["a", "b"]]) is None
    assert read_graph(graph).prompt is None
    graph["31"] = node("PrimitiveString", value="a tower")
    assert prompt([["a castle"]]) == "a tower"


def test_long_chains_and_switches_that_ask_themselves() -> None:
    chain = {str(30 + n): node("StringConcatenate", string_a=[str(31 + n), 0], string_b="b", delimiter="")
             for n in range(25)}  # fmt: skip
    graph = base(**chain, **{"55": node("PrimitiveString", value="a")})
    graph["6"]["inputs"]["text"] = ["30", 0]
    assert read_graph(graph).prompt == "a" + "b" * 25
    graph["30"] = node("CR Text Input Switch", Input=["30", 0], text1="a", text2="b")
    assert read_graph(graph).prompt is None
    assert read_graph(graph).seed == 42


_WORDS = [
    {"text": "oil paint", "active": True},
    {"text": "(night:1.2)", "active": True},
    {"text": "fog", "active": False},
]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"toggle_trigger_words": {"__value__": _WORDS}, "group_mode": True}, "oil paint, (night:1.2), a castle"),
        ({"toggle_trigger_words": _WORDS, "group_mode": False}, "oil paint, night, a castle"),
        ({"toggle_trigger_words": _WORDS, "group_mode": True, "allow_strength_adjustment": True},
         "oil paint, (night:1.20), a castle"),
        ({"toggle_trigger_words": [{"text": "a, b", "active": True, "items": [{"text": "a", "active": False},
                                                                           {"text": "b", "active": True}]}]},
         "b, a castle"),
        ({"toggle_trigger_words": [], "orinalMessage": "x,, y"}, "x,, y, a castle"),
        ({"toggle_trigger_words": [], "trigger_words": ["33", 2]}, None),
    ],
)  # fmt: skip
def test_trigger_words_of_lora_manager(settings: dict[str, Any], expected: str | None) -> None:
    graph = base(**{
        "6": node("Prompt (LoraManager)", text="a castle", clip=["4", 1], trigger_words1=["32", 0]),
        "32": node("TriggerWord Toggle (LoraManager)", **settings),
        "33": node("Lora Loader (LoraManager)", text="<lora:x:1>", model=["4", 0], loras=[]),
    })  # fmt: skip
    assert read_graph(graph).prompt == expected
    graph["6"]["inputs"]["text"] = "a __wild__ castle"
    assert read_graph(graph).prompt is None

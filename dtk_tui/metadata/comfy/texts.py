"""The text behind an input of a ComfyUI graph: literal, passed on, joined, computed, or written by a run alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar, cast

from dtk_tui.metadata.comfy.computing import arithmetic, core_nodes, extension_nodes, lora_manager
from dtk_tui.metadata.comfy.computing.node_inputs import NodeInputs
from dtk_tui.metadata.comfy.computing.undecidable import UndecidableError
from dtk_tui.metadata.comfy.graph import DEPTH_LIMIT, NON_IMAGE_INPUTS, RANDOM_TEXT, Graph, Node, is_named

T = TypeVar("T")

_UNDECIDED = object()
OPERATIONS: dict[str, core_nodes.Operation] = {
    **core_nodes.OPERATIONS,
    **extension_nodes.OPERATIONS,
    "Prompt (LoraManager)": lora_manager.prompt,
    "Text (LoraManager)": lora_manager.drawn,
    "TriggerWord Toggle (LoraManager)": lora_manager.toggled_words,
    "ComfyMathExpression": arithmetic.core_expression,
    "MathExpression|pysssss": arithmetic.script_expression,
}
POSITIVE = (
    "positive",
    "positive_prompt",
    "text_positive",
    "pos",
    "positive_cond",
    "positive_conditioning",
    "pos_prompt",
)
NEGATIVE = (
    "negative",
    "negative_prompt",
    "text_negative",
    "neg",
    "negative_cond",
    "negative_conditioning",
    "neg_conditioning",
    "neg_prompt",
)
_TEXT = (
    "populated_text", "text", "t5xxl", "prompt", "user_prompt", "Text", "prompt_text", "string", "String", "value",
    "wildcard_text", "source", "opt_text", "anything", "any", "input", "caption", "tags", "multi_line_prompt", "clip_g",
    "clip_l", "bert", "mt5xl", "string_field", "text_input", "global_prompt", "edit_instruction", "", "*",
)  # fmt: skip
_NUMBERED_TEXT = re.compile(r"(text|string|prompt|part|str|input|txt|line|value)[_ ]?([a-h]|\d{1,2})$", re.IGNORECASE)
_DELIMITERS = ("delimiter", "separator", "concat_delimiter", "seperator", "join_with")
# What these return was computed when the graph ran and stands nowhere; their inputs are instructions, not the prompt.
_LANGUAGE_MODELS = re.compile(
    r"TextGenerate|LLM|GPT|Ollama|Florence|Interrogat|Tagger|Caption|Gemini|Claude|JoyTag|VLM|QwenVL|VQA|Moondream|Llava|Grok|"
    r"Chat(?!GLM)|OpenRouter|DeepSeek|Anthropic",
    re.IGNORECASE,
)
# These draw lots over what a text writes as a choice; a text without one is passed on.
_TEMPLATES = re.compile(r"wildcard|dynamic ?prompts?|^DP[A-Z]", re.IGNORECASE)
_CHOICE = re.compile(r"[{}|]|__|<%|\$\$")
# Words in the name of a node that give away that what leaves it is not what entered it.
_COMPUTES = frozenset(
    {
        "blacklist", "case", "chooser", "clean", "csv", "cycler", "dedupe", "delete", "duplicates", "edit", "expand",
        "extract", "extractor", "filter", "format", "formatter", "generator", "jinja", "list", "load", "lookup",
        "lower", "lowercase", "mixer", "nsp", "parse", "parser", "picker", "preset", "presets", "random", "randomize",
        "randomizer", "regex", "remove", "remover", "repeat", "replace", "replacer", "reverse", "schedule", "select",
        "selector", "shuffle", "slice", "sort", "sorter", "split", "splitter", "strip", "styler", "styles",
        "substring", "swap", "tokens", "translate", "translator", "trim", "truncate", "upper", "uppercase",
        "variation", "weight",
    }
)  # fmt: skip
_OUTSIDE = re.compile(
    r"load.*(?:text|prompt|file|line|string|csv)|(?:from|text|prompt) ?file|lora ?(?:loader|stack)", re.IGNORECASE
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NO_TEXT = NON_IMAGE_INPUTS - {"positive", "negative", "conditioning", "text_embeds"} | {
    "image", "images", "pixels", "samples", "latent", "latent_image", "hooks", "timesteps",
}  # fmt: skip


class TextFinder:
    """Finds the texts of one side of a graph; what depends on the run raises UndecidableError."""

    def __init__(self, graph: Graph, *, positive: bool) -> None:
        self.graph = graph
        self.side = POSITIVE if positive else NEGATIVE
        self.other = NEGATIVE if positive else POSITIVE
        # What an output gave is kept, and is nothing while it is being found out: no output is worked out twice.
        self._texts: dict[tuple[str, int], object] = {}
        self._results: dict[tuple[str, int], object] = {}

    def text(self, value: object, depth: int = 0) -> str | None:
        """Return a text, or the one that a chain of text nodes gives; None where there is none.

        Raises:
            UndecidableError: only the run knew it.
        """
        if isinstance(value, str):
            return value
        if isinstance(value, dict) and isinstance(value.get("__value__"), str):
            return str(value["__value__"])
        if value is RANDOM_TEXT:
            raise UndecidableError
        node = self.graph.link(value)
        if node is None or not isinstance(value, list) or depth > DEPTH_LIMIT or not self.graph.step():
            return None
        key = node.id, slot_of(value)
        return remembered(self._texts, key, None, lambda: self.node_text(node, key[1], depth))

    def evaluate(self, value: object, depth: int = 0) -> object:
        """Return a text, a number or a boolean: the value itself, or what stands behind the link.

        Raises:
            UndecidableError: there is none, or only the run knew it.
        """
        if isinstance(value, dict) and "__value__" in value:
            value = value["__value__"]
        if not isinstance(value, list):
            if isinstance(value, (str, int, float)):
                return value
            raise UndecidableError
        node = self.graph.link(value)
        if node is None or depth > DEPTH_LIMIT or not self.graph.step():
            raise UndecidableError
        if node.kind in OPERATIONS:
            return self._computed(node, slot_of(value), depth)
        chosen = self.graph.switch(node)
        found: object = None
        if chosen is not None:
            found = self.let_through(chosen, lambda item: self.evaluate(item, depth + 1))
        elif isinstance(node.inputs.get("value"), (int, float)) and not node.sources:
            found = node.inputs["value"]
        else:
            found = self.text(value, depth)
            if found is None:
                found = self.graph.scalar(value, (), _plain)
        if found is None:
            raise UndecidableError
        return found

    def decide(self, value: object) -> object:
        """Return what stands behind a link to a node that computes, or None where that cannot be told."""
        try:
            return self.evaluate(value)
        except UndecidableError:
            return None

    def own_text(self, node: Node, slot: int, depth: int) -> str | None:
        """Return the text a node computes, holds, joins or passes on."""
        if node.kind in OPERATIONS:
            found = self._computed(node, slot, depth)
            if not isinstance(found, str):
                raise UndecidableError
            return found
        if _is_language_model(node.kind):
            raise UndecidableError
        found = self._kept_text(node, depth)
        if found and _is_template(node.kind) and _CHOICE.search(found):
            raise UndecidableError
        return found

    def _kept_text(self, node: Node, depth: int) -> str | None:
        """Return the text that a node holds, joins or passes on."""
        inputs = node.inputs
        if "find" in inputs and "replace" in inputs and ("string" in inputs or "text" in inputs):
            return self._replaced(inputs, depth)
        joined = self._joined_inputs(node, depth)
        if joined is not None:
            return joined
        for name in (*self.side, *_TEXT):
            if name in inputs:
                found = self.text(inputs[name], depth + 1)
                if found is not None:
                    return found
        if len(inputs) == 1:
            # A box for texts that is named after the other side.
            for name in self.other:
                if isinstance(inputs.get(name), str):
                    return str(inputs[name])
        links = [item for name, item in self.inner_links(node) if name not in self.other]
        return self.text(links[0], depth + 1) if len(links) == 1 else None

    def inner_links(self, node: Node) -> list[tuple[str, object]]:
        """Return the inputs that may lead on to a text."""
        return [
            (name, item) for name, item in node.inputs.items() if self.graph.link(item) and not is_named(name, _NO_TEXT)
        ]

    def node_text(self, node: Node, slot: int, depth: int) -> str | None:
        """Return the text that an output of a node gives."""
        chosen = self.graph.switch(node) if node.kind not in OPERATIONS else None
        if chosen is not None:
            try:
                return self.let_through(chosen, lambda item: self.text(item, depth + 1))
            except UndecidableError:
                typed = self._rewritten(chosen[0])
                if typed is None:
                    raise
                return self.text(typed, depth + 1)
        if node.kind not in OPERATIONS and not _is_language_model(node.kind):
            if node.kind == "ShowText|pysssss":
                return self._shown(node, slot, depth)
            is_plain_replace = "find" in node.inputs and "replace" in node.inputs
            if _computes(node.kind) and not is_plain_replace:
                raise UndecidableError
        return self.own_text(node, slot, depth)

    def _shown(self, node: Node, slot: int, depth: int) -> str | None:
        """Return the text of a node that shows one, which stands in the editor's graph once it was run.

        What stands beside its input was shown by the run before.
        """
        try:
            return self.own_text(node, slot, depth)
        except UndecidableError:
            found = self.graph.shown(node.id) if self.graph.shown is not None else None
            if found is None:
                raise
            return found

    def _computed(self, node: Node, slot: int, depth: int) -> object:
        """Return what an output of a node that is known to compute gives."""
        given = node.inputs
        inputs = NodeInputs(node.kind, slot, given, lambda value: self.evaluate(value, depth + 1), self.graph.patterns)
        return remembered(self._results, (node.id, slot), _UNDECIDED, lambda: _worked_out(inputs))

    def let_through(self, switch: tuple[list[object], bool], read: Callable[[object], T]) -> T | None:
        """Return what a switch lets through; where that is not sure, what all of its inputs agree on."""
        items = [item for item in switch[0] if not isinstance(item, list) or self.graph.link(item) is not None]
        found = read(items[0]) if items else None
        if not switch[1] and any(read(item) != found for item in items[1:]):
            raise UndecidableError
        return found

    def _rewritten(self, items: list[object]) -> object:
        """Return the other input of a switch where it lets through what a language model made of that very text."""
        linked = [node for item in items if (node := self.graph.link(item)) is not None]
        if len(linked) < 2:
            return None
        before = list(self.graph.upstream(linked[0]))
        if not any(_is_language_model(node.kind) for node in before):
            return None
        return next((item for item in items[1:] if self.graph.link(item) in before), None)

    def _replaced(self, inputs: dict[str, object], depth: int) -> str | None:
        """Return what a node gives that replaces one text by another."""
        whole = self.text(inputs["string"] if "string" in inputs else inputs["text"], depth + 1)
        find, replace = self.text(inputs["find"], depth + 1), self.text(inputs["replace"], depth + 1)
        if not whole or find is None or replace is None:
            return whole
        # Whether it is taken as a regular expression is not known.
        if re.escape(find).replace("\\ ", " ") != find or "\\" in replace or not find:
            raise UndecidableError
        return whole.replace(find, replace)

    def _joined_inputs(self, node: Node, depth: int) -> str | None:
        """Return the joined texts of a node with numbered or lettered text inputs, or None for any other node."""
        members: dict[str, list[tuple[int, str, object]]] = {}
        for name, item in node.inputs.items():
            if (match := _NUMBERED_TEXT.match(name)) and isinstance(item, (str, list)):
                label = match[2]
                order = int(label) if label.isdigit() else ord(label.lower())
                members.setdefault(match[1], []).append((order, name, item))
        family = max(members.values(), key=len, default=[])
        if len(family) < 2 or "text" in node.inputs or "prompt" in node.inputs:
            return None
        parts = [self.text(item, depth + 1) for _, _, item in sorted(family, key=lambda member: member[:2])]
        if str(node.inputs.get("clean_whitespace", "")).lower() == "true":
            parts = [part.strip() if part else part for part in parts]
        given = next((node.inputs[name] for name in _DELIMITERS if name in node.inputs), None)
        if given is None and len([part for part in parts if part]) > 1:
            raise UndecidableError
        delimiter = "" if given is None else self.text(given, depth + 1)
        return joined(parts, (delimiter or "").replace("\\n", "\n"))


def _worked_out(inputs: NodeInputs) -> object:
    """Return what a node gives; one that would have failed gave nothing."""
    try:
        return OPERATIONS[inputs.kind](inputs)
    except (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise UndecidableError from error


@lru_cache(maxsize=2048)
def _is_language_model(kind: str) -> bool:
    return _LANGUAGE_MODELS.search(kind) is not None


@lru_cache(maxsize=2048)
def _is_template(kind: str) -> bool:
    return _TEMPLATES.search(kind) is not None


@lru_cache(maxsize=2048)
def _computes(kind: str) -> bool:
    """Return whether nodes of a class that is not known change a text, as far as its name tells."""
    if _is_template(kind):
        return False
    words = {word.lower() for word in _WORD.findall(kind[:200])}
    return not _COMPUTES.isdisjoint(words) or _OUTSIDE.search(kind[:200]) is not None


def remembered(memory: dict[tuple[str, int], object], key: tuple[str, int], busy: object, find: Callable[[], T]) -> T:
    """Return what ``find`` found, or raise what it raised, the first time it was asked for ``key``.

    While it is being found it is ``busy``.
    """
    if key not in memory:
        memory[key] = busy
        try:
            memory[key] = find()
        except UndecidableError:
            memory[key] = _UNDECIDED
    found = memory[key]
    if found is _UNDECIDED:
        raise UndecidableError
    return cast("T", found)


def slot_of(link: list[object]) -> int:
    """Return which output a link takes."""
    return link[1] if isinstance(link[1], int) else 0


def joined(parts: list[str | None], delimiter: str) -> str | None:
    """Return the non-empty texts joined; "" when all are empty, None when there is none."""
    texts = [part for part in parts if part is not None]
    return delimiter.join(part for part in texts if part.strip()) if texts else None


def _plain(value: object) -> object:
    return value if isinstance(value, (str, int, float)) else None

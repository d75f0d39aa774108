"""The prompts of a ComfyUI graph: the texts that the conditionings of a sampler were encoded from."""

from __future__ import annotations

import re
from collections.abc import Callable

from dtk_tui.metadata import values
from dtk_tui.metadata.comfy.graph import DEPTH_LIMIT, NON_IMAGE_INPUTS, Graph, Node

_CONDITIONING = re.compile(r"cond(?:itioning)?(?:[_ ]?(?:\d{1,2}|to|from|a|b|base|regional))?$", re.IGNORECASE)
_POSITIVE = (
    "positive",
    "positive_prompt",
    "text_positive",
    "pos",
    "positive_cond",
    "positive_conditioning",
    "pos_prompt",
)
_NEGATIVE = (
    "negative",
    "negative_prompt",
    "text_negative",
    "neg",
    "negative_cond",
    "negative_conditioning",
    "neg_conditioning",
    "neg_prompt",
)
_POSITIVE_BRANCH = re.compile(r"pos(?:itive)?_?(?:\d{1,2}|[A-Za-z]|NEW|DEFAULT)$")
_NEGATIVE_BRANCH = re.compile(r"neg(?:ative)?_?(?:\d{1,2}|[A-Za-z]|NEW|DEFAULT)$")
_TEXT = (
    "populated_text", "text", "t5xxl", "prompt", "user_prompt", "Text", "prompt_text", "string", "String", "value",
    "wildcard_text", "source", "opt_text", "anything", "any", "input", "caption", "tags", "multi_line_prompt", "clip_g",
    "clip_l", "bert", "mt5xl", "string_field", "text_input", "global_prompt", "", "*",
)  # fmt: skip
_NUMBERED_TEXT = re.compile(r"(text|string|prompt|part|str|input|txt|line|value)[_ ]?([a-h]|\d{1,2})$", re.IGNORECASE)
_DELIMITERS = ("delimiter", "separator", "concat_delimiter", "seperator", "join_with")
_TIDY_DELIMITERS: dict[object, str] = {"no": ""}
# What these return was computed when the graph ran and stands nowhere; their inputs are instructions, not the prompt.
_LANGUAGE_MODELS = re.compile(
    r"TextGenerate|LLM|GPT|Ollama|Florence|Interrogat|Tagger|Caption|Gemini|Claude|JoyTag|VLM|QwenVL|VQA|Moondream|Llava|Grok|"
    r"Chat(?!GLM)|OpenRouter|DeepSeek|Anthropic",
    re.IGNORECASE,
)
_ZERO = re.compile(r"ConditioningZeroOut|ZeroOut|EmptyConditioning", re.IGNORECASE)
_NO_TEXT = NON_IMAGE_INPUTS - {"positive", "negative", "conditioning", "text_embeds"} | {
    "image", "images", "pixels", "samples", "latent", "latent_image", "hooks", "timesteps",
}  # fmt: skip


class PromptFinder:
    """Finds the positive or the negative prompt: follows the links from a sampler to the texts that were encoded."""

    def __init__(self, graph: Graph, *, positive: bool) -> None:
        self.graph = graph
        self.side = _POSITIVE if positive else _NEGATIVE
        self.other = _NEGATIVE if positive else _POSITIVE
        self.branch = _POSITIVE_BRANCH if positive else _NEGATIVE_BRANCH
        self.other_branch = _NEGATIVE_BRANCH if positive else _POSITIVE_BRANCH
        self.is_zeroed = False
        self.language_models_seen = 0
        # What a node gave is kept, and is nothing while it is being found out: no node is walked twice, no ring ends.
        self._conditionings: dict[str, str | None] = {}
        self._texts: dict[str, str | None] = {}

    def of_sampler(self, nodes: list[Node]) -> str | None:
        """Return the text behind the first of ``nodes`` (a sampler and its helpers) that has this side."""
        is_positive = self.side is _POSITIVE
        for node in nodes:
            for name in self.side:
                if name in node.inputs and (found := self.conditioning(node.inputs[name])) is not None:
                    return found
            if "text_embeds" in node.inputs and (found := self.conditioning(node.inputs["text_embeds"])) is not None:
                return found
            if is_positive:
                for name, value in node.inputs.items():
                    if _CONDITIONING.match(name) and (found := self.conditioning(value)) is not None:
                        return found
        return self._of_encoder(nodes[1:]) if is_positive else None

    def _of_encoder(self, nodes: list[Node]) -> str | None:
        """Return the prompt of an encoder whose result reaches the sampler under a name of its own."""
        for node in nodes:
            prompt = node.inputs.get("prompt")
            if prompt is not None and ("negative_prompt" in node.inputs or "encode" in node.kind.lower()):
                found = self.text(prompt)
                if found is not None:
                    return found
        return None

    def conditioning(self, value: object, depth: int = 0) -> str | None:
        """Return the text of a conditioning; "" where it was zeroed out, None where none can be found."""
        if isinstance(value, str):
            return value
        node = self.graph.link(value)
        if node is None or depth > DEPTH_LIMIT or not self.graph.step():
            return None
        if node.id not in self._conditionings:
            self._conditionings[node.id] = None
            self._conditionings[node.id] = self._node_conditioning(node, depth)
        found = self._conditionings[node.id]
        if self._is_negative_output(value, node):
            return ""
        return found

    def _is_negative_output(self, value: object, node: Node) -> bool:
        """Return whether a link takes the negative half of an encoder of both sides that was given one text alone."""
        return (
            self.side is _NEGATIVE
            and isinstance(value, list)
            and value[1] == 1
            and "clip" in node.inputs
            and "prompt" in node.inputs
            and not any(name in node.inputs for name in self.side)
        )

    def _node_conditioning(self, node: Node, depth: int) -> str | None:
        """Return the text of the conditioning that a node gives."""
        if _ZERO.search(node.kind):
            self.is_zeroed = True
            return ""
        chosen = self.graph.switched_inputs(node)
        if chosen is not None:
            return self._switched(chosen, self.conditioning, depth)
        inputs = node.inputs
        for name in self.side:
            if name in inputs and (found := self._text_or_conditioning(inputs[name], depth)) is not None:
                return found
        joining = [item for name, item in inputs.items() if _CONDITIONING.match(name) or self.branch.match(name)]
        if joining:
            parts = [self.conditioning(item, depth + 1) for item in joining]
            found = _joined(_unique(parts), "\n")
            if found is not None:
                return found
        own = self._encoder_text(node, depth)
        if own is not None:
            return own
        for name, item in self._inner_links(node):
            if name not in self.other and not self.other_branch.match(name):
                found = self.conditioning(item, depth + 1)
                if found is not None:
                    return found
        return None

    def _text_or_conditioning(self, value: object, depth: int) -> str | None:
        """Return the text behind an input that may hold a text or a conditioning."""
        found = self.conditioning(value, depth + 1)
        return self.text(value, depth + 1) if found is None else found

    def _encoder_text(self, node: Node, depth: int) -> str | None:
        """Return what a text encoder encodes; of two encoders' texts the longer one, both when they differ in kind."""
        inputs = node.inputs
        if ("text_g" in inputs or "text_l" in inputs) and inputs.get("with_SDXL") is not False:
            both = [self.text(inputs.get(name), depth + 1) for name in ("text_g", "text_l")]
            found = _joined(_unique(both), "\n")
            if found:
                return found
        if "t5xxl" in inputs:
            options = [self.text(inputs.get(name), depth + 1) for name in ("t5xxl", "clip_g", "clip_l")]
            return next((item for item in options if item), None) or next(
                (item for item in options if item is not None), None
            )
        return self._own_text(node, depth)

    def text(self, value: object, depth: int = 0) -> str | None:
        """Return a text, or the one that a chain of text nodes gives."""
        if isinstance(value, str):
            return value
        if isinstance(value, dict) and isinstance(value.get("__value__"), str):
            return str(value["__value__"])
        node = self.graph.link(value)
        if node is None or depth > DEPTH_LIMIT or not self.graph.step():
            return None
        if _LANGUAGE_MODELS.search(node.kind):
            self.language_models_seen += 1
            return None
        if node.id not in self._texts:
            self._texts[node.id] = None
            chosen = self.graph.switched_inputs(node)
            found = self._own_text(node, depth) if chosen is None else self._switched(chosen, self.text, depth)
            self._texts[node.id] = found
        return self._texts[node.id]

    def _switched(self, items: list[object], read: Callable[[object, int], str | None], depth: int) -> str | None:
        """Return what a switch lets through; where a language model wrote that, what was typed stands beside it."""
        for item in items:
            if not isinstance(item, str) and self.graph.link(item) is None:
                continue
            met = self.language_models_seen
            found = read(item, depth + 1)
            if found is not None or self.language_models_seen == met:
                return found
        return None

    def _own_text(self, node: Node, depth: int) -> str | None:
        """Return the text a node holds, joins or passes on."""
        if _LANGUAGE_MODELS.search(node.kind):
            self.language_models_seen += 1
            return None
        inputs = node.inputs
        if "toggle_trigger_words" in inputs:
            return _active_trigger_words(inputs["toggle_trigger_words"])
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
        cached = inputs.get("text_0")
        if isinstance(cached, str):
            return cached
        if len(inputs) == 1:
            # A box for texts that is named after the other side.
            for name in self.other:
                if isinstance(inputs.get(name), str):
                    return str(inputs[name])
        links = [item for name, item in self._inner_links(node) if name not in self.other]
        return self.text(links[0], depth + 1) if len(links) == 1 else None

    def _inner_links(self, node: Node) -> list[tuple[str, object]]:
        """Return the inputs that may lead on to a text."""
        return [(name, item) for name, item in node.inputs.items() if name not in _NO_TEXT and self.graph.link(item)]

    def _replaced(self, inputs: dict[str, object], depth: int) -> str | None:
        """Return what a node gives that replaces one text by another."""
        whole = self.text(inputs["string"] if "string" in inputs else inputs["text"], depth + 1)
        find, replace = self.text(inputs["find"], depth + 1), self.text(inputs["replace"], depth + 1)
        return whole.replace(find, replace) if whole and find and replace is not None else whole

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
        if node.inputs.get("action") == "replace" and len(parts) == 3:
            return (parts[0] or "").replace(parts[1] or "\0", parts[2] or "")
        if str(node.inputs.get("clean_whitespace", "")).lower() == "true":
            parts = [part.strip() if part else part for part in parts]
        given = next((node.inputs[name] for name in _DELIMITERS if name in node.inputs), None)
        delimiter = (
            self.text(given, depth + 1)
            if given is not None
            else _TIDY_DELIMITERS.get(node.inputs.get("tidy_tags"), ", ")
        )
        if node.kind == "StringConcatenate":
            return None if parts.count(None) == len(parts) else (delimiter or "").join(part or "" for part in parts)
        return _joined(parts, (delimiter or "").replace("\\n", "\n"))


def _active_trigger_words(words: object) -> str:
    """Return the trigger words that are switched on in a node of ComfyUI-Lora-Manager."""
    items = words.get("__value__") if isinstance(words, dict) else words
    listed = [item for item in (items if isinstance(items, list) else []) if isinstance(item, dict)]
    return ", ".join(str(item.get("text", "")) for item in listed if item.get("active"))


def _joined(parts: list[str | None], delimiter: str) -> str | None:
    """Return the non-empty texts joined; "" when all are empty, None when there is none."""
    texts = [part for part in parts if part is not None]
    return delimiter.join(part for part in texts if part.strip()) if texts else None


def _unique(parts: list[str | None]) -> list[str | None]:
    """Return each text once: a prompt that is encoded for several places or encoders is still one prompt."""
    return list(dict.fromkeys(parts))


def prompts_of(graph: Graph, nodes: list[Node]) -> tuple[str | None, str | None, bool]:
    """Return positive and negative prompt of a sampler and its helpers, and whether the positive one was zeroed out."""
    positive, negative = PromptFinder(graph, positive=True), PromptFinder(graph, positive=False)
    found = values.prompt(positive.of_sampler(nodes))
    return found, values.prompt(negative.of_sampler(nodes)), positive.is_zeroed

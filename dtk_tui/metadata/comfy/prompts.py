"""The prompts of a ComfyUI graph: the texts that the conditionings of a sampler were encoded from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dtk_tui.metadata import values
from dtk_tui.metadata.comfy.computing.undecidable import UndecidableError
from dtk_tui.metadata.comfy.graph import DEPTH_LIMIT, Graph, Node
from dtk_tui.metadata.comfy.texts import POSITIVE, TextFinder, joined, remembered, slot_of

_CONDITIONING = re.compile(r"cond(?:itioning)?(?:[_ ]?(?:\d{1,2}|to|from|a|b|base|regional))?$", re.IGNORECASE)
_POSITIVE_BRANCH = re.compile(r"pos(?:itive)?_?(?:\d{1,2}|[A-Za-z]|NEW|DEFAULT)$")
_NEGATIVE_BRANCH = re.compile(r"neg(?:ative)?_?(?:\d{1,2}|[A-Za-z]|NEW|DEFAULT)$")
_ZERO = re.compile(r"ConditioningZeroOut|ZeroOut|EmptyConditioning", re.IGNORECASE)
# The texts of an encoder that takes one for each of its models, the one that says most first.
_ENCODED = (
    "t5xxl",
    "llama",
    "qwen25_7b",
    "text_g",
    "text_l",
    "prompt_g",
    "prompt_l",
    "clip_g",
    "clip_l",
    "mt5xl",
    "bert",
)


# A node without any of these gives a text, which another encodes.
_ENCODER_INPUTS = frozenset(
    {
        "clip",
        "text_encoder",
        "text_encoders",
        "t5",
        "model",
        "pipe",
        "conditioning",
        "chatglm3_model",
        "positive",
        "negative",
    }
)


@dataclass(frozen=True, slots=True)
class Prompts:
    """Both prompts of a sampler.

    ``is_zeroed``: the positive one was zeroed out; ``positive_decided``, ``negative_decided``: the run adds nothing.
    """

    positive: str | None
    negative: str | None
    is_zeroed: bool
    positive_decided: bool
    negative_decided: bool


class PromptFinder(TextFinder):
    """Finds the positive or the negative prompt: follows the links from a sampler to the texts that were encoded."""

    def __init__(self, graph: Graph, *, positive: bool) -> None:
        super().__init__(graph, positive=positive)
        self.branch = _POSITIVE_BRANCH if positive else _NEGATIVE_BRANCH
        self.other_branch = _NEGATIVE_BRANCH if positive else _POSITIVE_BRANCH
        self.is_zeroed = False
        self._conditionings: dict[tuple[str, int], object] = {}

    def of_sampler(self, nodes: list[Node]) -> str | None:
        """Return the text behind the first of ``nodes`` (a sampler and its helpers) that has this side."""
        is_positive = self.side is POSITIVE
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
        """Return the text of a conditioning; "" where it was zeroed out, None where none can be found.

        Raises:
            UndecidableError: only the run knew it.
        """
        if isinstance(value, str):
            return value
        node = self.graph.link(value)
        if node is None or depth > DEPTH_LIMIT or not self.graph.step():
            return None
        if self._is_negative_output(value, node):
            return ""
        slot = slot_of(value) if isinstance(value, list) else 0
        key = node.id, slot
        return remembered(self._conditionings, key, None, lambda: self._node_conditioning(node, slot, depth))

    def _is_negative_output(self, value: object, node: Node) -> bool:
        """Return whether a link takes the negative half of an encoder of both sides that was given one text alone."""
        return (
            self.side is not POSITIVE
            and isinstance(value, list)
            and value[1] == 1
            and "clip" in node.inputs
            and "prompt" in node.inputs
            and not any(name in node.inputs for name in self.side)
        )

    def _node_conditioning(self, node: Node, slot: int, depth: int) -> str | None:
        """Return the text of the conditioning that a node gives."""
        if _ZERO.search(node.kind):
            self.is_zeroed = True
            return ""
        chosen = self.graph.switch(node)
        if chosen is not None:
            return self.let_through(chosen, lambda item: self.conditioning(item, depth + 1))
        inputs = node.inputs
        for name in self.side:
            if name in inputs and (found := self._text_or_conditioning(inputs[name], depth)) is not None:
                return found
        joining = [item for name, item in inputs.items() if _CONDITIONING.match(name) or self.branch.match(name)]
        if joining:
            parts = [self.conditioning(item, depth + 1) for item in joining]
            found = joined(_unique(parts), "\n")
            if found is not None:
                return found
        own = self._encoder_text(node, slot, depth)
        if own is not None:
            return own
        for name, item in self.inner_links(node):
            if name not in self.other and not self.other_branch.match(name):
                found = self.conditioning(item, depth + 1)
                if found is not None:
                    return found
        return None

    def _text_or_conditioning(self, value: object, depth: int) -> str | None:
        """Return the text behind an input that may hold a text or a conditioning."""
        found = self.conditioning(value, depth + 1)
        return self.text(value, depth + 1) if found is None else found

    def _encoder_text(self, node: Node, slot: int, depth: int) -> str | None:
        """Return what a text encoder encodes; where it takes several texts, all that are different."""
        inputs = node.inputs
        if inputs.get("with_SDXL") is not False and (names := [name for name in _ENCODED if name in inputs]):
            found = joined(_unique([self.text(inputs[name], depth + 1) for name in names]), "\n")
            if found:
                return found
        if _ENCODER_INPUTS.isdisjoint(inputs):
            return self.node_text(node, slot, depth)
        return self.own_text(node, slot, depth)


def _unique(parts: list[str | None]) -> list[str | None]:
    """Return each text once: a prompt that is encoded for several places or encoders is still one prompt."""
    return list(dict.fromkeys(parts))


def prompts_of(graph: Graph, nodes: list[Node]) -> Prompts:
    """Return the prompts of a sampler and its helpers, and whether the positive one was zeroed out."""
    finders = PromptFinder(graph, positive=True), PromptFinder(graph, positive=False)
    texts: list[str | None] = []
    decided = []
    for finder in finders:
        try:
            texts.append(values.prompt(finder.of_sampler(nodes)))
            decided.append(True)
        except UndecidableError:
            texts.append(None)
            decided.append(False)
    return Prompts(texts[0], texts[1], finders[0].is_zeroed, decided[0], decided[1])

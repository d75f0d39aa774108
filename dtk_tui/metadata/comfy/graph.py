"""A ComfyUI graph in the API form: nodes by id, links between them, values behind links; safe on any graph."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dtk_tui.metadata.comfy.computing.patterns import Patterns

T = TypeVar("T")

NODE_LIMIT = 20_000
STEP_LIMIT = 20_000
DEPTH_LIMIT = 60

# Inputs that carry something else than the picture, the latent or a setting of the sampler.
NON_IMAGE_INPUTS = frozenset(
    {
        "model", "clip", "vae", "positive", "negative", "mask", "control_net", "clip_vision", "style_model", "model1",
        "model2", "unet", "upscale_model", "conditioning", "optional_vae", "refiner_model", "clip_vision_output",
        "noise_mask", "lora_stack", "cnet_stack", "ipadapter", "image_embeds", "text_embeds", "bbox_detector",
        "sam_model_opt", "segm_detector_opt", "segs", "detailer_hook", "controlnet", "lora", "block_swap_args",
    }
)  # fmt: skip
_VALUE_NAMES = ("value", "Value", "int", "float", "number", "INT", "FLOAT", "string", "text")
_BOOLEAN_SWITCH_INPUTS = (
    ("on_true", "on_false"),
    ("true_value", "false_value"),
    ("tt_value", "ff_value"),
    ("if_true", "if_false"),
    ("IF_TRUE", "IF_FALSE"),
)
_CONDITIONS = ("switch", "boolean", "condition", "cond", "value", "bool", "ANY")
_SELECTORS = ("select", "selected", "index", "Input", "input", "selector", "choice", "ckpt_index")
# Bundles of everything that a sampler needs.
_BUNDLE_INPUTS = ("base_ctx", "ctx_01", "context", "pipe", "basic_pipe")
# Pictures are measured when the graph runs; a formula is worked out then.
_MEDIA_INPUTS = frozenset({"image", "images", "pixels", "mask", "masks", "samples", "latent", "latent_image", "video"})
_FORMULA_INPUTS = frozenset({"expression", "formula", "operation", "operator", "op", "math_operation"})
_NUMBERED = re.compile(r"\D*?_?0*(\d{1,3})$")


#: Stands for a text that the editor has drawn lots over before it was sent.
RANDOM_TEXT: dict[str, object] = {"__random__": True}


@dataclass(frozen=True, slots=True)
class Node:
    """One node: id, class, inputs (values, or links as ``[id, output slot]``), and (input, id) of each link."""

    id: str
    kind: str
    inputs: dict[str, Any]
    sources: tuple[tuple[str, str], ...]


class Graph:
    """Nodes by id, and walks along their links; the steps of all walks are bounded, so no graph takes long."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes
        self.steps_left = STEP_LIMIT
        self.patterns = Patterns()
        self._choosing: set[str] = set()
        #: The classes of nodes that compute, and what works out what an output of one gives: None where it cannot tell.
        self.computing: Container[str] = ()
        self.decide: Callable[[object], object] = _undecided
        #: Returns what a node has shown in this run, by its id; None where that stands nowhere.
        self.shown: Callable[[str], str | None] | None = None

    def step(self) -> bool:
        """Count one step; False when none is left."""
        self.steps_left -= 1
        return self.steps_left > 0

    def link(self, value: object) -> Node | None:
        """Return the node that ``value`` links to, or None when it is no link or leads nowhere."""
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], (str, int)):
            return self.nodes.get(str(value[0]))
        return None

    def links(self, node: Node, skip: frozenset[str] = frozenset()) -> Iterator[tuple[str, Node]]:
        """Yield (input name, linked node) of ``node`` in the order of its inputs."""
        nodes = self.nodes
        for name, source in node.sources:
            if source in nodes and name not in skip and not is_named(name, skip):
                yield name, nodes[source]

    def upstream(self, start: Node, skip: frozenset[str] = frozenset()) -> Iterator[Node]:
        """Yield ``start`` and everything it is made of, nearest first, without the inputs in ``skip``."""
        nodes = self.nodes
        seen = {start.id}
        queue = deque((start,))
        while queue:
            node = queue.popleft()
            yield node
            for name, source in node.sources:
                if source in seen or name in skip or source not in nodes:
                    continue
                if "." not in name or not is_named(name, skip):
                    seen.add(source)
                    queue.append(nodes[source])

    def scalar(
        self, value: object, names: Sequence[str], accept: Callable[[object], T | None], depth: int = 0
    ) -> T | None:
        """Return the value itself, or what stands behind the link, as far as ``accept`` takes it."""
        if not isinstance(value, list):
            return accept(value)
        node = self.link(value)
        if node is None or depth > DEPTH_LIMIT or not self.step():
            return None
        if node.kind in self.computing:
            return accept(self.decide(value))
        chosen = self.switched_inputs(node)
        if chosen is not None:
            passed = next((item for item in chosen if not isinstance(item, list) or self.link(item)), None)
            return self.scalar(passed, names, accept, depth + 1)
        for name in (*names, *_VALUE_NAMES):
            if name in node.inputs:
                found = self.scalar(node.inputs[name], names, accept, depth + 1)
                if found is not None:
                    return found
        for name in _BUNDLE_INPUTS:
            if name in node.inputs:
                return self.scalar(node.inputs[name], names, accept, depth + 1)
        plain = [item for item in node.inputs.values() if not isinstance(item, (list, bool))]
        if not node.sources:
            return accept(plain[0]) if len(plain) == 1 else None
        if _is_formula(node):
            return None
        linked = [item for name, item in node.inputs.items() if name not in _MEDIA_INPUTS and self.link(item)]
        return self.scalar(linked[0], names, accept, depth + 1) if len(linked) == 1 == len(node.sources) else None

    def switched_inputs(self, node: Node) -> list[object] | None:
        """Return the inputs of a switch, the one it lets through first, or None for any other node."""
        found = self.switch(node)
        return None if found is None else found[0]

    def switch(self, node: Node) -> tuple[list[object], bool] | None:
        """Return the inputs of a switch, the one it lets through first, and whether that is sure; None: no switch."""
        inputs = node.inputs
        for when_true, when_false in _BOOLEAN_SWITCH_INPUTS:
            if when_true in inputs or when_false in inputs:
                flag = next((self._flag(inputs[name]) for name in _CONDITIONS if name in inputs), None)
                order = (when_false, when_true) if flag is False else (when_true, when_false)
                return [inputs[name] for name in order if name in inputs], flag is not None
        if "switch" not in node.kind.lower():
            return None
        numbered = {}
        lettered = {}
        for name, item in inputs.items():
            if isinstance(item, (list, str)):
                if match := _NUMBERED.match(name):
                    numbered[int(match[1])] = item
                elif name[-2:] in ("_a", "_b"):
                    lettered[name[-1]] = item
        if len(lettered) == 2 and "boolean" in inputs:
            flagged = self._flag(inputs["boolean"])
            order_of_letters = "ba" if flagged is False else "ab"
            return [lettered[letter] for letter in order_of_letters], flagged is not None
        if not numbered:
            return None
        selector = next((inputs[name] for name in _SELECTORS if name in inputs), None)
        picked = None if selector is None else self._selected(node, selector)
        order_of = sorted(numbered, key=lambda index: (index != picked, index))
        return [numbered[index] for index in order_of], selector is None or picked in numbered

    def _selected(self, node: Node, selector: object) -> int | None:
        """Return the number by which a switch chooses, or None, as for one that asks itself."""
        if node.id in self._choosing:
            return None
        self._choosing.add(node.id)
        try:
            return self.scalar(selector, (), _integer)
        finally:
            self._choosing.remove(node.id)

    def _flag(self, value: object) -> bool | None:
        """Return a boolean, or the one behind a link."""
        for _ in range(DEPTH_LIMIT):
            if isinstance(value, (bool, int)):
                return bool(value)
            node = self.link(value)
            if node is None or not self.step():
                return None
            if node.kind in self.computing:
                decided = self.decide(value)
                return bool(decided) if isinstance(decided, (bool, int)) else None
            value = next((node.inputs[name] for name in ("value", "boolean", "switch") if name in node.inputs), None)
        return None


def _undecided(_value: object) -> object:
    return None


def is_named(name: str, names: frozenset[str]) -> bool:
    """Return whether an input goes by one of ``names``: ``images.image_1`` is one of several ``images``."""
    return name in names or ("." in name and not names.isdisjoint(name.split(".", 3)))


def _is_formula(node: Node) -> bool:
    """Return whether what a node gives is worked out from its inputs, so that none of them is the answer."""
    return (
        not _FORMULA_INPUTS.isdisjoint(node.inputs)
        or "math" in node.kind.lower()
        or any(isinstance(item, (int, float)) and not isinstance(item, bool) for item in node.inputs.values())
    )


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def node(key: str, kind: str, inputs: dict[str, Any]) -> Node:
    """Return a node with its links picked out."""
    sources = []
    dotted = []
    for name, value in inputs.items():
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], (str, int)):
            sources.append((name, str(value[0])))
        if "." in name:
            dotted.append(name)
    for name in dotted:
        # What depends on a choice is sent as ``model.seed`` beside the choice ``model``.
        choice, _, own = name.rpartition(".")
        if isinstance(inputs.get(choice), str):
            inputs.setdefault(own, inputs[name])
    return Node(key, kind, inputs, tuple(sources))


def from_api(source: dict[str, Any]) -> Graph | None:
    """Return the graph in a ``prompt`` object (https://docs.comfy.org, API format), or None when it holds no node."""
    nodes = {}
    for key, item in source.items():
        if isinstance(item, dict) and isinstance(item.get("class_type"), str):
            inputs = item.get("inputs")
            nodes[key] = node(key, item["class_type"], inputs if isinstance(inputs, dict) else {})
            if len(nodes) >= NODE_LIMIT:
                break
    if not nodes and isinstance(source.get("prompt"), dict) and source["prompt"] is not source:
        # What was sent to the server as a whole, the graph being one part of it.
        return from_api({key: item for key, item in source["prompt"].items() if key != "prompt"})
    return Graph(nodes) if nodes else None

"""Nodes that call a service to paint (comfy_api_nodes of ComfyUI): they have the prompt among their own inputs.

Inputs that depend on a choice are sent under dotted names, the choice before them: ``model.prompt``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dtk_tui.domain.parameters import GenerationParameters
from dtk_tui.metadata import values
from dtk_tui.metadata.comfy.computing.undecidable import UndecidableError
from dtk_tui.metadata.comfy.graph import Graph, Node
from dtk_tui.metadata.comfy.texts import TextFinder

_PROMPTS = (
    "prompt",
    "edit_instruction",
    "prompt_text",
    "positive_prompt",
    "text_prompt",
    "instruction",
    "video_prompt",
)
_NEGATIVES = ("negative_prompt", "negative_prompt_text", "negative")
_STORYBOARD = re.compile(r"(?:storyboard|shot)_?\d+_prompt$")
# A prompt among the inputs of these is one that they encode, or an instruction.
_NOT_SERVICES = frozenset({"CLIPTextEncode", "TextGenerate"})
# The picture is followed, not the texts: what a language model was told is not the prompt.
_TEXT_INPUTS = frozenset({*_PROMPTS, *_NEGATIVES, "system_prompt", "text", "string", "string_a", "string_b"})
# A choice among sizes counts before the sides, which are those of a choice of one's own.
_SIZE_CHOICES = ("size_preset", "size", "image_size", "resolution", "dimensions", "ratio")
_SIDES = (("width", "height"), ("custom_width", "custom_height"))
_SIZE = re.compile(r"(?<!\d)(\d{3,5})\s*[xX×*]\s*(\d{3,5})(?!\d)")
_PIXEL_RATIO = re.compile(r"(\d{3,5}):(\d{3,5})$")


def service_parameters(graph: Graph, output: Node) -> GenerationParameters:
    """Return what the nearest node before ``output`` was told that calls a service; all None where there is none."""
    for node in graph.upstream(output, _TEXT_INPUTS):
        if node.kind in _NOT_SERVICES:
            continue
        given: list[object] = [value for _, value in _prompt_inputs(node) if isinstance(value, (str, list))]
        if not given:
            continue
        positive = _joined(graph, given)
        if positive:
            return _parameters(graph, node, positive)
        if any(isinstance(value, list) for value in given):
            break
    return GenerationParameters()


def named(node: Node, *names: str) -> Iterator[tuple[str, object]]:
    """Yield (name, value) of inputs that go by one of ``names``, those without dots first, else by their last part."""
    for name in names:
        if name in node.inputs:
            yield name, node.inputs[name]
    for name, value in node.inputs.items():
        if "." in name and name.rpartition(".")[2] in names:
            yield name, value


def _prompt_inputs(node: Node) -> list[tuple[str, object]]:
    """Return the inputs that hold the prompt: one, or one for each shot of a video."""
    shots = [(name, value) for name, value in node.inputs.items() if _STORYBOARD.search(name)]
    found = list(named(node, *_PROMPTS))
    plain = [item for item in found if "." not in item[0]]
    return [item for item in plain[:1] if item[1] != ""] or [item for item in found if "." in item[0]] + shots or plain


def _joined(graph: Graph, given: list[object]) -> str | None:
    """Return the texts, each once; None where one of them is known to the run alone."""
    finder = TextFinder(graph, positive=True)
    try:
        texts = [finder.text(value) for value in given]
    except UndecidableError:
        return None
    return values.prompt("\n".join(dict.fromkeys(text for text in texts if text)))


def _parameters(graph: Graph, node: Node, positive: str) -> GenerationParameters:
    width, height = _size(graph, node)
    return GenerationParameters(
        prompt=positive,
        negative_prompt=_negative(graph, node),
        seed=next((graph.scalar(value, ("seed",), values.seed) for _, value in named(node, "seed")), None),
        steps=next((graph.scalar(value, ("steps",), values.count) for _, value in named(node, "steps")), None),
        cfg_scale=next(
            (
                graph.scalar(value, ("cfg_scale",), values.number)
                for _, value in named(node, "cfg_scale", "guidance_scale")
            ),
            None,
        ),
        width=width,
        height=height,
        model=next(
            (graph.scalar(value, ("model",), values.text) for _, value in named(node, "model", "model_name")), None
        ),
    )


def _negative(graph: Graph, node: Node) -> str | None:
    """Return the negative prompt, "" where there is none, None where only the run knew it."""
    finder = TextFinder(graph, positive=False)
    try:
        texts = [finder.text(value) for _, value in named(node, *_NEGATIVES)]
    except UndecidableError:
        return None
    return values.prompt(next((text for text in texts if text), "")) or ""


def _size(graph: Graph, node: Node) -> tuple[int | None, int | None]:
    """Return the size that was asked for: a choice, or the sides where that is one's own or there is none."""
    for name, value in named(node, *_SIZE_CHOICES):
        label = graph.scalar(value, (name,), values.text)
        if label is None:
            continue
        if match := _SIZE.search(label[:200]) or _PIXEL_RATIO.match(label):
            return values.pixels(match[1]), values.pixels(match[2])
        if "custom" not in label.lower() and name.rpartition(".")[2] in ("size_preset", "size", "image_size"):
            return None, None
    for wide, high in _SIDES:
        width = next((graph.scalar(value, (wide,), values.pixels) for _, value in named(node, wide)), None)
        height = next((graph.scalar(value, (high,), values.pixels) for _, value in named(node, high)), None)
        if width and height:
            return width, height
    return None, None

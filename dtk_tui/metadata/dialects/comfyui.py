"""ComfyUI: the executed graph in ``prompt``, the editor's in ``workflow``, or both wrapped in EXIF texts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import islice
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters
from dtk_tui.metadata import values
from dtk_tui.metadata.comfy import models, samplers, texts
from dtk_tui.metadata.comfy.graph import Graph, Node, from_api
from dtk_tui.metadata.comfy.workflow import from_workflow
from dtk_tui.metadata.dialects import automatic1111, infotext
from dtk_tui.metadata.evidence import COMMENT_KEYS, Evidence, Found

_WORDS = frozenset({"prompt", "negative_prompt", "system_prompt", "text", "string", "string_a", "string_b"})
_EARLIER_LIMIT = 8
KEYS = ("prompt", "workflow", *COMMENT_KEYS, "parameters")


def read(evidence: Evidence) -> Found | None:
    """Return the parameters of the graph; what it does not say is taken from an infotext beside it."""
    graph = find(evidence)
    if graph is None:
        return None
    found = parameters(graph)
    info = automatic1111.find(evidence)
    if info is not None:
        found = merge(found, infotext.parameters(info))
    return Found("comfyui", found)


def find(evidence: Evidence) -> Graph | None:
    """Return the first graph under any of the names it is kept under, an executed one before an edited one."""
    if "graph" not in evidence.kept:
        evidence.kept["graph"] = _find(evidence, "class_type", from_api) or _find(evidence, "nodes", from_workflow)
    found: Graph | None = evidence.kept["graph"]
    return found


def _find(evidence: Evidence, mark: str, load: Callable[[dict[str, Any]], Graph | None]) -> Graph | None:
    for key in KEYS:
        text = evidence.texts.get(key)
        if text is None or (text and mark not in text):
            continue
        source = evidence.json(key)
        if source is not None and (graph := load(source)) is not None:
            return graph
    return None


def parameters(graph: Graph) -> GenerationParameters:
    """Return the generation parameters of the last sampler that leads to what the graph saved."""
    output, sampler = samplers.output_and_sampler(graph)
    if output is None:
        return GenerationParameters()
    if sampler is None:
        return _remote(graph, output)
    nodes = samplers.helpers(graph, sampler)
    positive, negative = _prompts(graph, sampler, nodes)
    width, height = models.latent_size(graph, sampler)
    model, loras = models.model_and_loras(graph, nodes)
    return GenerationParameters(
        prompt=positive,
        negative_prompt="" if negative is None and positive is not None else negative,
        steps=samplers.setting(graph, nodes, ("steps", "steps_total"), values.count),
        sampler=samplers.setting(graph, nodes, ("sampler_name", "sampler"), values.text)
        or samplers.name_by_class(nodes, samplers.SAMPLERS),
        scheduler=samplers.setting(graph, nodes, ("scheduler",), values.text)
        or samplers.name_by_class(nodes, samplers.SCHEDULES),
        cfg_scale=samplers.setting(graph, nodes, ("cfg", "cfg_scale", "cfg_conds", "true_gs"), values.number),
        seed=_seed(graph, sampler, nodes),
        width=width,
        height=height,
        model=model,
        clip_skip=models.clip_skip(graph, nodes),
        denoising_strength=_denoise(samplers.setting(graph, nodes, ("denoise", "denoise_strength"), values.number)),
        vae=models.vae(graph, output),
        upscaler=models.upscaler(graph, output),
        loras=loras,
    )


def _prompts(graph: Graph, sampler: Node, nodes: list[Node]) -> tuple[str | None, str | None]:
    """Return both prompts of a sampler; one that was told nothing works on what an earlier one was told to paint."""
    positive, negative, is_zeroed = texts.prompts_of(graph, nodes)
    if positive or (positive is not None and not is_zeroed):
        return positive, negative
    for earlier in _earlier(graph, sampler):
        told = texts.prompts_of(graph, samplers.helpers(graph, earlier))
        if told[0]:
            return told[:2]
    return positive, negative


def _seed(graph: Graph, sampler: Node, nodes: list[Node]) -> int | None:
    """Return the seed of a sampler, or of the one before it where it only goes on without noise of its own."""
    names = ("seed", "noise_seed")
    seed = samplers.setting(graph, nodes, names, values.seed)
    if samplers.adds_noise(graph, nodes):
        return seed
    for earlier in samplers.before(graph, sampler):
        helpers = samplers.helpers(graph, earlier)
        if samplers.adds_noise(graph, helpers):
            found = samplers.setting(graph, helpers, names, values.seed)
            if found is not None:
                return found
    return seed


def _earlier(graph: Graph, sampler: Node) -> list[Node]:
    """Return the samplers that ran before ``sampler``, nearest first, a few of them."""
    before = (node for node in graph.upstream(sampler) if node is not sampler and samplers.is_sampler(node))
    return list(islice(before, _EARLIER_LIMIT))


def _remote(graph: Graph, output: Node) -> GenerationParameters:
    """Return what a graph without a sampler says: nodes that call a service have the prompt among their inputs.

    The picture is followed, not the texts: what a language model was told is not the prompt.
    """
    for node in graph.upstream(output, _WORDS):
        texted = node.inputs.get("prompt")
        if not isinstance(texted, (str, list)) or node.kind in ("CLIPTextEncode", "TextGenerate"):
            continue
        positive = values.prompt(texts.Texts(graph, positive=True).text(texted))
        if not positive:
            if isinstance(texted, list):
                break
            continue
        negative = texts.Texts(graph, positive=False).text(node.inputs.get("negative_prompt"))
        return GenerationParameters(
            prompt=positive,
            negative_prompt=values.prompt(negative) or "",
            seed=graph.scalar(node.inputs.get("seed"), ("seed",), values.seed),
            width=graph.scalar(node.inputs.get("width"), ("width",), values.pixels),
            height=graph.scalar(node.inputs.get("height"), ("height",), values.pixels),
            model=graph.scalar(node.inputs.get("model"), ("model",), values.text),
        )
    return GenerationParameters()


def _denoise(value: float | None) -> float | None:
    """Return the strength; 1 is a picture from noise alone and says nothing."""
    return None if value is None or value >= 1 else value


def merge(first: GenerationParameters, second: GenerationParameters) -> GenerationParameters:
    """Return ``first`` with what it lacks from ``second``."""
    missing: dict[str, Any] = {}
    for field in dataclasses.fields(GenerationParameters):
        value = getattr(first, field.name)
        if value is None or value == ():
            missing[field.name] = getattr(second, field.name)
    return dataclasses.replace(first, **missing) if missing else first

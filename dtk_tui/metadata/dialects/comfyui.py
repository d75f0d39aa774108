"""ComfyUI: the executed graph in ``prompt``, the editor's in ``workflow``, or both wrapped in EXIF texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields as fields_of
from dataclasses import replace
from itertools import islice
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters
from dtk_tui.metadata import values
from dtk_tui.metadata.comfy import models, prompts, samplers, savers, services
from dtk_tui.metadata.comfy.graph import Graph, Node, from_api
from dtk_tui.metadata.comfy.texts import OPERATIONS, TextFinder
from dtk_tui.metadata.comfy.workflow import from_workflow, shown_text
from dtk_tui.metadata.dialects import automatic1111
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import COMMENT_KEYS, MetadataFields
from dtk_tui.metadata.infotext.parameters import infotext_parameters

_EARLIER_LIMIT = 8
# What Image Saver of ComfyUI-Image-Saver writes for a prompt that it was not given.
_NOT_TOLD = ("unknown",)
KEYS = ("prompt", "workflow", *COMMENT_KEYS, "parameters")


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of the graph, but the prompts as a saver wrote them when it ran.

    What the graph does not say is taken from an infotext beside it.
    """
    graph = find_graph(fields)
    if graph is None:
        return None
    if "ShowText" in fields.texts.get("workflow", ""):
        graph.shown = lambda key: shown_text(fields.json("workflow") or {}, key)
    info = automatic1111.find_infotext(fields)
    found = parameters(graph, fields.file_name, has_infotext=info is not None)
    if info is not None:
        written = infotext_parameters(info)
        if any(savers.writes_infotext(node) for node in graph.nodes.values()):
            found = _with_written_prompts(found, written)
        found = found.with_defaults(written)
    return DialectReading("comfyui", found)


def _with_written_prompts(found: GenerationParameters, written: GenerationParameters) -> GenerationParameters:
    """Return ``found`` with the prompts that a saver wrote, as far as it was told any."""
    if not written.prompt or written.prompt in _NOT_TOLD:
        return found
    negative = written.negative_prompt
    if not negative or negative in _NOT_TOLD:
        negative = found.negative_prompt or negative
    return replace(found, prompt=written.prompt, negative_prompt="" if negative in _NOT_TOLD else negative)


def find_graph(fields: MetadataFields) -> Graph | None:
    """Return the first graph under any of the names it is kept under, an executed one before an edited one."""
    if "graph" not in fields.cache:
        fields.cache["graph"] = _first_graph(fields, "class_type", from_api) or _first_graph(
            fields, "nodes", from_workflow
        )
    found: Graph | None = fields.cache["graph"]
    return found


def _first_graph(fields: MetadataFields, mark: str, load: Callable[[dict[str, Any]], Graph | None]) -> Graph | None:
    for key in KEYS:
        text = fields.texts.get(key)
        if text is None or (text and mark not in text):
            continue
        source = fields.json(key)
        if source is not None and (graph := load(source)) is not None:
            return graph
    return None


def parameters(graph: Graph, name: str | None = None, *, has_infotext: bool = False) -> GenerationParameters:
    """Return the generation parameters of the last sampler that leads to what the graph saved.

    Args:
        name: the first name that the file is known to have had; it tells which of several savers wrote the file. Where
            it does not, what they agree on is known.
        has_infotext: an infotext stands beside the graph.
    """
    graph.computing, graph.decide = OPERATIONS, TextFinder(graph, positive=True).decide
    outputs = savers.savers(graph, name, has_infotext=has_infotext)
    if len(outputs) < 2:
        return _of_output(graph, *samplers.output_and_sampler(graph, outputs))
    each = [_of_output(graph, *samplers.output_and_sampler(graph, [output])) for output in outputs]
    agreed = {
        field.name: getattr(each[0], field.name)
        for field in fields_of(GenerationParameters)
        if all(getattr(one, field.name) == getattr(each[0], field.name) for one in each[1:])
    }
    return GenerationParameters(**agreed)


def _of_output(graph: Graph, output: Node | None, sampler: Node | None) -> GenerationParameters:
    """Return the parameters of what one node saved."""
    if output is None:
        return GenerationParameters()
    if sampler is None:
        return services.service_parameters(graph, output)
    nodes = samplers.configuring_nodes(graph, sampler)
    positive, negative = _prompts(graph, sampler, nodes)
    width, height = models.latent_size(graph, sampler)
    model, loras = models.model_and_loras(graph, nodes)
    return GenerationParameters(
        prompt=positive,
        negative_prompt=negative,
        steps=samplers.steps(graph, nodes),
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
        denoising_strength=_partial_denoise(
            samplers.setting(graph, nodes, ("denoise", "denoise_strength"), values.number)
        ),
        vae=models.vae(graph, output),
        upscaler=models.upscaler(graph, output),
        loras=loras,
    )


def _prompts(graph: Graph, sampler: Node, nodes: list[Node]) -> tuple[str | None, str | None]:
    """Return both prompts of a sampler; one that was told nothing works on what an earlier one was told to paint."""
    found = prompts.prompts_of(graph, nodes)
    if not found.positive and (found.positive is None or found.is_zeroed) and found.positive_decided:
        for earlier in _earlier(graph, sampler):
            before = prompts.prompts_of(graph, samplers.configuring_nodes(graph, earlier))
            if before.positive or not before.positive_decided:
                found = before
                break
    has_none = found.negative is None and found.positive is not None and found.negative_decided
    return found.positive, "" if has_none else found.negative


def _seed(graph: Graph, sampler: Node, nodes: list[Node]) -> int | None:
    """Return the seed of a sampler, or of the one before it where it only goes on without noise of its own."""
    names = ("seed", "noise_seed")
    seed = samplers.setting(graph, nodes, names, values.seed)
    if samplers.adds_noise(graph, nodes):
        return seed
    for earlier in samplers.earlier_nodes(graph, sampler):
        configuring = samplers.configuring_nodes(graph, earlier)
        if samplers.adds_noise(graph, configuring):
            found = samplers.setting(graph, configuring, names, values.seed)
            if found is not None:
                return found
    return seed


def _earlier(graph: Graph, sampler: Node) -> list[Node]:
    """Return the samplers that ran before ``sampler``, nearest first, a few of them."""
    before = (node for node in graph.upstream(sampler) if node is not sampler and samplers.is_sampler(node))
    return list(islice(before, _EARLIER_LIMIT))


def _partial_denoise(value: float | None) -> float | None:
    """Return the strength; 1 is a picture from noise alone and says nothing."""
    return None if value is None or value >= 1 else value

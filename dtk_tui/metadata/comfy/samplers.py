"""Finding the output of a ComfyUI graph, the last sampler that leads to it, and the sampler's settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import TypeVar

from dtk_tui.metadata import values
from dtk_tui.metadata.comfy.graph import NON_IMAGE_INPUTS, Graph, Node

T = TypeVar("T")

_CANDIDATE_LIMIT = 40
_IMAGE_INPUTS = frozenset(
    {
        "latent_image",
        "latent",
        "samples",
        "latents",
        "image",
        "images",
        "pixels",
        "optional_latent",
        "video_latent",
        "av_latent",
        "joint_latent",
        "empty_latent",
    }
)
# The latent or picture that a node changes, before what it adds to that.
_LATENT_INPUTS = (
    "latent_image", "samples_to", "destination", "samples1", "latent", "samples", "latents", "optional_latent",
    "video_latent", "av_latent", "joint_latent", "empty_latent",
    "pixels", "image", "images", "pipe", "basic_pipe", "context", "base_ctx", "", "*",
)  # fmt: skip
# Nodes that are one sampler or one schedule each (comfy_extras/nodes_custom_sampler.py), by ComfyUI's names for these.
SAMPLERS = {
    "SamplerEulerAncestral": "euler_ancestral", "SamplerEulerAncestralCFGPP": "euler_ancestral_cfg_pp",
    "SamplerLMS": "lms", "SamplerDPMPP_3M_SDE": "dpmpp_3m_sde", "SamplerDPMPP_2M_SDE": "dpmpp_2m_sde",
    "SamplerDPMPP_SDE": "dpmpp_sde", "SamplerDPMPP_2S_Ancestral": "dpmpp_2s_ancestral",
    "SamplerDPMAdaptative": "dpm_adaptive", "SamplerER_SDE": "er_sde", "SamplerSASolver": "sa_solver",
    "SamplerEulerCFGpp": "euler_cfg_pp", "SamplerSEEDS2": "seeds_2",
}  # fmt: skip
SCHEDULES = {"KarrasScheduler": "karras", "ExponentialScheduler": "exponential",
             "PolyexponentialScheduler": "polyexponential"}  # fmt: skip
# A number as ManualSigmas of comfy_extras/nodes_custom_sampler.py finds it.
_SIGMA = re.compile(r"[-+]?(?:\d*\.*\d+)")
_SIGMAS_CHARS = 20_000
_NO_NOISE = frozenset({"disable", "disabled", "false", "no", "off", "0"})
_EARLIER_LIMIT = 8
_SAMPLER_INPUTS = frozenset({"model", "guider", "pipe", "basic_pipe", "positive", "sdxl_tuple", "context", "base_ctx"})
# Classes that have the inputs or the name of a sampler and yet only choose, configure or write down one.
_NOT_SAMPLERS = (
    "select",
    "schedul",
    "config",
    "provider",
    "preset",
    "setting",
    "selector",
    "to string",
    "presampl",
    "modelsampl",
    "save",
)
# These work over a finished picture: they count only where no other sampler made it.
_POSTPROCESSORS = (
    "detailer",
    "ultimatesdupscale",
    "iterativeupscale",
    "iterativelatent",
    "tiledupscale",
    "faceswap",
    "supir_sample",
)


def is_sampler(node: Node) -> bool:
    """Return whether ``node`` turns noise into a latent or a picture."""
    inputs = node.inputs
    if "sampler" in inputs and "sigmas" in inputs:
        return True
    is_called_one, is_another = _called(node.kind)
    if is_another or not (is_called_one or "sampler_name" in inputs):
        return False
    if "sampler_name" in inputs and ("steps" in inputs or "cfg" in inputs) and _SAMPLER_INPUTS.intersection(inputs):
        return True
    if not is_called_one:
        return False
    if "steps" in inputs and "seed" in inputs and node.sources:
        return True
    return bool(_SAMPLER_INPUTS.intersection(inputs)) and (
        "steps" in inputs or bool(_IMAGE_INPUTS.intersection(inputs)) or "pipe" in inputs
    )


def is_postprocessor(node: Node) -> bool:
    """Return whether ``node`` is a detailer or an upscaler with a sampler inside."""
    return _postprocesses(node.kind)


@lru_cache(maxsize=2048)
def _called(kind: str) -> tuple[bool, bool]:
    """Return whether a class is called a sampler, and whether it is called something that is none."""
    name = kind[:200].lower()
    return "sampler" in name, any(word in name for word in _NOT_SAMPLERS)


@lru_cache(maxsize=2048)
def _postprocesses(kind: str) -> bool:
    name = kind[:200].lower().replace(" ", "")
    return any(word in name for word in _POSTPROCESSORS)


def output_and_sampler(graph: Graph, chosen: Sequence[Node] = ()) -> tuple[Node | None, Node | None]:
    """Return the node that saved the picture and the last sampler that leads to it.

    Args:
        chosen: the nodes that come into question. Of all there are (without any), the one with the most samplers behind
            it is taken: the others are steps on the way.
    """
    best: tuple[tuple[int, int, int], Node, Node | None] | None = None
    ranked = [(0, node) for node in chosen] or _outputs(graph)[:_CANDIDATE_LIMIT]
    for index, (rank, output) in enumerate(ranked):
        sampler, behind = _last_sampler(graph, output)
        score = (0 if sampler else 10) + rank, -behind, -index
        if best is None or score < best[0]:
            best = (score, output, sampler)
    return (None, None) if best is None else best[1:]


def _outputs(graph: Graph) -> list[tuple[int, Node]]:
    """Return (rank, node) of what may have been saved: savers, then previews, then whatever feeds no other node."""
    consumed = {linked.id for node in graph.nodes.values() for _, linked in graph.links(node)}
    ranked = []
    for node in graph.nodes.values():
        kind = node.kind.lower()
        has_picture = any(True for _ in graph.links(node, NON_IMAGE_INPUTS))
        if not has_picture and node.id in consumed:
            continue
        if "save" in kind or "videocombine" in kind or "imagesaver" in kind:
            ranked.append((0 if has_picture else 6, node))
        elif node.id not in consumed:
            ranked.append((1 if "preview" in kind or "output" in kind or "websocket" in kind else 2, node))
    ranked.sort(key=lambda item: item[0])
    return ranked


def _last_sampler(graph: Graph, output: Node) -> tuple[Node | None, int]:
    """Return the sampler nearest to ``output`` along pictures and latents, and how many samplers lie behind it."""
    first = postprocessor = None
    amount = 0
    for node in graph.upstream(output, NON_IMAGE_INPUTS):
        if is_postprocessor(node):
            postprocessor = postprocessor or node
        elif is_sampler(node):
            first = first or node
            amount += 1
    if first is None and postprocessor is None:
        first = next((node for node in graph.upstream(output) if is_sampler(node)), None)
        amount = int(first is not None)
    return first or postprocessor, amount


def setting(
    graph: Graph, nodes: Sequence[Node], names: Sequence[str], accept: Callable[[object], T | None]
) -> T | None:
    """Return a setting of a sampler: its own, or from the nodes that configure it (noise, guider, sigmas, pipes)."""
    for node in nodes:
        for name in names:
            if name in node.inputs:
                found = graph.scalar(node.inputs[name], names, accept)
                if found is not None:
                    return found
    return None


def steps(graph: Graph, nodes: Sequence[Node]) -> int | None:
    """Return the steps of a sampler; a list of sigmas has one more than steps are made between them."""
    for node in nodes:
        for name in ("steps", "steps_total", "interpolate_to_steps"):
            if name in node.inputs:
                found = graph.scalar(node.inputs[name], ("steps", "steps_total"), values.count)
                if found is not None and (found or "sigmas" not in node.inputs):
                    return found
        listed = node.inputs.get("sigmas")
        if isinstance(listed, list) and "sigmas" in node.kind.lower():
            listed = graph.scalar(listed, ("sigmas",), values.text)
        if isinstance(listed, str):
            amount = len(_SIGMA.findall(listed[:_SIGMAS_CHARS]))
            return amount - 1 if amount > 1 else None
    return None


def adds_noise(graph: Graph, nodes: Sequence[Node]) -> bool:
    """Return whether a sampler (with its helpers) begins with noise of its own, so that its seed is the picture's."""
    sampler = nodes[0]
    if "add_noise" in sampler.inputs:
        return graph.scalar(sampler.inputs["add_noise"], ("add_noise",), _lowercase) not in _NO_NOISE
    return not any(node.kind == "DisableNoise" for node in nodes)


def _lowercase(value: object) -> str | None:
    return None if value is None else str(value).lower()


def earlier_nodes(graph: Graph, sampler: Node) -> list[Node]:
    """Return the nodes that made the latent which ``sampler`` went on with, nearest first, a few of them.

    Of a composed latent that is what the others were put onto.
    """
    found: dict[str, Node] = {}
    seen = {sampler.id}
    current = _latent_source(graph, sampler)
    while current is not None and current.id not in seen and len(found) < _EARLIER_LIMIT:
        seen.add(current.id)
        if is_sampler(current) or ("nois" in current.kind.lower() and "seed" in current.inputs):
            found[current.id] = current
        current = _latent_source(graph, current)
    aside = (node for node in graph.upstream(sampler, NON_IMAGE_INPUTS) if node is not sampler and is_sampler(node))
    for node in islice(aside, _EARLIER_LIMIT):
        found.setdefault(node.id, node)
    return list(found.values())


def _latent_source(graph: Graph, node: Node) -> Node | None:
    """Return the node whose latent or picture ``node`` works on."""
    chosen = graph.switched_inputs(node)
    if chosen is not None:
        return next((linked for item in chosen if (linked := graph.link(item))), None)
    return next((linked for name in _LATENT_INPUTS if (linked := graph.link(node.inputs.get(name)))), None)


def name_by_class(nodes: Sequence[Node], names: Mapping[str, str]) -> str | None:
    """Return the name for the first of ``nodes`` whose class says what other nodes choose from a list."""
    return next((names[node.kind] for node in nodes if node.kind in names), None)


def configuring_nodes(graph: Graph, sampler: Node) -> list[Node]:
    """Return ``sampler`` and the nodes that only configure it, nearest first: no material, no picture, no latent."""
    found = []
    for node in graph.upstream(sampler, NON_IMAGE_INPUTS | _IMAGE_INPUTS):
        found.append(node)
        if len(found) >= 60:
            break
    return found

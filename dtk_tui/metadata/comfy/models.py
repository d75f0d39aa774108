"""What a ComfyUI sampler worked with: checkpoint, LoRAs, VAE, clip skip, upscaler, and the size of its latent."""

from __future__ import annotations

import math
import re
from typing import Any

from dtk_tui.domain.parameters import Lora
from dtk_tui.metadata import values
from dtk_tui.metadata.comfy.graph import DEPTH_LIMIT, NON_IMAGE_INPUTS, Graph, Node

_WALK_LIMIT = 300
_MODEL_NAMES = (
    "ckpt_name", "base_ckpt_name", "unet_name", "gguf_name", "model_name", "model_path", "checkpoint",
    "checkpoint_name", "ckpt", "diffusion_model_name", "base_model_name", "base_model", "model",
)  # fmt: skip
_MODEL_INPUTS = ("model", "MODEL", "unet")
_CHECKPOINT_INPUTS = ("ckpt_name", "base_ckpt_name", "unet_name")
_MODEL_LINKS = (
    "model", "MODEL", "unet", "guider", "base_model", "model1", "model_a", "opt_model", "model_opt", "pipe",
    "basic_pipe", "context", "base_ctx", "ctx", "sdxl_tuple", "transformer", "diffusion_model", "ckpt", "any", "", "*",
)  # fmt: skip
_WEIGHTS = (
    "strength_model",
    "lora_model_strength",
    "model_strength",
    "model_weight",
    "strength",
    "lora_wt",
    "weight",
    "lora_strength",
)
_CLIP_WEIGHTS = ("strength_clip", "lora_clip_strength", "clip_strength", "clip_weight", "strengthTwo", "clipStrength")
_STACKS = ("lora_stack", "optional_lora_stack", "lora", "prev_lora")
_TAGGED = ("populated_text", "text", "prompt")
_DISABLED: tuple[object, ...] = ("Off", False)
_NUMBERED_LORA = re.compile(r"(?:lora_name_|lora_|lora)(\d{1,2})(?:_name)?$")
# The rows of a group of inputs, as comfy_extras/nodes_lora_stack.py names them.
_ROW = re.compile(r"(?:.+\.)?loras?\.(\d{1,3})\.(?:lora_name|lora|name)$")
_HOOKS = frozenset({"CreateHookLora", "CreateHookLoraModelOnly"})
_NOT_CONDITIONINGS = frozenset({"model", "latent_image", "samples", "image", "images", "pixels", "vae"})
_LATENT_LINKS = (
    "latent_image", "latent", "samples", "latents", "optional_latent", "video_latent", "av_latent",
    "joint_latent", "empty_latent", "pixels", "image",
    "images", "image_embeds", "pipe", "basic_pipe", "context", "base_ctx", "sdxl_tuple", "samples1", "samples_to",
    "any", "", "*",
)  # fmt: skip
_SIDES = (("width", "height"), ("empty_latent_width", "empty_latent_height"), ("image_width", "image_height"))
_LABELS = frozenset({"aspect_ratio", "resolution", "dimensions", "size", "preset", "size_selected"})
_TEXTS = frozenset({"text", "prompt", "positive", "negative", "filename_prefix", "value", "string"})
_RATIO = re.compile(r"(\d{1,3}):(\d{1,3})")
_SIZE_WORDS = re.compile(r"(\d{3,5})\s*[xX×]\s*(\d{3,5})")
_RESIZERS = re.compile(r"scale|resize|crop|composite|rotate|flip|tile|pad", re.IGNORECASE)


def model_and_loras(graph: Graph, nodes: list[Node]) -> tuple[str | None, tuple[Lora, ...]]:
    """Return the checkpoint behind a sampler (or its helpers) and the LoRAs between, in the order they were applied."""
    loras: list[Lora] = []
    start = next((node for node in nodes for name in _MODEL_LINKS[:4] if _has_model(graph, node, name)), None)
    current = start or (nodes[0] if nodes else None)
    seen: set[str] = set()
    name = None
    while current is not None and current.id not in seen and len(seen) < _WALK_LIMIT:
        seen.add(current.id)
        found = _loras(graph, current)
        loras.extend(reversed(found))
        name = _model_name(graph, current)
        if name is not None:
            break
        current = _upstream_node(graph, current, _MODEL_LINKS)
    return name, tuple(dict.fromkeys([*reversed(loras), *_hooked_loras(graph, nodes)]))


def _hooked_loras(graph: Graph, nodes: list[Node]) -> list[Lora]:
    """Return the LoRAs that the conditionings of a sampler bring along (comfy_extras/nodes_hooks.py of ComfyUI)."""
    if not nodes or not any(node.kind in _HOOKS for node in graph.nodes.values()):
        return []
    hooks = [node for node in graph.upstream(nodes[0], _NOT_CONDITIONINGS) if node.kind in _HOOKS]
    return [lora for node in reversed(hooks) for lora in _own_loras(graph, node)]


def _has_model(graph: Graph, node: Node, name: str) -> bool:
    return graph.link(node.inputs.get(name)) is not None or isinstance(node.inputs.get("ckpt_name"), str)


def _upstream_node(graph: Graph, node: Node, names: tuple[str, ...]) -> Node | None:
    """Return the node to go on with: a switch's choice, a named input, or the only link there is."""
    chosen = graph.switched_inputs(node)
    if chosen is not None:
        return next((linked for item in chosen if (linked := graph.link(item))), None)
    for name in names:
        linked = graph.link(node.inputs.get(name))
        if linked is not None:
            return linked
    links = [linked for _, linked in graph.links(node)]
    return links[0] if len(links) == 1 else None


def _model_name(graph: Graph, node: Node) -> str | None:
    """Return the file a loader loads; some loaders keep it in an object under ``content``.

    A node that is given a model names something that it adds to it, unless it calls it a checkpoint.
    """
    inputs = node.inputs
    is_patch = any(name in inputs and graph.link(inputs[name]) for name in _MODEL_INPUTS)
    for name in _CHECKPOINT_INPUTS if is_patch else _MODEL_NAMES:
        value = node.inputs.get(name)
        if isinstance(value, dict):
            value = value.get("content")
        if isinstance(value, list) and name not in ("model", "base_model"):
            value = graph.scalar(value, (name,), values.text)
        if isinstance(value, str) and (found := values.text(value)):
            return found
    return None


def _loras(graph: Graph, node: Node) -> list[Lora]:
    """Return the LoRAs that one node applies, with those of the stack it is given before its own."""
    found: list[Lora] = []
    stack = _lora_stack(graph, node)
    seen: set[str] = set()
    while stack is not None and stack.id not in seen and len(seen) < _WALK_LIMIT:
        seen.add(stack.id)
        found = _own_loras(graph, stack) + found
        stack = _lora_stack(graph, stack)
    return found + _own_loras(graph, node)


def _lora_stack(graph: Graph, node: Node) -> Node | None:
    """Return the node that lists further LoRAs for ``node``."""
    inputs = node.inputs
    return next((linked for name in _STACKS if name in inputs and (linked := graph.link(inputs[name]))), None)


def _own_loras(graph: Graph, node: Node) -> list[Lora]:
    """Return the LoRAs named by the inputs of one node."""
    inputs = node.inputs
    if inputs.get("toggle") in _DISABLED or inputs.get("switch") in _DISABLED:
        return []
    found = []
    name = _lora_name(graph, inputs.get("lora_name", inputs.get("lora") if "lora" in node.kind.lower() else None))
    if name:
        found.append(_lora(graph, name, inputs, ""))
    limit = values.count(inputs.get("lora_count", inputs.get("num_loras")))
    for key, value in inputs.items():
        if not (match := _NUMBERED_LORA.match(key)):
            continue
        label = match[1]
        if isinstance(value, dict):
            name = _lora_name(graph, value.get("lora")) if value.get("on", True) else None
            item: Lora | None = _lora(graph, name, value, "") if name else None
        else:
            off = inputs.get(f"switch_{label}") in _DISABLED or (limit is not None and int(label) > limit)
            name = None if off else _lora_name(graph, value)
            item = _lora(graph, name, inputs, label) if name else None
        if item is not None:
            found.append(item)
    found.extend(_rows(graph, inputs))
    if isinstance(inputs.get("loras"), (dict, list)):
        found.extend(_listed(inputs["loras"]))
    else:
        # A node on the way of the model that holds such tags applies them.
        for key in _TAGGED:
            text = inputs.get(key)
            if isinstance(text, str):
                found.extend(values.loras(text))
    return [
        lora for lora in found if lora is not None and (lora.weight, lora.clip_weight) not in ((0.0, 0.0), (0.0, None))
    ]


def _rows(graph: Graph, inputs: dict[str, Any]) -> list[Lora]:
    """Return the LoRAs of a group of inputs whose rows are sent as ``loras.0.lora_name``, ``loras.0.strength``."""
    amount = values.count(inputs.get("loras"))
    found = {}
    for key, value in inputs.items():
        if "." in key and (match := _ROW.match(key)) and (amount is None or int(match[1]) < amount):
            prefix = key.rpartition(".")[0] + "."
            row = {name[len(prefix) :]: item for name, item in inputs.items() if name.startswith(prefix)}
            if row.get("enabled", row.get("on", True)) is not False and (name := _lora_name(graph, value)):
                found[int(match[1])] = _lora(graph, name, row, "")
    return [found[number] for number in sorted(found)]


def _listed(loras: Any) -> list[Lora]:
    """Return the active LoRAs of a list that a node keeps as one value."""
    items = loras.get("__value__") if isinstance(loras, dict) else loras
    found = []
    for item in items if isinstance(items, list) else []:
        name = values.text(item.get("name")) if isinstance(item, dict) and item.get("active", True) else None
        if name is not None:
            found.append(Lora(name, values.number(item.get("strength")), values.number(item.get("clipStrength"))))
    return found


def _lora_name(graph: Graph, value: object) -> str | None:
    """Return a LoRA's file name."""
    if isinstance(value, dict):
        value = value.get("content")
    found = graph.scalar(value, ("lora_name",), values.text)
    return None if found is None or found.lower() == "none" else found


def _lora(graph: Graph, name: str, inputs: dict[str, Any], label: str) -> Lora:
    """Return a LoRA with the weights that stand beside its name."""
    weight = _weight(graph, inputs, ("model_str", *_WEIGHTS) if label else _WEIGHTS, label)
    clip = _weight(graph, inputs, ("clip_str", *_CLIP_WEIGHTS) if label else _CLIP_WEIGHTS, label)
    if label and "simple" in (inputs.get("input_mode"), inputs.get("mode")):
        weight, clip = _weight(graph, inputs, ("lora_wt", "strength"), label), None
    return Lora(name, weight, clip)


def _weight(graph: Graph, inputs: dict[str, Any], names: tuple[str, ...], label: str) -> float | None:
    """Return the first weight under one of ``names``, numbered by ``label``."""
    for name in names:
        for key in (f"{name}_{label}", f"lora_{label}_{name}") if label else (name,):
            if key in inputs:
                return graph.scalar(inputs[key], (name,), values.number)
    return None


def latent_size(graph: Graph, sampler: Node) -> tuple[int | None, int | None]:
    """Return the size of the empty latent that sampling began with; (None, None) for a picture that was loaded."""
    current: Node | None = sampler
    seen: set[str] = set()
    while current is not None and current.id not in seen and len(seen) < _WALK_LIMIT:
        seen.add(current.id)
        if not _RESIZERS.search(current.kind):
            found = _requested_size(graph, current)
            if found != (None, None):
                return found
        current = _upstream_node(graph, current, _LATENT_LINKS)
    return None, None


def _requested_size(graph: Graph, node: Node) -> tuple[int | None, int | None]:
    """Return the size that a node asks for; a label that is chosen counts more than the sides beside it."""
    inputs = node.inputs
    if not _LABELS.isdisjoint(inputs):
        found = _labelled_size(node)
        if found != (None, None):
            return found
    for wide, high in _SIDES:
        if wide in inputs and high in inputs:
            width = _dimension(graph, inputs[wide], (wide, "width"))
            height = _dimension(graph, inputs[high], (high, "height"))
            if width and height:
                return width, height
    return _labelled_size(node) if "latent" in node.kind.lower() else (None, None)


def _dimension(graph: Graph, value: object, names: tuple[str, str]) -> int | None:
    """Return one side: a number, or what an output of a node that offers sizes by their labels gives."""
    for _ in range(DEPTH_LIMIT):
        source = graph.link(value)
        if source is None:
            break
        width, height = _labelled_size(source)
        if width and height and isinstance(value, list):
            return height if value[1] == 1 else width
        following = source.inputs.get("value")
        if graph.link(following) is None or not graph.step():
            break
        value = following
    return graph.scalar(value, names, values.pixels)


def _labelled_size(node: Node) -> tuple[int | None, int | None]:
    """Return a size that is chosen by a label such as ``1024 x 1024 (square)``, or by ratio and megapixels."""
    inputs = node.inputs
    ratio, megapixels = inputs.get("aspect_ratio"), values.number(inputs.get("megapixels"))
    if isinstance(ratio, str) and megapixels and (match := _RATIO.match(ratio)):
        # comfy_extras/nodes_resolution.py of ComfyUI
        wide, high = int(match[1]), int(match[2])
        multiple = values.pixels(inputs.get("multiple")) or 8
        scale = math.sqrt(megapixels * 1024 * 1024 / (wide * high)) if wide and high and megapixels > 0 else 0
        sides = (round(side * scale / multiple) * multiple for side in (wide, high))
        return next(sides) or None, next(sides) or None
    for name, value in inputs.items():
        if isinstance(value, str) and name not in _TEXTS and (match := _SIZE_WORDS.search(value[:200])):
            sides_of = (
                values.pixels(inputs.get("width_override")) or values.pixels(match[1]),
                values.pixels(inputs.get("height_override")) or values.pixels(match[2]),
            )
            return (
                sides_of[::-1]
                if True in (inputs.get("invert"), inputs.get("swap_dimensions") in ("On", True))
                else sides_of
            )
    return None, None


def upscaler(graph: Graph, output: Node) -> str | None:
    """Return the upscale model nearest to the output."""
    for node in graph.upstream(output, NON_IMAGE_INPUTS - {"upscale_model"}):
        if "upscale_model" in node.inputs:
            return graph.scalar(node.inputs["upscale_model"], ("model_name", "upscale_model"), values.text)
    return None


def vae(graph: Graph, output: Node) -> str | None:
    """Return the VAE that decoded the picture; None when it was the checkpoint's own."""
    for node in graph.upstream(output, NON_IMAGE_INPUTS):
        loader = graph.link(node.inputs.get("vae")) or graph.link(node.inputs.get("optional_vae"))
        for _ in range(_WALK_LIMIT):
            if loader is None:
                break
            names = ("vae_name", "model_name") if "vae" in loader.kind.lower() else ("vae_name",)
            for name in names:
                if name in loader.inputs:
                    found = graph.scalar(loader.inputs[name], (name,), values.text)
                    return None if found == "Baked VAE" else found
            if "ckpt_name" in loader.inputs:
                return None
            loader = _upstream_node(graph, loader, ("vae", "pipe", "basic_pipe", "base_ctx", "any", "", "*"))
        else:
            return None
    return None


def clip_skip(graph: Graph, nodes: list[Node]) -> int | None:
    """Return how many of CLIP's layers were left out, from CLIPSetLastLayer or a loader, or None."""
    for start in nodes:
        for node in graph.upstream(start, NON_IMAGE_INPUTS - {"clip", "positive", "conditioning", "model"}):
            for name in ("stop_at_clip_layer", "clip_skip"):
                if name in node.inputs:
                    layer = graph.scalar(node.inputs[name], (name,), _layer)
                    if layer is not None:
                        return abs(layer)
        break
    return None


def _layer(value: object) -> int | None:
    return values.whole(value, -24, 24)

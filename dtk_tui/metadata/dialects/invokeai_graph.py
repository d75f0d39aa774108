"""InvokeAI's graph, for pictures that carry nothing else: what the stage that the decoder takes was given.

Nodes stand in no order of theirs; an edge leads from a field of one to a field of another (invokeai/app/invocations).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from dtk_tui.metadata import values

_DECODERS = ("l2i", "_l2v", "_vae_decode", "_pid_decode")
_OLD_STAGES = ("t2l", "l2l")
_PROMPT_FIELDS = ("prompt", "style")
_STEPS = ("steps", "num_steps")
# FLUX has both: its guidance is set by people, its CFG scale is 1 unless they know better.
_SCALES = ("guidance", "guidance_scale", "cfg_scale")
# A node that hands on what it is given under the same name: a model through LoRAs, a conditioning through a filter.
_MODEL_FIELDS = ("unet", "transformer", "model")
_JOINED = ("string_left", "string_middle", "string_right")
# What these hand on has the name of what they were given and is another value.
_COMPUTING = frozenset({"ideal_size", "prompt_template", "wan_i2v_ideal_dimensions", "wan_ti2v_ideal_dimensions"})
_WALK_LIMIT = 2000
_JOIN_LIMIT = 8
_TEXT_LIMIT_CHARS = 1_000_000
_PARTS_LIMIT = 100

Field = tuple[str, str]


def read(source: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the last stage was given, under the names of ``invokeai_metadata``; None when there is no stage."""
    listed = source.get("nodes")
    if not isinstance(listed, dict):
        return None
    graph = _Graph({str(key): node for key, node in listed.items() if isinstance(node, dict)}, source.get("edges"))
    stages = graph.stages()
    if not stages:
        return None
    last = stages[0]
    found = {"scheduler": graph.value(last, "scheduler"), "cfg_scale": graph.first_value(last, _SCALES)}
    found["steps"] = graph.first_value(last, _STEPS)
    for stage in stages:
        # A stage that refines another's work has no noise, size or prompt of its own.
        noise = graph.source(stage, "noise") or stage
        for name in ("seed", "width", "height"):
            if found.get(name) is None:
                found[name] = graph.value(noise, name)
        if not found.get("positive_prompt"):
            found["positive_prompt"] = graph.prompt(stage, "positive")
            found["negative_prompt"] = graph.prompt(stage, "negative")
    found["model"], found["loras"] = graph.model_and_loras(last)
    return found | graph.decoder_and_clip(last)


class _Graph:
    """Nodes by id, and where each field of a node comes from."""

    def __init__(self, nodes: dict[str, dict[str, Any]], edges: object) -> None:
        self.nodes = nodes
        self.into: dict[str, dict[str, list[Field]]] = {}
        for edge in edges if isinstance(edges, list) else []:
            ends = [edge.get(name) for name in ("source", "destination")] if isinstance(edge, dict) else []
            pairs = [(str(end.get("node_id")), str(end.get("field"))) for end in ends if isinstance(end, dict)]
            if len(pairs) == 2 and pairs[0][0] in nodes:
                self.into.setdefault(pairs[1][0], {}).setdefault(pairs[1][1], []).append(pairs[0])

    def kind(self, key: str) -> str:
        """Return the type of a node."""
        return str(self.nodes.get(key, {}).get("type"))

    def source(self, key: str, field: str) -> str | None:
        """Return the node that a field comes from."""
        wires = self.into.get(key, {}).get(field)
        return wires[0][0] if wires else None

    def upstream(self, key: str, fields: tuple[str, ...] = ()) -> Iterator[str]:
        """Yield a node and what it is made of, nearest first, through ``fields`` alone where some are given."""
        pending, seen = deque([key]), {key}
        while pending and len(seen) < _WALK_LIMIT:
            at = pending.popleft()
            yield at
            for field, wires in self.into.get(at, {}).items():
                for other, _ in wires if not fields or field in fields else ():
                    if other not in seen:
                        seen.add(other)
                        pending.append(other)

    def stages(self) -> list[str]:
        """Return the stages that led to the picture, the last one first."""
        stages = [key for key in self.nodes if self._is_stage(key)]
        decoders = [key for key in self.nodes if self.kind(key).endswith(_DECODERS)]
        ends = self._last(decoders) or self._last(stages)
        shown = [key for key in ends if self.nodes[key].get("is_intermediate") is False] or ends
        paths = [[at for at in self.upstream(key) if self._is_stage(at)] for key in shown[:_PARTS_LIMIT]]
        found = [path for path in paths if path]
        # Where two pictures came out of a graph, nothing tells which of them this is.
        return found[0] if found and all(path[0] == found[0][0] for path in found) else []

    def _is_stage(self, key: str) -> bool:
        kind = self.kind(key)
        return ("denoise" in kind and "mask" not in kind) or kind in _OLD_STAGES or kind.endswith("_image_generation")

    def _last(self, keys: list[str]) -> list[str]:
        """Return those of ``keys`` that lead to none of the others."""
        if len(keys) < 2:
            return keys
        earlier: set[str] = set()
        for key in keys[:_PARTS_LIMIT]:
            if key not in earlier:
                earlier.update(at for at in self.upstream(key) if at != key)
        return [key for key in keys if key not in earlier]

    def first_value(self, key: str, fields: tuple[str, ...]) -> Any:
        """Return the first value under one of ``fields`` that is a number."""
        return next((found for name in fields if (found := values.number(self.value(key, name))) is not None), None)

    def value(self, key: str, field: str, depth: int = 0) -> Any:
        """Return the value of a field, or that of the node behind it; of a range the first number counts."""
        seen: set[Field] = set()
        while (key, field) not in seen:
            seen.add((key, field))
            wires = self.into.get(key, {}).get("collection" if field == "item" else field)
            if not wires:
                break
            key, field = wires[0]
        node = self.nodes.get(key, {})
        if field == "value" and self.kind(key).startswith("string_join"):
            parts = [self.value(key, name, depth + 1) for name in _JOINED] if depth < _JOIN_LIMIT else []
            text = "".join(part for part in parts if isinstance(part, str))
            return text if 0 < len(text) < _TEXT_LIMIT_CHARS else None
        if len(seen) > 1 and self.kind(key) in _COMPUTING:
            return None
        if field == "collection":
            listed = node.get(field)
            return listed[0] if isinstance(listed, list) and len(listed) == 1 else node.get("start")
        return node.get(field)

    def prompt(self, stage: str, side: str) -> str | None:
        """Return the prompt of one side; several conditionings count together, those of regions do not."""
        wires = self.into.get(stage, {})
        for field in (f"{side}_conditioning", f"{side}_text_conditioning"):
            if field in wires:
                encoders = [at for at in self.upstream(stage, self._conditioning(field)) if self._has_prompt(at)]
                whole = [key for key in encoders if "mask" not in self.into.get(key, {})] or encoders
                texts = [text for key in whole[:_PARTS_LIMIT] if (text := self._text(key)) is not None]
                return "\n".join(dict.fromkeys(text for text in texts if text.strip())) if texts else None
        return self.value(stage, "prompt") if side == "positive" and "prompt" in self.nodes[stage] else None

    @staticmethod
    def _conditioning(field: str) -> tuple[str, ...]:
        return (field, "conditioning", "item", "collection")

    def _has_prompt(self, key: str) -> bool:
        return any(name in self.nodes[key] or name in self.into.get(key, {}) for name in _PROMPT_FIELDS)

    def _text(self, key: str) -> str | None:
        field = next(name for name in _PROMPT_FIELDS if name in self.nodes[key] or name in self.into.get(key, {}))
        text = self.value(key, field)
        return text if isinstance(text, str) else None

    def model_and_loras(self, stage: str) -> tuple[Any, list[dict[str, Any]]]:
        """Return the model that a stage ran, and the LoRAs on its way there."""
        loras: list[dict[str, Any]] = []
        model = None
        for at in self.upstream(stage, _MODEL_FIELDS):
            loras += self._lora(at)
            if "loras" in self.into.get(at, {}):
                for key in self.upstream(at, ("loras", "item", "collection")):
                    loras += self._lora(key) if key != at else []
            found = self.nodes[at].get("model")
            if model is None and isinstance(found, dict):
                model = found
        loaders = [node for node in self.nodes.values() if "model_loader" in str(node.get("type"))]
        if model is None and len(loaders) == 1:
            model = loaders[0].get("model")
        return model, loras[:_PARTS_LIMIT]

    def _lora(self, key: str) -> list[dict[str, Any]]:
        """Return the LoRA that a node adds."""
        found = self.nodes[key].get("lora")
        return [{"model": found, "weight": self.value(key, "weight")}] if isinstance(found, dict) else []

    def decoder_and_clip(self, stage: str) -> dict[str, Any]:
        """Return the VAE that was loaded for itself, and clip skip."""
        found: dict[str, Any] = {}
        for key in self.nodes:
            if self.kind(key).endswith(_DECODERS) and self.source(key, "latents") == stage:
                loaders = [self.nodes[at] for at in self.upstream(key, ("vae",)) if self.kind(at) == "vae_loader"]
                found["vae"] = next((loader.get("vae_model") for loader in loaders), None)
        fields = (*self._conditioning("positive_conditioning"), "clip")
        skips = [at for at in self.upstream(stage, fields) if self.kind(at) == "clip_skip"]
        if skips:
            found["clip_skip"] = self.value(skips[0], "skipped_layers")
        return found

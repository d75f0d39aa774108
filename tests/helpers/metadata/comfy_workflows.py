"""ComfyUI graphs in the editor's form, built small."""

from __future__ import annotations

import json
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, RawChunk
from dtk_tui.metadata.reader import derive


def read(workflow: dict[str, Any]) -> GenerationParameters:
    return derive([RawChunk("png", "workflow", json.dumps(workflow))], 512, 512)[1]


def item(number: int, kind: str, values: Any = (), inputs: Any = (), outputs: Any = (), **more: Any) -> dict[str, Any]:
    """A node; inputs as (name, link) or (name, link, True) where a widget may take its place, outputs by type."""
    return {
        "id": number,
        "type": kind,
        "mode": 0,
        "widgets_values": list(values),
        "inputs": [
            {"name": entry[0], "link": entry[1]} | ({"widget": {"name": entry[0]}} if len(entry) > 2 else {})
            for entry in inputs
        ],
        "outputs": [{"type": kind_of} for kind_of in outputs],
    } | more


def typed(node: dict[str, Any], *kinds: str) -> dict[str, Any]:
    """``node`` with the types of its inputs, as the editor writes them."""
    for entry, kind in zip(node["inputs"], kinds, strict=True):
        entry["type"] = kind
    return node


def grouped(separator: str) -> dict[str, Any]:
    """Noise, sampler choice, schedule and sampling in one group node; what it keeps inside is of another run."""
    inner = [
        item(101, "RandomNoise", [1, "randomize"], [], ["NOISE"]),
        item(102, "KSamplerSelect", ["heun"], [], ["SAMPLER"]),
        typed(item(103, "BasicScheduler", ["normal", 50, 1], [("model", None)], ["SIGMAS"]), "MODEL"),
        typed(
            item(104, "SamplerCustomAdvanced", [], [(name, None) for name in ("noise", "guider", "sampler", "sigmas",
                 "latent_image")], ["LATENT", "LATENT"]),
            "NOISE", "GUIDER", "SAMPLER", "SIGMAS", "LATENT",
        ),
    ]  # fmt: skip
    for one in inner:
        del one["id"]
    group = {
        "nodes": inner,
        "links": [[None, 0, 2, 0, 12, "MODEL"], [0, 0, 3, 0, 16, "NOISE"], [None, 0, 3, 1, 25, "GUIDER"],
                  [1, 0, 3, 2, 17, "SAMPLER"], [2, 0, 3, 3, 22, "SIGMAS"], [None, 0, 3, 4, 5, "LATENT"]],
        "external": [[3, 0, "LATENT"]],
    }  # fmt: skip
    shown = [("model", 69), ("guider", 70), ("latent_image", 71)]
    return {
        "nodes": [
            item(12, "UNETLoader", ["flux1.sft", "default"], [], ["MODEL"]),
            item(11, "DualCLIPLoader", ["t5", "clip_l", "flux"], [], ["CLIP"]),
            item(6, "CLIPTextEncode", ["an old monitor"], [("clip", 10)], ["CONDITIONING"]),
            item(25, "BasicGuider", [], [("model", 63), ("conditioning", 64)], ["GUIDER"]),
            item(5, "EmptyLatentImage", [1024, 768, 1], [], ["LATENT"]),
            item(28, f"workflow{separator}FLUX", [651, "randomize", "euler", "simple", 4, 1], shown,
                 ["LATENT", "LATENT"]),
            item(8, "VAEDecode", [], [("samples", 68), ("vae", None)], ["IMAGE"]),
            item(9, "SaveImage", ["ComfyUI"], [("images", 41)]),
        ],
        "links": [[10, 11, 0, 6, 0, "CLIP"], [41, 8, 0, 9, 0, "IMAGE"], [63, 12, 0, 25, 0, "MODEL"],
                  [64, 6, 0, 25, 1, "CONDITIONING"], [68, 28, 0, 8, 0, "LATENT"], [69, 12, 0, 28, 0, "MODEL"],
                  [70, 25, 0, 28, 1, "GUIDER"], [71, 5, 0, 28, 2, "LATENT"]],
        "extra": {"groupNodes": {"FLUX": group}},
    }  # fmt: skip


def paired() -> dict[str, Any]:
    """Two text encoders and a sampler in one group node, whose second inputs of a name carry their node's title."""
    inner = [
        typed(item(0, "CLIPTextEncode", ["in the group"], [("clip", None)], ["CONDITIONING"]), "CLIP"),
        typed(item(0, "CLIPTextEncode", ["as well"], [("clip", None)], ["CONDITIONING"], title="Bad"), "CLIP"),
        typed(
            item(0, "KSampler", [1, "fixed", 10, 2, "euler", "normal", 1],
                 [("model", None), ("positive", None), ("negative", None), ("latent_image", None),
                  ("steps", None, True)],
                 ["LATENT"]),
            "MODEL", "CONDITIONING", "CONDITIONING", "LATENT", "INT",
        ),
    ]  # fmt: skip
    shown = [("model", 1), ("clip", 2), ("Bad clip", 2), ("latent_image", 3), ("steps", 4)]
    return {
        "nodes": [
            item(1, "CheckpointLoaderSimple", ["m.safetensors"], [], ["MODEL", "CLIP", "VAE"]),
            item(2, "EmptyLatentImage", [512, 768, 1], [], ["LATENT"]),
            item(3, "PrimitiveNode", [33, "fixed"], [], ["INT"]),
            item(4, "workflow>Pair", ["a castle", "blurry", 7, "fixed", 6.5, "dpmpp_2m", "karras", 0.5], shown,
                 ["LATENT"]),
            item(5, "VAEDecode", [], [("samples", 5)], ["IMAGE"]),
            item(6, "SaveImage", ["x"], [("images", 6)]),
        ],
        "links": [[1, 1, 0, 4, 0, "MODEL"], [2, 1, 1, 4, 1, "CLIP"], [3, 2, 0, 4, 3, "LATENT"], [4, 3, 0, 4, 4, "INT"],
                  [5, 4, 0, 5, 0, "LATENT"], [6, 5, 0, 6, 0, "IMAGE"]],
        "extra": {"groupNodes": {"Pair": {
            "nodes": inner, "links": [[0, 0, 2, 1, 9, "CONDITIONING"], [1, 0, 2, 2, 9, "CONDITIONING"]], "external": [],
        }}},
    }  # fmt: skip


def everywhere(**extra: Any) -> dict[str, Any]:
    """The default graph, in which no link leads to model, texts and VAE."""
    wanted = [("model", 13), ("positive", None), ("negative", None), ("latent_image", 2)]
    return {
        "nodes": [
            item(9, "SaveImage", ["ComfyUI"], [("images", 9)]),
            typed(item(8, "VAEDecode", [], [("samples", 7), ("vae", None)], ["IMAGE"]), "LATENT", "VAE"),
            item(4, "CheckpointLoaderSimple", ["v1-5.safetensors"], [], ["MODEL", "CLIP", "VAE"]),
            typed(item(3, "KSampler", [156680, "randomize", 20, 8, "euler", "normal", 1], wanted, ["LATENT"]),
                  "MODEL", "CONDITIONING", "CONDITIONING", "LATENT"),
            item(5, "EmptyLatentImage", [512, 640, 1], [], ["LATENT"]),
            typed(item(7, "CLIPTextEncode", ["watermark"], [("clip", None)], ["CONDITIONING"]), "CLIP"),
            typed(item(6, "CLIPTextEncode", ["a bottle"], [("clip", None)], ["CONDITIONING"]), "CLIP"),
        ],
        "links": [[2, 5, 0, 3, 3, "LATENT"], [7, 3, 0, 8, 0, "LATENT"], [9, 8, 0, 9, 0, "IMAGE"]],
        "extra": extra,
    }  # fmt: skip

"""Workflows of ComfyUI's editor whose joints are no links: group nodes and cg-use-everywhere."""

from __future__ import annotations

from typing import Any

import pytest

from dtk_tui.domain.parameters import GenerationParameters
from tests.metadata.test_comfyui_editor import item, look


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


@pytest.mark.parametrize("separator", ["/", ">"])
def test_a_group_node_has_the_values_of_its_instance(separator: str) -> None:
    assert look(grouped(separator)) == GenerationParameters(
        prompt="an old monitor",
        negative_prompt="",
        steps=4,
        sampler="euler",
        scheduler="simple",
        seed=651,
        width=1024,
        height=768,
        model="flux1.sft",
    )


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


def test_what_a_group_node_shows_goes_by_its_names() -> None:
    found = look(paired())
    assert (found.prompt, found.negative_prompt) == ("a castle", "blurry")
    assert (found.steps, found.seed, found.cfg_scale, found.sampler) == (33, 7, 6.5, "dpmpp_2m")
    assert (found.model, found.width, found.height, found.denoising_strength) == ("m.safetensors", 512, 768, 0.5)


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


def bottle(found: GenerationParameters) -> None:
    assert (found.prompt, found.negative_prompt, found.model) == ("a bottle", "watermark", "v1-5.safetensors")
    assert (found.seed, found.steps, found.width, found.height) == (156680, 20, 512, 640)


def test_use_everywhere_notes_what_it_joins() -> None:
    joints = [(8, 1, "4", 2), (3, 0, "4", 0), (3, 1, "6", 0), (3, 2, "7", 0), (7, 0, "4", 1), (6, 0, "4", 1)]
    names = ("downstream", "downstream_slot", "upstream", "upstream_slot")
    bottle(look(everywhere(ue_links=[dict(zip(names, joint, strict=True)) for joint in joints])))


def test_use_everywhere_before_it_took_notes() -> None:
    graph = everywhere()
    graph["nodes"] += [
        item(10, "Anything Everywhere3", [], [("anything", 20), ("anything2", 21), ("anything3", 22)]),
        item(11, "Prompts Everywhere", [], [("+ve", 23), ("-ve", 24)]),
        item(12, "CheckpointLoaderSimple", ["other"], [], ["MODEL"]),
        item(13, "Anything Everywhere?", ["Upscale", ".*"], [("anything", 25)]),
    ]
    graph["links"] += [[20, 4, 0, 10, 0, "MODEL"], [21, 4, 1, 10, 1, "CLIP"], [22, 4, 2, 10, 2, "VAE"],
                       [23, 6, 0, 11, 0, "CONDITIONING"], [24, 7, 0, 11, 1, "CONDITIONING"],
                       [25, 12, 0, 13, 0, "MODEL"]]  # fmt: skip
    bottle(look(graph))
    graph["nodes"][-1]["widgets_values"] = ["KSampler", "model"]
    assert look(graph).model == "other"
    graph["nodes"][-1]["mode"] = 4
    assert look(graph).model == "v1-5.safetensors"


def test_expressions_of_a_stranger_are_not_run() -> None:
    graph = everywhere()
    graph["nodes"].append(item(13, "Anything Everywhere?", ["(K+)+$", ".*"], [("anything", 25)]))
    graph["nodes"][3]["title"] = "K" * 60 + "!"
    graph["links"].append([25, 4, 0, 13, 0, "MODEL"])
    assert look(graph).model is None

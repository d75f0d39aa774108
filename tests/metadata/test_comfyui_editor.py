"""Workflows of ComfyUI's editor that stand alone: values by position, subgraphs, virtual nodes."""

from __future__ import annotations

from typing import Any

import pytest

from dtk_tui.domain.parameters import GenerationParameters, Lora
from tests.helpers.metadata.comfy_workflows import everywhere, item, read


def link(number: int, origin: int, slot: int, target: int, target_slot: int) -> dict[str, Any]:
    return {
        "id": number, "origin_id": origin, "origin_slot": slot, "target_id": target, "target_slot": target_slot,
        "type": "X",
    }  # fmt: skip


def inside() -> dict[str, Any]:
    """A subgraph of five inputs whose nodes have values of their own."""
    return {
        "id": "aaaa-1",
        "inputs": [{"name": name, "type": "X"} for name in ("steps", "text", "picture", "unet_name", "width")],
        "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
        "nodes": [
            item(1, "UNETLoader", ["inner.safetensors", "default"], [("unet_name", 4, True)]),
            item(2, "CLIPTextEncode", ["an inner text"], [("clip", None), ("text", 2, True)]),
            item(3, "ConditioningZeroOut", [], [("conditioning", 11)]),
            item(4, "EmptySD3LatentImage", [64, 96, 1], [("width", 5, True)]),
            item(5, "KSampler", [7, "randomize", 99, 1, "euler", "simple", 1],
                 [("model", 12), ("positive", 13), ("negative", 14), ("latent_image", 15), ("steps", 1, True)]),
            item(6, "VAEDecode", [], [("samples", 16)]),
        ],
        "links": [
            link(1, -10, 0, 5, 4), link(2, -10, 1, 2, 1), link(4, -10, 3, 1, 0), link(5, -10, 4, 4, 0),
            link(11, 2, 0, 3, 0), link(12, 1, 0, 5, 0), link(13, 2, 0, 5, 1), link(14, 3, 0, 5, 2),
            link(15, 4, 0, 5, 3), link(16, 5, 0, 6, 0), link(17, 6, 0, -20, 0),
        ],
    }  # fmt: skip


def around(instance: dict[str, Any]) -> dict[str, Any]:
    return {
        "nodes": [
            instance,
            item(20, "SaveImage", ["x"], [("images", 30)]),
            item(21, "PrimitiveStringMultiline", ["a text from outside"], outputs=["STRING"]),
        ],
        "links": [[30, 10, 0, 20, 0, "IMAGE"], [31, 21, 0, 10, 0, "STRING"]],
        "definitions": {"subgraphs": [inside()]},
    }


def test_a_subgraph_keeps_the_values_of_its_inputs_in_their_order() -> None:
    # The instance lists only what is wired or was wired; its values stand for every input that is a widget inside.
    found = read(around(item(10, "aaaa-1", [8, "a castle", "outer.safetensors", 832], [("picture", None)])))
    assert (found.prompt, found.negative_prompt, found.steps, found.model) == ("a castle", "", 8, "outer.safetensors")
    assert (found.width, found.height, found.seed) == (832, 96, 7)


def test_the_inputs_of_a_subgraph_go_by_name() -> None:
    found = read(around(item(10, "aaaa-1", [], [("text", 31, True)])))
    assert (found.prompt, found.steps, found.model) == ("a text from outside", 99, "inner.safetensors")


def test_the_values_of_a_subgraph_may_have_a_list_of_names() -> None:
    listed = {"properties": {"proxyWidgets": [["-1", "text"], ["5", "seed"], ["-1", "steps"]]}}
    found = read(around(item(10, "aaaa-1", ["a castle", 5, 12], [("picture", None)], **listed)))
    assert (found.prompt, found.steps, found.model) == ("a castle", 12, "inner.safetensors")


def plain(*more: dict[str, Any], positive: int, links: Any = ()) -> dict[str, Any]:
    return {
        "nodes": [
            item(1, "CheckpointLoaderSimple", ["x.safetensors"]),
            item(2, "KSampler", [7, "fixed", 20, 1, "euler", "simple", 1], [("model", 1), ("positive", 2)]),
            item(3, "SaveImage", ["x"], [("images", 3)]),
            *more,
        ],
        "links": [[1, 1, 0, 2, 0, "MODEL"], [2, positive, 0, 2, 1, "X"], [3, 2, 0, 3, 0, "LATENT"], *links],
    }


def test_a_value_without_a_name_is_a_text_only_where_a_text_comes_out() -> None:
    vision = item(5, "CLIPVisionEncode", ["none"], [("image", None)], ["CLIP_VISION_OUTPUT"])
    seen = item(4, "SomeConditioning", [], [("front", 4)], ["CONDITIONING"])
    assert read(plain(seen, vision, positive=4, links=[[4, 5, 0, 4, 0, "X"]])).prompt is None
    passing = item(4, "SomeMethod", ["offset"], [("conditioning", None)], ["CONDITIONING"])
    passing["inputs"][0]["type"] = "CONDITIONING"
    assert read(plain(passing, positive=4)).prompt is None
    assert read(plain(item(4, "SomeEncoder", ["a castle"], [], ["CONDITIONING"]), positive=4)).prompt == "a castle"


def test_what_is_set_under_a_name_is_got_under_it() -> None:
    nodes = (
        item(4, "GetNode", ["prompt"]),
        item(5, "SetNode", ["prompt"], [("CONDITIONING", 4)]),
        item(6, "CLIPTextEncode", ["a castle"]),
        item(7, "SetNode", ["other"], [("CONDITIONING", None)]),
    )
    assert read(plain(*nodes, positive=4, links=[[4, 6, 0, 5, 0, "CONDITIONING"]])).prompt == "a castle"


def test_an_odd_link_is_lost_alone() -> None:
    workflow = plain(item(4, "CLIPTextEncode", ["a castle"], [("clip", [1])], [[]]), positive=4)
    workflow["nodes"][1]["inputs"].append({"name": "latent_image", "link": {"a": 1}})
    workflow["nodes"].append(item(9, "KSampler", [7, [], 20], [("seed", None, True), ("steps", None, True)]))
    found = read(workflow)
    assert (found.prompt, found.steps, found.model) == ("a castle", 20, "x.safetensors")


def drawn(*nodes: dict[str, Any], sampler: Any = None, steps: Any = None) -> GenerationParameters:
    """The default graph with further nodes; ``links`` 20 and up are theirs."""
    inputs = [("model", 1), ("positive", 2), ("negative", 3), ("latent_image", 4)]
    items = [
        item(1, "CheckpointLoaderSimple", ["m.safetensors"], [], ["MODEL", "CLIP", "VAE"]),
        item(4, "EmptyLatentImage", [512, 768, 1], [], ["LATENT"]),
        sampler
        or item(5, "KSampler", [7, "fixed", 20, 8, "euler", "normal", 1], [*inputs, *(steps or [])], ["LATENT"]),
        item(6, "VAEDecode", [], [("samples", 5)], ["IMAGE"]),
        item(7, "SaveImage", ["x"], [("images", 6)]),
    ]
    links = [[1, 1, 0, 5, 0, "MODEL"], [2, 2, 0, 5, 1, "CONDITIONING"], [3, 3, 0, 5, 2, "CONDITIONING"],
             [4, 4, 0, 5, 3, "LATENT"], [5, 5, 0, 6, 0, "LATENT"], [6, 6, 0, 7, 0, "IMAGE"],
             [20, 20, 0, 0, 0, "X"], [21, 20, 1, 0, 0, "X"]]  # fmt: skip
    return read({"nodes": [*items, *nodes], "links": links})


def test_values_of_widely_used_extensions_in_their_places() -> None:
    found = drawn(
        item(2, "CLIPTextEncode", ["left over"], [("clip", None), ("text", 20, True)], ["CONDITIONING"]),
        item(3, "Power Prompt - Simple (rgthree)", ["blurry", "CHOOSE", "CHOOSE"], [], ["CONDITIONING", "STRING"]),
        item(20, "Text Concatenate", [", ", "true", "a castle", "the sea", "", ""], [], ["STRING"]),
    )
    assert (found.prompt, found.negative_prompt) == ("a castle, the sea", "blurry")


def test_a_number_that_is_all_a_node_has() -> None:
    texts = [item(number, "CLIPTextEncode", ["x"], [], ["CONDITIONING"]) for number in (2, 3)]
    for values in ([33], [33, "randomize"]):
        assert drawn(*texts, item(20, "INTConstant", values, [], ["INT"]), steps=[("steps", 20, True)]).steps == 33


def test_loras_that_a_node_lists_as_objects() -> None:
    rows = [{}, {"type": "Header"}, {"on": True, "lora": "ink", "strength": 0.5, "strengthTwo": None},
            {"on": False, "lora": "oil", "strength": 1}, {}, ""]  # fmt: skip
    found = drawn(
        *(item(number, "CLIPTextEncode", ["x"], [], ["CONDITIONING"]) for number in (2, 3)),
        item(20, "Power Lora Loader (rgthree)", rows, [("model", 1), ("clip", None)], ["MODEL", "CLIP"]),
        sampler=item(5, "KSampler", [7, "fixed", 20, 8, "euler", "normal", 1],
                     [("model", 20), ("positive", 2), ("negative", 3), ("latent_image", 4)], ["LATENT"]),
    )  # fmt: skip
    assert (found.loras, found.model) == ((Lora("ink", 0.5),), "m.safetensors")


def test_an_editor_that_names_more_values_than_are_known_here() -> None:
    names = "ckpt_name vae_name new positive negative empty_latent_width empty_latent_height a b c d e"
    named = [(name, None, True) for name in names.split()]
    loader = item(
        1, "Efficient Loader", ["m", "v", 3, "a castle", "blurry", 832, 1216, 0, 0, 0, 0, 0], named, ["MODEL"]
    )
    found = read({
        "nodes": [loader, item(2, "KSampler (Efficient)", [7, "fixed", 20, 8, "euler", "normal", 1],
                               [("model", 1), ("positive", 2), ("negative", 3), ("latent_image", 4)], ["LATENT"])],
        "links": [[slot + 1, 1, slot, 2, slot, "X"] for slot in range(4)],
    })  # fmt: skip
    assert (found.prompt, found.negative_prompt, found.width, found.height) == ("a castle", "blurry", 832, 1216)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("a {red|blue} fox", None),
        ("a {{red|blue}|green} fox", None),
        ("a {red} fox", "a red fox"),
        (r"a \{red|blue\} fox", "a {red|blue} fox"),
        ("a {red fox", "a {red fox"),
        ("a red|blue fox", "a red|blue fox"),
    ],
)
def test_the_editor_draws_lots_before_it_sends(typed: str, sent: str | None) -> None:
    graph = everywhere()
    next(one for one in graph["nodes"] if one["id"] == 6)["widgets_values"] = [typed]
    joints = [(8, 1, "4", 2), (3, 0, "4", 0), (3, 1, "6", 0), (3, 2, "7", 0), (7, 0, "4", 1), (6, 0, "4", 1)]
    names = ("downstream", "downstream_slot", "upstream", "upstream_slot")
    graph["extra"] = {"ue_links": [dict(zip(names, joint, strict=True)) for joint in joints]}
    assert read(graph).prompt == sent

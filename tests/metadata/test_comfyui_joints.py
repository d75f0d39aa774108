"""Workflows of ComfyUI's editor whose joints are no links: group nodes and cg-use-everywhere."""

from __future__ import annotations

import pytest

from dtk_tui.domain.parameters import GenerationParameters
from tests.helpers.metadata.comfy_workflows import everywhere, grouped, item, paired, read


@pytest.mark.parametrize("separator", ["/", ">"])
def test_a_group_node_has_the_values_of_its_instance(separator: str) -> None:
    assert read(grouped(separator)) == GenerationParameters(
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


def test_what_a_group_node_shows_goes_by_its_names() -> None:
    found = read(paired())
    assert (found.prompt, found.negative_prompt) == ("a castle", "blurry")
    assert (found.steps, found.seed, found.cfg_scale, found.sampler) == (33, 7, 6.5, "dpmpp_2m")
    assert (found.model, found.width, found.height, found.denoising_strength) == ("m.safetensors", 512, 768, 0.5)


def bottle(found: GenerationParameters) -> None:
    assert (found.prompt, found.negative_prompt, found.model) == ("a bottle", "watermark", "v1-5.safetensors")
    assert (found.seed, found.steps, found.width, found.height) == (156680, 20, 512, 640)


def test_use_everywhere_notes_what_it_joins() -> None:
    joints = [(8, 1, "4", 2), (3, 0, "4", 0), (3, 1, "6", 0), (3, 2, "7", 0), (7, 0, "4", 1), (6, 0, "4", 1)]
    names = ("downstream", "downstream_slot", "upstream", "upstream_slot")
    bottle(read(everywhere(ue_links=[dict(zip(names, joint, strict=True)) for joint in joints])))


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
    bottle(read(graph))
    graph["nodes"][-1]["widgets_values"] = ["KSampler", "model"]
    assert read(graph).model == "other"
    graph["nodes"][-1]["mode"] = 4
    assert read(graph).model == "v1-5.safetensors"


def test_expressions_of_a_stranger_are_not_run() -> None:
    graph = everywhere()
    graph["nodes"].append(item(13, "Anything Everywhere?", ["(K+)+$", ".*"], [("anything", 25)]))
    graph["nodes"][3]["title"] = "K" * 60 + "!"
    graph["links"].append([25, 4, 0, 13, 0, "MODEL"])
    assert read(graph).model is None


def test_the_type_of_a_link_that_says_any_is_that_of_the_output_it_leaves() -> None:
    graph = everywhere()
    graph["nodes"] += [
        item(10, "Anything Everywhere3", [], [("anything", 20), ("anything2", 21), ("anything3", 22)]),
        item(11, "Prompts Everywhere", [], [("+ve", 23), ("-ve", 24)]),
    ]
    graph["links"] += [[20, 4, 0, 10, 0, "*"], [21, 4, 1, 10, 1, "*"], [22, 4, 2, 10, 2, "*"], [23, 6, 0, 11, 0, "*"],
                       [24, 7, 0, 11, 1, "*"]]  # fmt: skip
    bottle(read(graph))


def test_senders_of_version_7_ask_by_their_properties() -> None:
    graph = everywhere()
    graph["nodes"] += [
        item(12, "CheckpointLoaderSimple", ["other"], [], ["MODEL"]),
        item(13, "Anything Everywhere", [], [("anything", 25)]),
        item(14, "Anything Everywhere", [], [("anything", 26)]),
    ]
    graph["links"] += [[25, 12, 0, 13, 0, "*"], [26, 4, 0, 14, 0, "*"]]
    # Two of one strength are joined to nothing.
    assert read(graph).model is None
    first, second = graph["nodes"][-2:]
    second["properties"] = {"ue_properties": {"version": "7.0", "title_regex": "Upscale"}}
    assert read(graph).model == "other"
    second["properties"] = {"ue_properties": {"version": "7.0", "input_regex": "model"}}
    assert read(graph).model == "v1-5.safetensors"
    first["properties"] = {"ue_properties": {"version": "7.0", "priority": 99}}
    assert read(graph).model == "other"


def test_any_node_may_send_its_outputs() -> None:
    graph = everywhere()
    loader = next(one for one in graph["nodes"] if one["type"] == "CheckpointLoaderSimple")
    loader["properties"] = {"ue_convert": True, "ue_properties": {"version": "7.0"}}
    for slot, output in enumerate(loader["outputs"]):
        output["name"] = f"output {slot}"
    assert read(graph).model == "v1-5.safetensors"
    loader["properties"]["ue_properties"]["output_not_broadcasting"] = {"output 0": True}
    assert read(graph).model is None


def test_a_node_says_which_of_its_inputs_may_be_fed() -> None:
    graph = everywhere()
    sampler = next(one for one in graph["nodes"] if one["type"] == "KSampler")
    sampler["inputs"].append({"name": "steps", "type": "INT", "link": None, "widget": {"name": "steps"}})
    graph["nodes"] += [
        item(12, "PrimitiveInt", [33], [("value", None, True)], ["INT"]),
        item(13, "Anything Everywhere", [], [("INT", 25)]),
    ]
    graph["links"].append([25, 12, 0, 13, 0, "*"])
    assert read(graph).steps == 20
    sampler["properties"] = {"ue_properties": {"version": "7.0", "widget_ue_connectable": {"steps": True}}}
    assert read(graph).steps == 33

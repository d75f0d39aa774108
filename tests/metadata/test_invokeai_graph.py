"""Pictures by InvokeAI that carry the graph alone."""

from __future__ import annotations

import random
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, Lora
from tests.helpers.metadata.dialect_chunks import read

JUGGER, REFINER = {"name": "jugger", "hash": "blake3:7c16"}, {"name": "refiner", "hash": "blake3:9d"}
NODES: dict[str, dict[str, Any]] = {
    "loader": {"type": "sdxl_model_loader", "model": JUGGER},
    "vae": {"type": "vae_loader", "vae_model": {"name": "fp16-fix"}},
    "words": {"type": "string", "value": "a castle"},
    "positive": {"type": "sdxl_compel_prompt", "prompt": "", "style": ""},
    "region": {"type": "sdxl_compel_prompt", "prompt": "a flag on the tower"},
    "negative": {"type": "sdxl_compel_prompt", "prompt": "blurry"},
    "positives": {"type": "collect"},
    "negatives": {"type": "collect"},
    "mask": {"type": "alpha_mask_to_tensor"},
    "lora": {"type": "lora_selector", "lora": {"name": "ink"}, "weight": 0.75},
    "loras": {"type": "collect"},
    "patched": {"type": "sdxl_lora_collection_loader"},
    "seed": {"type": "integer", "value": 77},
    "noise": {"type": "noise", "seed": 0, "width": 832, "height": 1216},
    "first": {"type": "denoise_latents", "steps": 30, "cfg_scale": 7.5, "scheduler": "euler"},
    "picture": {"type": "l2i"},
}
EDGES = [
    ("words", "value", "positive", "prompt"), ("positive", "conditioning", "positives", "item"),
    ("region", "conditioning", "positives", "item"), ("mask", "mask", "region", "mask"),
    ("negative", "conditioning", "negatives", "item"), ("positives", "collection", "first", "positive_conditioning"),
    ("negatives", "collection", "first", "negative_conditioning"), ("seed", "value", "noise", "seed"),
    ("noise", "noise", "first", "noise"), ("loader", "unet", "patched", "unet"), ("patched", "unet", "first", "unet"),
    ("lora", "lora", "loras", "item"), ("loras", "collection", "patched", "loras"),
    ("first", "latents", "picture", "latents"), ("vae", "vae", "picture", "vae"),
]  # fmt: skip
# A second stage takes the place of the first before the decoder.
REFINED: dict[str, dict[str, Any]] = {
    "second": {"type": "denoise_latents", "steps": 12, "cfg_scale": 6.0, "scheduler": "heun"},
    "style": {"type": "sdxl_refiner_compel_prompt", "style": ""},
    "refiner": {"type": "sdxl_refiner_model_loader", "model": REFINER},
}
REFINED_EDGES = [
    ("first", "latents", "second", "latents"), ("style", "conditioning", "second", "positive_conditioning"),
    ("refiner", "unet", "second", "unet"), ("second", "latents", "picture", "latents"),
    *(edge for edge in EDGES if edge[2:] != ("picture", "latents")),
]  # fmt: skip


def graph(
    nodes: dict[str, dict[str, Any]], edges: list[tuple[str, str, str, str]], shuffled: int = 0
) -> GenerationParameters:
    keys = list(nodes)
    random.Random(shuffled).shuffle(keys)
    listed = [
        {"source": {"node_id": origin, "field": source}, "destination": {"node_id": target, "field": field}}
        for origin, source, target, field in edges
    ]
    return read(("png", "invokeai_graph", {"nodes": {key: nodes[key] for key in keys}, "edges": listed}))[1]


def test_collectors_are_followed() -> None:
    assert graph(NODES, EDGES) == GenerationParameters(
        prompt="a castle", negative_prompt="blurry", steps=30, sampler="euler", cfg_scale=7.5, seed=77, width=832,
        height=1216, model="jugger", model_hash="blake3:7c16", vae="fp16-fix", loras=(Lora("ink", 0.75),),
    )  # fmt: skip


def test_the_stage_that_the_decoder_takes_counts_wherever_it_stands() -> None:
    # A stage that nobody takes was not seen by anyone.
    nodes = NODES | REFINED | {"left over": {"type": "denoise_latents", "steps": 99, "cfg_scale": 1.0}}
    for order in range(8):
        found = graph(nodes, REFINED_EDGES, order)
        assert (found.steps, found.cfg_scale, found.sampler, found.model) == (12, 6.0, "heun", "refiner"), order
        assert (found.prompt, found.negative_prompt, found.seed, found.width) == ("a castle", "blurry", 77, 832), order


def test_a_second_pass_over_the_decoded_picture_counts() -> None:
    nodes = NODES | {
        "larger": {"type": "img_resize", "width": 1664, "height": 2432},
        "again": {"type": "i2l"},
        "noise 2": {"type": "noise", "seed": 78, "width": 1664, "height": 2432},
        "pass 2": {"type": "denoise_latents", "steps": 20, "cfg_scale": 5.0, "scheduler": "euler_a"},
        "picture 2": {"type": "l2i"},
    }
    edges = [
        *EDGES, ("picture", "image", "larger", "image"), ("larger", "image", "again", "image"),
        ("again", "latents", "pass 2", "latents"), ("noise 2", "noise", "pass 2", "noise"),
        ("positive", "conditioning", "pass 2", "positive_conditioning"), ("pass 2", "latents", "picture 2", "latents"),
    ]  # fmt: skip
    for order in range(8):
        found = graph(nodes, edges, order)
        assert (found.steps, found.seed, found.width, found.prompt) == (20, 78, 1664, "a castle"), order


def test_two_pictures_of_one_graph_are_not_told_apart() -> None:
    nodes = NODES | {"other": {"type": "denoise_latents", "steps": 9}, "picture 2": {"type": "l2i"}}
    assert graph(nodes, [*EDGES, ("other", "latents", "picture 2", "latents")]) == GenerationParameters()


def test_values_that_were_computed_stay_unknown() -> None:
    nodes = NODES | {
        "ideal": {"type": "ideal_size", "width": 1024, "height": 576},
        "written": {"type": "text_llm", "prompt": "write about castles"},
        "dice": {"type": "rand_int", "low": 0, "high": 9},
    }
    taken = {("positive", "prompt"), ("noise", "seed")}
    edges = [edge for edge in EDGES if edge[2:] not in taken] + [
        ("ideal", "width", "noise", "width"), ("written", "value", "positive", "prompt"),
        ("dice", "value", "noise", "seed"),
    ]  # fmt: skip
    found = graph(nodes, edges)
    assert (found.seed, found.width, found.prompt) == (None, None, None)


def test_joined_texts_and_a_list_of_one() -> None:
    nodes = NODES | {
        "left": {"type": "string", "value": "a castle, "},
        "both": {"type": "string_join", "string_left": "", "string_right": "at night"},
        "list": {"type": "integer_collection", "collection": [5]},
        "each": {"type": "iterate"},
    }
    edges = [edge for edge in EDGES if edge[2:] not in {("positive", "prompt"), ("noise", "seed")}] + [
        ("left", "value", "both", "string_left"), ("both", "value", "positive", "prompt"),
        ("list", "collection", "each", "collection"), ("each", "item", "noise", "seed"),
    ]  # fmt: skip
    found = graph(nodes, edges)
    assert (found.prompt, found.seed) == ("a castle, at night", 5)


def test_flux_is_told_its_guidance() -> None:
    nodes = {
        "words": {"type": "flux_text_encoder", "prompt": "a castle"},
        "stage": {"type": "flux_denoise", "num_steps": 28, "guidance": 4.0, "cfg_scale": 1.0, "seed": 5, "width": 1024},
        "picture": {"type": "flux_vae_decode"},
    }  # fmt: skip
    found = graph(nodes, [("words", "conditioning", "stage", "positive_text_conditioning"),
                          ("stage", "latents", "picture", "latents")])  # fmt: skip
    assert (found.prompt, found.cfg_scale, found.steps, found.seed) == ("a castle", 4.0, 28, 5)


def test_a_picture_by_a_service() -> None:
    nodes = {"made": {"type": "openai_image_generation", "prompt": "a castle", "seed": 3, "width": 1024, "height": 768,
                      "model": {"name": "gpt-image-1"}}}  # fmt: skip
    found = graph(nodes, [])
    assert (found.prompt, found.seed, found.width, found.model) == ("a castle", 3, 1024, "gpt-image-1")

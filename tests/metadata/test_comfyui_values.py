"""Values of a ComfyUI graph that stand behind links: what can be told from the graph, and what only its run knew."""

from __future__ import annotations

from typing import Any

import pytest

from dtk_tui.domain.parameters import GenerationParameters
from tests.helpers.metadata.comfy_graphs import base, node, read_graph


@pytest.mark.parametrize(
    ("latent", "more", "expected"),
    [
        ({"width": ["30", 0], "height": ["30", 1]},
         {"30": node("ResolutionSelector", aspect_ratio="16:9 (Widescreen)", megapixels=0.9, multiple=32)},
         (1280, 736)),
        ({"width": ["31", 0], "height": ["32", 0]},
         {"30": node("ResolutionSelector", aspect_ratio="2:3 (Portrait Photo)", megapixels=1),
          "31": node("PrimitiveInt", value=["30", 0]), "32": node("PrimitiveInt", value=["30", 1])},
         (840, 1256)),
        ({"width": ["30", 0], "height": ["30", 1]},
         {"30": node("GetImageSize", image=["31", 0]),
          "31": node("ImageScaleToTotalPixels", upscale_method="area", megapixels=1, image=["33", 0]),
          "33": node("LoadImage", image="x.png")}, (None, None)),
        ({"width": ["30", 1], "height": ["32", 0]},
         {"30": node("ComfyMathExpression", expression="min(a * 2, 4096) + a // 8", **{"values.a": ["31", 0]}),
          "31": node("PrimitiveInt", value=512),
          "32": node("MathExpression|pysssss", expression="round(a / 3 * 4) if a > 64 else 64", a=["31", 0])},
         (1088, 683)),
        ({"width": ["30", 1], "height": ["30", 1]},
         {"30": node("ComfyMathExpression", expression="a * b", **{"values.a": ["31", 0], "values.b": 2}),
          "31": node("GetImageSize", image=["33", 0]), "33": node("LoadImage", image="x.png")}, (None, None)),
        ({"width": ["30", 1], "height": ["30", 1]}, {"30": node("ComfyMathExpression", expression="9 ** 9 ** 9")},
         (None, None)),
        ({"width": ["30", 1], "height": ["30", 1]},
         {"30": node("ComfyMathExpression", expression="().__class__")}, (None, None)),
        ({"width": ["30", 0], "height": ["30", 1]},
         {"30": node("SDXLEmptyLatentSizePicker+", resolution="1024x1024 (1.0)", width_override=0,
                     height_override=768)}, (1024, 768)),
        ({"width": ["30", 0], "height": ["30", 0]},
         {"30": node("CM_IntBinaryOperation", op="Mul", a=["31", 0], b=2), "31": node("PrimitiveInt", value=512)},
         (None, None)),
        ({"width": ["30", 0], "height": ["30", 0]}, {"30": node("Any", **{"*": ["31", 0]}),
                                                     "31": node("Number", whole=640)}, (640, 640)),
        ({"width": ["30", 0], "height": ["30", 1]},
         {"30": node("CR SDXL Aspect Ratio", width=1024, height=1024, aspect_ratio="3:4 portrait 896x1152",
                     swap_dimensions="Off")}, (896, 1152)),
        ({"width": ["30", 0], "height": ["30", 1]},
         {"30": node("CR SDXL Aspect Ratio", width=1024, height=640, aspect_ratio="custom")}, (1024, 640)),
    ],
)  # fmt: skip
def test_where_the_size_comes_from(latent: dict[str, Any], more: dict[str, Any], expected: tuple[int, int]) -> None:
    found = read_graph(base(**{"5": node("EmptyLatentImage", batch_size=1, **latent)}, **more))
    assert (found.width, found.height) == expected


def test_an_encoder_of_both_sides_that_was_given_one_text() -> None:
    graph = base(**{"6": node("TextEncodeSomeEdit", prompt="a castle", clip=["4", 1], vae=["4", 2])})
    graph["3"]["inputs"] |= {"positive": ["6", 0], "negative": ["6", 1]}
    assert (read_graph(graph).prompt, read_graph(graph).negative_prompt) == ("a castle", "")
    graph["6"]["inputs"]["negative_prompt"] = "blurry"
    assert (read_graph(graph).prompt, read_graph(graph).negative_prompt) == ("a castle", "blurry")


def test_what_a_language_model_was_told_is_no_prompt() -> None:
    graph = {
        "1": node("SaveImage", images=["2", 0]),
        "2": node("GeminiImageNode", prompt=["3", 0], images=["4", 0], seed=3),
        "3": node("GeminiNode", prompt="You are an expert.", images=["4", 0]),
        "4": node("LoadImage", image="x.png"),
    }
    assert read_graph(graph) == GenerationParameters()

"""ComfyUI graphs with several savers, and savers that write when they run what they were given."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dtk_tui.domain.parameters import GenerationParameters, RawChunk
from dtk_tui.metadata.reader import derive, read_file
from tests.helpers.metadata import files
from tests.helpers.metadata.comfy_graphs import base, node


def read(graph: dict[str, Any], name: str | None, infotext: str = "") -> GenerationParameters:
    chunks = [RawChunk("png", "prompt", json.dumps(graph))]
    if infotext:
        chunks.append(RawChunk("png", "parameters", infotext))
    return derive(chunks, 512, 512, name)[1]


def two_savers(first: Any, second: Any, kinds: tuple[str, str] = ("SaveImage", "SaveImage")) -> dict[str, Any]:
    """The default graph (seed 42) and a second sampler (seed 99), each with a saver of its own prefix."""
    other = node("KSampler", seed=99, steps=20, cfg=8.0, sampler_name="euler", scheduler="normal", denoise=1.0,
                 model=["4", 0], positive=["20", 0], negative=["7", 0], latent_image=["5", 0])  # fmt: skip
    return base(**{
        "9": node(kinds[0], filename_prefix=first, images=["8", 0]),
        "20": node("CLIPTextEncode", text="a harbour", clip=["4", 1]), "21": other,
        "22": node("VAEDecode", samples=["21", 0], vae=["4", 2]),
        "23": node(kinds[1], filename_prefix=second, images=["22", 0]),
        "30": node("StringConcatenate", string_a="led", string_b="ge", delimiter=""),
        "31": node("Text Random Line", text="x\ny", seed=1),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "name", "seed"),
    [
        ("ledge", "harbour", "ledge_00001_.png", 42),
        ("ledge", "harbour", "harbour_00017_.png", 99),
        ("birds/ledge", "%year%-%month%/harbour", "ledge_00001_.png", 42),
        ("img", "img_final", "img_00001_.png", 42),
        ("img", "img_final", "img_final_00001_.png", 99),
        ("img", "img_final", "img_final best.png", 99),
        ("%date:yyyy-MM-dd%_a", "%date:yyyy-MM-dd%_b", "2026-11-28_b_00001_.png", 99),
        ("%date:yyyy/MM%/a", "b", "a_00001_.png", 42),
        ("%width%x%height%_a", "%width%x%height%_b", "512x768_a_00001_.png", 42),
        ("%KSampler.seed%_a", "%KSampler.seed%_b", "42_b_00001_.png", 99),
        ("%KSampler.seed%", "harbour", "42_00001_.png", 42),
        (["30", 0], "harbour", "ledge_00001_.png", 42),
        ("naïve", "other", "nai\u0308ve_00001_.png", 42),
        ("a.b", "a?b", "a.b_00001_.png", 42),
        # What the name does not decide is not known.
        ("ledge", "harbour", "my picture.png", None),
        ("ComfyUI", "ComfyUI", "ComfyUI_00001_.png", None),
        ("%KSampler.seed%", "harbour", "my picture.png", None),
        (["31", 0], "harbour", "x_00001_.png", None),
        ("ledge", "harbour", None, None),
        ("%" * 400, "%a%" * 100, "ledge_00001_.png", None),
    ],
)
def test_the_saver_whose_prefix_begins_the_name(first: Any, second: Any, name: str | None, seed: int | None) -> None:
    found = read(two_savers(first, second), name)
    assert (found.seed, found.prompt) == {42: (42, "a castle"), 99: (99, "a harbour")}.get(seed or 0, (None, None))
    # They agree on the rest.
    assert (found.steps, found.model, found.width, found.negative_prompt) == (20, "v1-5.safetensors", 512, "blurry")


@pytest.mark.parametrize("kind", ["Image Saver", "Save Image (LoraManager)", "SaveImageWithMetaData", "SDPromptSaver"])
def test_savers_of_extensions(kind: str) -> None:
    graph = two_savers("ledge", "harbour", (kind, kind))
    assert (read(graph, "harbour_00001_.png").seed, read(graph, "ledge_00001_.png").seed) == (99, 42)
    graph = two_savers("%seed_%time_ledge", "%seed_%time_harbour", (kind, kind))
    for number in ("9", "23"):
        graph[number]["inputs"]["filename"] = graph[number]["inputs"].pop("filename_prefix")
    assert read(graph, "42_2026-11-28-101112_harbour.png").seed == 99


def test_two_savers_of_one_picture_agree() -> None:
    graph = two_savers("a", "b")
    graph["23"]["inputs"]["images"] = ["8", 0]
    assert read(graph, "renamed.png").seed == 42


def test_the_ending_of_the_name_tells_a_video_from_a_picture() -> None:
    graph = two_savers("a", "a", ("SaveImage", "SaveVideo"))
    graph["23"]["inputs"]["video"] = graph["23"]["inputs"].pop("images")
    assert (read(graph, "renamed.mp4").seed, read(graph, "a_00001_.png").seed) == (99, 42)
    graph = two_savers("a", "a", ("SaveImage", "SaveAnimatedWEBP"))
    assert (read(graph, "renamed.webp").seed, read(graph, "renamed.png").seed) == (99, 42)


def test_a_preview_that_was_kept() -> None:
    graph = two_savers("a", "b", ("SaveImage", "PreviewImage"))
    assert read(graph, "ComfyUI_temp_kqzab_00001_.png").seed == 99
    assert read(graph, "renamed.png").seed == 42


def test_a_file_is_read_by_its_first_name(tmp_path: Any) -> None:
    path = tmp_path / "renamed.png"
    path.write_bytes(files.png(files.text("prompt", json.dumps(two_savers("ledge", "harbour")))))
    assert read_file(str(path)).parameters.seed is None
    assert read_file(str(path), first_name="harbour_00001_.png").parameters.seed == 99
    path.rename(tmp_path / "ledge_00002_.png")
    assert read_file(str(tmp_path / "ledge_00002_.png")).parameters.seed == 42


INFO = "{}\nNegative prompt: {}\nSteps: 20, Sampler: Euler, CFG scale: 8.0, Seed: 42, Size: 512x768, Version: ComfyUI"


@pytest.mark.parametrize("kind", ["Image Saver", "SaveImageWithMetaData", "Save Image (LoraManager)"])
def test_what_a_saver_wrote_at_run_time_goes_before_the_graph(kind: str) -> None:
    graph = base(**{"9": node(kind, images=["8", 0], filename_prefix="x")})
    graph["6"]["inputs"]["text"] = ["10", 0]
    for source in (
        node("DPRandomGenerator", text="a {red|blue} fox", seed=4),
        node("PrimitiveString", value="a tower"),
    ):
        graph["10"] = source
        found = read(graph, "x_00001_.png", INFO.format("a blue fox", "people"))
        assert (found.prompt, found.negative_prompt, found.sampler) == ("a blue fox", "people", "euler")
    # Neither what stands for nothing nor what a plain saver has beside it.
    assert read(graph, "x.png", INFO.format("unknown", "unknown")).prompt == "a tower"
    assert read(graph, "x.png", INFO.format("a fox", "unknown")).negative_prompt == "blurry"
    graph["9"] = node("SaveImage", images=["8", 0], filename_prefix="x")
    assert read(graph, "x.png", INFO.format("a blue fox", "people")).prompt == "a tower"


def test_an_infotext_tells_its_saver_from_one_that_writes_none() -> None:
    graph = two_savers("a", "a", ("SaveImage", "Image Saver"))
    assert read(graph, "a_1.png", INFO.format("a harbour", "people")).seed == 99

"""ComfyUI graphs as they are built in practice: the last sampler that leads to the saved picture speaks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dtk_tui.domain.parameters import GenerationParameters, Lora, RawChunk
from dtk_tui.metadata.reader import derive
from tests.helpers.metadata.comfy_graphs import base, node, read_graph


def test_the_default_graph() -> None:
    assert read_graph(base()) == GenerationParameters(
        prompt="a castle", negative_prompt="blurry", steps=20, sampler="euler", scheduler="normal", cfg_scale=8.0,
        seed=42, width=512, height=768, model="v1-5.safetensors",
    )  # fmt: skip


def test_nan_and_the_name_of_the_text_do_not_matter() -> None:
    text = json.dumps(base()).replace('"denoise": 1.0', '"denoise": NaN, "is_changed": [NaN]')
    for source, key in (("png", "prompt"), ("png", "workflow"), ("exif", "UserComment"), ("video", "comment")):
        assert derive([RawChunk(source, key, text)], 1, 1)[1].prompt == "a castle"


def test_hires_fix_reports_the_second_pass_and_the_first_size() -> None:
    graph = base(**{
        "10": node("LatentUpscaleBy", samples=["3", 0], scale_by=1.5),
        "11": node("KSampler", seed=43, steps=10, cfg=5.0, sampler_name="dpmpp_2m", scheduler="karras", denoise=0.5,
                   model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["10", 0]),
        "12": node("VAEDecode", samples=["11", 0], vae=["13", 0]),
        "13": node("VAELoader", vae_name="vae-ft-mse.safetensors"),
        "14": node("ImageUpscaleWithModel", upscale_model=["15", 0], image=["12", 0]),
        "15": node("UpscaleModelLoader", model_name="4x-UltraSharp.pth"),
        "9": node("SaveImage", images=["14", 0]),
    })  # fmt: skip
    found = read_graph(graph)
    assert (found.seed, found.steps, found.cfg_scale, found.denoising_strength) == (43, 10, 5.0, 0.5)
    assert (found.width, found.height) == (512, 768)
    assert (found.vae, found.upscaler) == ("vae-ft-mse.safetensors", "4x-UltraSharp.pth")


def test_a_saved_picture_counts_more_than_a_preview() -> None:
    graph = base(**{
        "20": node("KSampler", seed=1, steps=1, cfg=1, sampler_name="lcm", scheduler="simple", model=["4", 0],
                   positive=["7", 0], negative=["6", 0], latent_image=["5", 0]),
        "21": node("VAEDecode", samples=["20", 0], vae=["4", 2]),
        "1": node("PreviewImage", images=["21", 0]),
    })  # fmt: skip
    assert read_graph(graph).seed == 42


def test_a_chain_of_loras_and_clip_skip() -> None:
    graph = base(**{
        "10": node("LoraLoader", lora_name="b.safetensors", strength_model=0.5, strength_clip=0.25, model=["11", 0],
                   clip=["11", 1]),
        "11": node("LoraLoader", lora_name="a.safetensors", strength_model=1.0, strength_clip=1.0, model=["4", 0],
                   clip=["12", 0]),
        "12": node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["4", 1]),
        "13": node("LoraLoaderModelOnly", lora_name="off.safetensors", strength_model=0, model=["10", 0]),
    })  # fmt: skip
    graph["3"]["inputs"]["model"] = ["13", 0]
    graph["6"]["inputs"]["clip"] = ["10", 1]
    found = read_graph(graph)
    assert found.loras == (Lora("a.safetensors", 1.0, 1.0), Lora("b.safetensors", 0.5, 0.25))
    assert (found.model, found.clip_skip) == ("v1-5.safetensors", 2)


@pytest.mark.parametrize(
    ("loader", "expected"),
    [
        (node("Power Lora Loader (rgthree)", model=["4", 0], lora_1={"on": True, "lora": "a", "strength": 0.7},
              lora_2={"on": False, "lora": "b", "strength": 1}), (Lora("a", 0.7),)),
        (node("Lora Loader Stack (rgthree)", model=["4", 0], lora_01="a", strength_01=0.7, lora_02="None",
              strength_02=1),
         (Lora("a", 0.7),)),
        (node("CR Apply LoRA Stack", model=["4", 0], lora_stack=["31", 0]), (Lora("a", 0.7, 0.6),)),
        (node("LoraTagLoader", model=["4", 0], text="<lora:a:0.7>"), (Lora("a", 0.7),)),
        (node("Lora Loader (LoraManager)", model=["4", 0], text="<lora:a:1>",
              loras={"__value__": [{"name": "a", "strength": "0.70", "active": True}, {"name": "b", "active": False}]}),
         (Lora("a", 0.7),)),
    ],
)  # fmt: skip
def test_loaders_of_many_loras(loader: dict[str, Any], expected: tuple[Lora, ...]) -> None:
    stack = node("CR LoRA Stack", switch_1="On", lora_name_1="a", model_weight_1=0.7, clip_weight_1=0.6, switch_2="Off",
                 lora_name_2="b", model_weight_2=1)  # fmt: skip
    graph = base(**{"30": loader, "31": stack})
    graph["3"]["inputs"]["model"] = ["30", 0]
    found = read_graph(graph)
    assert (found.loras, found.model) == (expected, "v1-5.safetensors")


def flux() -> dict[str, Any]:
    return {
        "1": node("SaveImage", images=["2", 0]),
        "2": node("VAEDecode", samples=["3", 0], vae=["4", 0]),
        "3": node("SamplerCustomAdvanced", noise=["5", 0], guider=["6", 0], sampler=["7", 0], sigmas=["8", 0],
                  latent_image=["9", 0]),
        "4": node("VAELoader", vae_name="ae.safetensors"),
        "5": node("RandomNoise", noise_seed=219670278747233),
        "6": node("BasicGuider", model=["10", 0], conditioning=["11", 0]),
        "7": node("KSamplerSelect", sampler_name="euler"),
        "8": node("BasicScheduler", scheduler="simple", steps=20, denoise=1.0, model=["10", 0]),
        "9": node("EmptySD3LatentImage", width=1024, height=832, batch_size=1),
        "10": node("ModelSamplingFlux", max_shift=1.15, base_shift=0.5, width=1, height=1, model=["12", 0]),
        "11": node("FluxGuidance", guidance=3.5, conditioning=["13", 0]),
        "12": node("UNETLoader", unet_name="flux1-dev.safetensors", weight_dtype="default"),
        "13": node("CLIPTextEncodeFlux", clip_l="a castle", t5xxl="a castle by the sea", guidance=3.5, clip=["14", 0]),
        "14": node("DualCLIPLoader", clip_name1="t5.safetensors", clip_name2="clip_l.safetensors", type="flux"),
    }  # fmt: skip


def test_flux_with_a_custom_sampler() -> None:
    assert read_graph(flux()) == GenerationParameters(
        prompt="a castle by the sea\na castle", negative_prompt="", steps=20, sampler="euler", scheduler="simple",
        seed=219670278747233, width=1024, height=832, model="flux1-dev.safetensors", vae="ae.safetensors",
    )  # fmt: skip


def test_a_guider_with_two_sides() -> None:
    graph = flux() | {
        "6": node("CFGGuider", model=["10", 0], positive=["13", 0], negative=["15", 0], cfg=4.5),
        "15": node("CLIPTextEncode", text="blurry", clip=["14", 0]),
        "8": node("SplitSigmas", sigmas=["16", 0], step=5),
        "16": node("BasicScheduler", scheduler="beta", steps=["17", 0], denoise=0.6, model=["10", 0]),
        "17": node("PrimitiveInt", value=33),
    }
    found = read_graph(graph)
    assert (found.negative_prompt, found.cfg_scale, found.steps, found.scheduler) == ("blurry", 4.5, 33, "beta")
    assert found.denoising_strength == 0.6


def test_sdxl_base_and_refiner() -> None:
    graph = base(**{
        "3": node("KSamplerAdvanced", add_noise="enable", noise_seed=42, steps=25, cfg=8.0, sampler_name="euler",
                  scheduler="normal", start_at_step=0, end_at_step=20, model=["4", 0], positive=["6", 0],
                  negative=["7", 0], latent_image=["5", 0]),
        "6": node("CLIPTextEncodeSDXL", text_g="a castle", text_l="a castle", width=4096, height=4096, clip=["4", 1]),
        "11": node("KSamplerAdvanced", add_noise="disable", noise_seed=0, steps=25, cfg=7.0, sampler_name="dpmpp_2m",
                   scheduler="karras", start_at_step=20, end_at_step=10000, model=["12", 0], positive=["15", 0],
                   negative=["16", 0], latent_image=["3", 0]),
        "12": node("CheckpointLoaderSimple", ckpt_name="refiner.safetensors"),
        "15": node("CLIPTextEncodeSDXLRefiner", ascore=6, text="a castle", clip=["12", 1]),
        "16": node("CLIPTextEncode", text="", clip=["12", 1]),
        "8": node("VAEDecode", samples=["11", 0], vae=["12", 2]),
    })  # fmt: skip
    found = read_graph(graph)
    assert (found.sampler, found.scheduler, found.steps, found.cfg_scale) == ("dpmpp_2m", "karras", 25, 7.0)
    assert (found.model, found.seed, found.prompt, found.negative_prompt) == ("refiner.safetensors", 42, "a castle", "")
    assert (found.width, found.height) == (512, 768)


def test_conditioning_passes_through_controlnet_and_is_combined() -> None:
    graph = base(**{
        "20": node("ControlNetApplyAdvanced", positive=["21", 0], negative=["7", 0], control_net=["23", 0],
                   image=["24", 0], strength=1.0),
        "21": node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["22", 0]),
        "22": node("ConditioningSetArea", conditioning=["25", 0], width=64, height=64, x=0, y=0, strength=1.0),
        "23": node("ControlNetLoader", control_net_name="canny.safetensors"),
        "24": node("LoadImage", image="pose.png"),
        "25": node("CLIPTextEncode", text="the sea", clip=["4", 1]),
    })  # fmt: skip
    graph["3"]["inputs"] |= {"positive": ["20", 0], "negative": ["20", 1]}
    found = read_graph(graph)
    assert (found.prompt, found.negative_prompt) == ("a castle\nthe sea", "blurry")


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ({"30": node("StringConcatenate", string_a="a castle", string_b=["31", 0], delimiter=", "),
          "31": node("PrimitiveStringMultiline", value="by the sea")}, "a castle, by the sea"),
        ({"30": node("Text Concatenate", delimiter=" | ", clean_whitespace="true", text_a=["31", 0], text_b=["32", 0]),
          "31": node("Text Multiline", text=" a castle "), "32": node("Text Multiline", text="by the sea")},
         "a castle | by the sea"),
        ({"30": node("StringConcatenate", string_a="a castle", string_b=["31", 0], delimiter=", "),
          "31": node("StringConcatenate", string_a="", string_b="a castle", delimiter=" \n ")},
         "a castle,  \n a castle"),
        ({"30": node("StringFunction|pysssss", action="append", tidy_tags="no", text_a="a ", text_b="castle")},
         "a castle"),
        ({"30": node("JoinStrings", string1="a castle", string2="the sea", delimiter=", ")}, "a castle, the sea"),
        ({"30": node("ShowText|pysssss", text=["31", 0], text_0="x"), "31": node("CR Prompt Text", prompt="a castle")},
         "a castle"),
        ({"30": node("StringReplace", string=["31", 0], find="tower", replace="castle"),
          "31": node("PrimitiveString", value="a tower")}, "a castle"),
        ({"30": node("Text Find and Replace", text="a tower", find=["31", 0], replace="castle"),
          "31": node("PrimitiveString", value="tower")}, "a castle"),
        ({"30": node("ImpactWildcardProcessor", wildcard_text="{x|y}", populated_text="a x", mode="populate")}, "a x"),
        ({"30": node("CR Text Input Switch", Input=2, text1="one", text2="two")}, "two"),
        ({"30": node("Any Switch (rgthree)", any_02=["31", 0]), "31": node("String Literal", string="a castle")},
         "a castle"),
        ({"30": node("Reroute", **{"": ["31", 0]}), "31": node("Text String", text="a castle")}, "a castle"),
        ({"30": node("SDXLPromptStyler", text_positive="a castle", text_negative="bad", style="none")}, "a castle"),
    ],
)  # fmt: skip
def test_texts_that_other_nodes_make(nodes: dict[str, Any], expected: str) -> None:
    graph = base(**nodes)
    graph["6"]["inputs"]["text"] = ["30", 0]
    assert read_graph(graph).prompt == expected


def test_a_prompt_that_a_model_rewrote_is_the_one_that_was_typed() -> None:
    graph = base(**{
        "30": node("ComfySwitchNode", switch=["31", 0], on_true=["32", 0], on_false=["34", 0]),
        "31": node("PrimitiveBoolean", value=True),
        "32": node("TextGenerate", prompt=["33", 0], clip=["4", 1]),
        "33": node("StringConcatenate", string_a="You are an expert.", string_b=["34", 0], delimiter=""),
        "34": node("PrimitiveStringMultiline", value="a castle at night"),
    })  # fmt: skip
    graph["6"]["inputs"]["text"] = ["30", 0]
    assert read_graph(graph).prompt == "a castle at night"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["30", 0], 77), (-1, None), (2**64, None), (2**64 - 1, 2**64 - 1), ("77", 77), (77.0, 77), (True, None),
        (["99", 0], None), (None, None), ([], None), ({}, None),
    ],
)  # fmt: skip
def test_seeds(value: object, expected: int | None) -> None:
    graph = base(**{"30": node("Seed (rgthree)", seed=77)})
    graph["3"]["inputs"]["seed"] = value
    assert read_graph(graph).seed == expected


def test_efficiency_nodes() -> None:
    loader = node("Efficient Loader", ckpt_name="xl.safetensors", vae_name="Baked VAE", clip_skip=-2, lora_name="a",
                  lora_model_strength=0.5, lora_clip_strength=0.4, positive="a castle", negative="blurry",
                  empty_latent_width=640, empty_latent_height=960, batch_size=1)  # fmt: skip
    sampler = node("KSampler (Efficient)", seed=7, steps=12, cfg=6, sampler_name="euler", scheduler="karras", denoise=1,
                   model=["1", 0], positive=["1", 1], negative=["1", 2], latent_image=["1", 3])  # fmt: skip
    found = read_graph({"1": loader, "2": sampler, "3": node("SaveImage", images=["2", 5])})
    assert found == GenerationParameters(
        prompt="a castle", negative_prompt="blurry", steps=12, sampler="euler", scheduler="karras", cfg_scale=6,
        seed=7, width=640, height=960, model="xl.safetensors", clip_skip=2, loras=(Lora("a", 0.5, 0.4),),
    )  # fmt: skip


def test_pipes() -> None:
    easy = {
        "1": node("easy fullLoader", ckpt_name="xl.safetensors", lora_name="None", positive="a castle",
                  negative="blurry",                  empty_latent_width=640, empty_latent_height=960),
        "2": node("easy preSampling", steps=12, cfg=6, sampler_name="euler", scheduler="karras", denoise=1, seed=7,
                  pipe=["1", 0]),
        "3": node("easy kSampler", image_output="Save", pipe=["2", 0]),
    }  # fmt: skip
    impact = {
        "1": node("CheckpointLoaderSimple", ckpt_name="xl.safetensors"),
        "2": node("ToBasicPipe", model=["1", 0], clip=["1", 1], vae=["1", 2], positive=["4", 0], negative=["5", 0]),
        "3": node("ImpactKSamplerBasicPipe", basic_pipe=["2", 0], seed=7, steps=12, cfg=6, sampler_name="euler",
                  scheduler="karras", latent_image=["6", 0]),
        "4": node("CLIPTextEncode", text="a castle", clip=["1", 1]),
        "5": node("CLIPTextEncode", text="blurry", clip=["1", 1]),
        "6": node("SDXL Empty Latent Image (rgthree)", dimensions=" 640 x 960  (portrait)", clip_scale=2),
        "7": node("SaveImage", images=["3", 0]),
    }  # fmt: skip
    for graph in (easy, impact):
        found = read_graph(graph)
        assert (found.prompt, found.negative_prompt, found.model) == ("a castle", "blurry", "xl.safetensors")
        assert (found.seed, found.steps, found.sampler, found.width, found.height) == (7, 12, "euler", 640, 960)


def test_a_detailer_does_not_hide_the_sampler() -> None:
    detailer = node("FaceDetailer", image=["8", 0], model=["4", 0], clip=["4", 1], vae=["4", 2], positive=["7", 0],
                    negative=["6", 0], seed=1, steps=5, cfg=3, sampler_name="lcm", denoise=0.4)  # fmt: skip
    graph = base(**{"10": detailer, "9": node("SaveImage", images=["10", 0])})
    assert (read_graph(graph).seed, read_graph(graph).prompt) == (42, "a castle")
    graph["8"] = node("LoadImage", image="x.png")
    graph["10"]["inputs"] |= {"positive": ["6", 0]}
    del graph["3"]
    assert (read_graph(graph).seed, read_graph(graph).denoising_strength) == (1, 0.4)


def test_video_nodes() -> None:
    graph = {
        "1": node("VHS_VideoCombine", images=["2", 0], frame_rate=16),
        "2": node("WanVideoDecode", vae=["9", 0], samples=["3", 0]),
        "3": node("WanVideoSampler", model=["4", 0], image_embeds=["5", 0], text_embeds=["6", 0], steps=6, cfg=1.0,
                  shift=5, seed=9, scheduler="unipc"),
        "4": node("WanVideoModelLoader", model="wan_14B.safetensors", base_precision="fp16"),
        "5": node("WanVideoEmptyEmbeds", width=832, height=480, num_frames=81),
        "6": node("WanVideoTextEncode", positive_prompt="a castle", negative_prompt="blurry", t5=["8", 0]),
        "9": node("WanVideoVAELoader", model_name="wan_vae.safetensors"),
    }  # fmt: skip
    found = read_graph(graph)
    assert (found.prompt, found.negative_prompt, found.model) == ("a castle", "blurry", "wan_14B.safetensors")
    assert (found.seed, found.steps, found.width, found.height) == (9, 6, 832, 480)


def test_a_service_that_paints() -> None:
    graph = {"1": node("FluxProUltraImageNode", prompt="a castle", seed=3), "2": node("SaveImage", images=["1", 0])}
    assert (read_graph(graph).prompt, read_graph(graph).seed) == ("a castle", 3)


def test_graphs_that_made_no_picture() -> None:
    upscale = {
        "1": node("LoadImage", image="x.png"),
        "2": node("ImageUpscaleWithModel", image=["1", 0], upscale_model=["3", 0]),
        "3": node("UpscaleModelLoader", model_name="4x.pth"),
        "4": node("SaveImage", images=["2", 0]),
    }
    assert read_graph(upscale) == GenerationParameters()
    odd: list[dict[str, Any]] = [
        {"1": node("SaveImage", images=["2", 0])}, {"1": node("X")}, {"1": {"class_type": "KSampler", "inputs": []}},
    ]  # fmt: skip
    for graph in odd:
        assert read_graph(graph) == GenerationParameters()


def test_the_graph_of_the_editor_alone() -> None:
    def item(number: int, kind: str, values: Any, inputs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        return {"id": number, "type": kind, "mode": 0, "widgets_values": values, "inputs": inputs} | more

    def link(name: str, number: int | None, kind: str = "") -> dict[str, Any]:
        return {"name": name, "type": kind, "link": number}

    workflow = {
        "nodes": [
            item(3, "KSampler", [42, "randomize", 20, 8, "euler", "normal", 1],
                 [link("model", 1), link("positive", 4), link("negative", 6), link("latent_image", 2)]),
            item(4, "CheckpointLoaderSimple", ["v1-5.safetensors"], []),
            item(5, "EmptyLatentImage", [512, 768, 1], []),
            item(6, "CLIPTextEncode", ["a castle /* no */"], [link("clip", 3)]),
            item(7, "CLIPTextEncode", ["blurry"], [link("clip", 5)]),
            item(8, "VAEDecode", [], [link("samples", 7), link("vae", 8)]),
            item(9, "SaveImage", ["x"], [link("images", 9)]),
            item(10, "LoraLoader", ["off.safetensors", 1, 1], [link("model", 10, "MODEL"), link("clip", 11, "CLIP")],
                 mode=4, outputs=[{"type": "MODEL"}, {"type": "CLIP"}]),
            item(11, "SaveImage", ["muted"], [link("images", 9)], mode=2),
        ],
        "links": [[1, 10, 0, 3, 0, "MODEL"], [2, 5, 0, 3, 3, "LATENT"], [3, 4, 1, 6, 0, "CLIP"],
                  [4, 6, 0, 3, 1, "CONDITIONING"], [5, 4, 1, 7, 0, "CLIP"], [6, 7, 0, 3, 2, "CONDITIONING"],
                  [7, 3, 0, 8, 0, "LATENT"], [8, 4, 2, 8, 1, "VAE"], [9, 8, 0, 9, 0, "IMAGE"],
                  [10, 4, 0, 10, 0, "MODEL"], [11, 4, 1, 10, 1, "CLIP"]],
    }  # fmt: skip
    assert read_graph(workflow, "workflow") == read_graph(base())


def test_an_infotext_beside_the_graph_fills_its_gaps() -> None:
    chunks = [
        RawChunk("png", "prompt", json.dumps(base())),
        RawChunk("png", "parameters", "other\nSteps: 99, Sampler: Euler, Seed: 1, Model hash: 45a21ea00a"),
    ]
    dialect, found = derive(chunks, 1, 1)
    assert (dialect, found.prompt, found.seed, found.model_hash) == ("comfyui", "a castle", 42, "45a21ea00a")

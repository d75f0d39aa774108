"""What programs write seldom, and programs that few pictures come from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dtk_tui.domain.parameters import Lora
from tests.helpers.metadata.comfy_graphs import base, node, read_graph
from tests.helpers.metadata.dialect_chunks import expect, read

JOB = "Job ID: 7a1f0c0e-3b1d-4c55-9a0e-0123456789ab"


@pytest.mark.parametrize("place", [("png", "Description"), ("exif", "ImageDescription")])
def test_midjourney(place: tuple[str, str]) -> None:
    line = f"a castle on a hill -- seen from afar --ar 16:9 --no people, cars --seed 42 --v 6.0 {JOB}"
    expect(read((*place, line)), "midjourney", prompt="a castle on a hill -- seen from afar", seed=42,
           negative_prompt="people, cars")  # fmt: skip
    expect(read((*place, f"a castle {JOB}")), "midjourney", prompt="a castle", negative_prompt="", seed=None)
    assert read((*place, "a castle, Job ID: 17")) == read((*place, "x"))


def test_spaces_that_keep_the_model_in_an_object() -> None:
    source = {
        "prompt": "1girl", "negative_prompt": "lowres", "resolution": "832 x 1216", "guidance_scale": 5,
        "num_inference_steps": 28, "seed": 1, "sampler": "Euler a", "use_upscaler": None,
        "Model": {"Model": "Animagine XL 3.1", "Model hash": "e3c47aedb0", "prompt": "x"},
    }  # fmt: skip
    expect(read(("png", "parameters", source)), "huggingface", model="Animagine XL 3.1", model_hash="e3c47aedb0",
           prompt="1girl", width=832, height=1216, steps=28)  # fmt: skip


def test_stable_diffusion_cpp_with_its_json_alone() -> None:
    inner = {
        "schema": "sdcpp.image.params/v1", "seed": 42, "width": 1024, "height": 768,
        "prompt": {"positive": "a sunflower", "negative": "corn"},
        "sampling": {"steps": 20, "method": "euler_a", "scheduler": "karras", "guidance": {"txt_cfg": 4}},
        "models": {"model": "sdxl.safetensors"},
    }  # fmt: skip
    expect(read(("png", "parameters", f"Steps: 20, SDCPP: {json.dumps(inner)}")), "sdcpp", prompt="a sunflower",
           negative_prompt="corn", sampler="euler_a", scheduler="karras", cfg_scale=4.0, width=1024, height=768,
           model="sdxl.safetensors")  # fmt: skip


def test_a_sampler_that_names_the_unwanted_side_otherwise() -> None:
    found = read_graph(base(**{
        "3": node("XlabsSampler", noise_seed=6, steps=20, timestep_to_start_cfg=20, true_gs=3.5, model=["4", 0],
                  conditioning=["6", 0], neg_conditioning=["7", 0], latent_image=["5", 0]),
    }))  # fmt: skip
    assert (found.prompt, found.negative_prompt, found.cfg_scale, found.seed) == ("a castle", "blurry", 3.5, 6)


def test_an_encoder_whose_second_texts_are_switched_off() -> None:
    texts = {"text": "a castle", "with_SDXL": False, "text_g": "left over", "text_l": "as well"}
    assert read_graph(base(**{"6": node("smZ CLIPTextEncode", clip=["4", 1], **texts)})).prompt == "a castle"
    texts["with_SDXL"] = True
    assert read_graph(base(**{"6": node("smZ CLIPTextEncode", clip=["4", 1], **texts)})).prompt == "left over\nas well"


@pytest.mark.parametrize("wrapped", [True, False])
def test_trigger_words_that_are_switched_on(wrapped: bool) -> None:
    words: Any = [{"text": "ink", "active": True}, {"text": "oil", "active": False}, {"text": "wet", "active": True}]
    found = read_graph(base(**{
        "6": node("CLIPTextEncode", text=["11", 0], clip=["4", 1]),
        "10": node("TriggerWord Toggle (LoraManager)", group_mode=True, trigger_words=["12", 2],
                   toggle_trigger_words={"__value__": words} if wrapped else words),
        "11": node("JoinStrings", string1=["10", 0], string2="a castle", delimiter=", "),
        "12": node("Lora Loader (LoraManager)", text="<lora:x:0.8>", model=["4", 0]),
    }))  # fmt: skip
    assert found.prompt == "ink, wet, a castle"


def test_nodes_that_are_one_sampler_and_one_schedule() -> None:
    found = read_graph(base(**{
        "3": node("SamplerCustom", add_noise=True, noise_seed=55, cfg=7, model=["4", 0], positive=["6", 0],
                  negative=["7", 0], sampler=["12", 0], sigmas=["13", 0], latent_image=["5", 0]),
        "12": node("SamplerEulerAncestral", eta=1, s_noise=1),
        "13": node("KarrasScheduler", steps=20, sigma_max=14, sigma_min=0.03, rho=7),
    }))  # fmt: skip
    assert (found.sampler, found.scheduler, found.steps, found.seed) == ("euler_ancestral", "karras", 20, 55)


def test_easy_diffusion_before_it_labelled_the_prompt() -> None:
    lines = (
        "a castle: the sea\nby night\nWidth: 512\nHeight: 768\nSeed: 42\nSteps: 25\nGuidance Scale: 7.5\n"
        "Prompt Strength: 0.8\nUse Face Correction: None\nUse Upscaling: None\nSampler: plms\nNegative Prompt: blurry"
    )
    for text in (lines, f"{lines}\nStable Diffusion model: sd-v1-4".replace("\n", "\r\n")):
        expect(read(("sidecar", "txt", text)), "easydiffusion", prompt="a castle: the sea\nby night", steps=25, seed=42,
               negative_prompt="blurry", sampler="plms", cfg_scale=7.5, width=512, height=768)  # fmt: skip
    assert read(("sidecar", "txt", "Parcel\nWidth: 5\nHeight: 6\nSeed: 7"))[0] is None


def test_a_graph_inside_the_request_that_was_sent() -> None:
    assert read_graph({"client_id": "x", "prompt": base(), "extra_data": {}}).prompt == "a castle"


def test_a_picture_that_was_upscaled_alone() -> None:
    upscaled = {
        "20": node("SUPIR_decode", SUPIR_VAE=["21", 1], latents=["22", 0]),
        "21": node("SUPIR_model_loader_v2", model=["4", 0], supir_model="x"),
        "22": node("SUPIR_sample", SUPIR_model=["21", 0], latents=["23", 0], positive=["24", 0], negative=["24", 1],
                   seed=9, steps=45, cfg_scale_start=4, sampler="RestoreEDMSampler"),
        "23": node("SUPIR_encode", SUPIR_VAE=["21", 1], image=["30", 0]),
        "24": node("SUPIR_conditioner", SUPIR_model=["21", 0], positive_prompt="sharp", negative_prompt="soft"),
        "30": node("LoadImage", image="x.png"),
        "9": node("SaveImage", images=["20", 0]),
    }  # fmt: skip
    found = read_graph(upscaled)
    assert (found.prompt, found.negative_prompt, found.seed, found.steps) == ("sharp", "soft", 9, 45)
    upscaled["23"]["inputs"]["image"] = ["8", 0]
    assert read_graph(base(**upscaled)).prompt == "a castle"


def test_fooocus_as_nodes() -> None:
    found = read_graph({
        "1": node("Fooocus Loader", base_model_name="j.safetensors", positive="a castle", negative="blurry",
                  resolution="832 x 1216", empty_latent_width=832, empty_latent_height=1216),
        "2": node("Fooocus preKSampler", pipe=["1", 0], seed=5, steps=30, cfg=4, sampler_name="euler",
                  scheduler="karras", denoise=1),
        "3": node("Fooocus KSampler", pipe=["2", 0], image_output="Preview"),
        "4": node("SaveImage", images=["3", 1]),
    })  # fmt: skip
    assert (found.prompt, found.negative_prompt, found.model, found.seed) == ("a castle", "blurry", "j.safetensors", 5)


def test_scripts_that_keep_a_text_for_each_parameter() -> None:
    texts = {"prompt": "a castle", "negative_prompt": "blurry", "seed": "42", "num_inference_steps": "30",
             "guidance_scale": "7.5", "width": "512", "height": "768"}  # fmt: skip
    expect(read(*(("png", key, text) for key, text in texts.items())), "huggingface", prompt="a castle", seed=42,
           negative_prompt="blurry", steps=30, cfg_scale=7.5, width=512, height=768)  # fmt: skip
    assert (
        read(("png", "prompt", "Name?"), ("png", "Title", "x"), ("png", "Author", "y"), ("png", "seed", "1"))[0] is None
    )


WANGP = {
    "prompt": "a kite — wind", "negative_prompt": "rain", "resolution": "1280x720", "seed": 8123, "guidance_scale": 5.0,
    "num_inference_steps": 20, "sample_solver": "unipc", "model_type": "t2v_2_2", "settings_version": 2.5,
    "activated_loras": ["loras/sea.safetensors", "https://x.org/ink.safetensors"], "loras_multipliers": "0.9 1;0.5",
    "type": "WanGP v11.0 by DeepBeepMeep - Wan2.2 Text2video 14B", "image_mode": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    "place", [("png", "comment"), ("exif", "UserComment"), ("video", "comment"), ("sidecar", "json")]
)
def test_wangp(place: tuple[str, str]) -> None:
    expect(read((*place, WANGP)), "wangp", prompt="a kite — wind", negative_prompt="rain", seed=8123, steps=20,
           width=1280, height=720, cfg_scale=5.0, sampler="unipc", model="Wan2.2 Text2video 14B",
           loras=(Lora("sea.safetensors", 0.9), Lora("ink.safetensors")))  # fmt: skip
    unsigned = {key: value for key, value in WANGP.items() if key != "type"}
    expect(read((*place, unsigned)), "wangp", model="t2v_2_2")


def test_mochi_diffusion() -> None:
    line = (
        "Include in Image: a stile; Model: of oak; Exclude from Image: mud; Model: sd-2-1; Steps: 25; "
        "Guidance Scale: 11.0; Seed: 4001; Size: 512x768; Upscaler: RealESRGAN; Scheduler: DPM-Solver++; "
        "ML Compute Unit: CPU & GPU; Generator: Mochi Diffusion 5.2"
    )
    for place in (("iptc", "Caption"), ("png", "Description"), ("exif", "ImageDescription")):
        expect(read((*place, line)), "mochi", prompt="a stile; Model: of oak", negative_prompt="mud", model="sd-2-1",
               steps=25, cfg_scale=11.0, seed=4001, width=512, height=768, sampler="DPM-Solver++",
               upscaler="RealESRGAN")  # fmt: skip
    chosen = "Include in Image: a stile; Seed: 1; Generator: Mochi Diffusion 6"
    expect(read(("iptc", "Caption", chosen)), "mochi", prompt="a stile", negative_prompt="", seed=1, model=None)


def test_the_model_of_mflux_before_its_family() -> None:
    source = {"mflux_version": "0.18.0", "model": "Freepik/flux.1-lite-8B", "base_model": "dev", "prompt": "a castle"}
    expect(read(("exif", "UserComment", source)), "mflux", model="Freepik/flux.1-lite-8B")
    expect(read(("exif", "UserComment", source | {"model": None})), "mflux", model="dev")


def test_a_user_comment_whose_bytes_were_swapped_before_it_became_utf8() -> None:
    text = "a café\nNegative prompt: b\nSteps: 20, Seed: 7, Size: 8x8"
    swapped = text.encode("utf-16-le").decode("utf-16-be")
    expect(read(("exif", "UserComment", swapped)), "a1111", prompt="a café", negative_prompt="b", seed=7)
    chinese = "\u6100\u5b87\u5b99 \u9ebb\nSteps: 20, Seed: 7, Size: 8x8"
    expect(read(("exif", "UserComment", chinese)), "a1111", prompt="\u6100\u5b87\u5b99 \u9ebb")

"""The programs with a format of their own, each as it writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dtk_tui.domain.parameters import GenerationParameters, Lora
from tests.helpers.metadata.dialect_chunks import expect, read

SWARM = {
    "sui_image_params": {
        "prompt": "a castle", "negativeprompt": "blurry ", "model": "sdxl/base", "seed": 2**63, "steps": 20,
        "cfgscale": 7.0, "width": 832, "height": 1216, "sampler": "euler", "scheduler": "karras", "loras": ["a", "b"],
        "loraweights": ["0.5", "1"], "clipstopatlayer": -2, "vae": "Automatic", "swarm_version": "0.9.7",
        "refinerupscalemethod": "model-4x.pth",
    },
    "sui_models": [{"name": "b", "param": "loras", "hash": "0x1"}, {"name": "x", "param": "model", "hash": "0x2"}],
}  # fmt: skip


@pytest.mark.parametrize("place", [("png", "parameters"), ("exif", "UserComment"), ("stealth", "stealth_rgbcomp")])
def test_swarmui(place: tuple[str, str]) -> None:
    graph = ("png", "prompt", {"1": {"class_type": "KSampler", "inputs": {"seed": 1}}})
    expect(
        read(graph, (*place, SWARM)), "swarmui", prompt="a castle", negative_prompt="blurry", seed=2**63, steps=20,
        cfg_scale=7.0, width=832, height=1216, sampler="euler", scheduler="karras", model="sdxl/base", model_hash="0x2",
        loras=(Lora("a", 0.5), Lora("b", 1.0)), clip_skip=2, vae=None, upscaler="4x.pth",
    )  # fmt: skip


def test_invokeai_metadata() -> None:
    old = {"positive_prompt": "a castle", "negative_prompt": "blurry", "seed": 5, "steps": 30, "cfg_scale": 7.5,
           "scheduler": "euler", "width": 640, "height": 512, "model": {"model_name": "sd-1", "base_model": "sd-1"},
           "loras": [{"lora": {"model_name": "a"}, "weight": 0.75}], "vae": {"model_name": "fix"},
           "clip_skip": 0}  # fmt: skip
    new = old | {"model": {"name": "sd-1", "hash": "blake3:7c16"}, "vae": {"name": "fix"},
                 "loras": [{"model": {"name": "a"}, "weight": 0.75}]}  # fmt: skip
    for source, model_hash in ((old, None), (new, "blake3:7c16")):
        expect(
            read(("png", "invokeai_metadata", source)), "invokeai", prompt="a castle", negative_prompt="blurry", seed=5,
            steps=30, cfg_scale=7.5, sampler="euler", scheduler=None, width=640, height=512, model="sd-1",
            model_hash=model_hash, loras=(Lora("a", 0.75),), vae="fix", clip_skip=None,
        )  # fmt: skip


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("prompt", ["a castle [blurry, bad]", [{"prompt": "a castle [blurry, bad]", "weight": 1.0}]])
def test_invokeai_sd_metadata(images: bool, prompt: Any) -> None:
    image = {
        "prompt": prompt,
        "steps": 50,
        "cfg_scale": 7.5,
        "seed": 9,
        "sampler": "k_lms",
        "width": 512,
        "height": 640,
    }
    source = {"model": "stable diffusion", "model_weights": "deliberate", "model_hash": "cc6c", "app_version": "2.3"}
    source |= {"images": [image]} if images else {"image": image}  # type: ignore[dict-item]
    expect(
        read(("png", "Dream", '"x" -s 1'), ("png", "sd-metadata", source)), "invokeai", prompt="a castle",
        negative_prompt="blurry, bad", steps=50, seed=9, sampler="k_lms", model="deliberate", model_hash="cc6c",
        width=512, height=640, cfg_scale=7.5,
    )  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        '"a castle [blurry]" -s 50 -S 2980747362 -W 512 -H 768 -C 5.5 -A k_lms -G 0.9 -U 4 0.75',
        '"a [blurry] castle" -S2980747362 -s50 -W512 -H768 -C5.5 -Ak_lms -V 3647897225:0.1,1614299449:0.2 --seamless',
        '"a castle [blurry]" -s50 -S2980747362 -W512 -H768 -C5.5 -Ak_lms',
        "a castle [blurry] -s 50 -S 2980747362 -W 512 -H 768 -C 5.5 -A k_lms",
    ],
)
def test_invokeai_dream(line: str) -> None:
    expect(
        read(("png", "Dream", line)), "invokeai", prompt="a castle", negative_prompt="blurry", steps=50,
        seed=2980747362, width=512, height=768, cfg_scale=5.5, sampler="k_lms",
    )  # fmt: skip


def test_invokeai_has_names_of_its_own_for_some_models() -> None:
    ideogram = {"positive_prompt": "a castle", "seed": 5, "ideogram4_steps": "auto", "ideogram4_guidance_scale": 7}
    expect(read(("png", "invokeai_metadata", ideogram)), "invokeai", prompt="a castle", steps=None, cfg_scale=7.0)
    wan = {"positive_prompt": "a castle", "seed": 5, "wan_vae_model": {"name": "wan vae"}, "steps": 40}
    expect(read(("png", "invokeai_metadata", wan)), "invokeai", vae="wan vae", steps=40)


def test_invokeai_graph_alone() -> None:
    def edge(origin: str, source: str, target: str, field: str) -> dict[str, Any]:
        return {
            "source": {"node_id": origin, "field": source},
            "destination": {"node_id": target, "field": field},
        }

    nodes = {
        "n1": {"type": "sdxl_model_loader", "model": {"name": "jugger", "hash": "blake3:7c16"}},
        "n2": {"type": "sdxl_compel_prompt", "prompt": ""},
        "n3": {"type": "sdxl_compel_prompt", "prompt": "blurry"},
        "n4": {"type": "string", "value": "a castle"},
        "n5": {"type": "noise", "seed": 1, "width": 832, "height": 1216},
        "n6": {"type": "denoise_latents", "steps": 30, "cfg_scale": 7.5, "scheduler": "euler"},
        "n7": {"type": "range_of_size", "start": 77, "size": 1},
        "n8": {"type": "iterate"},
    }
    edges = [
        edge("n3", "conditioning", "n6", "negative_conditioning"), edge("n2", "conditioning", "n6",
                                                                        "positive_conditioning"),
        edge("n4", "value", "n2", "prompt"), edge("n5", "noise", "n6", "noise"), edge("n8", "item", "n5", "seed"),
        edge("n7", "collection", "n8", "collection"),
    ]  # fmt: skip
    expect(
        read(("png", "invokeai_graph", {"nodes": nodes, "edges": edges})), "invokeai", prompt="a castle",
        negative_prompt="blurry", steps=30, cfg_scale=7.5, sampler="euler", seed=77, width=832, height=1216,
        model="jugger", model_hash="blake3:7c16",
    )  # fmt: skip
    flux = {
        "a": {"type": "flux_text_encoder", "prompt": "a castle"},
        "b": {"type": "flux_denoise", "num_steps": 28, "guidance": 4.0, "cfg_scale": None, "seed": 5, "width": 1024,
              "height": 768},
    }  # fmt: skip
    found = read(
        ("png", "invokeai_graph", {"nodes": flux, "edges": [edge("a", "conditioning", "b",
                                                                 "positive_text_conditioning")]})
    )  # fmt: skip
    expect(found, "invokeai", prompt="a castle", negative_prompt="", steps=28, cfg_scale=4.0, seed=5, width=1024)


V4 = {
    "steps": 28, "height": 1216, "width": 832, "scale": 5.0, "seed": 7, "n_samples": 1, "noise_schedule": "karras",
    "sampler": "k_euler", "uncond_scale": 0.0,
    "v4_prompt": {"caption": {"base_caption": "a castle", "char_captions": []}},
    "v4_negative_prompt": {"caption": {"base_caption": "blurry", "char_captions": []}},
}  # fmt: skip


def test_the_characters_of_novelai_belong_to_the_prompts() -> None:
    def captions(base: str, *characters: str) -> dict[str, Any]:
        return {"caption": {"base_caption": base, "char_captions": [{"char_caption": text} for text in characters]}}

    source = V4 | {
        "v4_prompt": captions("2girls, roof", "girl, kimono", "girl, raincoat"),
        "v4_negative_prompt": captions("blurry", "", "hat"),
    }
    for given in (source, source | {"prompt": "2girls, roof", "uc": "blurry"}):
        expect(read(("png", "Software", "NovelAI"), ("png", "Comment", given)), "novelai",
               prompt="2girls, roof\ngirl, kimono\ngirl, raincoat", negative_prompt="blurry\nhat")  # fmt: skip
    broken = source | {"v4_prompt": {"caption": {"base_caption": "a", "char_captions": ["x", {"char_caption": 5}]}}}
    expect(read(("png", "Software", "NovelAI"), ("png", "Comment", broken)), "novelai", prompt="a")


@pytest.mark.parametrize(
    "chunks",
    [
        [("png", "Software", "NovelAI"), ("png", "Source", "NovelAI V4"), ("png", "Comment", V4)],
        [("exif", "UserComment", {"Software": "NovelAI", "Source": "NovelAI V4", "Comment": json.dumps(V4)})],
        [("stealth", "stealth_pngcomp", {"Software": "NovelAI", "Source": "NovelAI V4", "Comment": json.dumps(V4)})],
    ],
)
def test_novelai(chunks: list[tuple[str, str, Any]]) -> None:
    expect(
        read(*chunks), "novelai", prompt="a castle", negative_prompt="blurry", steps=28, seed=7, width=832, height=1216,
        cfg_scale=5.0, sampler="k_euler", scheduler="karras", model="NovelAI V4",
    )  # fmt: skip


@pytest.mark.parametrize(
    "source",
    [
        {"prompt": "a castle", "negative_prompt": "blurry", "base_model": "jugger", "base_model_hash": "aeb7",
         "guidance_scale": 4, "resolution": "(768, 1280)", "sampler": "dpm", "scheduler": "karras", "seed": str(2**63),
         "steps": 30, "metadata_scheme": "fooocus", "loras": [["a", 0.1, "4852"]], "vae": "Default (model)"},
        {"Prompt": "a castle", "Negative Prompt": "blurry", "Base Model": "jugger", "Base Model Hash": "aeb7",
         "Guidance Scale": 4, "Resolution": "(768, 1280)", "Sampler": "dpm", "Scheduler": "karras", "Seed": str(2**63),
         "Steps": 30, "Version": "FooocusPlus 1.0.0", "LoRAs": [["a", 0.1, "4852"]]},
        {"Prompt": "a castle", "Negative": "blurry", "base_model_name": "jugger", "base_model_hash": "aeb7", "cfg": 4,
         "width": 768, "height": 1280, "sampler_name": "dpm", "scheduler": "karras", "seed": 2**63, "steps": 30,
         "software": "RuinedFooocus", "loras": [["4852", "0.1 - a"]]},
        {"prompt": "a castle", "negative_prompt": "blurry", "real_prompt": "x", "base_model": "jugger",
         "base_model_hash": "aeb7", "cfg": 4, "width": 768, "height": 1280, "sampler": "dpm", "scheduler": "karras",
         "seed": 2**63, "steps": 30, "sharpness": 2, "lora_1": "a : 0.1"},
    ],
)  # fmt: skip
def test_fooocus_and_its_relatives(source: dict[str, Any]) -> None:
    for place in (("png", "parameters"), ("png", "Comment"), ("exif", "UserComment")):
        expect(
            read((*place, source)), "fooocus", prompt="a castle", negative_prompt="blurry", model="jugger",
            model_hash="aeb7", cfg_scale=4, width=768, height=1280, sampler="dpm", scheduler="karras", seed=2**63,
            steps=30, loras=(Lora("a", 0.1),), vae=None,
        )  # fmt: skip


def test_fooocus_signs_beside_its_json() -> None:
    source = {"prompt": "a castle", "negative_prompt": "", "base_model": "jugger"}
    found = read(("png", "parameters", source), ("png", "fooocus_scheme", "fooocus"))
    expect(found, "fooocus", prompt="a castle", negative_prompt="", model="jugger")


def test_fooocus_in_the_scheme_of_a1111() -> None:
    text = (
        "a castle\nNegative prompt: blurry\nSteps: 30, Sampler: DPM++ 2M SDE Karras, Seed: 5, Size: 512x512, "
        'CFG scale: 4, ADM Guidance: "(1.5, 0.8, 0.3)", Model: jugger, Scheduler: karras, VAE: Default (model), '
        'Lora weights: "a: 0.1, b: 0.5", Version: Fooocus v2.5.5'
    )
    for chunks in ([("png", "parameters", text), ("png", "fooocus_scheme", "a1111")], [("exif", "UserComment", text)]):
        expect(
            read(*chunks), "fooocus", prompt="a castle", sampler="DPM++ 2M SDE Karras", scheduler=None, vae=None,
            loras=(Lora("a", 0.1), Lora("b", 0.5)),
        )  # fmt: skip


def test_easy_diffusion() -> None:
    settings = {"prompt": "a castle", "negative_prompt": "blurry", "seed": 5, "use_stable_diffusion_model": "m/sd.ckpt",
                "sampler_name": "euler_a", "num_inference_steps": 25, "guidance_scale": 7.5, "width": 832,
                "height": 576,                 "clip_skip": True, "use_vae_model": None, "use_lora_model": ["a"],
                "lora_alpha": [0.6]}  # fmt: skip
    texts = [("png", key, str(value)) for key, value in settings.items()]
    for chunks in (texts, [("exif", "UserComment", settings)], [("sidecar", "json", settings)]):
        expect(
            read(*chunks), "easydiffusion", prompt="a castle", negative_prompt="blurry", seed=5, model="sd.ckpt",
            sampler="euler_a", steps=25, cfg_scale=7.5, width=832, height=576, clip_skip=2, loras=(Lora("a", 0.6),),
            vae=None,
        )  # fmt: skip


def test_tensorart_takes_the_seed_from_the_graph() -> None:
    graph = {"3": {"class_type": "KSampler", "inputs": {"seed": 77, "steps": 9, "positive": ["4", 0]}},
             "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "x"}},
             "5": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}}}  # fmt: skip
    data = {"prompt": "a castle", "negativePrompt": "", "width": 512, "height": 512, "steps": 25, "cfgScale": 7,
            "seed": "-1", "clipSkip": 2, "baseModel": {"modelFileName": "wai", "hash": "A5F5"}, "sdVae": "Automatic",
            "ksamplerName": "euler", "schedule": "karras"}  # fmt: skip
    expect(
        read(("png", "generation_data", json.dumps(data) + "\0x"), ("png", "prompt", graph)), "tensorart",
        prompt="a castle", negative_prompt="", seed=77, steps=25, model="wai", model_hash="A5F5", sampler="euler",
        scheduler="karras", vae=None,
    )  # fmt: skip


def test_civitai_keeps_its_request_beside_the_graph() -> None:
    request = {"prompt": "a castle", "negativePrompt": "blurry", "cfgScale": 5, "sampler": "Euler a", "clipSkip": 2,
               "steps": 25, "seed": 1311178179, "width": 1024, "height": 1024, "baseModel": "Illustrious"}  # fmt: skip
    upscale = {"1": {"class_type": "LoadImage", "inputs": {"image": "x"}},
               "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}}  # fmt: skip
    wrapped = upscale | {"extra": {"airs": []}, "extraMetadata": json.dumps(request)}
    for chunks in ([("exif", "UserComment", wrapped)], [("png", "prompt", upscale), ("png", "extraMetadata", request)]):
        expect(
            read(*chunks), "civitai", prompt="a castle", negative_prompt="blurry", seed=1311178179, steps=25,
            sampler="Euler a", cfg_scale=5, width=1024, height=1024, model=None, clip_skip=2,
        )  # fmt: skip


def test_draw_things_in_both_its_forms() -> None:
    packet = (
        '<x:xmpmeta><rdf:Description rdf:about=""><xmp:CreatorTool>Draw Things</xmp:CreatorTool>{}</rdf:Description>'
        "</x:xmpmeta>"
    )
    data = {"c": "a <castle>", "uc": "blurry", "model": "flux.ckpt", "sampler": "DDIM", "scale": 3.5, "seed": 7,
            "size": "512x640", "steps": 6, "strength": 0.5, "lora": [{"model": "a", "weight": 0.6}]}  # fmt: skip
    text = json.dumps(data).replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    comment = f'<exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></exif:UserComment>'
    described = (
        '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">a &lt;castle&gt;&#xA;-blurry&#xA;'
        "Steps: 6, Sampler: DDIM, Guidance Scale: 3.5, Seed: 7, Size: 512x640, Model: flux.ckpt, Strength: 0.5"
        "</rdf:li></rdf:Alt></dc:description>"
    )
    same = {
        "cfg_scale": 3.5,
        "seed": 7,
        "width": 512,
        "height": 640,
        "steps": 6,
        "model": "flux.ckpt",
        "sampler": "DDIM",
    }
    for source, key in (("png", "XML:com.adobe.xmp"), ("xmp", "xmp")):
        found = read((source, key, packet.format(comment)))
        expect(found, "drawthings", prompt="a <castle>", negative_prompt="blurry", loras=(Lora("a", 0.6),), **same)
        found = read((source, key, packet.format(described)))
        expect(found, "drawthings", prompt="a <castle>", negative_prompt="blurry", denoising_strength=0.5, **same)


def test_mflux() -> None:
    data = {"mflux_version": "0.16", "model": "Qwen/Qwen-Image", "base_model": "None", "seed": 42, "steps": 20,
            "guidance": 3.5, "height": 336, "width": 768, "prompt": "a castle", "negative_prompt": "blurry",
            "lora_paths": ["/m/a.safetensors"], "lora_scales": [0.5], "image_strength": 0.4}  # fmt: skip
    expect(
        read(("exif", "UserComment", data)), "mflux", prompt="a castle", negative_prompt="blurry", seed=42, steps=20,
        cfg_scale=3.5, width=768, height=336, model="Qwen/Qwen-Image", loras=(Lora("a.safetensors", 0.5),),
        denoising_strength=0.4,
    )  # fmt: skip


def test_stable_diffusion_cpp() -> None:
    data = {"schema": "sdcpp.image.params/v1", "seed": 42, "width": 512, "height": 640,
            "prompt": {"positive": "a castle", "negative": "blurry"}, "models": {"model": "sd.ckpt", "vae": "v"},
            "sampling": {"steps": 20, "method": "euler_a", "scheduler": "karras", "guidance": {"txt_cfg": 4}},
            "clip_skip": 2, "loras": [{"name": "a", "multiplier": 0.5}], "hires": {"upscaler": "4x"}}  # fmt: skip
    text = (
        "a castle\nNegative prompt: blurry\nSteps: 20, CFG scale: 4.000000, Guidance: 3.5, Eta: inf, Seed: 42, "
        "Size: 512x640, Model: sd.ckpt, RNG: cuda, Sampler: euler_a karras, Version: stable-diffusion.cpp"
    )
    same = {"prompt": "a castle", "negative_prompt": "blurry", "seed": 42, "steps": 20, "width": 512, "height": 640}
    expect(read(("png", "parameters", data)), "sdcpp", sampler="euler_a", scheduler="karras", cfg_scale=4, **same)
    expect(read(("png", "parameters", text)), "sdcpp", sampler="euler_a karras", scheduler=None, cfg_scale=4, **same)
    both = read(("png", "parameters", f"{text}, SDCPP: {json.dumps(data)}"))
    expect(both, "sdcpp", sampler="euler_a karras", scheduler=None, loras=(Lora("a", 0.5),), upscaler="4x", **same)


def test_stability_matrix() -> None:
    listed = {"PositivePrompt": "a castle\r\nat night ", "NegativePrompt": "", "Steps": 20, "Sampler": "Euler",
              "CfgScale": 5,               "Seed": 7, "Height": 640, "Width": 512, "ModelHash": "A5F5",
              "ModelName": "wai.safetensors"}  # fmt: skip
    expect(
        read(("png", "parameters-json", listed), ("png", "smproj", "{}")), "stabilitymatrix",
        prompt="a castle\nat night", negative_prompt="", steps=20, sampler="Euler", cfg_scale=5, seed=7, width=512,
        height=640, model="wai.safetensors", model_hash="A5F5",
    )  # fmt: skip


def test_plain_json_of_scripts() -> None:
    space = {"prompt": "a castle", "negative_prompt": "blurry", "resolution": "832 x 1216", "guidance_scale": 5,
             "num_inference_steps": 28, "seed": 7, "sampler": "Euler a", "Model": "animagine",
             "Model hash": "6327"}  # fmt: skip
    expect(
        read(("png", "parameters", space)), "huggingface", prompt="a castle", negative_prompt="blurry", width=832,
        height=1216, cfg_scale=5, steps=28, seed=7, sampler="Euler a", model="animagine", model_hash="6327",
    )  # fmt: skip


@pytest.mark.parametrize(
    "chunks",
    [
        [("png", "Comment", "Created with GIMP")],
        [("png", "Software", "Adobe ImageReady"), ("png", "Title", "Holiday"), ("png", "Description", "At the sea")],
        [("exif", "UserComment", "Screenshot")],
        [("exif", "Make", "Canon"), ("exif", "Model", "EOS R5"), ("exif", "ImageDescription", "DSC: 1, b: 2, c: 3")],
        [("png", "prompt", "just words under the name")],
        [("png", "parameters", {"prompt": "a form", "label": "x"})],
        [("png", "workflow", "{}"), ("png", "Comment", {"a": 1})],
        [("xmp", "xmp", "<x:xmpmeta><dc:description>A walk. Steps: many.</dc:description></x:xmpmeta>")],
        [("video", "comment", "made by me"), ("gif-comment", "Comment", "gif"), ("jpeg-comment", "Comment", "gd")],
        [],
    ],
)  # fmt: skip
def test_other_pictures_stay_empty(chunks: list[tuple[str, str, Any]]) -> None:
    assert read(*chunks) == (None, GenerationParameters())

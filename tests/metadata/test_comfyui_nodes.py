"""Custom nodes of ComfyUI by the kinds of things that they do to a graph."""

from __future__ import annotations

from typing import Any

import pytest

from dtk_tui.domain.parameters import Lora
from tests.helpers.metadata.comfy_graphs import base, node, read_graph


def wired(**links: Any) -> dict[str, Any]:
    """The default graph with other inputs for its sampler (``positive=["20", 0]`` ...) and nodes (``n20=...``)."""
    graph = base(**{name[1:]: value for name, value in links.items() if name[:1] == "n" and name[1:].isdigit()})
    graph["3"]["inputs"] |= {name: value for name, value in links.items() if not name[1:].isdigit()}
    return graph


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        # A node that writes the settings down has the inputs of a sampler.
        (base(**{"9": node("Save Image w/Metadata", images=["8", 0], filename="x", steps=9, cfg=3.0, modelname="m",
                           sampler_name="lcm", scheduler="simple", positive="unknown", negative="unknown",
                           seed_value=5)}),
         {"prompt": "a castle", "negative_prompt": "blurry", "seed": 42, "steps": 20, "sampler": "euler"}),
        # What is added to a model is not the model.
        (wired(model=["20", 0], n20=node("ADE_AnimateDiffLoaderGen1", model_name="mm_sd_v15.ckpt", model=["4", 0])),
         {"model": "v1-5.safetensors"}),
        (wired(model=["20", 0], n20=node("Loader", model_name="x.safetensors")), {"model": "x.safetensors"}),
        # Settings that come from a node which offers them under names of its own.
        (wired(steps=["20", 0], cfg=["20", 2], sampler_name=["20", 3], scheduler=["20", 4],
               n20=node("KSampler Config (rgthree)", steps_total=33, refiner_step=24, cfg=6.5, sampler_name="ddim",
                        scheduler="beta")),
         {"steps": 33, "cfg_scale": 6.5, "sampler": "ddim", "scheduler": "beta"}),
        (wired(steps=["20", 11], sampler_name=["20", 13], seed=["20", 9],
               n20=node("Context Big (rgthree)", base_ctx=["21", 0], seed=77),
               n21=node("Context Big (rgthree)", steps=12, sampler="ddim")),
         {"seed": 77, "steps": 12, "sampler": "ddim"}),
        # Conditionings of two sides that are numbered.
        (wired(positive=["20", 0], negative=["20", 1],
               n20=node("ConditioningSetMaskAndCombine", positive_1=["6", 0], negative_1=["7", 0],
                        positive_2=["21", 0], negative_2=["22", 0], mask_1=["23", 0]),
               n21=node("CLIPTextEncode", text="a moat", clip=["4", 1]),
               n22=node("CLIPTextEncode", text="blurry", clip=["4", 1])),
         {"prompt": "a castle\na moat", "negative_prompt": "blurry"}),
        # A positive side that cannot be told leaves the negative one where it is.
        (wired(positive=["20", 0], negative=["20", 1],
               n20=node("ControlNetApplyAdvanced", positive=["21", 0], negative=["7", 0], control_net=["24", 0]),
               n21=node("CLIPTextEncode", text=["22", 0], clip=["4", 1]),
               n22=node("Qwen3_VQA", text="Describe it.", image=["25", 0])),
         {"prompt": None, "negative_prompt": "blurry"}),
        # Switches of two inputs.
        (wired(positive=["20", 0],
               n20=node("Conditioning Input Switch", conditioning_a=["7", 0], conditioning_b=["6", 0],
                        boolean=["21", 0]),
               n21=node("Logic Boolean", boolean=0, value=0)),
         {"prompt": "a castle"}),
        (wired(positive=["20", 0],
               n20=node("If ANY execute A else B", ANY=False, IF_TRUE=["7", 0], IF_FALSE=["6", 0])),
         {"prompt": "a castle"}),
        # What a switch lets through counts, even where it says nothing or cannot be told.
        (wired(positive=["20", 0], n20=node("CLIPTextEncode", text=["21", 0], clip=["4", 1]),
               n21=node("Any Switch (rgthree)", any_01=["22", 0], any_02=["23", 0]),
               n22=node("PromptBuilder", layout=["24", 0]), n23=node("PrimitiveString", value="other words")),
         {"prompt": None}),
        (wired(positive=["20", 0], n20=node("CLIPTextEncode", text=["21", 0], clip=["4", 1]),
               n21=node("ComfySwitchNode", switch=False, on_true="other words", on_false=["23", 0]),
               n23=node("PrimitiveString", value="")),
         {"prompt": ""}),
        (wired(steps=["20", 0], n20=node("ComfySwitchNode", switch=True, on_true=["21", 0], on_false=9),
               n21=node("SimpleMath+", value="a*2", a=["22", 0]), n22=node("PrimitiveInt", value=4)),
         {"steps": None}),
        # A box for texts says what it says, whatever it is called.
        (wired(negative=["20", 0], n20=node("CLIPTextEncode", text=["21", 0], clip=["4", 1]),
               n21=node("easy positive", positive="lowres")),
         {"negative_prompt": "lowres"}),
        # The label of a size, turned.
        (wired(latent_image=["20", 0],
               n20=node("EmptyLatentImagePresets", dimensions="512 x 768 (1:1.5)", invert=True)),
         {"width": 768, "height": 512}),
    ],
)  # fmt: skip
def test_nodes(graph: dict[str, Any], expected: dict[str, Any]) -> None:
    found = read_graph(graph)
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_later_stage_without_a_prompt_goes_on_with_the_first() -> None:
    graph = {
        "1": node("CheckpointLoaderSimple", ckpt_name="stage_c.safetensors"),
        "2": node("CLIPTextEncode", text="a castle", clip=["1", 1]),
        "3": node("CLIPTextEncode", text="blurry", clip=["1", 1]),
        "4": node("StableCascade_EmptyLatentImage", width=1024, height=768, compression=42),
        "5": node("KSampler", seed=7, steps=20, cfg=4.0, sampler_name="euler_ancestral", scheduler="simple",
                  model=["1", 0], positive=["2", 0], negative=["3", 0], latent_image=["4", 0]),
        "6": node("ConditioningZeroOut", conditioning=["2", 0]),
        "7": node("StableCascade_StageB_Conditioning", conditioning=["6", 0], stage_c=["5", 0]),
        "8": node("CheckpointLoaderSimple", ckpt_name="stage_b.safetensors"),
        "9": node("KSampler", seed=8, steps=10, cfg=1.1, sampler_name="euler_ancestral", scheduler="simple",
                  model=["8", 0], positive=["7", 0], negative=["6", 0], latent_image=["4", 1]),
        "10": node("VAEDecode", samples=["9", 0], vae=["8", 2]),
        "11": node("SaveImage", images=["10", 0]),
    }  # fmt: skip
    found = read_graph(graph)
    assert (found.prompt, found.negative_prompt, found.steps, found.seed) == ("a castle", "blurry", 10, 8)
    graph["2"]["inputs"]["text"] = ""
    assert (read_graph(graph).prompt, read_graph(graph).negative_prompt) == ("", "")
    graph["7"]["inputs"]["conditioning"] = ["12", 0]
    graph["12"] = node("CLIPTextEncode", text="", clip=["1", 1])
    graph["2"]["inputs"]["text"] = "a castle"
    assert read_graph(graph).prompt == ""


@pytest.mark.parametrize(
    ("encoder", "negative"),
    [
        (node("KolorsTextEncode", prompt="a castle", negative_prompt="blurry", chatglm3_model=["4", 0]), "blurry"),
        (node("HyVideoTextEncode", prompt=["5", 0], text_encoders=["4", 0]), ""),
    ],
)  # fmt: skip
def test_wrappers_with_names_of_their_own(encoder: dict[str, Any], negative: str) -> None:
    graph = {
        "1": node("SaveImage", images=["2", 0]),
        "2": node("WrapperSampler", wrapped_model=["4", 0], wrapped_embeds=["3", 0], width=832, height=480, steps=20,
                  seed=7, scheduler="euler"),
        "3": encoder,
        "4": node("WrapperModelLoader", model="w.safetensors"),
        "5": node("Text Multiline", text="a castle"),
    }  # fmt: skip
    found = read_graph(graph)
    assert (found.prompt, found.negative_prompt, found.seed, found.steps) == ("a castle", negative, 7, 20)
    assert (found.width, found.height) == (832, 480)


def test_a_sampler_that_goes_on_without_noise_has_the_seed_of_the_one_before() -> None:
    shared = {"guider": ["3", 0], "sampler": ["4", 0], "sigmas": ["5", 0]}
    graph = {
        "1": node("SamplerCustomAdvanced", noise=["7", 0], latent_image=["2", 0], **shared),
        "2": node("SamplerCustomAdvanced", noise=["8", 0], latent_image=["6", 0], **shared),
        "3": node("BasicGuider", model=["9", 0], conditioning=["10", 0]),
        "4": node("KSamplerSelect", sampler_name="euler"),
        "5": node("BasicScheduler", scheduler="simple", steps=12, denoise=1.0, model=["9", 0]),
        "6": node("EmptySD3LatentImage", width=64, height=96),
        "7": node("DisableNoise"),
        "8": node("RandomNoise", noise_seed=222374388644438),
        "9": node("UNETLoader", unet_name="x"),
        "10": node("CLIPTextEncode", text="a castle"),
        "11": node("SaveImage", images=["1", 0]),
    }
    assert read_graph(graph).seed == 222374388644438


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ({"20": node("WanVideoModelLoader", model="wan.safetensors", lora=["21", 0]),
          "21": node("WanVideoLoraSelect", lora="b.safetensors", strength=0.5, prev_lora=["22", 0]),
          "22": node("WanVideoLoraSelectMulti", lora_0="a.safetensors", strength_0=1.0, lora_1="none", strength_1=1.0)},
         (Lora("a.safetensors", 1.0), Lora("b.safetensors", 0.5))),
        ({"20": node("easy fullLoader", ckpt_name="x", lora_name="None", optional_lora_stack=["21", 0]),
          "21": node("easy loraStack", toggle=True, mode="simple", num_loras=2, lora_1_name="a", lora_1_strength=0.7,
                     lora_1_model_strength=1, lora_2_name="None", lora_2_strength=1, lora_3_name="c",
                     lora_3_strength=1)},
         (Lora("a", 0.7),)),
        ({"20": node("easy fullLoader", ckpt_name="x", optional_lora_stack=["21", 0]),
          "21": node("easy loraStack", toggle=False, num_loras=1, lora_1_name="a", lora_1_strength=0.7)}, ()),
        ({"20": node("CR Load LoRA", switch="Off", lora_name="a", strength_model=1, model=["4", 0])}, ()),
        ({"20": node("ImpactWildcardEncode", model=["4", 0], wildcard_text="{x|<lora:b:1>}",
                     populated_text="x <lora:a:0.6>")}, (Lora("a", 0.6),)),
    ],
)  # fmt: skip
def test_where_loras_hide(nodes: dict[str, Any], expected: tuple[Lora, ...]) -> None:
    graph = base(**nodes)
    graph["3"]["inputs"]["model"] = ["20", 0]
    assert read_graph(graph).loras == expected


@pytest.mark.parametrize("off", ["disable", False])
def test_a_refiner_has_the_seed_of_the_stage_that_made_the_noise(off: object) -> None:
    settings = {"steps": 25, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "positive": ["6", 0],
                "negative": ["7", 0]}  # fmt: skip
    graph = base(**{
        "3": node("KSamplerAdvanced", add_noise=off, noise_seed=0, start_at_step=20, end_at_step=10000,
                  return_with_leftover_noise="disable", model=["12", 0], latent_image=["13", 0], **settings),
        "10": node("KSamplerAdvanced", add_noise="enable", noise_seed=721897303308196, start_at_step=0,
                   end_at_step=20, return_with_leftover_noise="enable", model=["4", 0], latent_image=["5", 0],
                   **settings),
        "11": node("KSamplerAdvanced", add_noise="enable", noise_seed=5, model=["4", 0], latent_image=["5", 0],
                   **settings),
        "12": node("CheckpointLoaderSimple", ckpt_name="refiner.safetensors"),
        "13": node("LatentComposite", samples_to=["10", 0], samples_from=["11", 0], x=0, y=0),
    })  # fmt: skip
    found = read_graph(graph)
    assert (found.seed, found.model, found.steps) == (721897303308196, "refiner.safetensors", 25)
    graph["10"]["inputs"]["add_noise"] = graph["11"]["inputs"]["add_noise"] = off
    assert read_graph(graph).seed == 0


def test_noise_that_a_node_adds_to_the_latent_has_the_seed() -> None:
    graph = base(**{"10": node("BNK_NoisyLatentImage", source="CPU", seed=77, width=512, height=512, batch_size=1)})
    graph["3"] = node("KSamplerAdvanced", add_noise="disable", noise_seed=0, steps=20, cfg=8, sampler_name="euler",
                      scheduler="normal", model=["4", 0], positive=["6", 0], negative=["7", 0],
                      latent_image=["10", 0])  # fmt: skip
    assert read_graph(graph).seed == 77


def test_rows_of_loras_are_sent_under_dotted_names() -> None:
    rows = {"loras": 2, "loras.1.lora_name": "two", "loras.1.strength": -0.25, "loras.0.lora_name": "one",
            "loras.0.strength": 0.8, "loras.2.lora_name": "gone", "loras.2.strength": 1}  # fmt: skip
    graph = base(**{"20": node("LoadLoraModel", model=["21", 0], **rows),
                    "21": node("SomeLoraLoader", model=["4", 0], lora_name="zero", lora_strength=0.6)})  # fmt: skip
    graph["3"]["inputs"]["model"] = ["20", 0]
    assert read_graph(graph).loras == (Lora("zero", 0.6), Lora("one", 0.8), Lora("two", -0.25))


def test_the_size_of_a_video_with_sound() -> None:
    graph = base(**{
        "20": node("LTXVConcatAVLatent", video_latent=["21", 0], audio_latent=["22", 0]),
        "21": node("LTXVImgToVideoInplace", latent=["5", 0], image=["23", 0], vae=["4", 2], strength=1.0),
        "22": node("LTXVEmptyLatentAudio", frames_number=97, frame_rate=25, batch_size=1),
        "23": node("LoadImage", image="x.png"),
        "8": node("VAEDecode", samples=["24", 0], vae=["4", 2]),
        "24": node("LTXVSeparateAVLatent", av_latent=["3", 0]),
    })  # fmt: skip
    graph["3"]["inputs"]["latent_image"] = ["20", 0]
    found = read_graph(graph)
    assert (found.width, found.height, found.seed) == (512, 768, 42)


@pytest.mark.parametrize(
    ("sigmas", "expected"),
    [
        (node("ManualSigmas", sigmas="1.0, 0.75 0.5,.25, 0.0"), 4),
        (node("ManualSigmas", sigmas="1.0, 0.5, 0.0", steps=0), 2),
        (node("ManualSigmas", sigmas=["21", 0]), 2),
        (node("ManualSigmas", sigmas="none"), None),
        (node("CustomSigmas", sigmas_string="14.6, 2.1, 0.03", interpolate_to_steps=8), 8),
        (node("SplitSigmas", sigmas=["22", 0], step=1), 3),
    ],
)
def test_steps_of_listed_sigmas(sigmas: dict[str, Any], expected: int | None) -> None:
    graph = base(**{"20": sigmas, "21": node("PrimitiveString", value="1, 0.5, 0"),
                    "22": node("ManualSigmas", sigmas="4 3 2 1")})  # fmt: skip
    graph["3"] = node("SamplerCustom", add_noise=True, noise_seed=42, cfg=8.0, model=["4", 0], positive=["6", 0],
                      negative=["7", 0], sampler=["23", 0], sigmas=["20", 0], latent_image=["5", 0])  # fmt: skip
    assert read_graph(graph).steps == expected


@pytest.mark.parametrize(
    ("encoder", "expected"),
    [
        (node("CLIPTextEncodeFlux", clip_l="grain", t5xxl="a fox", guidance=3.5), "a fox\ngrain"),
        (node("CLIPTextEncodeSD3", clip_l="photo", clip_g="grain", t5xxl="a fox"), "a fox\ngrain\nphoto"),
        (node("CLIPTextEncodeHiDream", clip_l="photo", clip_g="", t5xxl="a fox", llama="in snow"),
         "a fox\nin snow\nphoto"),
        (node("CLIPTextEncodeKandinsky5", clip_l="", qwen25_7b="a glass bridge"), "a glass bridge"),
        (node("CLIPTextEncodeFlux", clip_l="a fox", t5xxl="a fox", guidance=3.5), "a fox"),
        (node("CLIPTextEncodeFlux", clip_l="", t5xxl="", guidance=3.5), ""),
    ],
)  # fmt: skip
def test_an_encoder_of_several_texts(encoder: dict[str, Any], expected: str) -> None:
    encoder["inputs"]["clip"] = ["4", 1]
    assert read_graph(base(**{"6": encoder})).prompt == expected


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"model": "Seedance 2.0", "model.prompt": "a dog", "model.negative_prompt": "cats", "model.seed": 7},
         {"prompt": "a dog", "negative_prompt": "cats", "seed": 7, "model": "Seedance 2.0"}),
        ({"prompt": "a dog", "size_preset": "1280x720 (16:9)", "width": 1024, "height": 1024},
         {"width": 1280, "height": 720, "negative_prompt": ""}),
        ({"prompt": "a dog", "size_preset": "Custom", "width": 1024, "height": 960}, {"width": 1024, "height": 960}),
        ({"prompt": "a dog", "size_preset": "2K (adaptive)", "width": 1024, "height": 960}, {"width": None}),
        ({"prompt": "a dog", "size": "1024x1536"}, {"width": 1024, "height": 1536}),
        ({"prompt": "a dog", "size": "auto", "custom_width": 640, "custom_height": 480}, {"width": None}),
        ({"prompt": "a dog", "model": "gpt-image-2", "model.size": "Custom", "model.custom_width": 640,
          "model.custom_height": 480}, {"width": 640, "height": 480}),
        ({"prompt": "a dog", "ratio": "1280:720"}, {"width": 1280, "height": 720}),
        ({"prompt": "a dog", "ratio": "16:9", "resolution": "1080p"}, {"width": None, "height": None}),
        ({"edit_instruction": "remove a 640x480 lamp", "seed": 2}, {"prompt": "remove a 640x480 lamp", "width": None}),
        ({"prompt_text": "a dog", "negative_prompt": ["3", 0]}, {"prompt": "a dog", "negative_prompt": None}),
        ({"prompt": ["3", 0], "seed": 2}, {"prompt": None}),
        ({"multi_shot": "2", "multi_shot.storyboard_1_prompt": "a dog", "multi_shot.storyboard_2_prompt": "a cat"},
         {"prompt": "a dog\na cat"}),
    ],
)  # fmt: skip
def test_services(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    graph = {"1": node("SomeService", **inputs), "2": node("SaveImage", images=["1", 0]),
             "3": node("Text Random Line", text="a\nb", seed=1)}  # fmt: skip
    found = read_graph(graph)
    assert {name: getattr(found, name) for name in expected} == expected


def test_loras_that_conditionings_bring_along() -> None:
    graph = base(**{
        "20": node("CreateHookLora", lora_name="b", strength_model=0.5, strength_clip=0.25, prev_hooks=["21", 0]),
        "21": node("CreateHookLoraModelOnly", lora_name="a", strength_model=0.7),
        "22": node("SetClipHooks", clip=["4", 1], hooks=["20", 0], apply_to_conds=True, schedule_clip=False),
        "23": node("CreateHookLora", lora_name="of nothing", strength_model=1.0, strength_clip=1.0),
    })  # fmt: skip
    graph["6"]["inputs"]["clip"] = ["22", 0]
    assert read_graph(graph).loras == (Lora("a", 0.7), Lora("b", 0.5, 0.25))

"""The order in which core nodes of ComfyUI keep their values in a workflow whose editor did not name them.

Only the values up to the last one that is read are listed; ``control`` is what the editor does with a seed afterwards.
"""

from __future__ import annotations

_SEEDED = ("seed", "control", "steps", "cfg", "sampler_name", "scheduler", "denoise")
WIDGETS: dict[str, tuple[str, ...]] = {
    "KSampler": _SEEDED,
    "KSampler (Efficient)": _SEEDED,
    "KSamplerAdvanced": ("add_noise", "noise_seed", "control", "steps", "cfg", "sampler_name", "scheduler"),
    "SamplerCustom": ("add_noise", "noise_seed", "control", "cfg"),
    "RandomNoise": ("noise_seed", "control"),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "SDTurboScheduler": ("steps", "denoise"),
    "KarrasScheduler": ("steps",),
    "CFGGuider": ("cfg",),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "CLIPTextEncodeSDXL": ("width", "height", "crop_w", "crop_h", "target_width", "target_height", "text_g", "text_l"),
    "CLIPTextEncodeSDXLRefiner": ("ascore", "width", "height", "text"),
    "CheckpointLoader": ("config_name", "ckpt_name"),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name",),
    "UnetLoaderGGUF": ("unet_name",),
    "VAELoader": ("vae_name",),
    "UpscaleModelLoader": ("model_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "CLIPSetLastLayer": ("stop_at_clip_layer",),
    "EmptyLatentImage": ("width", "height"),
    "EmptySD3LatentImage": ("width", "height"),
    "ResolutionSelector": ("aspect_ratio", "megapixels", "multiple"),
    "PrimitiveNode": ("value",),
    "PrimitiveBoolean": ("value",),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
    "PrimitiveInt": ("value",),
    "PrimitiveFloat": ("value",),
    "Seed (rgthree)": ("seed",),
    "String Literal": ("string",),
    "Text Multiline": ("text",),
    "CLIPTextEncodeSD3": ("clip_l", "clip_g", "t5xxl"),
    "CLIPTextEncodeHiDream": ("clip_l", "clip_g", "t5xxl", "llama"),
    "CLIPTextEncodeHunyuanDiT": ("bert", "mt5xl"),
    "CLIPTextEncodeLumina2": ("system_prompt", "user_prompt"),
    "TextEncodeQwenImageEdit": ("prompt",),
    "TextEncodeQwenImageEditPlus": ("prompt",),
    "TextEncodeHunyuanVideo_ImageToVideo": ("prompt",),
    "StringConcatenate": ("string_a", "string_b", "delimiter"),
    "StringReplace": ("string", "find", "replace"),
    "DualCFGGuider": ("cfg_conds", "cfg_cond2_negative"),
    "AlignYourStepsScheduler": ("model_type", "steps", "denoise"),
    "OptimalStepsScheduler": ("model_type", "steps", "denoise"),
    "GITSScheduler": ("coeff", "steps", "denoise"),
    "unCLIPCheckpointLoader": ("ckpt_name",),
    "ImageOnlyCheckpointLoader": ("ckpt_name",),
    "LatentUpscaleModelLoader": ("model_name",),
}
_STEPPED = (
    "BetaSamplingScheduler", "ExponentialScheduler", "Flux2Scheduler", "LaplaceScheduler", "LTXVScheduler",
    "PolyexponentialScheduler", "VPScheduler",
)  # fmt: skip
_SIZED = (
    "CosmosImageToVideoLatent", "EmptyChromaRadianceLatentImage", "EmptyCosmosLatentVideo", "EmptyFlux2LatentImage",
    "EmptyHunyuanImageLatent", "EmptyHunyuanLatentVideo", "EmptyLTXVLatentVideo", "EmptyMochiLatentVideo",
    "HunyuanImageToVideo", "HunyuanVideo15ImageToVideo", "LTXVImgToVideo", "StableCascade_EmptyLatentImage",
    "SVD_img2vid_Conditioning", "Wan22FunControlToVideo", "Wan22ImageToVideoLatent", "WanCameraImageToVideo",
    "WanFirstLastFrameToVideo", "WanFunControlToVideo", "WanFunInpaintToVideo", "WanImageToVideo",
    "WanSoundImageToVideo", "WanVaceToVideo",
)  # fmt: skip
WIDGETS.update(dict.fromkeys(_STEPPED, ("steps",)))
WIDGETS.update(dict.fromkeys(_SIZED, ("width", "height")))

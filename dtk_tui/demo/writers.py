"""Writing pictures the way image generators do: AUTOMATIC1111's infotext, ComfyUI's graphs; PNG, JPEG, WebP."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image
from PIL.PngImagePlugin import PngInfo

Dialect = Literal["a1111", "comfyui", "none"]
Container = Literal["png", "jpg", "webp"]

_COMFY_SAMPLERS = {
    "Euler": "euler",
    "Euler a": "euler_ancestral",
    "DPM++ 2M": "dpmpp_2m",
    "DPM++ SDE": "dpmpp_sde",
    "DPM++ 2M SDE": "dpmpp_2m_sde",
    "UniPC": "uni_pc",
    "DDIM": "ddim",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """The generation parameters that a picture of the demo library claims.

    ``sampler`` and ``scheduler`` are AUTOMATIC1111's names; ``loras`` are name and weight; ``width`` and ``height`` are
    what was asked of the model, before any upscaling.
    """

    prompt: str
    negative_prompt: str
    model: str
    model_hash: str
    sampler: str
    scheduler: str
    steps: int
    cfg_scale: float
    seed: int
    width: int
    height: int
    clip_skip: int | None = None
    loras: tuple[tuple[str, float], ...] = ()


def infotext(recipe: Recipe) -> str:
    """Return AUTOMATIC1111's text: prompt, negative prompt, and one line of settings (webui 1.10, create_infotext)."""
    extra: dict[str, object] = {"Clip skip": recipe.clip_skip}
    if recipe.loras:
        hashes = ", ".join(f"{name}: {_short_hash(name)}" for name, _ in recipe.loras)
        extra["Lora hashes"] = f'"{hashes}"'
    settings: dict[str, object] = {
        "Steps": recipe.steps,
        "Sampler": recipe.sampler,
        "Schedule type": recipe.scheduler,
        "CFG scale": f"{recipe.cfg_scale:g}",
        "Seed": recipe.seed,
        "Size": f"{recipe.width}x{recipe.height}",
        "Model hash": recipe.model_hash,
        "Model": recipe.model,
        **extra,
        "Version": "v1.10.1",
    }
    line = ", ".join(f"{key}: {value}" for key, value in settings.items() if value is not None)
    negative = f"\nNegative prompt: {recipe.negative_prompt}" if recipe.negative_prompt else ""
    return f"{recipe.prompt}{negative}\n{line}"


def _short_hash(name: str) -> str:
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"[:12]


def user_comment_exif(text: str) -> bytes:
    """Return an EXIF block with ``text`` as UserComment, byte for byte as piexif writes it (big endian, UTF-16 BE)."""
    comment = b"UNICODE\0" + text.encode("utf-16-be")
    pointer = struct.pack(">HHHLLL", 1, 0x8769, 4, 1, 26, 0)
    entry = struct.pack(">HHHLLL", 1, 0x9286, 7, len(comment), 44, 0)
    return b"Exif\0\0MM\0*" + struct.pack(">L", 8) + pointer + entry + comment


def comfyui_graph(recipe: Recipe, prefix: str, container: Container, upscaled: bool) -> dict[str, Any]:
    """Return the API graph that ComfyUI stores as ``prompt``: node id to class and inputs.

    LoRAs stand in a chain between the checkpoint and what uses it; ``upscaled`` adds an upscaling model before the
    node that saves (SaveImage, or SaveAnimatedWEBP, the one core node that writes WebP).
    """
    graph: dict[str, Any] = {}
    model: list[Any] = ["4", 0]
    clip: list[Any] = ["4", 1]
    for number, (name, weight) in enumerate(recipe.loras):
        node = str(10 + number)
        inputs = {"lora_name": f"{name}.safetensors", "strength_model": weight, "strength_clip": weight}
        graph[node] = {"inputs": {**inputs, "model": model, "clip": clip}, "class_type": "LoraLoader"}
        model, clip = [node, 0], [node, 1]
    sampling = {
        "seed": recipe.seed,
        "steps": recipe.steps,
        "cfg": recipe.cfg_scale,
        "sampler_name": _COMFY_SAMPLERS[recipe.sampler],
        "scheduler": recipe.scheduler.lower(),
        "denoise": 1.0,
    }
    links = {"model": model, "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}
    size = {"width": recipe.width, "height": recipe.height, "batch_size": 1}
    pictures = ["8", 0]
    graph |= {
        "3": {"inputs": {**sampling, **links}, "class_type": "KSampler"},
        "4": {"inputs": {"ckpt_name": f"{recipe.model}.safetensors"}, "class_type": "CheckpointLoaderSimple"},
        "5": {"inputs": size, "class_type": "EmptyLatentImage"},
        "6": {"inputs": {"text": recipe.prompt, "clip": clip}, "class_type": "CLIPTextEncode"},
        "7": {"inputs": {"text": recipe.negative_prompt, "clip": clip}, "class_type": "CLIPTextEncode"},
        "8": {"inputs": {"samples": ["3", 0], "vae": ["4", 2]}, "class_type": "VAEDecode"},
    }
    if upscaled:
        graph["20"] = {"inputs": {"model_name": "RealESRGAN_x2plus.pth"}, "class_type": "UpscaleModelLoader"}
        wires = {"upscale_model": ["20", 0], "image": pictures}
        graph["21"] = {"inputs": wires, "class_type": "ImageUpscaleWithModel"}
        pictures = ["21", 0]
    saving: dict[str, Any] = {"filename_prefix": prefix}
    if container == "webp":
        saving |= {"fps": 6.0, "lossless": False, "quality": 88, "method": "default"}
    saver = "SaveAnimatedWEBP" if container == "webp" else "SaveImage"
    graph["9"] = {"inputs": {**saving, "images": pictures}, "class_type": saver}
    for node_of_graph in graph.values():
        node_of_graph["_meta"] = {"title": _TITLES[node_of_graph["class_type"]]}
    return dict(sorted(graph.items(), key=lambda item: int(item[0])))


_TITLES = {
    "KSampler": "KSampler",
    "CheckpointLoaderSimple": "Load Checkpoint",
    "EmptyLatentImage": "Empty Latent Image",
    "CLIPTextEncode": "CLIP Text Encode (Prompt)",
    "VAEDecode": "VAE Decode",
    "SaveImage": "Save Image",
    "SaveAnimatedWEBP": "SaveAnimatedWEBP",
    "LoraLoader": "Load LoRA",
    "UpscaleModelLoader": "Load Upscale Model",
    "ImageUpscaleWithModel": "Upscale Image (using Model)",
}

# Output slots of each node class, in order: name and type of a link.
_OUTPUTS: dict[str, tuple[str, ...]] = {
    "KSampler": ("LATENT",),
    "CheckpointLoaderSimple": ("MODEL", "CLIP", "VAE"),
    "EmptyLatentImage": ("LATENT",),
    "CLIPTextEncode": ("CONDITIONING",),
    "VAEDecode": ("IMAGE",),
    "SaveImage": (),
    "SaveAnimatedWEBP": (),
    "LoraLoader": ("MODEL", "CLIP"),
    "UpscaleModelLoader": ("UPSCALE_MODEL",),
    "ImageUpscaleWithModel": ("IMAGE",),
}


def comfyui_workflow(graph: dict[str, Any]) -> dict[str, Any]:
    """Return the ``workflow`` of the editor for an API graph: nodes with places and widget values, and links."""
    links: list[list[Any]] = []
    nodes: list[dict[str, Any]] = []
    fed: dict[tuple[str, int], list[int]] = {}
    for place, (node_id, node) in enumerate(graph.items()):
        inputs: list[dict[str, Any]] = []
        widgets = []
        for name, value in node["inputs"].items():
            if not isinstance(value, list):
                widgets.append(value)
                if name == "seed":
                    widgets.append("randomize")
                continue
            kind = _OUTPUTS[graph[value[0]]["class_type"]][value[1]]
            link = len(links) + 1
            links.append([link, int(value[0]), value[1], int(node_id), len(inputs), kind])
            fed.setdefault((value[0], value[1]), []).append(link)
            inputs.append({"name": name, "type": kind, "link": link})
        nodes.append(
            {
                "id": int(node_id),
                "type": node["class_type"],
                "pos": [40 + 380 * (place // 3), 120 + 240 * (place % 3)],
                "size": [315, 180],
                "flags": {},
                "order": place,
                "mode": 0,
                "inputs": inputs,
                "outputs": [],
                "properties": {"cnr_id": "comfy-core", "ver": "0.3.68", "Node name for S&R": node["class_type"]},
                "widgets_values": widgets,
            }
        )
    for node_of_editor in nodes:
        node_of_editor["outputs"] = [
            {"name": kind, "type": kind, "links": fed.get((str(node_of_editor["id"]), slot), []), "slot_index": slot}
            for slot, kind in enumerate(_OUTPUTS[node_of_editor["type"]])
        ]
    return {
        "last_node_id": max(int(key) for key in graph),
        "last_link_id": len(links),
        "nodes": nodes,
        "links": links,
        "groups": [],
        "config": {},
        "extra": {"ds": {"scale": 0.9, "offset": [0, 0]}},
        "version": 0.4,
    }


def encode(
    picture: Image.Image, container: Container, dialect: Dialect, recipe: Recipe | None, *, prefix: str, upscaled: bool
) -> bytes:
    """Return the bytes of a file as the program of ``dialect`` would have written it.

    AUTOMATIC1111 keeps the text of the original when its Extras tab upscales, and adds a ``postprocessing`` chunk (PNG
    only); ComfyUI writes PNG text chunks, and in WebP the EXIF tags Model (prompt) and Make (workflow).
    """
    out = io.BytesIO()
    if recipe is None or dialect == "none":
        _save(picture, out, container, None, b"")
    elif dialect == "a1111":
        text = infotext(recipe)
        chunks = PngInfo()
        chunks.add_text("parameters", text)
        if upscaled:
            chunks.add_text("postprocessing", "Postprocess upscale by: 2, Postprocess upscaler: R-ESRGAN 4x+")
        _save(picture, out, container, chunks, user_comment_exif(text))
    else:
        graph = comfyui_graph(recipe, prefix, container, upscaled)
        prompt, workflow = json.dumps(graph), json.dumps(comfyui_workflow(graph))
        chunks = PngInfo()
        chunks.add_text("prompt", prompt)
        chunks.add_text("workflow", workflow)
        exif = Image.Exif()
        exif[0x0110] = f"prompt:{prompt}"
        exif[0x010F] = f"workflow:{workflow}"
        _save(picture, out, container, chunks, exif.tobytes())
    return out.getvalue()


def _save(picture: Image.Image, out: io.BytesIO, container: Container, chunks: PngInfo | None, exif: bytes) -> None:
    extra: dict[str, Any] = {"exif": exif} if exif else {}
    if container == "png":
        picture.save(out, "PNG", pnginfo=chunks, compress_level=4)
    elif container == "jpg":
        picture.save(out, "JPEG", quality=90, **extra)
    else:
        picture.save(out, "WEBP", quality=88, method=2, **extra)

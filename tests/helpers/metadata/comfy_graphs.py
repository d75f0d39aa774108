"""ComfyUI graphs in the API form, built small."""

from __future__ import annotations

import json
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, RawChunk
from dtk_tui.metadata.reader import derive


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def read_graph(graph: dict[str, Any], key: str = "prompt") -> GenerationParameters:
    dialect, found = derive([RawChunk("png", key, json.dumps(graph))], 512, 512)
    assert dialect == "comfyui"
    return found


def base(**changes: Any) -> dict[str, Any]:
    """The default graph of ComfyUI."""
    graph = {
        "3": node("KSampler", seed=42, steps=20, cfg=8.0, sampler_name="euler", scheduler="normal", denoise=1.0,
                  model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["5", 0]),
        "4": node("CheckpointLoaderSimple", ckpt_name="v1-5.safetensors"),
        "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
        "6": node("CLIPTextEncode", text="a castle", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="blurry", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
    }  # fmt: skip
    return graph | changes

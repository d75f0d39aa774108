"""The families of models: what stands in the manifest, made small, and put where a program finds it."""

from __future__ import annotations

import lzma
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import ImageInput, ModelSpec
from tests.helpers.architectures.weights import weights

REFERENCES = Path(__file__).resolve().parent.parent.parent / "inference" / "references"

WIDTH, TAGS = 32, 24
#: So many of CLIP's 48,894 merges are kept; beside them stand 512 bytes and two markers, the end of text last.
CLIP_MERGES = 3000
CLIP_WORDS = 512 + CLIP_MERGES + 2
#: So many words of SigLIP's vocabulary of 32,000 there are at most.
SIGLIP_WORDS = 900
#: The entry of the manifest and the edge of the picture, by family.
_PICTURES = {
    "clip-vision": ("clip-h-vision", 70),
    "clip-vision-projected": ("clip-h-vision", 70),
    "siglip-vision": ("clip-h-vision", 64),
    "joytag": ("joytag", 64),
    "timm-vit": ("wd-vit-tagger-v3", 64),
    "swinv2": ("wd-swinv2-tagger-v3", 64),
    "eva02": ("wd-eva02-large-tagger-v3", 70),
}
_TEXTS = {
    "bert-cls": "bge-large-en-v1.5",
    "clip-text-eot": "clip-l-text",
    "clip-text-projected": "clip-bigg-text",
    "siglip-text": "siglip-base-text",
}

TEXT_EMBEDDERS = tuple(_TEXTS)
IMAGE_EMBEDDERS = ("clip-vision", "clip-vision-projected", "siglip-vision")
TAGGERS = ("joytag", "timm-vit", "swinv2", "eva02")
FAMILIES = TEXT_EMBEDDERS + IMAGE_EMBEDDERS + TAGGERS


def spec_of(family: str) -> ModelSpec:
    """Return the manifest's entry of a family with the name, the size and the files of its tiny model."""
    spec = load_manifest().get(_TEXTS[family] if family in _TEXTS else _PICTURES[family][0])
    files = tuple(replace(file, size=None, sha256=None) for file in spec.files)
    spec = replace(spec, name=family, files=files, dims=None if spec.dims is None else WIDTH)
    if spec.text is not None and family == "clip-text-eot":
        return replace(spec, text=replace(spec.text, pad_id=CLIP_WORDS - 1))
    if spec.image is None:
        return spec
    edge = _PICTURES[family][1]
    image = replace(spec.image, size=edge, resize=None if spec.image.resize is None else edge)
    if family == "siglip-vision":
        # As SiglipImageProcessor does it.
        half = (0.5, 0.5, 0.5)
        image = ImageInput(edge, "nchw", "rgb", "squash", "bicubic", divide=255.0, mean=half, std=half)
    return replace(spec, image=image)


@lru_cache(maxsize=1)
def references() -> dict[str, np.ndarray]:
    """Return what the models' own code gave: ids, vectors and scores by family."""
    outputs: dict[str, np.ndarray] = {}
    for name in ("outputs.npz", "siglip_text.npz", "efficientnet.npz"):
        with np.load(REFERENCES / name) as found:
            outputs |= {family: found[family] for family in found.files}
    return outputs


def graph_of(family: str) -> Any:
    """Return the ONNX model of a family with its weights."""
    import onnx

    model = onnx.load_from_string(lzma.decompress((REFERENCES / f"{family}.onnx.xz").read_bytes()))
    for tensor in model.graph.initializer:
        if not tensor.raw_data and tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.raw_data = weights(tensor.name, tensor.dims).tobytes()
    return model


def install(family: str, folder: Path) -> ModelSpec:
    """Put the files of a family's tiny model into a models folder; return its entry."""
    spec = spec_of(family)
    home = folder / spec.name
    home.mkdir(parents=True, exist_ok=True)
    (home / spec.session_file).write_bytes(graph_of(family).SerializeToString())
    for file in spec.files:
        if file.path == "tokenizer.json":
            words = "siglip-tokenizer.json.xz" if family == "siglip-text" else "clip-tokenizer.json.xz"
            (home / file.path).write_bytes(lzma.decompress((REFERENCES / words).read_bytes()))
        elif file.path.endswith(".txt"):
            (home / file.path).write_text("".join(f"tag_{n}\n" for n in range(TAGS)))
        elif file.path.endswith(".csv"):
            rows = "".join(f"{n},tag_{n},{9 if n < 4 else 0 if n < 18 else 4},1\n" for n in range(TAGS))
            (home / file.path).write_text(f"tag_id,name,category,count\n{rows}")
    return spec

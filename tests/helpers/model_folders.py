"""Folders of models as people download them: the tiny models, with the config files that such folders have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dtk_tui.shipped import shipped
from tests.helpers.architectures.families import CLIP_WORDS, WIDTH, install

_CLIP_MEAN, _CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
_CLIP_PICTURES = {
    "crop_size": {"height": 70, "width": 70},
    "do_center_crop": True,
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": _CLIP_MEAN,
    "image_processor_type": "CLIPImageProcessor",
    "image_std": _CLIP_STD,
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"shortest_edge": 70},
}
_SIGLIP_PICTURES = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "SiglipImageProcessor",
    "image_std": [0.5, 0.5, 0.5],
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 64, "width": 64},
}
_CLIP_TEXT = {"hidden_size": WIDTH, "max_position_embeddings": 77, "vocab_size": CLIP_WORDS}
_CONFIGS: dict[str, dict[str, Any]] = {
    "bert-cls": {
        "config.json": {"model_type": "bert", "hidden_size": WIDTH, "max_position_embeddings": 512, "pad_token_id": 0},
        "tokenizer_config.json": {"do_lower_case": True, "model_max_length": 512, "pad_token": "[PAD]"},
        "1_Pooling/config.json": {"word_embedding_dimension": WIDTH, "pooling_mode_cls_token": True},
        "config_sentence_transformers.json": {"prompts": {"query": "Represent this: "}},
    },
    "clip-text-eot": {
        "config.json": {"model_type": "clip_text_model", **_CLIP_TEXT, "projection_dim": 99},
        "tokenizer_config.json": {"model_max_length": 77, "pad_token": "<|endoftext|>"},
    },
    "clip-text-projected": {
        "config.json": {"model_type": "clip", "text_config": {"model_type": "clip_text_model", **_CLIP_TEXT}},
        "tokenizer_config.json": {"model_max_length": 1e30, "pad_token": {"content": "<|endoftext|>"}},
    },
    "clip-vision": {
        "config.json": {"model_type": "clip", "vision_config": {"hidden_size": WIDTH}},
        "preprocessor_config.json": _CLIP_PICTURES,
    },
    "siglip-vision": {"config.json": {"model_type": "siglip"}, "preprocessor_config.json": _SIGLIP_PICTURES},
    "joytag": {"config.json": {"class": "ViT", "image_size": 64}},
    "swinv2": {"config.json": {"architecture": "swinv2_base_window8_256", "pretrained_cfg": {"mean": [0.5, 0.5, 0.5]}}},
}


def model_folder(family: str, folder: Path) -> Path:
    """Make the folder of a family's tiny model, as it would be downloaded; return it."""
    home = folder / install(family, folder).name
    for name, values in _CONFIGS[family].items():
        path = home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(values))
    if family == "bert-cls":
        (home / "vocab.txt").write_bytes(shipped("models/data/bert-uncased-vocab.txt").read_bytes())
    return home

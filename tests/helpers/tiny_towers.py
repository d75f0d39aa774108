"""Tiny CLIP and SigLIP models of transformers, saved as a person has them; needs torch and transformers."""

from __future__ import annotations

from pathlib import Path

FAMILIES = ("clip", "siglip")
_LAYERS = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}


def save_tower(family: str, folder: Path) -> Path:
    """Save a model with random weights of one seed; return its folder."""
    import torch
    import transformers

    torch.manual_seed(11)
    text = {"vocab_size": 60, "max_position_embeddings": 12, **_LAYERS}
    vision = {"image_size": 16, "patch_size": 8, **_LAYERS}
    home = folder / family
    if family == "clip":
        text |= {"bos_token_id": 58, "eos_token_id": 59, "pad_token_id": 59}
        config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)
        model = transformers.CLIPModel(config)
        processor = transformers.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    else:
        config = transformers.SiglipConfig(text_config=text | {"projection_size": 16}, vision_config=vision)
        model = transformers.SiglipModel(config)
        processor = transformers.SiglipImageProcessor(size={"height": 16, "width": 16})
    # Weights as they are made at first are so small that all outputs look alike.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.5)
    model.save_pretrained(home)
    processor.save_pretrained(home)
    return home

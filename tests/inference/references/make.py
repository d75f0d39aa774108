"""Makes the tiny models and what the models' own code gives for odd inputs: graphs without weights, and outputs.npz.

In an environment of its own, beside this program's packages: torch, transformers, timm and torchvision; the byte-pair
merges of CLIP come from the wheel of open_clip_torch:

    python tests/inference/references/make.py bpe_simple_vocab_16e6.txt.gz

Weights follow tests/helpers/architectures/weights.py, so that the tests can fill them in again.
"""

from __future__ import annotations

import gzip
import json
import lzma
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
import transformers
from PIL import Image
from timm.models.swin_transformer_v2 import SwinTransformerV2
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent.parent))

from tests.helpers.architectures.decoded import upright_rgb  # noqa: E402
from tests.helpers.architectures.families import CLIP_MERGES, CLIP_WORDS, TAGS, WIDTH, spec_of  # noqa: E402
from tests.helpers.architectures.inputs import TEXTS, odd_pictures  # noqa: E402
from tests.helpers.architectures.torch_graphs import Outputs, dress, padded, write_graph  # noqa: E402

_LAYERS = {"hidden_size": WIDTH, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
_CLIP_MEAN, _CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class Wd(nn.Module):
    """A tagger of timm as the WD taggers are published: bytes as float, channels last, blue first; scores."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return self.model(picture.permute(0, 3, 1, 2) / 127.5 - 1.0).sigmoid()


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of a map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class JoyTagBlock(nn.Module):
    """Attention and MLP, each behind a norm and scaled by channel."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.linear1, self.linear2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.skip1, self.skip2 = nn.Parameter(torch.ones(width)), nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, length, width = x.shape
        parts = self.qkv(self.norm1(x)).reshape(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        found = nn.functional.scaled_dot_product_attention(parts[0], parts[1], parts[2])
        x = x + self.out(found.transpose(1, 2).reshape(n, length, width)) * self.skip1
        return x + self.linear2(nn.functional.gelu(self.linear1(self.norm2(x)))) * self.skip2


class JoyTag(nn.Module):
    """JoyTag's vision transformer: a convolutional stem, sines for positions, the mean of all patches; logits.

    Source: fpgaminer/joytag, Models.py (the class ViT), written anew.
    """

    def __init__(self, edge: int, width: int, tags: int) -> None:
        super().__init__()
        channels, layers = 3, []
        for wide in (8, 16, 24, 28):
            layers += [nn.Conv2d(channels, wide, 3, 2, 1), ChannelNorm(wide), nn.ReLU()]
            channels = wide
        self.stem = nn.Sequential(*layers, nn.Conv2d(channels, width, 1))
        self.blocks = nn.Sequential(JoyTagBlock(width, 4), JoyTagBlock(width, 4))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, tags)
        self.register_buffer("positions", _sines(edge // 16, width))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        x = self.stem(picture).flatten(2).transpose(1, 2) + self.positions
        return self.head(self.norm(self.blocks(x)).mean(dim=1))


def _sines(edge: int, width: int) -> torch.Tensor:
    quarter = width // 4
    rates = 1.0 / 10000 ** (torch.arange(quarter) / (quarter - 1))
    y, x = torch.meshgrid(torch.arange(edge), torch.arange(edge), indexing="ij")
    ys, xs = y.flatten()[:, None] * rates, x.flatten()[:, None] * rates
    return torch.cat([xs.sin(), xs.cos(), ys.sin(), ys.cos()], dim=1)


# -- the models ---------------------------------------------------------------------------------------------------


def _text_models(clip_words: int) -> dict[str, nn.Module]:
    bert = transformers.BertConfig(vocab_size=30522, max_position_embeddings=512, **_LAYERS)
    clip = {"vocab_size": clip_words, "max_position_embeddings": 77, "projection_dim": WIDTH, **_LAYERS}
    clip |= {"bos_token_id": clip_words - 2, "eos_token_id": clip_words - 1}
    return {
        "bert-cls": Outputs(transformers.BertModel(bert), "last_hidden_state"),
        "clip-text-eot": Outputs(
            transformers.CLIPTextModel(transformers.CLIPTextConfig(hidden_act="quick_gelu", **clip)),
            "last_hidden_state",
        ),
        "clip-text-projected": Outputs(
            transformers.CLIPTextModelWithProjection(transformers.CLIPTextConfig(hidden_act="gelu", **clip)),
            "text_embeds",
        ),
    }


def _picture_models() -> dict[str, nn.Module]:
    clip = transformers.CLIPVisionConfig(
        image_size=70, patch_size=14, hidden_act="gelu", projection_dim=WIDTH, **_LAYERS
    )
    siglip = transformers.SiglipVisionConfig(image_size=64, patch_size=16, **_LAYERS)
    vit = timm.create_model(
        "vit_base_patch16_224", img_size=64, embed_dim=WIDTH, depth=2, num_heads=4, num_classes=TAGS,
        class_token=False, global_pool="avg", fc_norm=False, act_layer="gelu_tanh",
    )  # fmt: skip
    swin = SwinTransformerV2(
        img_size=64, patch_size=4, num_classes=TAGS, embed_dim=WIDTH // 2, depths=(2, 2), num_heads=(2, 4),
        window_size=4, act_layer="gelu_tanh",
    )  # fmt: skip
    eva = timm.create_model(
        "eva02_large_patch14_448", img_size=70, embed_dim=48, depth=2, num_heads=4, num_classes=TAGS
    )
    return {
        "clip-vision": Outputs(transformers.CLIPVisionModel(clip), "pooler_output"),
        "clip-vision-projected": Outputs(transformers.CLIPVisionModelWithProjection(clip), "image_embeds"),
        "siglip-vision": Outputs(transformers.SiglipVisionModel(siglip), "pooler_output"),
        "joytag": JoyTag(64, WIDTH, TAGS),
        "timm-vit": Wd(vit),
        "swinv2": Wd(swin),
        "eva02": Wd(eva),
    }


# -- texts --------------------------------------------------------------------------------------------------------


def _clip_tokenizer(merges_file: Path) -> Any:
    """Return CLIP's tokenizer with its first merges, and keep it as the file that a model's folder holds."""
    lines = gzip.decompress(merges_file.read_bytes()).decode().split("\n")[1 : 1 + CLIP_MERGES]
    merges = [tuple(line.split()) for line in lines]
    # The bytes as printable characters, as in GPT-2's encoder.py.
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(n) for n in visible] + [chr(256 + n) for n in range(256 - len(visible))]
    words = letters + [letter + "</w>" for letter in letters] + ["".join(pair) for pair in merges]
    words += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    if len(vocabulary) != CLIP_WORDS:
        raise SystemExit(f"the vocabulary has {len(vocabulary)} words")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "vocab.json").write_text(json.dumps(vocabulary))
        (Path(folder) / "merges.txt").write_text("#version: 0.2\n" + "\n".join(lines) + "\n")
        tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
        tokenizer.save_pretrained(folder)
        data = (Path(folder) / "tokenizer.json").read_bytes()
    (HERE / "clip-tokenizer.json.xz").write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
    return tokenizer


def _texts(merges_file: Path) -> dict[str, np.ndarray]:
    clip = _clip_tokenizer(merges_file)
    bert = transformers.BertTokenizer(str(HERE.parent.parent.parent / "models" / "data" / "bert-uncased-vocab.txt"))
    found: dict[str, np.ndarray] = {}
    for family, model in _text_models(CLIP_WORDS).items():
        dress(model)
        rules = spec_of(family).text
        tokenizer = bert if family == "bert-cls" else clip
        ids, vectors = [], []
        for text in TEXTS:
            row = tokenizer(text, truncation=True, max_length=rules.max_tokens)["input_ids"]
            ids.append(row)
            # As the model's own pipeline pads: CLIP to its full length, with end of text or (open_clip) with zeros.
            full = row + [rules.pad_id] * (rules.max_tokens - len(row)) if rules.fixed_length else row
            tokens = torch.tensor([full])
            with torch.no_grad():
                if family == "bert-cls":
                    vector = model.model(tokens, torch.ones_like(tokens)).last_hidden_state[0, 0]
                elif family == "clip-text-eot":
                    vector = model.model(tokens).pooler_output[0]
                else:
                    vector = model.model(tokens).text_embeds[0]
            vectors.append((vector / vector.norm()).numpy())
        found |= {f"{family}-ids": padded(ids), family: np.stack(vectors)}
        example = torch.randint(0, 100, (2, rules.max_tokens if rules.fixed_length else 9))
        if family == "bert-cls":
            names = ("input_ids", "attention_mask", "token_type_ids")
            write_graph(family, model, (example, torch.ones_like(example), torch.zeros_like(example)), names)
        else:
            write_graph(family, model, (example,), ("input_ids",))
    return found


# -- pictures -----------------------------------------------------------------------------------------------------


def _square(picture: Image.Image, edge: int) -> torch.Tensor:
    """Pad to a white square and scale it, as JoyTag's and the WD taggers' code does; 0 to 1, channels first."""
    longest = max(picture.size)
    square = Image.new("RGB", (longest, longest), (255, 255, 255))
    square.paste(picture, ((longest - picture.width) // 2, (longest - picture.height) // 2))
    if longest != edge:
        square = square.resize((edge, edge), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1).float() / 255


def _normalised(values: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    return (values - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def _processors() -> dict[str, Callable[[Image.Image], torch.Tensor]]:
    """Return what each family's own code makes of a picture in front of the network."""
    clip_class = getattr(transformers, "CLIPImageProcessorPil", None) or transformers.CLIPImageProcessor
    siglip_class = getattr(transformers, "SiglipImageProcessorPil", None) or transformers.SiglipImageProcessor
    print("image processors:", clip_class.__module__, siglip_class.__module__)
    clip = clip_class(size={"shortest_edge": 70}, crop_size={"height": 70, "width": 70})
    siglip = siglip_class(size={"height": 64, "width": 64})

    def processed(processor: Any) -> Callable[[Image.Image], torch.Tensor]:
        return lambda picture: torch.as_tensor(np.asarray(processor(picture, return_tensors="np")["pixel_values"][0]))

    def wd(edge: int) -> Callable[[Image.Image], torch.Tensor]:
        # The networks were trained on blue, green, red; their weights of timm take the same.
        return lambda picture: _normalised(_square(picture, edge), (0.5,) * 3, (0.5,) * 3)[[2, 1, 0]]

    return {
        "clip-vision": processed(clip),
        "clip-vision-projected": processed(clip),
        "siglip-vision": processed(siglip),
        "joytag": lambda picture: _normalised(_square(picture, 64), _CLIP_MEAN, _CLIP_STD),
        "timm-vit": wd(64),
        "swinv2": wd(64),
        "eva02": wd(70),
    }


def _pictures() -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    decoded = [upright_rgb(data) for data in odd_pictures().values()]
    processors = _processors()
    for family, model in _picture_models().items():
        dress(model)
        batch = torch.stack([processors[family](picture) for picture in decoded]).float()
        with torch.no_grad():
            if isinstance(model, Wd):
                outputs = model.model(batch).sigmoid()
            else:
                outputs = model(batch).sigmoid() if family == "joytag" else model(batch)
        if spec_of(family).tags is None:
            outputs = outputs / outputs.norm(dim=1, keepdim=True)
        found[family] = outputs.numpy()
        near = outputs @ outputs.T
        spread = float(outputs.std(dim=0).mean())
        print(f"{family}: spread over pictures {spread:.3f}, mean product {float(near.mean()):.3f}")
        edge = batch.shape[-1]
        shape = (2, edge, edge, 3) if isinstance(model, Wd) else (2, 3, edge, edge)
        write_graph(family, model, (torch.rand(shape) * (255 if isinstance(model, Wd) else 1),), ("picture",))
    return found


def main() -> None:
    """Write everything."""
    torch.manual_seed(0)
    outputs = _texts(Path(sys.argv[1])) | _pictures()
    np.savez_compressed(HERE / "outputs.npz", **outputs)
    total = sum(file.stat().st_size for file in HERE.iterdir() if file.suffix in (".xz", ".npz"))
    print(f"{len(TEXTS)} texts, {len(odd_pictures())} pictures, {total:,} bytes in all")
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, timm {timm.__version__}")


if __name__ == "__main__":
    main()

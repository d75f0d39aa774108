"""A LLaVA pair of random weights, small enough for a test, that llama.cpp loads and that answers in words.

The files are written byte by byte, after the description of GGUF version 3 in the ggml project (docs/gguf.md). Two
channels of the residual stream are reserved: channel 0 is one constant for every token, so that a column of the output
weights is a bias by which only words can come; channel 1 is set by "." alone and read by the end of the turn alone, so
that an answer ends behind a full stop. Everything else is random: the words depend on the picture and on the prompt.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_SPOKEN = (
    "a the young old man woman girl dog cat horse bird house tree river street sky sea light hat dress window table "
    "red green blue white black yellow large small bright dark warm soft standing sitting running looking smiling "
    "with near under on in at behind and of two three photograph painting image background foreground flowers"
)
WORDS = _SPOKEN.split()
_CONTROL = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
_TEMPLATE = (
    "{% for message in messages %}{% if loop.index0 == 0 %}{{ bos_token }}{% endif %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
_HEADS, _LAYERS = 4, 2
_EYE_WIDTH, _EYE_HEADS, _EYE_HIDDEN, _PATCH = 32, 2, 96, 14

_UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY, _INT32 = 4, 6, 7, 8, 9, 5


def write_pair(folder: Path, *, image_size: int = 56, width: int = 64, seed: int = 1) -> tuple[Path, Path]:
    """Write a text model and its projector; return their paths.

    Args:
        image_size: edge of the picture that the model sees; 56 are 16 tokens, 336 are 576.
        width: of the text model: what its prompts and answers cost.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model, projector = folder / "tiny-llava.gguf", folder / "tiny-llava-mmproj.gguf"
    _write_gguf(model, *_text_model(np.random.RandomState(seed), width))
    _write_gguf(projector, *_projector(np.random.RandomState(seed + 1000), image_size, width))
    return model, projector


def _write_gguf(path: Path, keys: dict[str, tuple[int, Any]], tensors: dict[str, Array]) -> None:
    out = [struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(keys))]
    for name, (kind, value) in keys.items():
        out += [_string(name), struct.pack("<I", kind), _value(kind, value)]
    at, data = 0, []
    for name, array in tensors.items():
        out += [_string(name), struct.pack("<I", array.ndim), struct.pack(f"<{array.ndim}Q", *reversed(array.shape))]
        out.append(struct.pack("<IQ", 1 if array.dtype == np.float16 else 0, at))
        raw = array.tobytes()
        data.append(raw + bytes(-len(raw) % 32))
        at += len(data[-1])
    head = b"".join(out)
    path.write_bytes(head + bytes(-len(head) % 32) + b"".join(data))


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(kind: int, value: Any) -> bytes:
    if kind == _STRING:
        return _string(value)
    if kind == _ARRAY:
        of, items = value
        return struct.pack("<IQ", of, len(items)) + b"".join(_value(of, item) for item in items)
    return struct.pack({_UINT32: "<I", _FLOAT32: "<f", _BOOL: "<?", _INT32: "<i"}[kind], value)


def _letters() -> list[str]:
    """The printable stand-ins of the 256 bytes in byte-level BPE, by byte."""
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    spare = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(spare)) for byte in range(256)]


def _text_model(rng: np.random.RandomState, width: int) -> tuple[dict[str, tuple[int, Any]], dict[str, Array]]:
    letters = _letters()
    tokens, merges = list(letters), []
    for word in WORDS:  # each word with a space before it is one token, by a chain of merges
        left = letters[0x20]
        for sign in word:
            if left + sign not in tokens:
                merges.append(f"{left} {sign}")
                tokens.append(left + sign)
            left += sign
    kinds = [1] * len(tokens) + [3] * len(_CONTROL)
    tokens += _CONTROL
    ids = {token: number for number, token in enumerate(tokens)}
    said = sorted({ids[letters[0x20] + word] for word in WORDS} | {ids["."]})

    embedded = rng.standard_normal((len(tokens), width)).astype(np.float32)
    embedded[:, 0], embedded[:, 1] = 4.0, 0.0
    embedded[ids["."], 1] = 8.0
    output = rng.standard_normal((len(tokens), width)).astype(np.float32) * 0.3
    output -= embedded * 0.1  # hardly a word twice in a row
    output[:, 0], output[:, 1] = -20.0, 0.0
    output[said, 0] = 0.0
    output[ids["."], 0], output[ids["."], 1] = 1.2, -10.0
    output[ids["<|eot_id|>"], 1] = 40.0

    keys: dict[str, tuple[int, Any]] = {
        "general.architecture": (_STRING, "llama"),
        "general.name": (_STRING, "tiny-llava"),
        "llama.context_length": (_UINT32, 8192),
        "llama.embedding_length": (_UINT32, width),
        "llama.block_count": (_UINT32, _LAYERS),
        "llama.feed_forward_length": (_UINT32, 2 * width),
        "llama.attention.head_count": (_UINT32, _HEADS),
        "llama.attention.head_count_kv": (_UINT32, _HEADS),
        "llama.attention.layer_norm_rms_epsilon": (_FLOAT32, 1e-5),
        "llama.rope.freq_base": (_FLOAT32, 500000.0),
        "tokenizer.ggml.model": (_STRING, "gpt2"),
        "tokenizer.ggml.pre": (_STRING, "llama-bpe"),
        "tokenizer.ggml.tokens": (_ARRAY, (_STRING, tokens)),
        "tokenizer.ggml.token_type": (_ARRAY, (_INT32, kinds)),
        "tokenizer.ggml.merges": (_ARRAY, (_STRING, merges)),
        "tokenizer.ggml.bos_token_id": (_UINT32, ids["<|begin_of_text|>"]),
        "tokenizer.ggml.eos_token_id": (_UINT32, ids["<|eot_id|>"]),
        "tokenizer.ggml.add_bos_token": (_BOOL, True),
        "tokenizer.chat_template": (_STRING, _TEMPLATE),
    }
    tensors = {
        "token_embd.weight": embedded,
        "output_norm.weight": np.ones(width, np.float32),
        "output.weight": output,
    }
    for layer in range(_LAYERS):
        for name, rows, columns, scale in (
            ("attn_q", width, width, 1.5),
            ("attn_k", width, width, 1.5),
            ("attn_v", width, width, 1.5),
            ("attn_output", width, width, 1.0),
            ("ffn_gate", 2 * width, width, 1.0),
            ("ffn_up", 2 * width, width, 1.0),
            ("ffn_down", width, 2 * width, 0.5),
        ):
            weights = _random(rng, rows, columns, scale).astype(np.float32)
            if name in ("attn_output", "ffn_down"):
                weights[:2] = 0.0
            tensors[f"blk.{layer}.{name}.weight"] = weights
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"blk.{layer}.{name}.weight"] = np.ones(width, np.float32)
    return keys, tensors


def _projector(
    rng: np.random.RandomState, image_size: int, width: int
) -> tuple[dict[str, tuple[int, Any]], dict[str, Array]]:
    keys: dict[str, tuple[int, Any]] = {
        "general.architecture": (_STRING, "clip"),
        "clip.has_vision_encoder": (_BOOL, True),
        "clip.has_llava_projector": (_BOOL, True),
        "clip.projector_type": (_STRING, "mlp"),
        "clip.use_gelu": (_BOOL, True),
        "clip.vision.image_size": (_UINT32, image_size),
        "clip.vision.patch_size": (_UINT32, _PATCH),
        "clip.vision.embedding_length": (_UINT32, _EYE_WIDTH),
        "clip.vision.feed_forward_length": (_UINT32, _EYE_HIDDEN),
        "clip.vision.projection_dim": (_UINT32, width),
        "clip.vision.attention.head_count": (_UINT32, _EYE_HEADS),
        "clip.vision.attention.layer_norm_epsilon": (_FLOAT32, 1e-6),
        "clip.vision.block_count": (_UINT32, _LAYERS),
        "clip.vision.feature_layer": (_ARRAY, (_INT32, [_LAYERS])),
        "clip.vision.image_mean": (_ARRAY, (_FLOAT32, [0.5] * 3)),
        "clip.vision.image_std": (_ARRAY, (_FLOAT32, [0.5] * 3)),
    }
    patches = rng.standard_normal((_EYE_WIDTH, 3, _PATCH, _PATCH)) * 2.0 / np.sqrt(3 * _PATCH * _PATCH)
    places = rng.standard_normal(((image_size // _PATCH) ** 2, _EYE_WIDTH)) * 0.3
    tensors = {
        "v.patch_embd.weight": patches.astype(np.float16),
        "v.patch_embd.bias": np.zeros(_EYE_WIDTH, np.float32),
        "v.position_embd.weight": places.astype(np.float32),
    }
    for layer in range(_LAYERS):
        block = f"v.blk.{layer}."
        for norm in ("ln1", "ln2"):
            tensors[f"{block}{norm}.weight"] = np.ones(_EYE_WIDTH, np.float32)
            tensors[f"{block}{norm}.bias"] = np.zeros(_EYE_WIDTH, np.float32)
        for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
            tensors[f"{block}{part}.weight"] = _random(rng, _EYE_WIDTH, _EYE_WIDTH, 1.0)
            tensors[f"{block}{part}.bias"] = np.zeros(_EYE_WIDTH, np.float32)
        tensors[f"{block}ffn_up.weight"] = _random(rng, _EYE_HIDDEN, _EYE_WIDTH, 1.0)
        tensors[f"{block}ffn_up.bias"] = np.zeros(_EYE_HIDDEN, np.float32)
        tensors[f"{block}ffn_down.weight"] = _random(rng, _EYE_WIDTH, _EYE_HIDDEN, 1.0)
        tensors[f"{block}ffn_down.bias"] = np.zeros(_EYE_WIDTH, np.float32)
    last, bias = _random(rng, width, width, 2.0), np.zeros(width, np.float32)
    last[:2], bias[0] = 0.0, 4.0
    tensors["mm.0.weight"] = _random(rng, width, _EYE_WIDTH, 1.5)
    tensors["mm.0.bias"] = np.zeros(width, np.float32)
    tensors["mm.2.weight"] = last
    tensors["mm.2.bias"] = bias
    return keys, tensors


def _random(rng: np.random.RandomState, rows: int, columns: int, scale: float) -> Array:
    return (rng.standard_normal((rows, columns)) * scale / np.sqrt(columns)).astype(np.float16)

#!/usr/bin/env bash
# Surprise: a WebP picture sent to llama.cpp's server starts a program named ffprobe, and is refused all the same.
# Packages: xllamacpp 2026.10.11549, numpy 2.4.6, pillow 13.0.0
# Guess:    a picture in a format that the server does not decode is refused; decoding starts no other program.
# Really:   what is no JPEG, PNG, GIF or BMP is taken for a video: `ffprobe` of PATH is started and gets the file on its
#           standard input. The answer is 400 "Failed to load image or audio file", also where there is no ffprobe.
# Matters:  a service that sends strangers' WebP files as they are: a process a request, on the machine of the server,
#           and an error that does not name the format.
# Remedy:   send JPEG or PNG.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    xllamacpp==2026.10.11549 numpy==2.4.6 pillow==13.0.0
cd "$work"
cat > models.py <<'PY'
"""Write a pair of random weights that llama.cpp loads, after the description of GGUF 3 in ggml's docs/gguf.md."""

import struct

import numpy as np

TYPES = {"I": 4, "i": 5, "f": 6, "?": 7, "s": 8}
WIDTH, HIDDEN, EYES, PATCH, EDGE = 64, 96, 32, 14, 56
chance = np.random.RandomState(1)


def packed(kind: str, value) -> bytes:
    """Return a value of GGUF: of a struct type, s for a text, [ and a type for a list."""
    if kind == "s":
        return struct.pack("<Q", len(value.encode())) + value.encode()
    if kind[0] == "[":
        return struct.pack("<IQ", TYPES[kind[1]], len(value)) + b"".join(packed(kind[1], one) for one in value)
    return struct.pack(f"<{kind}", value)


def write_gguf(path: str, keys: dict, tensors: dict) -> None:
    """Write a GGUF file of version 3."""
    head, data = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(keys)), b""
    for name, (kind, value) in keys.items():
        head += packed("s", name) + struct.pack("<I", 9 if kind[0] == "[" else TYPES[kind]) + packed(kind, value)
    for name, array in tensors.items():
        shape = array.shape[::-1]
        head += packed("s", name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        data += array.astype("<f4").tobytes()
        data += bytes(-len(data) % 32)
    with open(path, "wb") as file:
        file.write(head + bytes(-len(head) % 32) + data)


def weights(*shape: int) -> np.ndarray:
    return chance.standard_normal(shape) / np.sqrt(shape[-1])


def layer(prefix: str, width: int, out: str, norms: tuple[str, str], biased: bool) -> dict:
    """Return the tensors of one layer; channel 0 passes it unchanged."""
    shapes = {f"attn_{part}": (width, width) for part in ("q", "k", "v", out)}
    shapes |= {"ffn_gate": (HIDDEN, width)} if not biased else {}
    shapes |= {"ffn_up": (HIDDEN, width), "ffn_down": (width, HIDDEN)}
    found = {f"{prefix}.{name}.weight": weights(*shape) for name, shape in shapes.items()}
    found[f"{prefix}.attn_{out}.weight"][0] = found[f"{prefix}.ffn_down.weight"][0] = 0
    found |= {f"{prefix}.{name}.weight": np.ones(width) for name in norms}
    if biased:
        sides = {name: shape[0] for name, shape in shapes.items()} | dict.fromkeys(norms, width)
        found |= {f"{prefix}.{name}.bias": np.zeros(side) for name, side in sides.items()}
    return found


# A text model over single bytes. Channel 0 is the same for every token: its column of the output weights lets nothing
# but letters come.
plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
spare = iter(range(256, 512))
tokens = [chr(byte) if byte in plain else chr(next(spare)) for byte in range(256)] + ["ab", "<s>", "</s>"]
said, heard = weights(len(tokens), WIDTH), weights(len(tokens), WIDTH) * 8
heard[:, 0] = 4
said[:, 0] = [0 if len(token) == 1 and token.isascii() and token.isalpha() else -20 for token in tokens]
keys = {
    "general.architecture": ("s", "llama"),
    "llama.context_length": ("I", 2048),
    "llama.embedding_length": ("I", WIDTH),
    "llama.block_count": ("I", 1),
    "llama.feed_forward_length": ("I", HIDDEN),
    "llama.attention.head_count": ("I", 4),
    "llama.attention.layer_norm_rms_epsilon": ("f", 1e-5),
    "tokenizer.ggml.model": ("s", "gpt2"),
    "tokenizer.ggml.pre": ("s", "llama-bpe"),
    "tokenizer.ggml.tokens": ("[s", tokens),
    "tokenizer.ggml.token_type": ("[i", [1] * 257 + [3] * 2),
    "tokenizer.ggml.merges": ("[s", ["a b"]),
    "tokenizer.ggml.bos_token_id": ("I", 257),
    "tokenizer.ggml.eos_token_id": ("I", 258),
}
tensors = {"token_embd.weight": heard, "output_norm.weight": np.ones(WIDTH), "output.weight": said}
write_gguf("model.gguf", keys, tensors | layer("blk.0", WIDTH, "output", ("attn_norm", "ffn_norm"), biased=False))

# A projector of LLaVA's kind: a picture of 56x56 pixels becomes 16 tokens.
keys = {
    "general.architecture": ("s", "clip"),
    "clip.has_vision_encoder": ("?", True),
    "clip.projector_type": ("s", "mlp"),
    "clip.use_gelu": ("?", True),
    "clip.vision.image_size": ("I", EDGE),
    "clip.vision.patch_size": ("I", PATCH),
    "clip.vision.embedding_length": ("I", EYES),
    "clip.vision.feed_forward_length": ("I", HIDDEN),
    "clip.vision.projection_dim": ("I", WIDTH),
    "clip.vision.attention.head_count": ("I", 2),
    "clip.vision.attention.layer_norm_epsilon": ("f", 1e-6),
    "clip.vision.block_count": ("I", 1),
    "clip.vision.feature_layer": ("[i", [1]),
    "clip.vision.image_mean": ("[f", [0.5] * 3),
    "clip.vision.image_std": ("[f", [0.5] * 3),
}
tensors = {
    "v.patch_embd.weight": weights(EYES, 3, PATCH, PATCH),
    "v.patch_embd.bias": np.zeros(EYES),
    "v.position_embd.weight": weights((EDGE // PATCH) ** 2, EYES),
    "mm.0.weight": weights(WIDTH, EYES),
    "mm.0.bias": np.zeros(WIDTH),
    "mm.2.weight": weights(WIDTH, WIDTH),
    "mm.2.bias": np.zeros(WIDTH),
}
write_gguf("projector.gguf", keys, tensors | layer("v.blk.0", EYES, "out", ("ln1", "ln2"), biased=True))
PY
cat > served.py <<'PY'
"""The server of xllamacpp on the model of this folder, and requests to it."""

import json
import sys
import time
import urllib.error
import urllib.request
from importlib.metadata import version

import models  # noqa: F401
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = "model.gguf"
params.mmproj.path = "projector.gguf"
params.hostnames, params.port, params.n_ctx, params.n_parallel, params.ui = ["127.0.0.1"], 0, 4096, 2, False
server = xllamacpp.Server(params)
print("xllamacpp", version("xllamacpp"))


def ask(messages: list, **more) -> str:
    """Return the body of the answer, with its status in front where that is not 200."""
    body = {"messages": messages, "max_tokens": 4, "temperature": 0, "id_slot": 0} | more
    request = urllib.request.Request(
        server.listening_address + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    while True:
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            if error.code != 503:  # 503: it loads the model
                return f"{error.code} {error.read().decode()}"
            time.sleep(0.1)


def expect(what: str, seen: object, known: object) -> None:
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")
PY
venv/bin/python - 2> log.txt <<'PY' || { tail -n 5 log.txt; exit 1; }
import base64
import io
import os
from pathlib import Path

Path("bin").mkdir()
Path("bin/ffprobe").write_text('#!/bin/sh\necho started >> "$STARTED"\nexit 1\n')
Path("bin/ffprobe").chmod(0o755)
os.environ |= {"PATH": f"{Path('bin').absolute()}:{os.environ['PATH']}", "STARTED": str(Path("started").absolute())}

from PIL import Image  # noqa: E402
from served import ask, expect  # noqa: E402


def sent(form: str) -> tuple[str, int]:
    """Send a picture in a format; return the begin of what is answered, and how often ffprobe has been started."""
    out = io.BytesIO()
    Image.radial_gradient("L").resize((56, 56)).convert("RGB").save(out, form)
    url = f"data:image/{form.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"
    answer = ask([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])
    started = Path("started")
    return answer[:12], len(started.read_text().splitlines()) if started.exists() else 0


for form in ("PNG", "JPEG", "GIF", "BMP"):
    expect(form, sent(form), ('{"choices":[', 0))
expect("WEBP", sent("WEBP"), ('400 {"error"', 1))
PY
echo "as known"

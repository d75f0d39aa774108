#!/usr/bin/env bash
# Surprise: words given to llama.cpp's server to go on from stand in a whole answer, and not in a streamed one.
# Packages: xllamacpp 2026.10.11549, numpy 2.4.6
# Guess:    when the last message is one of the assistant, the answer goes on from it, and a stream has the same text in
#           pieces that the whole answer has.
# Really:   `content` of a whole answer begins with the given words; the pieces of a stream begin behind them.
# Matters:  a client that lets people choose between the two, or joins the given words to the answer: they are there
#           twice, or not at all.
# Remedy:   take the given words off the begin of a whole answer, and join them oneself in both cases.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    xllamacpp==2026.10.11549 numpy==2.4.6
cd "$work"
cat > models.py <<'PY'
"""Write a model of random weights that llama.cpp loads, after the description of GGUF 3 in ggml's docs/gguf.md."""

import struct

import numpy as np

TYPES = {"I": 4, "i": 5, "f": 6, "s": 8}
WIDTH, HIDDEN = 64, 96
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


def layer() -> dict:
    """Return the tensors of one layer; channel 0 passes it unchanged."""
    shapes = {f"attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "output")}
    shapes |= {"ffn_gate": (HIDDEN, WIDTH), "ffn_up": (HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN)}
    found = {f"blk.0.{name}.weight": weights(*shape) for name, shape in shapes.items()}
    found["blk.0.attn_output.weight"][0] = found["blk.0.ffn_down.weight"][0] = 0
    return found | {f"blk.0.{name}.weight": np.ones(WIDTH) for name in ("attn_norm", "ffn_norm")}


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
write_gguf("model.gguf", keys, tensors | layer())
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
import json

from served import ask, expect

given = [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": "The word is"}]


def pieces(body: str) -> list:
    """Return the texts in the chunks of a stream."""
    lines = [line[6:] for line in body.splitlines() if line.startswith("data: {")]
    found = [choice["delta"].get("content") for line in lines for choice in json.loads(line)["choices"]]
    return [text for text in found if text]


whole = json.loads(ask(given))
text = whole["choices"][0]["message"]["content"]
streamed = "".join(pieces(ask(given, stream=True)))
expect("tokens of the answer", whole["usage"]["completion_tokens"], 4)
expect("the whole answer begins with the given words", text[:11], "The word is")
expect("letters behind them", len(text) - 11, 4)
expect("the stream has those letters alone", streamed == text[11:], True)
asked = given[:1]
text = json.loads(ask(asked))["choices"][0]["message"]["content"]
expect("without given words both have the same text", "".join(pieces(ask(asked, stream=True))) == text, True)
PY
echo "as known"

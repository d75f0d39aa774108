#!/usr/bin/env bash
# Surprise: for open_clip the end of a text is spelled `<end_of_text>`; CLIP's own spelling is plain text to it.
# Packages: open_clip_torch 3.3.0, ftfy 6.3.1, regex 2026.11.19, numpy 2.4.6 (torch is stood in for:
#           no text is put into a tensor)
# Guess:    the tokenizer of open_clip, made of OpenAI's merges, has OpenAI's names for its two special tokens: 49406 is
#           `<|startoftext|>`, 49407 `<|endoftext|>`.
# Really:   the numbers are those, the names are `<start_of_text>` and `<end_of_text>`. Written in a text, the latter
#           becomes 49407, where the model stops to look, and `<|endoftext|>` becomes several ordinary tokens.
# Matters:  a tokenizer.json from the hub stands for open_clip's: prompts with either word get other vectors, and who
#           looks up the end of text by its name finds nothing.
# Remedy:   take the numbers from sot_token_id and eot_token_id; rename both tokens in a tokenizer.json.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    ftfy==6.3.1 regex==2026.11.19 numpy==2.4.6
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: --no-deps open_clip_torch==3.3.0
"$work/venv/bin/python" - <<'PY'
import importlib.util
import sys
import types
from importlib.metadata import version
from pathlib import Path

torch = types.ModuleType("torch")
torch.LongTensor = torch.Tensor = object
sys.modules["torch"] = torch
# The package itself loads every model; its tokenizer is one file beside its merges.
home = Path(importlib.util.find_spec("open_clip").submodule_search_locations[0])
spec = importlib.util.spec_from_file_location("tokenizer", home / "tokenizer.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
tokenizer = module.SimpleTokenizer()
print("open_clip_torch", version("open_clip_torch"))


def expect(what: str, seen: object, known: object) -> None:
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")


expect("begin and end of a text", (tokenizer.sot_token_id, tokenizer.eot_token_id), (49406, 49407))
expect("their names", [tokenizer.decoder[number] for number in (49406, 49407)], ["<start_of_text>", "<end_of_text>"])
expect("CLIP's name for the end is known", "<|endoftext|>" in tokenizer.encoder, False)
expect("the word <end_of_text>", tokenizer.encode("<end_of_text>"), [49407])
plain = tokenizer.encode("<|endoftext|>")
expect("the word <|endoftext|>: tokens, the end among them", (len(plain) > 1, 49407 in plain), (True, False))
PY
echo "as known"

#!/usr/bin/env bash
# Surprise: a reader of AUTOMATIC1111's parameters reports the model and steps that stand inside another value.
# Packages: sd-parsers 0.6, pillow 13.0.0
# Guess:    "Hires prompt: "a dog, Model: toy, Steps: 9, x"" is one value, since the webui puts values with commas or
#           colons into double quotes for that purpose; the picture's model stays "real", its steps stay 20.
# Really:   sd-parsers splits the line at every comma first. Model and steps come from the quoted prompt, the prompt
#           itself is cut short with an opening quote, and of two LoRA hashes one turns into a parameter named after the
#           LoRA while the other is lost.
# Matters:  whoever compares a reader with this one, or takes over what a tool built on it has stored.
# Remedy:   take quoted values first, with JSON's escapes, then split.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    sd-parsers==0.6 pillow==13.0.0
cd "$work"
venv/bin/python - <<'PY'
import sys
from importlib.metadata import version

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sd_parsers import ParserManager

print("sd-parsers", version("sd-parsers"))
SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x64, Model: real"


def read(more: str) -> dict[str, object]:
    text = PngInfo()
    text.add_text("parameters", f"a cat\nNegative prompt: blurry\n{SETTINGS}{more}")
    Image.new("RGB", (64, 64)).save("picture.png", pnginfo=text)
    found = ParserManager().parse("picture.png")
    (sampler,) = found.samplers
    return {"model": sampler.model.name, "steps": sampler.parameters["steps"], **found.metadata}


def expect(more: str, known: dict[str, object]) -> None:
    seen = read(more)
    print(f"{more.lstrip(', ') or 'no more settings'}\n    -> {seen}")
    if seen != known:
        sys.exit(f"CHANGED: it was {known}")


expect("", {"model": "real", "steps": "20", "Size": "64x64"})
expect(
    ', Hires prompt: "a dog, Model: toy, Steps: 9, x"',
    {"model": "toy", "steps": "9", "Size": "64x64", "Hires prompt": '"a dog'},
)
expect(
    ', Lora hashes: "one: 0a1b, two: 3c4d"',
    {"model": "real", "steps": "20", "Size": "64x64", "two": '3c4d"'},
)
PY
echo "as known"

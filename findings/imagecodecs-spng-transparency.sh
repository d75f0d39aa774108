#!/usr/bin/env bash
# Surprise: spng_decode of imagecodecs drops the transparency of a tRNS chunk without a word, and png_decode keeps it.
# Packages: imagecodecs 2026.3.6, pillow 13.0.0, numpy 2.4.6
# Guess:    two decoders of one package give the same picture, or one refuses what it cannot do, as spng_decode does
#           with grey and alpha.
# Really:   of an RGB picture with tRNS spng_decode gives three channels, the clear pixels in the colour that stands for
#           them; png_decode gives four. Both are silent.
# Matters:  pictures with a clear ground: what stands for "nothing" (black, magenta) is taken for a colour.
# Remedy:   look for tRNS before the pixels, and give such a file to another decoder.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    imagecodecs==2026.3.6 pillow==13.0.0 numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
import io
import sys
from importlib.metadata import version

import imagecodecs
import numpy as np
from PIL import Image

print("imagecodecs", version("imagecodecs"), "- Pillow", version("pillow"))
pixels = np.zeros((8, 8, 3), np.uint8)
pixels[:4] = (255, 0, 255)
out = io.BytesIO()
Image.fromarray(pixels).save(out, "PNG", transparency=(255, 0, 255))
data = out.getvalue()
shapes = {name: getattr(imagecodecs, name)(data).shape for name in ("spng_decode", "png_decode")}
seen = Image.open(io.BytesIO(data)).convert("RGBA").getpixel((0, 0))
print(f"{shapes}, Pillow's first pixel {seen}")
if shapes != {"spng_decode": (8, 8, 3), "png_decode": (8, 8, 4)} or seen != (255, 0, 255, 0):
    sys.exit("CHANGED: spng_decode gave three channels, png_decode four")
PY
echo "as known"

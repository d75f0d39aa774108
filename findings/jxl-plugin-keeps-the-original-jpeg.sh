#!/usr/bin/env bash
# Surprise: a JPEG that was opened, shrunk or painted over in place and saved as JPEG XL is saved as it was on the disk.
# Packages: pillow-jxl-plugin 1.3.8, pillow 13.0.0
# Guess:    save() writes the pixels, the size and the exif= that it is given, as Pillow's own savers do.
# Really:   while the image still says format == "JPEG" (thumbnail() and ImageDraw leave it so), the plugin packs the
#           file behind it without loss: full size, old pixels, and exif= is ignored. Only a warning about "JPEG
#           reconstruction" tells. copy() loses the format and is safe.
# Matters:  thumbnails and re-encoded copies of a library of JPEGs; metadata added while converting.
# Remedy:   lossless_jpeg=False, or save image.copy().
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    pillow-jxl-plugin==1.3.8 pillow==13.0.0
cd "$work"
venv/bin/python - <<'PY'
import sys
import warnings
from importlib.metadata import version

import pillow_jxl  # noqa: F401
from PIL import Image, ImageDraw

print("pillow-jxl-plugin", version("pillow-jxl-plugin"), "- Pillow", version("pillow"))
Image.new("RGB", (320, 200), "white").save("white.jpg", quality=95)


def expect(what: str, seen: object, known: object) -> None:
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")


description = Image.Exif()
description[0x010E] = "a fox in snow"

with Image.open("white.jpg") as image:
    image.thumbnail((64, 64))
    expect("thumbnail in memory", image.size, (64, 40))
    image.save("small.webp", exif=description.tobytes())
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        image.save("small.jxl", exif=description.tobytes(), quality=50)
    expect("warned of JPEG reconstruction", ["JPEG reconstruction" in str(w.message) for w in warned], [True])
    image.save("right.jxl", exif=description.tobytes(), quality=50, lossless_jpeg=False)
for name, size, text in (
    ("small.webp", (64, 40), "a fox in snow"),
    ("small.jxl", (320, 200), None),
    ("right.jxl", (64, 40), "a fox in snow"),
):
    with Image.open(name) as image:
        expect(f"{name}: size and description", (image.size, image.getexif().get(0x010E)), (size, text))

with Image.open("white.jpg") as image:
    ImageDraw.Draw(image).rectangle((0, 0, 319, 199), fill="black")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image.save("painted.jxl")
    image.copy().save("copied.jxl")
for name, pixel in (("painted.jxl", (255, 255, 255)), ("copied.jxl", (0, 0, 0))):
    with Image.open(name) as image:
        expect(f"{name}: a pixel that was painted black", image.convert("RGB").getpixel((100, 100)), pixel)
PY
echo "as known"

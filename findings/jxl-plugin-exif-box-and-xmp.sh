#!/usr/bin/env bash
# Surprise: EXIF of a JPEG XL begins four bytes early, and XMP that was saved with it does not come back.
# Packages: pillow-jxl-plugin 1.3.8, pillow 13.0.0
# Guess:    the box "Exif" begins with the four bytes of offset that ISO/IEC 18181-2 (and HEIF, and so Pillow's AVIF) has
#           there, and what save(exif=, xmp=) wrote stands in info under "exif" and "xmp", as with WebP and AVIF.
# Really:   the box begins with the TIFF header itself; a reader that skips the offset finds "\0\0\0\x08" in its place.
#           The plugin reads both forms. The box "xml " is written and never read: info has no "xmp".
# Matters:  prompts and settings that programs keep in EXIF or XMP of .jxl files; copies that shall keep them.
# Remedy:   read the boxes: take the offset for one only where no TIFF header stands; XMP is plain text in "xml ".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    pillow-jxl-plugin==1.3.8 pillow==13.0.0
cd "$work"
venv/bin/python - <<'PY'
import sys
from importlib.metadata import version
from pathlib import Path

import pillow_jxl  # noqa: F401
from PIL import Image

print("pillow-jxl-plugin", version("pillow-jxl-plugin"), "- Pillow", version("pillow"))


def expect(what: str, seen: object, known: object) -> None:
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")


def boxes(path: str) -> dict[bytes, bytes]:
    data, at, found = Path(path).read_bytes(), 0, {}
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big") or len(data) - at
        found[data[at + 4 : at + 8]] = data[at + 8 : at + size]
        at += size
    return found


description = Image.Exif()
description[0x010E] = "a fox in snow"
packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
for ending in ("jxl", "avif", "webp"):
    Image.new("RGB", (16, 16)).save(f"a.{ending}", exif=description.tobytes(), xmp=packet)

saved = boxes("a.jxl")
expect("JPEG XL: the box Exif begins with", saved[b"Exif"][:4], b"MM\0*")
expect("JPEG XL: four bytes further on stand", saved[b"Exif"][4:8], b"\0\0\0\x08")
avif = Path("a.avif").read_bytes()
begin = avif.index(b"Exif\0\0MM\0*")
expect("AVIF: before Exif and the TIFF header stand", avif[begin - 4 : begin], b"\0\0\0\x06")
expect("JPEG XL: the box xml holds the packet", saved[b"xml "], packet)
for ending, read in (("jxl", None), ("avif", packet), ("webp", packet)):
    with Image.open(f"a.{ending}") as image:
        expect(f"a.{ending}: description", image.getexif().get(0x010E), "a fox in snow")
        expect(f"a.{ending}: XMP", image.info.get("xmp"), read)

# With the offset, as the standard has it, the plugin reads the same.
data = Path("a.jxl").read_bytes()
at = data.index(b"Exif") - 4
size = int.from_bytes(data[at : at + 4], "big") + 4
Path("b.jxl").write_bytes(data[:at] + size.to_bytes(4, "big") + b"Exif" + bytes(4) + data[at + 8 :])
expect("b.jxl: the box Exif begins with", boxes("b.jxl")[b"Exif"][:8], b"\0\0\0\0MM\0*")
with Image.open("b.jxl") as image:
    expect("b.jxl: description", image.getexif().get(0x010E), "a fox in snow")
PY
echo "as known"

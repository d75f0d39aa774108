#!/usr/bin/env bash
# Surprise: the size that a HEIC file states first is not the picture's, and small pictures claim to be 64x64.
# Packages: pillow-heif 1.8.1, pillow 13.0.0
# Guess:    the property `ispe` of ISO/IEC 23008-12 holds the width and the height, as it does in AVIF of the same picture.
# Really:   it holds the coded size: even sides, each at least 64. The picture is what a second property, `clap`, cuts out
#           of it: width and height as fractions, and where its middle lies. Without odd or small sides there is no `clap`.
# Matters:  readers that take the size from the boxes: size queries, portrait or landscape, groups by pixel size.
# Remedy:   where the item has a `clap`, its width and height are the size.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    pillow-heif==1.8.1 pillow==13.0.0
cd "$work"
venv/bin/python - <<'PY'
import io
import struct
import sys
from importlib.metadata import version

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
print("pillow-heif", version("pillow-heif"), "- Pillow", version("pillow"))


def expect(what: str, seen: object, known: object) -> None:
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")


def stated(size: tuple[int, int], form: str) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """Return the size in ispe, and that in clap."""
    stream = io.BytesIO()
    Image.new("RGB", size, (9, 99, 30)).save(stream, form)
    data = stream.getvalue()
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == size
    at = data.index(b"ispe")
    cut = data.find(b"clap")
    width, over, height, under = struct.unpack_from(">4I", data, cut + 4) if cut >= 0 else (0, 1, 0, 1)
    return struct.unpack_from(">2I", data, at + 8), (width // over, height // under) if cut >= 0 else None


expect("HEIC of 640x480", stated((640, 480), "HEIF"), ((640, 480), None))
expect("HEIC of 641x481", stated((641, 481), "HEIF"), ((642, 482), (641, 481)))
expect("HEIC of 40x30", stated((40, 30), "HEIF"), ((64, 64), (40, 30)))
expect("AVIF of 641x481", stated((641, 481), "AVIF"), ((641, 481), None))
expect("AVIF of 40x30", stated((40, 30), "AVIF"), ((40, 30), None))
PY
echo "as known"

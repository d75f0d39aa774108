#!/usr/bin/env bash
# Surprise: a WebP picture sent to llama.cpp's server starts a program named ffprobe, and is refused all the same.
# Packages: xllamacpp 2026.10.11549, numpy 2.4.6, pillow 13.0.0
# Guess:    a picture in a format that the server does not decode is refused; decoding starts no other program.
# Really:   what is no JPEG, PNG, GIF or BMP is taken for a video: `ffprobe` of PATH is started and gets the file on its
#           standard input. The answer is 400 "Failed to load image or audio file", also where there is no ffprobe.
# Matters:  a service that sends strangers' WebP files as they are: a process a request, on the machine of the server,
#           and an error that does not name the format.
# Remedy:   send JPEG or PNG.
source "$(dirname "$0")/llama-server.bash" pillow==13.0.0
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

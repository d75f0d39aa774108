#!/usr/bin/env bash
# Surprise: llama.cpp's server has a picture in its cache only as the same file, and with nothing new before it.
# Packages: xllamacpp 2026.10.11549, numpy 2.4.6, pillow 13.0.0
# Guess:    a second question about a picture costs little, as its tokens are in the slot's cache: whether text or picture
#           is the first part of the message, and however the pixels are encoded.
# Really:   with the picture first, all up to the question comes from the cache. With the text first, nothing of the
#           picture does. The same pixels in another file (another compression, another format) are another picture.
# Matters:  whoever asks several questions about each picture pays for encoding it each time, most of the work.
# Remedy:   encode once, send the very same bytes, the picture part first, and all questions in a row to one slot.
source "$(dirname "$0")/llama-server.bash" pillow==13.0.0
venv/bin/python - 2> log.txt <<'PY' || { tail -n 5 log.txt; exit 1; }
import base64
import io
import json

from PIL import Image
from served import ask, expect

SIZE = 56


def picture(form: str, **how) -> dict:
    """Return one picture as a part of a message, always of the same pixels."""
    out = io.BytesIO()
    Image.radial_gradient("L").resize((SIZE, SIZE)).convert("RGB").save(out, form, **how)
    data = base64.b64encode(out.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/{form.lower()};base64,{data}"}}


def question(words: str) -> dict:
    return {"type": "text", "text": words}


def cached(*parts: dict) -> int:
    """Ask, and return how many tokens of the request came from the cache."""
    return json.loads(ask([{"role": "user", "content": list(parts)}]))["timings"]["cache_n"]


png = picture("PNG")
expect("the first question", cached(png, question("What is this?")), 0)
template = cached(question("Say a word."))
expect("tokens of the template in front", template, 18)
cached(png, question("What is this?"))
expect("picture first, another question", cached(png, question("Name it.")), template + 16)
cached(question("What is this?"), png)
expect("text first, another question", cached(question("Name it."), png), template)
cached(png, question("What is this?"))
expect("picture first, the same file", cached(picture("PNG"), question("Is it old?")), template + 16)
expect("the same pixels, less compressed", cached(picture("PNG", compress_level=1), question("Is it new?")), template)
expect("the same pixels as BMP", cached(picture("BMP"), question("Is it red?")), template)
PY
echo "as known"

"""Texts hidden in the pixels."""

from __future__ import annotations

import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dtk_tui.metadata import stealth
from dtk_tui.metadata.bounded_file import BoundedFile
from tests.helpers.metadata import files
from tests.helpers.metadata.files import GRAPH, INFOTEXT, read


@pytest.mark.parametrize("mode", ["alpha", "rgb"])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("size", [(160, 200), (400, 30), (121, 119)])
@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_a_hidden_infotext(mode: str, packed: bool, size: tuple[int, int], form: str, tmp_path: Path) -> None:
    reading = read(tmp_path, files.stealth(INFOTEXT, mode=mode, packed=packed, size=size, form=form))
    assert (reading.dialect, reading.error) == ("a1111", None)
    assert reading.parameters.seed == 4179307297
    assert reading.chunks[0].source == "stealth"


def test_hidden_json(tmp_path: Path) -> None:
    novelai = {
        "Software": "NovelAI",
        "Source": "NovelAI Diffusion V4 37442FCA",
        "Comment": json.dumps({"prompt": "a castle", "uc": "blurry", "steps": 28, "seed": 5, "scale": 5}),
    }
    reading = read(tmp_path, files.stealth(json.dumps(novelai), mode="alpha", packed=True))
    assert (reading.dialect, reading.parameters.seed) == ("novelai", 5)
    assert reading.parameters.model == "NovelAI Diffusion V4 37442FCA"
    comfy = {"prompt": json.loads(GRAPH), "workflow": {}}
    assert read(tmp_path, files.stealth(json.dumps(comfy), mode="rgb", packed=False)).dialect == "comfyui"
    swarm = {"sui_image_params": {"prompt": "a castle", "seed": 6}}
    assert read(tmp_path, files.stealth(json.dumps(swarm), mode="rgb", packed=True)).dialect == "swarmui"


def test_a_damaged_hidden_text_is_reported(tmp_path: Path) -> None:
    data = files.stealth("x", mode="alpha", packed=False, size=(160, 200))
    pixels = np.array(Image.open(io.BytesIO(data)))
    column = pixels[:, :, 3].T.reshape(-1).copy()
    column[120:152] |= 1
    pixels[:, :, 3] = column.reshape(160, 200).T
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    assert read(tmp_path, buffer.getvalue()).error == "The text hidden in the pixels is damaged."


def test_pictures_without_one_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    real = stealth._decode

    def counting(source: BoundedFile) -> Any:
        decoded.append(source)
        return real(source)

    monkeypatch.setattr(stealth, "_decode", counting)

    for shade in ((10, 20, 30, 255), (255, 255, 255, 255), (0, 0, 0, 0)):
        Image.new("RGBA", (300, 300), shade).save(tmp_path / "a.png")
        assert read(tmp_path, (tmp_path / "a.png").read_bytes()).dialect is None
    assert not decoded
    with_text = files.stealth(INFOTEXT, mode="alpha", packed=True)
    marked = with_text[:33] + files.text("parameters", "b\nSteps: 3, Seed: 9") + with_text[33:]
    assert read(tmp_path, marked).parameters.seed == 9
    assert not decoded


def test_a_huge_picture_is_left_alone(tmp_path: Path) -> None:
    rows = zlib.compress(bytes(1000))
    header = files.chunk(b"IHDR", (100_000).to_bytes(4, "big") * 2 + b"\x08\x06\0\0\0")
    data = b"\x89PNG\r\n\x1a\n" + header + files.chunk(b"IDAT", rows) + files.chunk(b"IEND", b"")
    assert read(tmp_path, data).dialect is None

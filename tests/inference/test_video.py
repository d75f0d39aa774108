"""First frames of real videos."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from dtk_tui.errors import UnreadableFileError
from dtk_tui.inference.image_decoder import decode_image
from dtk_tui.services.library import previews

FORMATS = {"clip.mp4": "mpeg4", "clip.mov": "mpeg4", "clip.webm": "libvpx-vp9"}


def write_video(path: Path | str, codec: str, frames: int = 3) -> None:
    """Write a video whose first frame is green and whose others are red."""
    name = os.fsdecode(path)
    with open(name, "wb") as file, av.open(file, "w", format=name.rpartition(".")[2]) as container:
        stream = container.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(frames):
            colour = (0, 200, 0) if number == 0 else (200, 0, 0)
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (96, 64), colour))))
        container.mux(stream.encode())


@pytest.mark.parametrize("name", FORMATS)
def test_the_first_frame(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write_video(path, FORMATS[name])
    picture = decode_image(str(path))
    assert picture.mode == "RGB"
    assert picture.size == (96, 64)
    red, green, blue = np.asarray(picture).reshape(-1, 3).mean(axis=0)
    assert green > 150 > 100 > max(red, blue), "the first frame, not a later one"
    assert previews.load(str(path), (48, 48)).size == (48, 32)


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4")
    write_video(path, "mpeg4")
    assert decode_image(path).size == (96, 64)


def test_a_damaged_video_says_so(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_video(path, "mpeg4")
    whole = path.read_bytes()
    for cut in (40, len(whole) // 3):
        path.write_bytes(whole[:cut])
        with pytest.raises(UnreadableFileError):
            decode_image(str(path))
    path.write_bytes(b"#EXTM3U\nhttp://127.0.0.1:9/a.ts\n")
    with pytest.raises(UnreadableFileError, match="not a picture"):
        decode_image(str(path))


def test_without_pyav_a_video_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clip.mp4"
    write_video(path, "mpeg4")
    monkeypatch.setitem(sys.modules, "av", None)
    for decode in (decode_image, lambda name: previews.load(name, (40, 40))):
        with pytest.raises(UnreadableFileError) as caught:
            decode(str(path))
        assert "pip install 'dtk-tui[video]'" in caught.value.detail

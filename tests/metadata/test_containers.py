"""Every container hands over size and texts, wherever in the file they stand."""

from __future__ import annotations

import json
import os
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.errors import UnreadableFileError
from dtk_tui.metadata.reader import read_file
from tests.helpers.metadata import files
from tests.helpers.metadata.files import GRAPH, INFOTEXT, SEED, read


@pytest.mark.parametrize(
    "data",
    [
        files.png(files.text("parameters", INFOTEXT)),
        files.png(files.ztxt("parameters", INFOTEXT)),
        files.png(files.itxt("parameters", INFOTEXT)),
        files.png(files.itxt("parameters", INFOTEXT, packed=True)),
        files.png(after=(files.ztxt("parameters", INFOTEXT),)),
        files.png(files.text("Comment", "Created with GIMP"), after=(files.ztxt("parameters", INFOTEXT),)),
        files.png(files.chunk(b"eXIf", files.user_comment(INFOTEXT))),
        files.jpeg(files.user_comment(INFOTEXT)),
        files.jpeg(files.user_comment(INFOTEXT, "utf-16-le")),
        files.jpeg(files.user_comment(INFOTEXT, "utf-16")),
        files.jpeg(files.user_comment(INFOTEXT, "utf-8")),
        files.jpeg(files.tiff({}, {0x9286: b"ASCII\0\0\0" + INFOTEXT.encode()})),
        files.jpeg(files.tiff({}, {0x9286: b"UTF-8\0\0\0" + INFOTEXT.encode()})),
        files.jpeg(files.tiff({}, {0x9286: bytes(8) + INFOTEXT.encode()}, order="<")),
        files.jpeg(files.tiff({0x9286: INFOTEXT.encode()})),
        files.jpeg(files.tiff({0x9C9C: INFOTEXT.encode("utf-16-le") + b"\0\0"}, kind=1)),
        files.jpeg(comment=INFOTEXT.encode()),
        files.webp(files.user_comment(INFOTEXT)),
        files.webp(b"Exif\0\0" + files.user_comment(INFOTEXT, "utf-16-le")),
        files.gif(INFOTEXT.encode()),
        files.avif(files.user_comment(INFOTEXT)),
        files.tiff({0x010E: INFOTEXT.encode() + b"\0"}, order="<"),
        files.mp4({"comment": INFOTEXT}),
        files.mp4({"comment": INFOTEXT}, quicktime_keys=True),
        files.webm({"COMMENT": INFOTEXT}),
        files.webm({"PARAMETERS": INFOTEXT}),
    ],
)
def test_an_infotext_is_found(data: bytes, tmp_path: Path) -> None:
    reading = read(tmp_path, data)
    assert (reading.dialect, reading.error) == ("a1111", None)
    assert reading.parameters.seed == SEED
    assert reading.parameters.prompt == "a castle, (sunset:1.2) <lora:detail:0.8>\nby the sea"
    assert reading.parameters.negative_prompt == "blurry,\nlowres"


@pytest.mark.parametrize(
    "data",
    [
        files.png(files.text("prompt", GRAPH), files.text("workflow", '{"nodes": []}')),
        files.jpeg(files.tiff({0x010F: b"workflow:{}\0", 0x0110: b"prompt:" + GRAPH.encode() + b"\0"})),
        files.webp(files.tiff({0x010F: b"Prompt: " + GRAPH.encode() + b"\0", 0x010E: b"Workflow: {}\0"})),
        files.jpeg(files.user_comment('{"prompt": ' + GRAPH + ', "workflow": {}}')),
        files.jpeg(files.user_comment(json.dumps({"prompt": GRAPH, "workflow": "{}"}), "utf-8")),
        files.mp4({"comment": json.dumps({"prompt": GRAPH, "workflow": {}})}),
        files.mp4({"prompt": GRAPH, "workflow": "{}"}, quicktime_keys=True),
        files.webm({"COMMENT": json.dumps({"prompt": GRAPH})}),
        files.webm({"PROMPT": GRAPH}),
        files.avif(files.tiff({0x010F: b"workflow:{}\0", 0x0110: b"prompt:" + GRAPH.encode() + b"\0"})),
    ],
)
def test_a_graph_is_found(data: bytes, tmp_path: Path) -> None:
    reading = read(tmp_path, data)
    assert (reading.dialect, reading.error) == ("comfyui", None)
    assert (reading.parameters.prompt, reading.parameters.seed) == ("a castle", 5)


@pytest.mark.parametrize(
    ("data", "container", "size", "is_video"),
    [
        (files.png(), "PNG", (8, 6), False),
        (files.jpeg(), "JPEG", (8, 6), False),
        (files.webp(), "WEBP", (8, 6), False),
        (files.gif(b"hello"), "GIF", (8, 6), False),
        (files.avif(files.user_comment("hello")), "AVIF", (8, 6), False),
        (files.mp4({}), "MP4", (640, 360), True),
        (files.webm({}), "WEBM", (640, 360), True),
        (b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 8, -6, 1, 24, 0) + bytes(200), "BMP", (8, 6), False),
    ],
)
def test_the_content_tells_the_container(
    data: bytes, container: str, size: tuple[int, int], is_video: bool, tmp_path: Path
) -> None:
    reading = read(tmp_path, data, "misnamed.jpg")
    assert (reading.container, (reading.width, reading.height), reading.is_video) == (container, size, is_video)
    assert (reading.dialect, reading.error) == (None, None)


def test_pillow_writes_what_we_read(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x010E] = INFOTEXT
    written: dict[str, dict[str, Any]] = {
        "a.tiff": {},
        "b.bmp": {},
        "c.gif": {"comment": INFOTEXT.encode()},
        "d.webp": {"exif": exif},
        "e.avif": {"exif": exif},
        "f.jpg": {"exif": exif},
        "g.png": {"exif": exif},
    }
    for name, options in written.items():
        Image.new("RGB", (8, 6)).save(tmp_path / name, **options)
        reading = read_file(str(tmp_path / name), frozenset())
        assert (reading.width, reading.height, reading.error) == (8, 6, None), name
        assert (reading.parameters.seed == SEED) == bool(options), name


def test_an_animated_webp_keeps_its_text(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0110] = "prompt:" + GRAPH
    frames = [Image.new("RGB", (8, 6), (shade, 0, 0)) for shade in (0, 128, 255)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], exif=exif, duration=50)
    reading = read_file(str(tmp_path / "a.webp"), frozenset())
    assert (reading.dialect, reading.parameters.prompt, reading.width) == ("comfyui", "a castle", 8)


def test_latin_1_text_as_the_standard_says(tmp_path: Path) -> None:
    reading = read(tmp_path, files.png(files.text("parameters", INFOTEXT.replace("castle", "château"), "latin-1")))
    assert reading.parameters.prompt == "a château, (sunset:1.2) <lora:detail:0.8>\nby the sea"


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
def test_utf_16_without_a_latin_letter(encoding: str, tmp_path: Path) -> None:
    prompt = "初音ミクのポートレート。白背景。" * 200
    reading = read(tmp_path, files.jpeg(files.user_comment(f"{prompt}\nSteps: 5, Seed: 7", encoding)))
    assert (reading.parameters.prompt, reading.parameters.seed) == (prompt, 7)


def test_raw_exif_profile_of_imagemagick(tmp_path: Path) -> None:
    digits = (b"Exif\0\0" + files.user_comment(INFOTEXT)).hex()
    profile = f"\nexif\n{len(digits) // 2:8}\n" + "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    assert read(tmp_path, files.png(files.ztxt("Raw profile type exif", profile))).parameters.seed == SEED


def test_raw_xmp_profile_of_imagemagick(tmp_path: Path) -> None:
    packet = f"<x:xmpmeta><exif:UserComment>{INFOTEXT.replace('<', '&lt;').replace('>', '&gt;')}</exif:UserComment>"
    digits = f"{packet}</x:xmpmeta>".encode().hex()
    profile = f"\nxmp\n{len(digits) // 2:8}\n" + "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    assert read(tmp_path, files.png(files.ztxt("Raw profile type xmp", profile))).parameters.seed == SEED


def test_the_texts_of_an_animated_png_by_comfyui(tmp_path: Path) -> None:
    graph = '{"1": {"class_type": "KSampler", "inputs": {"seed": 42, "positive": ["2", 0]}}}'
    reading = read(tmp_path, files.png(after=(files.chunk(b"comf", b"prompt\0" + graph.encode()),)))
    assert (reading.dialect, [found.key for found in reading.chunks]) == ("comfyui", ["prompt"])


def test_metadata_far_behind_large_pictures(tmp_path: Path) -> None:
    pictures = tuple(files.chunk(b"IDAT", bytes(40_000)) for _ in range(20))
    assert read(tmp_path, files.png(after=(*pictures, files.text("parameters", INFOTEXT)))).parameters.seed == SEED
    large = files.riff((b"VP8 ", bytes(500_001)), (b"EXIF", files.user_comment(INFOTEXT)))
    assert read(tmp_path, large).parameters.seed == SEED


def test_a_damaged_chunk_is_lost_alone(tmp_path: Path) -> None:
    broken = bytearray(files.text("workflow", '{"a": 1}'))
    broken[-6] ^= 0xFF
    reading = read(tmp_path, files.png(bytes(broken), files.text("parameters", INFOTEXT)))
    assert reading.parameters.seed == SEED
    assert reading.error is not None and "checksum" in reading.error
    assert [found.key for found in reading.chunks] == ["parameters"]


def test_a_damaged_length_loses_one_chunk(tmp_path: Path) -> None:
    broken = struct.pack(">I", 2**31 - 1) + files.text("workflow", '{"a": 1}')[4:]
    reading = read(tmp_path, files.png(broken, files.text("parameters", INFOTEXT)))
    assert reading.parameters.seed == SEED
    assert reading.error == "A PNG chunk is damaged."


def test_a_cut_file_says_so_and_keeps_what_came_before(tmp_path: Path) -> None:
    whole = files.png(files.text("parameters", INFOTEXT), size=(300, 300))
    reading = read(tmp_path, whole[:-30])
    assert reading.parameters.seed == SEED
    assert reading.error == "The PNG is cut short."
    cut = read(tmp_path, files.jpeg(files.user_comment(INFOTEXT))[:200])
    assert cut.error is not None and "cut short" in cut.error


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    data = files.png(files.text("parameters", INFOTEXT)) + bytes(200_000)
    first = read(tmp_path, data, "a.png")
    (tmp_path / "b.png").write_bytes(data)
    second = read_file(str(tmp_path / "b.png"), frozenset())
    assert len(first.fingerprint) == 16
    assert first.fingerprint == second.fingerprint
    assert read(tmp_path, data + b"x", "c.png").fingerprint != first.fingerprint
    assert read(tmp_path, data[:-1] + b"x", "d.png").fingerprint != first.fingerprint
    assert (second.file_size, second.mtime_ns) == (len(data), (tmp_path / "b.png").stat().st_mtime_ns)


def test_an_empty_file(tmp_path: Path) -> None:
    reading = read(tmp_path, b"")
    assert (reading.container, reading.dialect, reading.error) == (None, None, "The file is empty.")


def test_what_is_no_picture(tmp_path: Path) -> None:
    reading = read(tmp_path, b"%PDF-1.7 " + bytes(5000))
    assert (reading.container, reading.dialect) == (None, None)
    assert reading.error is not None


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"gone\.png is not there any more"):
        read_file(str(tmp_path / "gone.png"))
    with pytest.raises(UnreadableFileError, match="is a folder"):
        read_file(str(tmp_path))
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        read_file(str(tmp_path / "pipe.png"))
    with pytest.raises(UnreadableFileError):
        read_file("nul\0byte.png")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9 \xff.png"
    with open(path, "wb") as file:
        file.write(files.png(files.text("parameters", INFOTEXT)))
    assert read_file(os.fsdecode(path)).parameters.seed == SEED


def test_one_open_per_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    real = os.open

    def counting(name: Any, *args: Any, **kwargs: Any) -> int:
        opened.append(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(os, "open", counting)
    for data in (files.png(), files.jpeg(files.user_comment(INFOTEXT)), files.webp(), files.mp4({})):
        opened.clear()
        read(tmp_path, data)
        assert [os.fsdecode(name) for name in opened if b"picture.bin" in os.fsencode(name)] == [
            str(tmp_path / "picture.bin")
        ]


def test_a_real_video_of_ffmpeg(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    import subprocess

    for name in ("a.mp4", "a.webm", "a.mkv", "a.mov"):
        path = tmp_path / name
        subprocess.run(
            ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "color=size=64x48:duration=0.2", "-metadata",
             f"comment={INFOTEXT}", str(path)],
            check=True,
        )  # fmt: skip
        reading = read_file(str(path), frozenset())
        assert (reading.parameters.seed, reading.width, reading.height, reading.is_video) == (SEED, 64, 48, True), name


def test_compressed_text_that_is_no_zlib_stream(tmp_path: Path) -> None:
    reading = read(tmp_path, files.png(files.chunk(b"zTXt", b"parameters\0\0" + b"not packed")))
    assert reading.dialect is None
    assert reading.error is not None and "unpacked" in reading.error
    assert zlib.crc32(reading.fingerprint)

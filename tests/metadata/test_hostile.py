"""Files that were made, or happened, to hurt: bounded time and memory, a reason, and on to the next one."""

from __future__ import annotations

import json
import os
import random
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest

from dtk_tui.domain.parameters import FileReading, RawChunk
from dtk_tui.metadata.reader import derive, read_file
from tests.helpers.metadata import files
from tests.helpers.metadata.comfy_workflows import everywhere, grouped, paired
from tests.helpers.metadata.files import GRAPH, INFOTEXT, read

MUTATIONS = int(os.environ.get("DTK_FUZZ_MUTATIONS", "2500"))


def invokeai_graph() -> dict[str, object]:
    ends = [("a", "conditioning", "b", "positive_conditioning"), ("n", "noise", "b", "noise"), ("b", "latents", "c",
                                                                                               "latents")]  # fmt: skip
    return {
        "nodes": {
            "a": {"type": "compel", "prompt": "a castle"},
            "b": {"type": "denoise_latents", "steps": 9, "cfg_scale": 4.0},
            "c": {"type": "l2i"},
            "n": {"type": "noise", "seed": 5, "width": 512, "height": 640},
        },
        "edges": [
            {"source": {"node_id": a, "field": b}, "destination": {"node_id": c, "field": d}} for a, b, c, d in ends
        ],
    }


XMP = (
    '<x:xmpmeta><rdf:RDF><rdf:Description xmp:CreatorTool="Draw Things"><dc:description><rdf:Alt><rdf:li>'
    "a castle&#xA;Steps: 6, Sampler: DDIM, Seed: 5</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF>"
    "</x:xmpmeta>"
)
SEEDS = {
    "png": files.png(
        files.text("prompt", GRAPH), files.itxt("parameters", INFOTEXT), after=(files.ztxt("a", INFOTEXT),)
    ),
    "png-workflow": files.png(
        files.text("workflow", json.dumps(paired())), files.text("prompt", json.dumps(grouped(">")))
    ),
    "png-everywhere": files.png(files.text("workflow", json.dumps(everywhere()))),
    "png-stealth": files.stealth(INFOTEXT, mode="alpha", packed=True, size=(40, 130)),
    "png-exif": files.png(files.chunk(b"eXIf", files.user_comment(INFOTEXT)), files.itxt("XML:com.adobe.xmp", XMP)),
    "jpeg": files.jpeg(files.tiff({0x010E: INFOTEXT.encode()}, {0x9286: b"UNICODE\0" + INFOTEXT.encode("utf-16-le")})),
    "jpeg-xmp": files.jpeg(xmp=XMP, comment=GRAPH.encode()),
    "webp": files.webp(files.user_comment(INFOTEXT), XMP),
    "gif": files.gif(INFOTEXT.encode()),
    "avif": files.avif(files.user_comment(INFOTEXT)),
    "mp4": files.mp4({"comment": GRAPH}),
    "mov": files.mp4({"prompt": GRAPH, "comment": INFOTEXT}, quicktime_keys=True),
    "webm": files.webm({"COMMENT": json.dumps({"prompt": GRAPH})}),
    "jpeg-comment": files.jpeg(comment=b"parameters\0" + INFOTEXT.encode()),
    "jpeg-iptc": files.app13(files.photoshop((2, 5, b"x"), (2, 120, INFOTEXT.encode()))),
    "webp-any-xmp": files.webp(xmp=files.xmp_packet(f"<a:told><![CDATA[{INFOTEXT}]]></a:told>", f'b:c="{INFOTEXT!r}"')),
    "heic": files.avif(files.user_comment(INFOTEXT), turned=True).replace(b"avif", b"heic"),
    "jxl": files.jxl(files.box(b"Exif", files.user_comment(INFOTEXT)), files.box(b"xml ", XMP.encode())),
    "jxl-bare": b"\xff\x0a\x4f\x06\0\0" + bytes(40),
    "exr": files.exr(prompt=GRAPH, workflow="{}"),
    "svg": f'<svg width="8" viewBox="0 0 8 6"><metadata><![CDATA[{{"prompt": {GRAPH}}}]]></metadata></svg>'.encode(),
    "mkv": files.webm({"PROMPT": GRAPH, "DURATION": "1"}).replace(b"webm", b"mkva"),
    "invokeai-graph": files.png(files.itxt("invokeai_graph", json.dumps(invokeai_graph()))),
    "tiff": files.tiff({0x010E: INFOTEXT.encode()}, {0x9286: b"ASCII\0\0\0" + INFOTEXT.encode()}),
}


def sound(reading: FileReading) -> None:
    """Assert what every consumer relies on: numbers fit their columns."""
    found = reading.parameters
    for value in (found.steps, found.width, found.height, found.clip_skip, reading.width, reading.height):
        assert value is None or 0 <= value < 2**31
    assert found.seed is None or 0 <= found.seed < 2**64
    assert found.cfg_scale is None or abs(found.cfg_scale) < float("inf")
    assert reading.dialect is not None or found == type(found)()
    assert len(reading.fingerprint) == 16


def mutate(data: bytes, dice: random.Random) -> bytes:
    """Flip bytes, cut, repeat or overwrite a stretch with extreme numbers."""
    blob = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        at = dice.randrange(len(blob))
        match dice.randrange(6):
            case 0 | 1:
                blob[at] = dice.randrange(256)
            case 2:
                blob[at] ^= 1 << dice.randrange(8)
            case 3:
                blob[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\1"))
            case 4:
                del blob[at : at + dice.choice((1, 3, 50))]
            case _:
                blob[at:at] = blob[at : at + dice.choice((1, 8, 64))]
        if not blob:
            return b"\0"
    return bytes(blob)


def test_flipped_bytes_never_break_a_reading(tmp_path: Path) -> None:
    dice = random.Random(20240601)
    path = tmp_path / "mutant"
    slowest = 0.0
    tracemalloc.start()
    try:
        for number in range(MUTATIONS):
            name = list(SEEDS)[number % len(SEEDS)]
            data = mutate(SEEDS[name], dice)
            path.write_bytes(data)
            began = time.process_time()
            try:
                reading = read_file(str(path), frozenset())
            except Exception as error:
                (Path(tmp_path) / "culprit").write_bytes(data)
                raise AssertionError(f"mutation {number} of {name}: {data[:4000]!r}") from error
            slowest = max(slowest, time.process_time() - began)
            sound(reading)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert slowest < 2
    assert peak < 200 * 1024 * 1024


def test_every_cut_of_every_container(tmp_path: Path) -> None:
    for data in SEEDS.values():
        for end in range(0, len(data), max(len(data) // 60, 1)):
            sound(read(tmp_path, data[:end]))


def peak_of(folder: Path, data: bytes) -> tuple[FileReading, int]:
    path = folder / "bomb"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        reading = read_file(str(path), frozenset())
        return reading, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["zTXt", "iTXt"])
def test_decompression_bombs(kind: str, tmp_path: Path) -> None:
    packed = zlib.compress(bytes(300 * 1024 * 1024), 9)
    body = b"parameters\0\0" + packed if kind == "zTXt" else b"parameters\0\1\0\0\0" + packed
    reading, peak = peak_of(tmp_path, files.png(files.chunk(kind.encode(), body), files.text("prompt", GRAPH)))
    assert reading.parameters.prompt == "a castle"
    assert reading.error is not None and "16 MB" in reading.error
    assert peak < 80 * 1024 * 1024


def test_a_text_of_a_hundred_megabytes(tmp_path: Path) -> None:
    huge = files.chunk(b"tEXt", b"workflow\0" + b"x" * (100 * 1024 * 1024))
    reading, peak = peak_of(tmp_path, files.png(huge, files.text("parameters", INFOTEXT)))
    assert reading.parameters.steps == 28
    assert reading.error is not None and "too large" in reading.error
    assert peak < 20 * 1024 * 1024


def test_many_large_texts_are_bounded_together(tmp_path: Path) -> None:
    one = files.chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b"x" * (15 * 1024 * 1024), 9))
    reading, peak = peak_of(tmp_path, files.png(*[one] * 12))
    assert reading.error is not None and "48 MB" in reading.error
    assert peak < 200 * 1024 * 1024


def test_a_chunk_that_claims_two_gigabytes(tmp_path: Path) -> None:
    claim = struct.pack(">I", 2**31 - 1) + b"tEXt" + b"parameters\0hello"
    reading, peak = peak_of(tmp_path, files.png(claim))
    assert reading.error is not None
    assert (reading.width, reading.height) == (8, 6)
    assert peak < 10 * 1024 * 1024


def test_a_loop_of_exif_directories(tmp_path: Path) -> None:
    entry = struct.pack(">HHII", 0x8769, 4, 1, 8)
    loop = b"MM\0*" + struct.pack(">I", 8) + struct.pack(">H", 60000) + entry * 200
    sound(read(tmp_path, files.jpeg(loop)))


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 200_000,
        '{"a":' * 100_000,
        '{"prompt":' + "[" * 50_000 + "]" * 50_000 + "}",
        '{"seed": ' + "9" * 100_000 + "}",
        '{"prompt": "x", "steps": 1e999, "seed": -1, "cfg": NaN, "width": 99999999999999}',
    ],
)
def test_hostile_json_under_every_name(hostile: str) -> None:
    for key in (
        "prompt",
        "workflow",
        "parameters",
        "Comment",
        "invokeai_metadata",
        "generation_data",
        "parameters-json",
    ):
        for source in ("png", "exif", "stealth", "sidecar", "video", "xmp"):
            _, found = derive([RawChunk(source, key, hostile)], 8, 6)
            assert found.seed is None
            assert found.steps is None
            assert found.cfg_scale is None


def test_hostile_text_takes_no_quadratic_time() -> None:
    began = time.process_time()
    size = 400_000
    for text in (
        "Steps: 1, " * (size // 10),
        'Steps: 1, a: "' + "\\" * size,
        "Negative prompt: " * (size // 17),
        "<lora:" * (size // 6),
        "Steps: 20, Seed: 1, " + "{" * size,
        "Steps: 20, Seed: 1" + ", a: {" * (size // 6),
        "[" * size + " -s 5",
        '"' + " -s" * (size // 3),
        "<dc:description>" * (size // 16),
        "<exif:UserComment " * (size // 18),
        "a: " * (size // 3),
        "<a:b><![CDATA[{" * (size // 15),
        " a:b='{" * (size // 7),
        "<a:b>{" + " " * size,
        "\nSteps: 1" * (size // 9),
        " ," * (size // 2) + "Steps: 1, Seed: 2",
    ):
        for source, key in (("png", "parameters"), ("png", "Dream"), ("xmp", "xmp"), ("sidecar", "txt")):
            derive([RawChunk(source, key, text)], 8, 6)
    assert time.process_time() - began < 20


def node(kind: str, **inputs: object) -> dict[str, object]:
    return {"class_type": kind, "inputs": inputs}


def test_graphs_that_never_end() -> None:
    ring = {}
    for n in range(500):
        self, following, further = [str(n), 0], [str((n + 1) % 500), 0], [str((n + 7) % 500), 0]
        ring[str(n)] = node("KSampler", latent_image=following, model=self, seed=self, positive=self, negative=further)
    deep = {
        str(n): node("ConditioningCombine", conditioning_1=[str(n + 1), 0], conditioning_2=[str(n + 1), 0])
        for n in range(3000)
    }
    deep["s"] = node("KSampler", positive=["0", 0], steps=3, seed=4, model=["0", 0])
    wide = {
        str(n): node("StringConcatenate", string_a=[str(n + 1), 0], string_b=[str(n + 2), 0], delimiter="")
        for n in range(2000)
    }
    wide["t"] = node("CLIPTextEncode", text=["0", 0])
    wide["s"] = node("KSampler", positive=["t", 0], steps=3, seed=4, model=["0", 0])
    many = {str(n): node("SaveImage", images=[str(n + 1), 0]) for n in range(20_000)}
    began = time.process_time()
    for graph in (ring, deep, wide, many):
        dialect, _ = derive([RawChunk("png", "prompt", json.dumps(graph))], 8, 6)
        assert dialect == "comfyui"
    assert time.process_time() - began < 10

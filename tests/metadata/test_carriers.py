"""Where programs put their texts besides the usual places."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from PIL import Image

from dtk_tui.metadata.reader import read_file
from tests.helpers.metadata import files
from tests.helpers.metadata.dialect_chunks import expect, read
from tests.helpers.metadata.files import GRAPH, INFOTEXT, SEED

SDCPP = (
    'a bell, <fog> & "rain"\nNegative prompt: noise\nSteps: 12, Seed: 42, Size: 640x384, Version: stable-diffusion.cpp'
)
ESCAPED = SDCPP.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


@pytest.mark.parametrize("ending", [b"", b"\0", b"\0\xff"])
def test_a_jpeg_comment_with_a_keyword(ending: bytes, tmp_path: Path) -> None:
    reading = files.read(tmp_path, files.jpeg(comment=b"parameters\0" + INFOTEXT.encode() + ending))
    assert (reading.dialect, reading.parameters.seed, reading.error) == ("a1111", SEED, None)
    assert reading.parameters.prompt == "a castle, (sunset:1.2) <lora:detail:0.8>\nby the sea"


@pytest.mark.parametrize(
    "xmp",
    [
        files.xmp_packet(f"<sdcpp:parameters>{ESCAPED}</sdcpp:parameters>"),
        files.xmp_packet(f"<sdcpp:parameters>\n<![CDATA[{SDCPP}]]></sdcpp:parameters>"),
        files.xmp_packet(f'<a:told xml:lang="en">{ESCAPED}</a:told>'),
        files.xmp_packet(f"<a:told><rdf:Alt><rdf:li>{ESCAPED}</rdf:li></rdf:Alt></a:told>"),
        files.xmp_packet("", 'a:told="{}"'.format(ESCAPED.replace("\n", "&#10;"))),
    ],
)
def test_any_property_of_xmp_may_carry_an_infotext(xmp: str) -> None:
    expect(read(("xmp", "xmp", xmp)), "sdcpp", prompt='a bell, <fog> & "rain"', negative_prompt="noise", seed=42,
           width=640)  # fmt: skip


def test_any_property_of_xmp_may_carry_json() -> None:
    graph = GRAPH.replace('"', "&quot;")
    expect(
        read(("xmp", "xmp", files.xmp_packet(f"<a:prompt>{graph}</a:prompt>"))), "comfyui", prompt="a castle", seed=5
    )
    expect(
        read(("xmp", "xmp", files.xmp_packet("", f'a:workflow="{{}}" a:other="{graph}"'))), "comfyui", prompt="a castle"
    )


def test_what_a_property_holds_hides_nothing() -> None:
    junk = files.xmp_packet("<a:history>{&quot;x&quot;: 1}</a:history>")
    expect(read(("png", "XML:com.adobe.xmp", junk), ("png", "parameters", INFOTEXT)), "a1111", seed=SEED)


def test_the_captions_of_a_photograph_are_no_prompt() -> None:
    photo = files.xmp_packet("<photoshop:City>Steps of Rome</photoshop:City><a:text>{not json} Steps: none</a:text>",
                   'tiff:Model="X100" a:note="Negative thoughts"')  # fmt: skip
    assert read(("xmp", "xmp", photo))[0] is None


def test_captions_of_iptc(tmp_path: Path) -> None:
    caption = INFOTEXT.replace("castle", "château").encode()
    resources = files.photoshop((1, 90, b"\x1b%G"), (2, 65, b"x"), (2, 120, caption))
    in_jpeg = files.app13(resources)
    records = b"\x1c\x02\x78\x80\x04" + struct.pack(">I", len(caption)) + caption
    in_png = files.png(files.ztxt("Raw profile type iptc", f"\niptc\n{len(resources)}\n{resources.hex()}\n"))
    for data in (in_jpeg, in_png, files.tiff({0x83BB: records}, kind=1)):
        reading = files.read(tmp_path, data)
        assert (reading.dialect, reading.error) == ("a1111", None)
        assert (reading.parameters.prompt or "").startswith("a château")


def test_jpeg_xl(tmp_path: Path) -> None:
    brotli = pytest.importorskip("brotli")
    exif = files.user_comment(INFOTEXT)
    xmp = files.xmp_packet(f"<a:told>{INFOTEXT.replace('<', '&lt;')}</a:told>").encode()
    packed = [
        files.box(b"brob", b"Exif" + brotli.compress(b"\0\0\0\0" + exif)),
        files.box(b"brob", b"xml " + brotli.compress(xmp)),
    ]
    for box in (files.box(b"Exif", exif), files.box(b"Exif", bytes(4), exif), files.box(b"xml ", xmp), *packed):
        reading = files.read(tmp_path, files.jxl(box))
        assert (reading.container, reading.dialect, reading.error) == ("JXL", "a1111", None)
        assert (reading.width, reading.height, reading.parameters.seed) == (64, 64, SEED)
    bomb = files.read(
        tmp_path, files.jxl(files.box(b"brob", b"xml " + brotli.compress(bytes(20 * 1024 * 1024), quality=1)))
    )
    assert bomb.error is not None and "too large" in bomb.error
    assert files.read(tmp_path, b"\xff\x0a\x4f\x06\0\0").width == 64
    assert "damaged" in (files.read(tmp_path, files.jxl(files.box(b"brob", b"Exif\x07never"))).error or "")


def test_openexr(tmp_path: Path) -> None:
    reading = files.read(tmp_path, files.exr(prompt=GRAPH, workflow="{}"))
    assert (reading.container, reading.width, reading.height, reading.error) == ("EXR", 8, 6, None)
    assert (reading.dialect, reading.parameters.prompt) == ("comfyui", "a castle")
    assert "damaged" in (files.read(tmp_path, files.exr(prompt=GRAPH)[:150]).error or "")


WRAPPED = json.dumps({"prompt": json.loads(GRAPH), "workflow": {}}, indent=2)
RDF = files.xmp_packet(f"<a:told>{INFOTEXT.replace('<', '&lt;')}</a:told>")


@pytest.mark.parametrize(
    ("root", "content", "dialect", "size"),
    [
        ('<svg width="832" height="12in">', f"\n<![CDATA[\n{WRAPPED}\n]]>\n", "comfyui", (832, 1152)),
        ('\ufeff<?xml version="1.0"?>\n<svg viewBox="0 0 8 6">', WRAPPED, "comfyui", (8, 6)),
        ('<!-- made --><svg width="100%">', RDF, "a1111", (None, None)),
        ('<svg width="8px" height="6">', "", None, (8, 6)),
    ],
)
def test_svg(root: str, content: str, dialect: str | None, size: tuple[int | None, int | None], tmp_path: Path) -> None:
    tag = f'<metadata id="m">{content}</metadata>' if content else "<metadata/>"
    reading = files.read(tmp_path, f"{root}\n{tag}<g/></svg>".encode())
    assert (reading.container, reading.dialect, reading.error) == ("SVG", dialect, None)
    assert (reading.width, reading.height) == size


def test_texts_that_only_mention_svg_are_none(tmp_path: Path) -> None:
    for text in (b"how to write <svg", b"<?xml version='1.0'?><html></html>"):
        assert files.read(tmp_path, text).container is None


def lying(orientation: int) -> bytes:
    """EXIF that says nothing but how the picture is turned."""
    return b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + struct.pack(">HH", orientation, 0) + bytes(4)


def test_a_picture_that_lies_in_its_file_has_the_size_of_the_shown_one(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.new("RGB", (8, 6))
    for ending in ("jpg", "png", "webp", "tif", "avif"):
        stored.save(tmp_path / f"a.{ending}", exif=exif.tobytes())
        reading = read_file(str(tmp_path / f"a.{ending}"), frozenset())
        assert (reading.width, reading.height, reading.error) == (6, 8, None), ending
    for orientation, turned in ((3, False), (5, True), (8, True)):
        told = files.xmp_packet("", f'tiff:Orientation="{orientation}"')
        reading = files.read(tmp_path, files.webp(xmp=told))
        assert ((reading.width, reading.height) == (6, 8)) == turned
    # height 8, ratio 7 (2 to 1), all else as usual
    reading = files.read(
        tmp_path, files.jxl(files.box(b"Exif", lying(8)), head=b"\xff\x0a" + (0b1_111_00000_1).to_bytes(9, "little"))
    )
    assert (reading.width, reading.height) == (8, 16)


def test_the_rotation_of_containers_goes_before_exif(tmp_path: Path) -> None:
    # height 8, width 16 (ratio 7), extra fields with orientation 6: bits 1, 00000, 111, 0, 1, 101
    turned = files.jxl(head=b"\xff\x0a" + (0b101_1_0_111_00000_1).to_bytes(10, "little"))
    reading = files.read(tmp_path, turned)
    assert (reading.width, reading.height) == (8, 16)
    quarter = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    for degrees, size in ((False, (8, 6)), (True, (6, 8))):
        reading = files.read(tmp_path, files.avif(lying(6), turned=degrees))
        assert ((reading.width, reading.height), reading.error) == (size, None)
    movie = files.mp4({}).replace(bytes(76), bytes(40) + quarter)
    assert (files.read(tmp_path, movie).width, files.read(tmp_path, movie).height) == (360, 640)

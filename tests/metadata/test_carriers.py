"""Where programs put their texts besides the usual places."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def packet(content: str, attributes: str = "") -> str:
    return (
        f'<x:xmpmeta><rdf:RDF><rdf:Description rdf:about="" xmlns:a="urn:a" {attributes}>{content}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    )


@pytest.mark.parametrize(
    "xmp",
    [
        packet(f"<sdcpp:parameters>{ESCAPED}</sdcpp:parameters>"),
        packet(f"<sdcpp:parameters>\n<![CDATA[{SDCPP}]]></sdcpp:parameters>"),
        packet(f'<a:told xml:lang="en">{ESCAPED}</a:told>'),
        packet(f"<a:told><rdf:Alt><rdf:li>{ESCAPED}</rdf:li></rdf:Alt></a:told>"),
        packet("", 'a:told="{}"'.format(ESCAPED.replace("\n", "&#10;"))),
    ],
)
def test_any_property_of_xmp_may_carry_an_infotext(xmp: str) -> None:
    expect(read(("xmp", "xmp", xmp)), "sdcpp", prompt='a bell, <fog> & "rain"', negative_prompt="noise", seed=42,
           width=640)  # fmt: skip


def test_any_property_of_xmp_may_carry_json() -> None:
    graph = GRAPH.replace('"', "&quot;")
    expect(read(("xmp", "xmp", packet(f"<a:prompt>{graph}</a:prompt>"))), "comfyui", prompt="a castle", seed=5)
    expect(read(("xmp", "xmp", packet("", f'a:workflow="{{}}" a:other="{graph}"'))), "comfyui", prompt="a castle")


def test_the_captions_of_a_photograph_are_no_prompt() -> None:
    photo = packet("<photoshop:City>Steps of Rome</photoshop:City><a:text>{not json} Steps: none</a:text>",
                   'tiff:Model="X100" a:note="Negative thoughts"')  # fmt: skip
    assert read(("xmp", "xmp", photo))[0] is None

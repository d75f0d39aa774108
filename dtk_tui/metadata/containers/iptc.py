"""IPTC-IIM 4.2 captions, alone or among the image resources that Photoshop introduced (JPEG APP13)."""

from __future__ import annotations

from dtk_tui.metadata.containers.decoding import decode_latin
from dtk_tui.metadata.containers.reading import ContainerReading

_RESOURCE = b"8BIM"
_IPTC_RESOURCE = 0x0404
_RESOURCE_LIMIT, _RECORD_LIMIT = 1000, 1000
#: Record 2 of IIM: what texts of people and programs stand under.
_NAMES = {5: "Title", 40: "SpecialInstructions", 65: "OriginatingProgram", 120: "Caption"}


def read(data: bytes, reading: ContainerReading) -> None:
    """Add the captions in ``data``: IIM records, or image resources that hold such."""
    if not data.startswith(_RESOURCE):
        _records(data, reading)
        return
    position = 0
    for _ in range(_RESOURCE_LIMIT):
        if data[position : position + 4] != _RESOURCE:
            return
        kind = int.from_bytes(data[position + 4 : position + 6], "big")
        # A name of a length of one byte, and the content, are each filled up to an even number of bytes.
        start = position + 6 + (data[position + 6 : position + 7] or b"\0")[0] // 2 * 2 + 2
        size = int.from_bytes(data[start : start + 4], "big")
        if kind == _IPTC_RESOURCE:
            _records(data[start + 4 : start + 4 + size], reading)
        position = start + 4 + size + size % 2


def _records(data: bytes, reading: ContainerReading) -> None:
    """Keep the texts of record 2; writers of UTF-8 seldom say so, and Latin-1 is what it is else."""
    position = 0
    for _ in range(_RECORD_LIMIT):
        if data[position : position + 1] != b"\x1c" or position + 5 > len(data):
            return
        record, dataset = data[position + 1], data[position + 2]
        size, start = int.from_bytes(data[position + 3 : position + 5], "big"), position + 5
        if size & 0x8000:
            width = size & 0x7FFF
            size, start = int.from_bytes(data[start : start + min(width, 8)], "big"), start + width
        name = _NAMES.get(dataset) if record == 2 else None
        text = decode_latin(data[start : start + size].rstrip(b"\0")) if name else ""
        if name and text:
            reading.add("iptc", name, text)
        position = start + size

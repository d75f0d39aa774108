"""JPEG (ITU-T T.81): EXIF and XMP in APP1, IPTC in APP13, comments in COM, the size; all before the picture."""

from __future__ import annotations

from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers import exif, iptc
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.containers.reading import ContainerReading

SIGNATURE = b"\xff\xd8\xff"
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_READ_SEGMENTS = _FRAMES | {0xE1, 0xED, 0xFE}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_SEGMENT_LIMIT = 2000


def read(file: BoundedFile, reading: ContainerReading) -> None:
    """Take size and texts of a JPEG; reading stops where the picture begins."""
    exif_parts: list[bytes] = []
    more_xmp: list[bytes] = []
    resources: list[bytes] = []
    problem = _segments(file, reading, exif_parts, more_xmp, resources)
    if problem:
        reading.problems.append(problem)
    if exif_parts:
        exif.read(b"".join(exif_parts), reading)
    if more_xmp:
        reading.add("xmp", "xmp-extension", decode(b"".join(more_xmp)))
    if resources:
        iptc.read(b"".join(resources), reading)


def _segments(
    file: BoundedFile,
    reading: ContainerReading,
    exif_parts: list[bytes],
    more_xmp: list[bytes],
    resources: list[bytes],
) -> str | None:
    """Walk the segments; return what stopped the walk, or None at the picture."""
    offset = 2
    for _ in range(_SEGMENT_LIMIT):
        header = file.read(offset, 4)
        if len(header) < 2:
            return "The JPEG is cut short."
        marker = header[1]
        if header[0] != 0xFF:
            return f"The JPEG is damaged at byte {offset}."
        if marker == 0xFF:
            offset += 1
            continue
        if marker in _WITHOUT_LENGTH:
            offset += 2
            continue
        if marker in (0xDA, 0xD9):
            return None
        if len(header) < 4:
            return "The JPEG is cut short."
        length = header[2] << 8 | header[3]
        if length < 2:
            return f"The JPEG is damaged at byte {offset}."
        if marker in _READ_SEGMENTS:
            data = file.read(offset + 4, length - 2)
            if len(data) < length - 2:
                return "The JPEG is cut short."
            if marker == 0xE1:
                _app1(reading, data, exif_parts, more_xmp)
            elif marker == 0xED:
                if data.startswith(_PHOTOSHOP):
                    resources.append(data[len(_PHOTOSHOP) :])
            elif marker == 0xFE:
                reading.add("jpeg-comment", "Comment", decode(data.rstrip(b"\0")))
            elif reading.width is None and len(data) >= 5:
                reading.height = (data[1] << 8 | data[2]) or None
                reading.width = (data[3] << 8 | data[4]) or None
        offset += 2 + length
    return "The JPEG has too many segments."


def _app1(reading: ContainerReading, data: bytes, exif_parts: list[bytes], more_xmp: list[bytes]) -> None:
    """Keep EXIF (large ones go on in further segments), XMP and its extension (GUID, length and offset skipped)."""
    if data.startswith(_EXIF):
        body = data[len(_EXIF) :]
        if not exif_parts or body[:4] not in (b"II*\0", b"MM\0*"):
            exif_parts.append(body)
    elif data.startswith(_XMP):
        reading.add("xmp", "xmp", decode(data[len(_XMP) :]))
    elif data.startswith(_XMP_MORE):
        more_xmp.append(data[len(_XMP_MORE) + 40 :])

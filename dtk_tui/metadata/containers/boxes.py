"""Boxes of ISO base media files (ISO/IEC 14496-12): what AVIF, HEIC, JPEG XL, MP4 and MOV are made of."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers import exif
from dtk_tui.metadata.containers.reading import ContainerReading

_BOX_LIMIT = 20_000
_META_LIMIT_BYTES = 16 * 1024 * 1024
# A file that is cut short within one of these may still have told something.
_NESTED_BOXES = frozenset({b"moov", b"udta", b"trak", b"meta", b"ilst"})
_TIFF = (b"II*\0", b"MM\0*")

Box = tuple[bytes, int, int]


def boxes(file: BoundedFile, start: int, end: int, reading: ContainerReading) -> Iterator[Box]:
    """Yield (kind, start of the content, end) of the boxes in a range of the file."""
    for _ in range(_BOX_LIMIT):
        if start + 8 > end:
            return
        header = file.read(start, 16)
        if len(header) < 8:
            reading.problems.append("The file is cut short.")
            return
        size, kind = struct.unpack(">I4s", header[:8])
        inner = start + 8
        if size == 1 and len(header) == 16:
            size, inner = struct.unpack(">Q", header[8:])[0], start + 16
        following = end if size == 0 else start + size
        if following < inner or following > end:
            reading.problems.append("The file is cut short." if following > file.size else "The file is damaged.")
            following = end
            if kind not in _NESTED_BOXES:
                return
        yield kind, inner, following
        start = following


def box_content(file: BoundedFile, start: int, end: int) -> bytes:
    """Return the content of a box, at most 16 MiB of it."""
    return file.read(start, min(end - start, _META_LIMIT_BYTES))


def read_exif(reading: ContainerReading, data: bytes) -> None:
    """Read EXIF behind its four bytes of offset, which some writers leave out."""
    if not data.startswith(_TIFF):
        skip = int.from_bytes(data[:4], "big")
        data = data[4 + skip :] if 4 + skip < len(data) else data[4:]
    exif.read(data.removeprefix(b"Exif\0\0"), reading)

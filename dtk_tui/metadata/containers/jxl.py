"""JPEG XL (ISO/IEC 18181-2): EXIF and XMP from the boxes of its container, packed or plain; a codestream has none."""

from __future__ import annotations

from dtk_tui.domain import jpeg_xl
from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers.boxes import box_content, boxes, read_exif
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES, ContainerReading

SIGNATURES = (jpeg_xl.CONTAINER, jpeg_xl.CODESTREAM)


def read(file: BoundedFile, reading: ContainerReading) -> None:
    """Take size and texts of a JPEG XL picture."""
    header = jpeg_xl.read_header(file.read)
    if header is None:
        reading.problems.append("The JPEG XL header is damaged.")
    elif header.width < 2**31 and header.height < 2**31:
        reading.width, reading.height = header.width, header.height
    if header is not None and header.orientation != 1:
        # Decoders apply what the codestream says and ignore EXIF.
        reading.orientation = 1
    if file.head.startswith(jpeg_xl.CODESTREAM):
        return
    for kind, start, end in boxes(file, 0, file.size, reading):
        if kind in (b"Exif", b"xml "):
            _metadata(kind, box_content(file, start, end), reading)
        elif kind == b"brob":
            packed = box_content(file, start, end)
            if packed[:4] in (b"Exif", b"xml ") and (unpacked := _unpack(packed[4:], reading)) is not None:
                _metadata(packed[:4], unpacked, reading)


def _metadata(kind: bytes, data: bytes, reading: ContainerReading) -> None:
    if kind == b"Exif":
        read_exif(reading, data)
    else:
        reading.add("xmp", "xmp", decode(data))


def _unpack(data: bytes, reading: ContainerReading) -> bytes | None:
    """Return what a ``brob`` box holds, at most 16 MiB."""
    try:
        import brotli
    except ImportError:
        reading.problems.append("The metadata is packed with Brotli and was not read: pip install 'dtk-tui[jxl]'.")
        return None
    try:
        found: bytes = brotli.Decompressor().process(data, output_buffer_limit=TEXT_LIMIT_BYTES)
    except brotli.error:
        reading.problems.append("The packed metadata is damaged.")
        return None
    if len(found) >= TEXT_LIMIT_BYTES:
        reading.problems.append("The packed metadata is too large and was not read.")
        return None
    return found

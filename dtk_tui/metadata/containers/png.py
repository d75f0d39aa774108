"""PNG (https://www.w3.org/TR/png-3/): tEXt, zTXt, iTXt, eXIf before and after the picture; damage loses one chunk."""

from __future__ import annotations

import re
import struct
import zlib
from itertools import islice

from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers import exif, iptc
from dtk_tui.metadata.containers.decoding import decode, decode_latin, inflate
from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES, ContainerReading

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_IEND = b"IEND\xaeB`\x82"
_CHUNK_HEAD = struct.Struct(">I4s")
_HEADER = struct.Struct(">IIBBBBB")
_CHUNK_LIMIT = 100_000
_RESYNC_BYTES = 1024 * 1024
_RESYNC_TRIES = 200
# ComfyUI puts the texts of an animated PNG into chunks of its own, built like tEXt.
_METADATA_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"comf"})
_CHUNK_NAMES = re.compile(rb"tEXt|zTXt|iTXt|eXIf|comf|IDAT|IEND")
# With one of these before the picture, no writer puts more behind it.
_WHOLE_METADATA = frozenset(
    {"parameters", "prompt", "workflow", "Comment", "invokeai_metadata", "sd-metadata", "Dream", "generation_data"}
)
_DAMAGED_AT = "The PNG is damaged at byte %d."
_RAW_PROFILE = "Raw profile type "


def read(file: BoundedFile, reading: ContainerReading) -> None:
    """Take size and texts of a PNG."""
    head, size = file.head, file.size
    offset = len(SIGNATURE)
    seen_picture = False
    in_head = len(head) - 8
    for _ in range(_CHUNK_LIMIT):
        if offset <= in_head:
            length, kind = _CHUNK_HEAD.unpack_from(head, offset)
        else:
            header = file.read(offset, 8)
            if len(header) < 8:
                reading.problems.append("The PNG is cut short.")
                return
            length, kind = _CHUNK_HEAD.unpack(header)
        end = offset + 12 + length
        if end > size or not kind.isalpha():
            found = _resync(file, offset)
            reading.problems.append(
                "A PNG chunk is damaged."
                if found
                else "The PNG is cut short."
                if kind.isalpha()
                else _DAMAGED_AT % offset
            )
            if not found:
                return
            offset = found
            continue
        if kind == b"IDAT":
            if not seen_picture:
                seen_picture = True
                if _has_whole_metadata(reading) and _IEND in file.tail:
                    return
        elif kind in _METADATA_CHUNKS:
            _chunk(file, reading, offset, length, kind)
        elif kind == b"IHDR":
            _header(file, reading, offset, length)
        elif kind == b"IEND":
            return
        offset = end
    reading.problems.append("The PNG has too many chunks.")


def _has_whole_metadata(reading: ContainerReading) -> bool:
    """Return whether what stands before the picture is all of a writer's; editors leave a comment of words."""
    return any(
        chunk.key in _WHOLE_METADATA and (chunk.key != "Comment" or chunk.text.startswith("{"))
        for chunk in reading.chunks
    )


def _resync(file: BoundedFile, offset: int) -> int | None:
    """Return where the next sound chunk after a damaged one begins, looking 1 MiB ahead."""
    window = file.read(offset + 5, _RESYNC_BYTES)
    for match in islice(_CHUNK_NAMES.finditer(window), _RESYNC_TRIES):
        begin = match.start() - 4
        if begin < 0:
            continue
        (length,) = struct.unpack_from(">I", window, begin)
        start = offset + 5 + begin
        if start + 12 + length > file.size or length > _RESYNC_BYTES:
            continue
        body = file.read(start + 4, length + 8)
        if len(body) == length + 8 and zlib.crc32(body[:-4]) == struct.unpack(">I", body[-4:])[0]:
            return start
    return None


def _header(file: BoundedFile, reading: ContainerReading, offset: int, length: int) -> None:
    """Take the size; 8-bit RGB and RGBA pictures that are not interlaced may hide a text."""
    data = file.read(offset + 8, min(length, 13))
    if len(data) < 13:
        reading.problems.append("The PNG header is damaged.")
        return
    width, height, depth, colour, _compression, _filter, interlace = _HEADER.unpack(data)
    if 0 < width < 2**31 and 0 < height < 2**31:
        reading.width, reading.height = width, height
        if depth == 8 and colour in (2, 6) and interlace == 0:
            reading.hidden = "png"
    else:
        reading.problems.append("The PNG header is damaged.")


def _chunk(file: BoundedFile, reading: ContainerReading, offset: int, length: int, kind: bytes) -> None:
    """Keep one text or EXIF chunk, or say why it is lost."""
    name = kind.decode("ascii")
    if length > TEXT_LIMIT_BYTES:
        reading.problems.append(f"A {name} chunk of {length:,} bytes is too large and was not read.")
        return
    body = file.read(offset + 4, length + 8)
    if len(body) < length + 8:
        reading.problems.append(f"A {name} chunk is cut short.")
        return
    if zlib.crc32(memoryview(body)[:-4]) != int.from_bytes(body[-4:], "big"):
        reading.problems.append(f"A {name} chunk is damaged (wrong checksum) and was not read.")
        return
    data = body[4:-4]
    if kind == b"eXIf":
        exif.read(data, reading)
        return
    key, separator, rest = data.partition(b"\0")
    if not separator:
        reading.problems.append(f"A {name} chunk has no keyword.")
        return
    text = _text(kind, rest)
    if text is None:
        reading.problems.append(f"A {name} chunk cannot be unpacked or is larger than 16 MB.")
        return
    keyword = decode_latin(key)
    if keyword.startswith(_RAW_PROFILE) and keyword[len(_RAW_PROFILE) :] in {"exif", "APP1", "xmp", "iptc", "8bim"}:
        _raw_profile(reading, text)
    else:
        reading.add("png", keyword, text)


def _text(kind: bytes, rest: bytes) -> str | None:
    """Return the text of a tEXt, zTXt or iTXt chunk behind its keyword, or None when it cannot be unpacked."""
    if kind in (b"tEXt", b"comf"):
        return decode_latin(rest)
    if kind == b"zTXt":
        unpacked = inflate(rest[1:])
        return None if unpacked is None else decode_latin(unpacked)
    compressed = rest[:1] == b"\x01"
    _language, _, tail = rest[2:].partition(b"\0")
    _translated, _, payload = tail.partition(b"\0")
    if compressed:
        unpacked = inflate(payload)
        return None if unpacked is None else decode(unpacked)
    return decode(payload)


def _raw_profile(reading: ContainerReading, text: str) -> None:
    """Read EXIF, XMP or IPTC that ImageMagick keeps as hexadecimal digits: name, length and digits on lines."""
    digits = "".join(text.split()[2:])
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        reading.problems.append("An EXIF profile is damaged.")
        return
    data = data.removeprefix(b"http://ns.adobe.com/xap/1.0/\0")
    if data.lstrip(b"\xef\xbb\xbf \r\n")[:1] == b"<":
        reading.add("xmp", "xmp", decode(data))
    elif data.startswith((b"8BIM", b"\x1c")):
        iptc.read(data, reading)
    else:
        exif.read(data.removeprefix(b"Exif\0\0"), reading)

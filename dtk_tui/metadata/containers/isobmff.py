"""ISO base media files (ISO/IEC 14496-12): AVIF and HEIC pictures, MP4 and MOV videos, JPEG XL in its box form."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from dtk_tui.metadata.bounded_file import BoundedFile, DamagedError
from dtk_tui.metadata.containers import exif
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES, ContainerReading

JXL_SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"
_PICTURES = dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "HEIC")
_PICTURES |= {b"avif": "AVIF", b"avis": "AVIF"}
_BOX_LIMIT = 20_000
_META_LIMIT_BYTES = 16 * 1024 * 1024
_ITEM_LIMIT = 4000
_VIDEO_BOXES = frozenset({b"moov", b"udta", b"trak", b"meta", b"ilst"})
# The names of iTunes' tags; a tag "----" names itself.
_TAGS = {
    b"\xa9cmt": "comment",
    b"\xa9des": "Description",
    b"desc": "Description",
    b"\xa9nam": "Title",
    b"\xa9too": "Software",
}

Box = tuple[bytes, int, int]


def kind_of(head: bytes) -> str | None:
    """Return AVIF, HEIC, MP4, MOV or JXL by the brands of the first box, or None."""
    if head.startswith(JXL_SIGNATURE):
        return "JXL"
    if head[4:8] != b"ftyp":
        return "MOV" if head[4:8] in (b"moov", b"mdat", b"wide") and head[:1] == b"\0" else None
    end = min(int.from_bytes(head[:4], "big"), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end, 4))]
    if brands[0] == b"qt  ":
        return "MOV"
    known = [_PICTURES[brand] for brand in brands if brand in _PICTURES]
    return ("AVIF" if "AVIF" in known else known[0]) if known else "MP4"


def read(file: BoundedFile, reading: ContainerReading) -> None:
    """Take size and texts of a picture or a video."""
    reading.is_video = reading.container in ("MP4", "MOV")
    for kind, start, end in _boxes(file, 0, file.size, reading):
        if kind == b"meta" and not reading.is_video:
            _items(file, reading, start + 4, end)
        elif kind == b"moov":
            _movie(file, reading, start, end)
        elif kind == b"Exif":
            _exif(reading, _box_content(file, start, end))
        elif kind == b"xml ":
            reading.add("xmp", "xmp", decode(_box_content(file, start, end)))


def _boxes(file: BoundedFile, start: int, end: int, reading: ContainerReading) -> Iterator[Box]:
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
            if kind not in _VIDEO_BOXES:
                return
        yield kind, inner, following
        start = following


def _box_content(file: BoundedFile, start: int, end: int) -> bytes:
    """Return the content of a box, at most 16 MiB of it."""
    return file.read(start, min(end - start, _META_LIMIT_BYTES))


def _exif(reading: ContainerReading, data: bytes) -> None:
    """Read EXIF behind its four bytes of offset."""
    skip = int.from_bytes(data[:4], "big")
    body = data[4 + skip :] if skip < len(data) else data[4:]
    exif.read(body.removeprefix(b"Exif\0\0"), reading)


def _items(file: BoundedFile, reading: ContainerReading, start: int, end: int) -> None:
    """Read the items of a picture file: which are EXIF or XMP, and where they stand."""
    wanted: dict[int, str] = {}
    locations: dict[int, list[tuple[int, int]]] = {}
    data_start = 0
    for kind, inner, following in _boxes(file, start, end, reading):
        if kind == b"iinf":
            wanted = _item_kinds(_box_content(file, inner, following))
        elif kind == b"iloc":
            locations = _item_locations(_box_content(file, inner, following))
        elif kind == b"idat":
            data_start = inner
        elif kind == b"iprp":
            _size(_box_content(file, inner, following), reading)
    for item, kind_name in wanted.items():
        parts = []
        for offset, length in locations.get(item, []):
            if length > TEXT_LIMIT_BYTES:
                reading.problems.append(f"The {kind_name} data is too large and was not read.")
                continue
            parts.append(file.read(offset if offset >= 0 else data_start - offset - 1, length))
        data = b"".join(parts)
        if kind_name == "EXIF" and data:
            _exif(reading, data)
        elif data:
            reading.add("xmp", "xmp", decode(data))


def _item_kinds(data: bytes) -> dict[int, str]:
    """Return which items are EXIF or XMP, from the content of an ``iinf`` box."""
    found: dict[int, str] = {}
    position = 6 if data[:1] == b"\0" else 8
    for _ in range(_ITEM_LIMIT):
        size = int.from_bytes(data[position : position + 4], "big")
        if size < 12 or data[position + 4 : position + 8] != b"infe":
            break
        body = data[position + 8 : position + size]
        version = body[0]
        if version in (2, 3):
            wide = 2 if version == 2 else 4
            item = int.from_bytes(body[4 : 4 + wide], "big")
            kind = body[6 + wide : 10 + wide]
            if kind == b"Exif":
                found[item] = "EXIF"
            elif kind == b"mime" and b"application/rdf+xml" in body[10 + wide :]:
                found[item] = "XMP"
        position += size
    return found


def _item_locations(data: bytes) -> dict[int, list[tuple[int, int]]]:
    """Return (offset, length) of the pieces of each item, from an ``iloc`` box; in ``idat`` as -1 - offset."""
    found: dict[int, list[tuple[int, int]]] = {}
    numbers = _BigEndianReader(data)
    version = numbers.take(1)
    numbers.take(3)
    sizes = numbers.take(2)
    offset_size, length_size, base_size = sizes >> 12 & 15, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version in (1, 2) else 0
    for _ in range(min(numbers.take(2 if version < 2 else 4), _ITEM_LIMIT)):
        item = numbers.take(2 if version < 2 else 4)
        method = numbers.take(2) & 15 if version in (1, 2) else 0
        numbers.take(2)
        base = numbers.take(base_size)
        pieces = []
        for _ in range(min(numbers.take(2), 64)):
            numbers.take(index_size)
            offset, length = base + numbers.take(offset_size), numbers.take(length_size)
            if method in (0, 1):
                pieces.append((offset if method == 0 else -1 - offset, length))
        found[item] = pieces
    return found


class _BigEndianReader:
    """Reads big-endian numbers one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, size: int) -> int:
        """Return the next number of ``size`` bytes; raises DamagedError at the end of the data."""
        end = self.position + size
        if end > len(self.data):
            raise DamagedError("The list of items is cut short.")
        value = int.from_bytes(self.data[self.position : end], "big")
        self.position = end
        return value


def _size(data: bytes, reading: ContainerReading) -> None:
    """Take the largest picture size among the item properties (tiles and thumbnails have smaller ones)."""
    position = data.find(b"ispe")
    while position >= 0:
        width, height = (int.from_bytes(data[position + at : position + at + 4], "big") for at in (8, 12))
        if 0 < width < 2**31 and 0 < height < 2**31 and width * height > (reading.width or 0) * (reading.height or 0):
            reading.width, reading.height = width, height
        position = data.find(b"ispe", position + 4)


def _movie(file: BoundedFile, reading: ContainerReading, start: int, end: int) -> None:
    """Read the movie header: size of the video track, and tags in ``udta`` (iTunes', QuickTime's keys)."""
    pending = [(start, end)]
    keys: list[str] = []
    for _ in range(200):
        if not pending:
            return
        inner_start, inner_end = pending.pop(0)
        for kind, inner, following in _boxes(file, inner_start, inner_end, reading):
            if kind == b"tkhd":
                _track_size(file.read(inner, min(following - inner, 104)), reading)
            elif kind == b"keys":
                keys = _key_names(_box_content(file, inner, following))
            elif kind == b"ilst":
                _tags(file, reading, inner, following, keys)
            elif kind == b"meta":
                # QuickTime's meta is a plain box, ISO's begins with version and flags.
                plain = file.read(inner + 4, 4) in (b"hdlr", b"keys", b"ilst")
                pending.append((inner if plain else inner + 4, following))
            elif kind in (b"udta", b"trak"):
                pending.append((inner, following))
            elif kind in _TAGS:
                _quicktime_text(reading, kind, _box_content(file, inner, following))


def _track_size(data: bytes, reading: ContainerReading) -> None:
    """Take the size in a track header (fixed point, at its end); sound tracks have none."""
    at = 88 if data[:1] == b"\x01" else 76
    if len(data) >= at + 8:
        width, height = (int.from_bytes(data[at + shift : at + shift + 2], "big") for shift in (0, 4))
        if width and height and reading.width is None:
            reading.width, reading.height = width, height


def _key_names(data: bytes) -> list[str]:
    """Return the names in a ``keys`` box, to which the tags refer by number."""
    names = []
    position = 8
    for _ in range(min(int.from_bytes(data[4:8], "big"), 1000)):
        size = int.from_bytes(data[position : position + 4], "big")
        if size < 8:
            break
        names.append(decode(data[position + 8 : position + size]))
        position += size
    return names


def _tags(file: BoundedFile, reading: ContainerReading, start: int, end: int, keys: list[str]) -> None:
    """Keep the tags of an ``ilst`` box."""
    for kind, inner, following in _boxes(file, start, end, reading):
        name = _TAGS.get(kind)
        number = int.from_bytes(kind, "big")
        if 0 < number <= len(keys):
            name = keys[number - 1]
        for part, part_inner, part_end in _boxes(file, inner, following, reading):
            if part == b"name":
                name = decode(file.read(part_inner + 4, min(part_end - part_inner - 4, 200)))
            elif part == b"data" and name:
                if part_end - part_inner > TEXT_LIMIT_BYTES:
                    reading.problems.append(f"The tag {name} is too large and was not read.")
                else:
                    reading.add("video", name, decode(file.read(part_inner + 8, max(part_end - part_inner - 8, 0))))


def _quicktime_text(reading: ContainerReading, kind: bytes, data: bytes) -> None:
    """Keep a QuickTime text: length and language before it."""
    length = int.from_bytes(data[:2], "big")
    reading.add("video", _TAGS[kind], decode(data[4 : 4 + length]))

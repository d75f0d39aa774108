"""HEIF pictures (ISO/IEC 23008-12): size, EXIF and XMP of AVIF and HEIC from their items and properties."""

from __future__ import annotations

from dtk_tui.metadata.bounded_file import BoundedFile, DamagedError
from dtk_tui.metadata.containers.boxes import box_content, boxes, read_exif
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES, ContainerReading

_ITEM_LIMIT = 4000
_PROPERTY_LIMIT = 2000
_SIZING = (b"ispe", b"clap", b"irot")


def read_items(file: BoundedFile, reading: ContainerReading, start: int, end: int) -> None:
    """Read the items of a picture file: which are EXIF or XMP, and where they stand."""
    wanted: dict[int, str] = {}
    locations: dict[int, list[tuple[int, int]]] = {}
    properties: tuple[int, int] | None = None
    data_start = primary = 0
    for kind, inner, following in boxes(file, start, end, reading):
        if kind == b"iinf":
            wanted = _item_kinds(box_content(file, inner, following))
        elif kind == b"iloc":
            locations = _item_locations(box_content(file, inner, following))
        elif kind == b"idat":
            data_start = inner
        elif kind == b"pitm":
            primary = _primary_item(file.read(inner, 8))
        elif kind == b"iprp":
            properties = (inner, following)
    if properties is not None:
        _size(file, reading, *properties, primary)
    for item, kind_name in wanted.items():
        parts = []
        for offset, length in locations.get(item, []):
            if length > TEXT_LIMIT_BYTES:
                reading.problems.append(f"The {kind_name} data is too large and was not read.")
                continue
            parts.append(file.read(offset if offset >= 0 else data_start - offset - 1, length))
        data = b"".join(parts)
        if kind_name == "EXIF" and data:
            read_exif(reading, data)
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


def _primary_item(data: bytes) -> int:
    """Return the id of the picture that is shown, from a ``pitm`` box."""
    return int.from_bytes(data[4:6] if data[:1] == b"\0" else data[4:8], "big")


def _size(file: BoundedFile, reading: ContainerReading, start: int, end: int, primary: int) -> None:
    """Take the size of the picture that is shown, cut and turned as its properties say (ISO/IEC 23008-12, 6.5)."""
    listed: list[tuple[bytes, bytes]] = []
    shown: list[int] = []
    for kind, inner, following in boxes(file, start, end, reading):
        if kind == b"ipco":
            for name, at, stop in boxes(file, inner, following, reading):
                listed.append((name, file.read(at, min(stop - at, 16)) if name in _SIZING else b""))
                if len(listed) >= _PROPERTY_LIMIT:
                    break
        elif kind == b"ipma":
            shown += _properties_of(box_content(file, inner, following), primary)
    own = [listed[number - 1] for number in shown if 0 < number <= len(listed)]
    sizes = [data for name, data in own if name == b"ispe"] or [data for name, data in listed if name == b"ispe"]
    for data in sizes:
        width, height = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
        # Tiles and thumbnails have smaller ones.
        if 0 < width < 2**31 and 0 < height < 2**31 and width * height > (reading.width or 0) * (reading.height or 0):
            reading.width, reading.height = width, height
    for name, data in own:
        if name == b"clap" and len(data) == 16 and reading.width and reading.height:
            across, across_of, down, down_of = (int.from_bytes(data[at : at + 4], "big") for at in (0, 4, 8, 12))
            if 0 < across <= reading.width * across_of and 0 < down <= reading.height * down_of:
                reading.width, reading.height = max(across // across_of, 1), max(down // down_of, 1)
        elif name == b"irot" and data[:1] and data[0] & 1:
            reading.width, reading.height = reading.height, reading.width


def _properties_of(data: bytes, item: int) -> list[int]:
    """Return the numbers of the properties of an item, from an ``ipma`` box; counted from 1, as they apply."""
    numbers = _BigEndianReader(data)
    version, flags = numbers.take(1), numbers.take(3)
    found: list[int] = []
    for _ in range(min(numbers.take(4), _ITEM_LIMIT)):
        owner = numbers.take(2 if version < 1 else 4)
        listed = [numbers.take(2) & 0x7FFF if flags & 1 else numbers.take(1) & 0x7F for _ in range(numbers.take(1))]
        if owner == item:
            found += listed
    return found

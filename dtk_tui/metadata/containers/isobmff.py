"""ISO base media files (ISO/IEC 14496-12): MP4 and MOV videos, and the pictures (AVIF, HEIC) that are built alike."""

from __future__ import annotations

from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers import heif
from dtk_tui.metadata.containers.boxes import box_content, boxes, read_exif
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES, ContainerReading

_PICTURES = dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "HEIC")
_PICTURES |= {b"avif": "AVIF", b"avis": "AVIF"}
# Where XMP stands in a video (XMP specification part 3).
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
# The names of iTunes' tags; a tag "----" names itself.
_TAGS = {
    b"\xa9cmt": "comment",
    b"\xa9des": "Description",
    b"desc": "Description",
    b"\xa9nam": "Title",
    b"\xa9too": "Software",
}


def kind_of(head: bytes) -> str | None:
    """Return AVIF, HEIC, MP4 or MOV by the brands of the first box, or None."""
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
    for kind, start, end in boxes(file, 0, file.size, reading):
        if kind == b"meta" and not reading.is_video:
            heif.read_items(file, reading, start + 4, end)
        elif kind == b"moov":
            _movie(file, reading, start, end)
        elif kind == b"Exif":
            read_exif(reading, box_content(file, start, end))
        elif kind == b"xml ":
            reading.add("xmp", "xmp", decode(box_content(file, start, end)))
        elif kind == b"uuid" and file.read(start, 16) == _XMP_UUID:
            reading.add("xmp", "xmp", decode(box_content(file, start + 16, end)))


def _movie(file: BoundedFile, reading: ContainerReading, start: int, end: int) -> None:
    """Read the movie header: size of the video track, and tags in ``udta`` (iTunes', QuickTime's keys)."""
    pending = [(start, end)]
    keys: list[str] = []
    for _ in range(200):
        if not pending:
            return
        inner_start, inner_end = pending.pop(0)
        for kind, inner, following in boxes(file, inner_start, inner_end, reading):
            if kind == b"tkhd":
                _track_size(file.read(inner, min(following - inner, 104)), reading)
            elif kind == b"keys":
                keys = _key_names(box_content(file, inner, following))
            elif kind == b"ilst":
                _tags(file, reading, inner, following, keys)
            elif kind == b"meta":
                # QuickTime's meta is a plain box, ISO's begins with version and flags.
                plain = file.read(inner + 4, 4) in (b"hdlr", b"keys", b"ilst")
                pending.append((inner if plain else inner + 4, following))
            elif kind in (b"udta", b"trak"):
                pending.append((inner, following))
            elif kind in _TAGS:
                _quicktime_text(reading, kind, box_content(file, inner, following))


def _track_size(data: bytes, reading: ContainerReading) -> None:
    """Take the size in a track header (fixed point, at its end), turned as its matrix says; sound has none."""
    at = 88 if data[:1] == b"\x01" else 76
    if len(data) >= at + 8:
        width, height = (int.from_bytes(data[at + shift : at + shift + 2], "big") for shift in (0, 4))
        if width and height and reading.width is None:
            # The matrix (a, b, u, c, d, v, ...) stands before the size; a quarter turn has b and c alone.
            turned = any(data[at - 32 : at - 28]) and not any(data[at - 36 : at - 32])
            reading.width, reading.height = (height, width) if turned else (width, height)


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
    for kind, inner, following in boxes(file, start, end, reading):
        name = _TAGS.get(kind)
        number = int.from_bytes(kind, "big")
        if 0 < number <= len(keys):
            name = keys[number - 1]
        for part, part_inner, part_end in boxes(file, inner, following, reading):
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

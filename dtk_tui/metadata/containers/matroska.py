"""Matroska and WebM (RFC 9559): size of the video track and the tags, found through the seek head or by walking."""

from __future__ import annotations

from collections.abc import Iterator

from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES, ContainerReading

SIGNATURE = b"\x1a\x45\xdf\xa3"
_SEGMENT, _SEEK_HEAD, _TRACKS, _TAGS, _CLUSTER = 0x18538067, 0x114D9B74, 0x1654AE6B, 0x1254C367, 0x1F43B675
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_TRACK_ENTRY, _VIDEO, _WIDTH, _HEIGHT = 0xAE, 0xE0, 0xB0, 0xBA
_TAG, _SIMPLE_TAG, _NAME, _STRING = 0x7373, 0x67C8, 0x45A3, 0x4487
_ELEMENT_LIMIT = 20_000
_UNKNOWN = -1
# Names under which ffmpeg writes what it was given; it puts the names of tags in capitals.
_NAMES = {
    "COMMENT": "comment",
    "PROMPT": "prompt",
    "WORKFLOW": "workflow",
    "PARAMETERS": "parameters",
    "DESCRIPTION": "Description",
    "TITLE": "Title",
}

Element = tuple[int, int, int]


def read(file: BoundedFile, reading: ContainerReading) -> None:
    """Take size and tags of a WebM or Matroska video."""
    reading.is_video = True
    if b"webm" not in file.head[:64]:
        reading.container = "MKV"
    for kind, start, end in _elements(file, 0, file.size):
        if kind == _SEGMENT:
            _segment(file, reading, start, file.size if end == _UNKNOWN else end)
            return
    reading.problems.append("The video is cut short.")


def _segment(file: BoundedFile, reading: ContainerReading, start: int, end: int) -> None:
    """Walk the segment up to the pictures, then go where the seek head says; without one, walk on."""
    positions: dict[int, int] = {}
    seen: set[int] = set()
    for kind, inner, following in _elements(file, start, end):
        if kind == _SEEK_HEAD:
            positions.update(_seek_positions(file, inner, following, start))
        elif kind in (_TRACKS, _TAGS):
            seen.add(kind)
            _tracks_or_tags(file, reading, kind, inner, following)
        elif kind == _CLUSTER and (following == _UNKNOWN or _TAGS in positions or _TAGS in seen):
            break
    for kind in (_TRACKS, _TAGS):
        if kind not in seen and kind in positions:
            for found, inner, following in _elements(file, positions[kind], end):
                if found == kind:
                    _tracks_or_tags(file, reading, kind, inner, following)
                break


def _tracks_or_tags(file: BoundedFile, reading: ContainerReading, kind: int, start: int, end: int) -> None:
    """Read tracks or tags."""
    if end == _UNKNOWN:
        reading.problems.append("The video is damaged.")
    elif kind == _TRACKS:
        _tracks(file, reading, start, end)
    else:
        for tag, inner, following in _elements(file, start, end):
            if tag == _TAG and following != _UNKNOWN:
                _tag(file, reading, inner, following)


def _elements(file: BoundedFile, start: int, end: int) -> Iterator[Element]:
    """Yield (id, start of the content, its end or -1 when it is not known) of the elements in a range."""
    for _ in range(_ELEMENT_LIMIT):
        if start >= end:
            return
        header = file.read(start, 12)
        if len(header) < 2:
            return
        id_length = 9 - header[0].bit_length()
        if id_length > 4 or id_length >= len(header):
            return
        kind = int.from_bytes(header[:id_length], "big")
        first = header[id_length]
        size_length = 9 - first.bit_length()
        if size_length > 8 or id_length + size_length > len(header):
            return
        raw = int.from_bytes(header[id_length : id_length + size_length], "big") & (1 << 7 * size_length) - 1
        inner = start + id_length + size_length
        if raw == (1 << 7 * size_length) - 1:
            yield kind, inner, _UNKNOWN
            return
        yield kind, inner, min(inner + raw, end)
        start = inner + raw


def _seek_positions(file: BoundedFile, start: int, end: int, segment: int) -> dict[int, int]:
    """Return where the seek head says that elements are."""
    found: dict[int, int] = {}
    for kind, inner, following in _elements(file, start, end):
        if kind == _SEEK and following != _UNKNOWN:
            entry = {
                part: int.from_bytes(file.read(at, min(stop - at, 8)), "big")
                for part, at, stop in _elements(file, inner, following)
            }
            if _SEEK_ID in entry and _SEEK_POSITION in entry:
                found.setdefault(entry[_SEEK_ID], segment + entry[_SEEK_POSITION])
    return found


def _tracks(file: BoundedFile, reading: ContainerReading, start: int, end: int) -> None:
    """Take the size of the first video track."""
    for kind, inner, following in _elements(file, start, end):
        if kind != _TRACK_ENTRY:
            continue
        for part, part_inner, part_end in _elements(file, inner, following):
            if part == _VIDEO and reading.width is None:
                sides = {
                    name: int.from_bytes(file.read(at, min(stop - at, 8)), "big")
                    for name, at, stop in _elements(file, part_inner, part_end)
                    if name in (_WIDTH, _HEIGHT)
                }
                width, height = sides.get(_WIDTH, 0), sides.get(_HEIGHT, 0)
                if 0 < width < 2**31 and 0 < height < 2**31:
                    reading.width, reading.height = width, height


def _tag(file: BoundedFile, reading: ContainerReading, start: int, end: int) -> None:
    """Keep the texts of one tag."""
    for kind, inner, following in _elements(file, start, end):
        if kind != _SIMPLE_TAG or following == _UNKNOWN:
            continue
        name = text = None
        for part, at, stop in _elements(file, inner, following):
            if part == _NAME:
                name = decode(file.read(at, min(stop - at, 200))).rstrip("\0")
            elif part == _STRING:
                if stop - at > TEXT_LIMIT_BYTES:
                    reading.problems.append(f"The tag {name} is too large and was not read.")
                else:
                    text = decode(file.read(at, stop - at)).rstrip("\0")
        if name and text:
            reading.add("video", _NAMES.get(name.upper(), name), text)

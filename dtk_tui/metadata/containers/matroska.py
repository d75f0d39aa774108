"""Matroska and WebM (RFC 9559): size of the video track and the tags, found through the seek head or by walking."""

from __future__ import annotations

from collections.abc import Iterator

from dtk_tui.metadata.containers.picture import TEXT_LIMIT_BYTES, Picture, decode
from dtk_tui.metadata.source import Source

SIGNATURE = b"\x1a\x45\xdf\xa3"
_SEGMENT, _SEEK_HEAD, _TRACKS, _TAGS, _CLUSTER = 0x18538067, 0x114D9B74, 0x1654AE6B, 0x1254C367, 0x1F43B675
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_ENTRY, _VIDEO, _WIDTH, _HEIGHT = 0xAE, 0xE0, 0xB0, 0xBA
_TAG, _SIMPLE, _NAME, _STRING = 0x7373, 0x67C8, 0x45A3, 0x4487
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


def read(source: Source, picture: Picture) -> None:
    """Take size and tags of a WebM or Matroska video."""
    picture.is_video = True
    if b"webm" not in source.head[:64]:
        picture.container = "MKV"
    for kind, start, end in _elements(source, 0, source.size):
        if kind == _SEGMENT:
            _segment(source, picture, start, source.size if end == _UNKNOWN else end)
            return
    picture.problems.append("The video is cut short.")


def _segment(source: Source, picture: Picture, start: int, end: int) -> None:
    """Walk the segment up to the pictures, then go where the seek head says; without one, walk on."""
    places: dict[int, int] = {}
    seen: set[int] = set()
    for kind, inner, following in _elements(source, start, end):
        if kind == _SEEK_HEAD:
            places.update(_places(source, inner, following, start))
        elif kind in (_TRACKS, _TAGS):
            seen.add(kind)
            _known(source, picture, kind, inner, following)
        elif kind == _CLUSTER and (following == _UNKNOWN or _TAGS in places or _TAGS in seen):
            break
    for kind in (_TRACKS, _TAGS):
        if kind not in seen and kind in places:
            for found, inner, following in _elements(source, places[kind], end):
                if found == kind:
                    _known(source, picture, kind, inner, following)
                break


def _known(source: Source, picture: Picture, kind: int, start: int, end: int) -> None:
    """Read tracks or tags."""
    if end == _UNKNOWN:
        picture.problems.append("The video is damaged.")
    elif kind == _TRACKS:
        _tracks(source, picture, start, end)
    else:
        for tag, inner, following in _elements(source, start, end):
            if tag == _TAG and following != _UNKNOWN:
                _tag(source, picture, inner, following)


def _elements(source: Source, start: int, end: int) -> Iterator[Element]:
    """Yield (id, start of the content, its end or -1 when it is not known) of the elements in a range."""
    for _ in range(_ELEMENT_LIMIT):
        if start >= end:
            return
        header = source.read(start, 12)
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


def _places(source: Source, start: int, end: int, segment: int) -> dict[int, int]:
    """Return where the seek head says that elements are."""
    found: dict[int, int] = {}
    for kind, inner, following in _elements(source, start, end):
        if kind == _SEEK and following != _UNKNOWN:
            entry = {
                part: int.from_bytes(source.read(at, min(stop - at, 8)), "big")
                for part, at, stop in _elements(source, inner, following)
            }
            if _SEEK_ID in entry and _SEEK_POSITION in entry:
                found.setdefault(entry[_SEEK_ID], segment + entry[_SEEK_POSITION])
    return found


def _tracks(source: Source, picture: Picture, start: int, end: int) -> None:
    """Take the size of the first video track."""
    for kind, inner, following in _elements(source, start, end):
        if kind != _ENTRY:
            continue
        for part, part_inner, part_end in _elements(source, inner, following):
            if part == _VIDEO and picture.width is None:
                sides = {
                    name: int.from_bytes(source.read(at, min(stop - at, 8)), "big")
                    for name, at, stop in _elements(source, part_inner, part_end)
                    if name in (_WIDTH, _HEIGHT)
                }
                width, height = sides.get(_WIDTH, 0), sides.get(_HEIGHT, 0)
                if 0 < width < 2**31 and 0 < height < 2**31:
                    picture.width, picture.height = width, height


def _tag(source: Source, picture: Picture, start: int, end: int) -> None:
    """Keep the texts of one tag."""
    for kind, inner, following in _elements(source, start, end):
        if kind != _SIMPLE or following == _UNKNOWN:
            continue
        name = text = None
        for part, at, stop in _elements(source, inner, following):
            if part == _NAME:
                name = decode(source.read(at, min(stop - at, 200))).rstrip("\0")
            elif part == _STRING:
                if stop - at > TEXT_LIMIT_BYTES:
                    picture.problems.append(f"The tag {name} is too large and was not read.")
                else:
                    text = decode(source.read(at, stop - at)).rstrip("\0")
        if name and text:
            picture.add("video", _NAMES.get(name.upper(), name), text)

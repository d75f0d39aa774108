"""TIFF tags as EXIF uses them (TIFF 6.0, CIPA DC-008): the texts that programs hide generation parameters in."""

from __future__ import annotations

import struct
from collections.abc import Callable

from dtk_tui.metadata.containers import iptc
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES, ContainerReading

Fetch = Callable[[int, int], bytes]

_NAMES = {
    0x010D: "DocumentName", 0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0131: "Software",
    0x013B: "Artist", 0x8298: "Copyright", 0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9D: "XPAuthor",
    0x9C9E: "XPKeywords", 0x9C9F: "XPSubject", 0x9286: "UserComment", 0x927C: "MakerNote", 0x02BC: "xmp",
}  # fmt: skip
_EXIF_IFD = 0x8769
_WIDTH, _HEIGHT, _ORIENTATION = 0x0100, 0x0101, 0x0112
_IPTC = 0x83BB
_TEXT_TYPES = frozenset({1, 2, 7, 129})
_IFD_LIMIT = 8
_ENTRY_LIMIT = 1000
_MAKER_NOTE_LIMIT = 256 * 1024


def read(data: bytes, reading: ContainerReading) -> None:
    """Add the texts of a TIFF structure to ``picture``."""
    read_at(lambda offset, length: data[offset : offset + length], reading)


def read_at(fetch: Fetch, reading: ContainerReading, *, take_size: bool = False) -> None:
    """Add the texts of a TIFF structure; with ``take_size`` the size of its first picture as well.

    Args:
        fetch: returns up to so many bytes (second argument) from an offset (first argument).
    """
    head = fetch(0, 8)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
    if order is None or len(head) < 8:
        reading.problems.append("The EXIF data is damaged.")
        return
    pending = [struct.unpack(order + "I", head[4:8])[0]]
    seen: set[int] = set()
    while pending and len(seen) < _IFD_LIMIT:
        offset = pending.pop(0)
        if offset not in seen:
            seen.add(offset)
            is_first = len(seen) == 1
            pending += _directory(fetch, order, offset, reading, is_first=is_first, take_size=take_size and is_first)


def _directory(
    fetch: Fetch, order: str, offset: int, reading: ContainerReading, *, is_first: bool, take_size: bool
) -> list[int]:
    """Read one directory; return where its Exif sub-directory is (the next one, the thumbnail's, is left alone)."""
    amount_of = fetch(offset, 2)
    if len(amount_of) < 2:
        reading.problems.append("The EXIF data is cut short.")
        return []
    entries = min(struct.unpack(order + "H", amount_of)[0], _ENTRY_LIMIT)
    block = fetch(offset + 2, entries * 12)
    if len(block) < entries * 12:
        reading.problems.append("The EXIF data is cut short.")
    inner = []
    for tag, kind, amount, value in struct.iter_unpack(order + "HHI4s", block[: len(block) // 12 * 12]):
        if tag == _EXIF_IFD:
            inner.append(struct.unpack(order + "I", value)[0])
        elif take_size and tag in (_WIDTH, _HEIGHT):
            _dimension(reading, tag, kind, value, order)
        elif tag == _ORIENTATION and is_first and kind == 3:
            reading.add_orientation(struct.unpack(order + "H", value[:2])[0])
        elif kind in _TEXT_TYPES:
            name = _NAMES.get(tag)
            if name is None and tag != _IPTC and (kind != 2 or amount < 5):
                continue
            if amount > TEXT_LIMIT_BYTES:
                reading.problems.append(f"The EXIF tag {name or hex(tag)} is too large and was not read.")
                continue
            raw = value[:amount] if amount <= 4 else fetch(struct.unpack(order + "I", value)[0], amount)
            if len(raw) < amount:
                reading.problems.append(f"The EXIF tag {name or hex(tag)} is cut short.")
            if raw:
                _add_text(reading, tag, name, raw, order)
    return inner


def _dimension(reading: ContainerReading, tag: int, kind: int, value: bytes, order: str) -> None:
    """Take ImageWidth or ImageLength."""
    if kind in (3, 4):
        (side,) = struct.unpack(order + ("H" if kind == 3 else "I"), value[: 2 if kind == 3 else 4])
        if 0 < side < 2**31:
            if tag == _WIDTH:
                reading.width = side
            else:
                reading.height = side


def _add_text(reading: ContainerReading, tag: int, name: str | None, raw: bytes, order: str) -> None:
    """Keep one tag's text."""
    if tag == _IPTC:
        iptc.read(raw, reading)
        return
    if name == "UserComment":
        text = user_comment(raw, order)
    elif name == "xmp":
        reading.add("xmp", "xmp", decode(raw))
        return
    elif name and name.startswith("XP"):
        text = raw.decode("utf-16-le", "replace").rstrip("\0")
    elif name == "MakerNote":
        if len(raw) > _MAKER_NOTE_LIMIT or (not raw.isascii() and raw[:1] != b"{"):
            return
        text = decode(raw.rstrip(b"\0"))
        if not text.isprintable() and text[:1] != "{":
            return
    else:
        text = decode(raw.rstrip(b"\0"))
    if text:
        reading.add("exif", name or f"0x{tag:04x}", text)


def user_comment(raw: bytes, order: str) -> str:
    """Return a UserComment: its eight-byte character code is believed only as far as the bytes bear it out.

    Real files hold UTF-16 of either byte order whatever the header says, UTF-8 behind ``UNICODE`` and no code at all.
    """
    code, body = raw[:8], raw[8:]
    if code == b"UNICODE\0":
        return _utf16(body, order)
    if code in (b"ASCII\0\0\0", b"\0\0\0\0\0\0\0\0"):
        return _ascii_or_utf16(body, order)
    if code == b"JIS\0\0\0\0\0":
        return body.decode("iso2022_jp", "replace").rstrip("\0")
    named = code.rstrip(b"\0 ").upper()
    if named in (b"UNICODE", b"ASCII", b"UTF-8", b"UTF8"):
        return _utf16(body, order) if named == b"UNICODE" else _ascii_or_utf16(body, order)
    return _ascii_or_utf16(raw, order)


def _ascii_or_utf16(body: bytes, order: str) -> str:
    """Decode text whose code says ASCII or nothing."""
    body = body.rstrip(b"\0") if body[1:2] else body
    if body[:2] in (b"\xff\xfe", b"\xfe\xff") or body[:64].count(0) * 3 > len(body[:64]):
        return _utf16(body + b"\0" * (len(body) % 2), order)
    return decode(body.rstrip(b"\0"))


def _utf16(body: bytes, order: str) -> str:
    """Decode UTF-16 by its byte order mark, else by which byte of the pairs is zero, else by the header."""
    if body[:2] == b"\xff\xfe":
        return body[2:].decode("utf-16-le", "replace").rstrip("\0")
    if body[:2] == b"\xfe\xff":
        return body[2:].decode("utf-16-be", "replace").rstrip("\0")
    sample = body[:4096]
    first, second = sample[::2].count(0), sample[1::2].count(0)
    if first == second:
        return _utf16_or_utf8(body, order)
    return body.decode("utf-16-be" if first > second else "utf-16-le", "replace").rstrip("\0")


def _utf16_or_utf8(body: bytes, order: str) -> str:
    """Decode a body that holds no zero bytes to tell by: UTF-8 if it is, else the reading with less rare characters."""
    if b"\0" not in body:
        try:
            return body.decode()
        except UnicodeDecodeError:
            pass
    big, little = body.decode("utf-16-be", "replace"), body.decode("utf-16-le", "replace")
    if _rare_characters(big) == _rare_characters(little):
        return (little if order == "<" else big).rstrip("\0")
    return min(big, little, key=_rare_characters).rstrip("\0")


def _rare_characters(text: str) -> int:
    """Count the characters that texts seldom hold: private use, surrogates, unassigned blocks, scattered symbols."""
    return sum(1 for char in text[:2000] if not (char.isalnum() or char.isspace() or char.isascii()))

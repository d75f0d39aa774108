"""XMP packets (ISO 16684-1), searched as text and never parsed as XML, so that no entity can grow or be fetched."""

from __future__ import annotations

import re
from itertools import islice

_PROPERTIES = (
    ("exif:UserComment", "UserComment"),
    ("dc:description", "Description"),
    ("xmp:CreatorTool", "CreatorTool"),
    ("tiff:Software", "Software"),
    ("tiff:ImageDescription", "ImageDescription"),
    ("dc:title", "Title"),
)
_LIMIT_CHARS = 4 * 1024 * 1024
_CARRIERS_LIMIT = 50
_LEAVES_LIMIT = 5000
# What tells a prompt and its settings from the captions and dates of a photograph.
_MARKS = ("{", "Steps:", "Negative prompt:", "Include in Image:")
_LEAF = re.compile(r"<(?:[A-Za-z][\w.-]{0,80}:)?([A-Za-z][\w.-]{0,80})(?:\s[^<>]{0,2000})?>\s*(<!\[CDATA\[|[^<\s])")
_QUOTED = re.compile(r"""\s[A-Za-z][\w.-]{0,80}:([A-Za-z][\w.-]{0,80})=(?:"([^"<]{16,})"|'([^'<]{16,})')""")
_ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def properties(packet: str) -> list[tuple[str, str]]:
    """Return (name, text) of the properties that can hold how a picture was made."""
    packet = packet[:_LIMIT_CHARS]
    found = []
    for qualified, name in _PROPERTIES:
        if qualified in packet:
            value = element(packet, qualified)
            if value is None:
                value = _attribute(packet, qualified)
            if value is not None:
                found.append((name, value))
    return found


def carriers(packet: str) -> list[tuple[str, str]]:
    """Return (name without its prefix, text) of all properties whose texts may be a dialect's."""
    packet = packet[:_LIMIT_CHARS]
    if not any(mark in packet for mark in _MARKS):
        return []
    found: list[tuple[str, str]] = []
    position = 0
    for _ in range(_LEAVES_LIMIT):
        match = _LEAF.search(packet, position)
        if match is None:
            break
        begin = match.start(2)
        is_raw = len(match[2]) > 1
        position = packet.find("]]>" if is_raw else "<", begin + 1)
        if position < 0:
            break
        text = packet[begin + len(match[2]) : position] if is_raw else unescape(packet[begin:position])
        if _is_carrier(text):
            found.append((match[1], text.strip()))
    for match in islice(_QUOTED.finditer(packet), _LEAVES_LIMIT):
        text = unescape(match[2] or match[3])
        if _is_carrier(text):
            found.append((match[1], text.strip()))
    return found[:_CARRIERS_LIMIT]


def _is_carrier(text: str) -> bool:
    return text.lstrip()[:1] == "{" or any(mark in text for mark in _MARKS[1:])


def element(packet: str, name: str) -> str | None:
    """Return the text of the first element ``name`` (with its prefix), of its first list item if any, or None."""
    content = _between(packet[:_LIMIT_CHARS], f"<{name}", f"</{name}>")
    if content is None:
        return None
    item = _between(content, "<rdf:li", "</rdf:li>")
    return unescape(content if item is None else item)


def _between(packet: str, opening: str, closing: str) -> str | None:
    """Return what stands between an opening tag (whatever its attributes) and its closing tag."""
    begin = packet.find(opening)
    inner = packet.find(">", begin + len(opening)) + 1 if begin >= 0 else 0
    end = packet.find(closing, inner) if inner else -1
    return packet[inner:end] if end >= 0 else None


def _attribute(packet: str, name: str) -> str | None:
    """Return the value of an attribute ``name="..."``."""
    for quote in ('"', "'"):
        begin = packet.find(f" {name}={quote}")
        if begin >= 0:
            inner = begin + len(name) + 3
            end = packet.find(quote, inner)
            return unescape(packet[inner:end]) if end >= 0 else None
    return None


def unescape(text: str) -> str:
    """Return ``text`` with the five named and the numeric character references of XML resolved."""
    if text.startswith("<![CDATA[") and text.endswith("]]>"):
        return text[9:-3]
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    name = match[1]
    if name[0] != "#":
        return _ENTITIES[name]
    code = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    return chr(code) if 0 < code < 0x110000 else "\ufffd"

"""SVG 2: what stands in ``<metadata>`` (ComfyUI: JSON as CDATA; drawing programs: RDF), and the size in pixels.

Searched as text and never parsed as XML, so that no entity can grow or be fetched.
"""

from __future__ import annotations

import re

from dtk_tui.metadata import values
from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers import xmp
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES, ContainerReading

_BEGINNINGS = (b"<?xml", b"<!--", b"<!DOCTYPE")
_WINDOW_BYTES = 1024 * 1024
_METADATA, _END = "<metadata", "</metadata>"
_CDATA = "<![CDATA["
_ROOT = re.compile(r"<svg\b([^>]{0,20000})>")
_SIDE = re.compile(r"""\s(width|height)\s*=\s*["']\s*(\d{1,9}(?:\.\d{0,9})?)\s*(px|pt|pc|in|cm|mm|q)?\s*["']""", re.I)
_VIEW_BOX = re.compile(
    r"""\sviewBox\s*=\s*["']\s*\S+[\s,]+\S+[\s,]+(\d{1,9}(?:\.\d*)?)[\s,]+(\d{1,9}(?:\.\d*)?)\s*["']"""
)
# Pixels of CSS in a unit of length.
_UNITS = {"": 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6}


def is_svg(head: bytes) -> bool:
    """Return whether ``head`` begins an SVG."""
    text = head[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return text.startswith(b"<svg") or (text.startswith(_BEGINNINGS) and b"<svg" in text)


def read(file: BoundedFile, reading: ContainerReading) -> None:
    """Take size and metadata of an SVG; writers put the metadata before the drawing."""
    text = decode(file.head if file.size <= len(file.head) else file.read(0, _WINDOW_BYTES))
    root = _ROOT.search(text)
    if root is not None:
        _size(root[1], reading)
    begin = text.find(_METADATA)
    inner = text.find(">", begin) + 1 if begin >= 0 else 0
    if not inner or text[inner - 2] == "/":
        return
    end = text.find(_END, inner)
    if end < 0 and file.size > _WINDOW_BYTES:
        text = decode(file.read(0, TEXT_LIMIT_BYTES))
        end = text.find(_END, inner)
    if end < 0:
        reading.problems.append("The metadata of the SVG is cut short.")
        end = len(text)
    _metadata(text[inner:end].strip(), reading)


def _metadata(content: str, reading: ContainerReading) -> None:
    """Keep JSON (or any other plain text) as it is, RDF as XMP."""
    if content.startswith(_CDATA):
        content = content[len(_CDATA) :].removesuffix("]]>").strip()
    elif content.startswith("<"):
        reading.add("xmp", "xmp", content)
        return
    else:
        content = xmp.unescape(content)
    if content:
        reading.add("svg", "metadata", content)


def _size(attributes: str, reading: ContainerReading) -> None:
    """Take width and height, else those of the view box."""
    sides = {name.lower(): float(number) * _UNITS[unit.lower()] for name, number, unit in _SIDE.findall(attributes)}
    box = _VIEW_BOX.search(attributes)
    width = sides.get("width") or (float(box[1]) if box else 0.0)
    height = sides.get("height") or (float(box[2]) if box else 0.0)
    found = values.pixels(float(round(width))), values.pixels(float(round(height)))
    if None not in found:
        reading.width, reading.height = found

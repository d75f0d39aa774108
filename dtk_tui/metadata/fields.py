"""The metadata fields of a file by name: a dialect finds a text wherever its writer had put it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from dtk_tui.domain.parameters import RawChunk
from dtk_tui.metadata import values
from dtk_tui.metadata.containers import xmp

# Writers that put JSON into EXIF tags begin the text with its name: "prompt:{...}", "Workflow: {...}".
_NAMED = re.compile(r"\s*([A-Za-z][A-Za-z_\-]{2,30})\s*:\s*(?=[{\[])")
# Names under which wrappers (a UserComment, a stealth text, a video comment) carry what PNG keeps in own chunks.
_WRAPPED = frozenset(
    {
        "prompt", "workflow", "parameters", "extraMetadata", "generation_data", "invokeai_metadata", "invokeai_graph",
        "invokeai_workflow", "sd-metadata", "Dream", "Comment", "Description", "Software", "Source", "Title",
        "smproj", "parameters-json", "fooocus_scheme", "extra_data",
    }
)  # fmt: skip
_TEXT_SOURCES = frozenset({"exif", "xmp", "jpeg-comment", "gif-comment", "iptc", "svg", "video", "stealth", "sidecar"})
# A comment of stable-diffusion.cpp has a keyword before its text, as the texts of a PNG have.
_KEYED = re.compile(r"([A-Za-z][\w .:\-]{1,78})\0([^\0\udcff]+)[\0\udcff]*")
_WITHIN_LIMIT = 50
COMMENT_KEYS = ("UserComment", "comment", "Comment", "Description", "ImageDescription", "XPComment", "Caption")


@dataclass(slots=True)
class MetadataFields:
    """The metadata of one file: texts by field name, and the JSON objects that they hold.

    Attributes:
        texts: text by name; the first chunk of a name wins.
        width, height: pixels of the picture, or None.
        is_sidecar: the chunks come from a file beside the picture.
        file_name: the first name that the file is known to have had, or None.
        cache: what several dialects ask for and is worked out once.
    """

    texts: dict[str, str]
    width: int | None = None
    height: int | None = None
    is_sidecar: bool = False
    file_name: str | None = None
    cache: dict[str, Any] = field(default_factory=dict)
    _objects: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def json(self, name: str) -> dict[str, Any] | None:
        """Return the JSON object that stands under ``name``, or None; parsed once."""
        if name not in self._objects:
            source = self.texts.get(name)
            self._objects[name] = None if source is None else values.json_object(source)
        return self._objects[name]

    def first(self, *names: str) -> str | None:
        """Return the first text that stands under one of ``names``."""
        for name in names:
            found = self.texts.get(name)
            if found is not None:
                return found
        return None

    def put(self, name: str, value: object) -> None:
        """Add an unwrapped value under ``name`` unless something stands there: texts as text, objects parsed."""
        if isinstance(value, str):
            self.texts.setdefault(name, value)
        elif isinstance(value, dict) and name not in self.texts:
            self.texts[name] = ""
            self._objects[name] = value


def collect_fields(
    chunks: Sequence[RawChunk], width: int | None, height: int | None, file_name: str | None = None
) -> MetadataFields:
    """Return the fields in ``chunks``; what is wrapped in JSON, EXIF or XMP texts becomes fields of its own."""
    fields = MetadataFields({}, width, height, file_name=file_name)
    wrapped = []
    carried: list[tuple[str, str]] = []
    for chunk in chunks:
        source, key, text = chunk.source, chunk.key, chunk.text
        fields.texts.setdefault(key, text)
        if source == "png" and key != "XML:com.adobe.xmp":
            continue
        if source == "xmp" or key == "XML:com.adobe.xmp":
            for name, value in xmp.properties(text):
                fields.texts.setdefault(name, value)
                fields.texts.setdefault(f"xmp:{name}", value)
                wrapped.append((name, value))
            carried += xmp.carriers(text)
        elif source in _TEXT_SOURCES:
            fields.is_sidecar |= source == "sidecar"
            if source in ("sidecar", "stealth"):
                fields.texts.setdefault("parameters", text)
            elif source == "jpeg-comment" and (keyed := _KEYED.fullmatch(text)):
                key, text = keyed.groups()
                fields.texts.setdefault(key, text)
            elif source == "exif" and _is_swapped(text):
                text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-be", "replace")
                fields.texts[key] = text
            wrapped.append((key, text))
    # What has a name of its own somewhere goes before what any property may hold.
    for name, text in carried:
        if text not in fields.texts.values():
            fields.texts.setdefault(name if name in _WRAPPED else "parameters", text)
            wrapped.append((name, text))
    for name, text in wrapped:
        _unwrap_json(fields, name, text)
    return fields


def _is_swapped(text: str) -> bool:
    """Return whether ``text`` is UTF-16 that somebody read in the wrong byte order: ``a`` has become U+6100."""
    if not text or ord(text[0]) < 0x100:
        return False
    sample = text[:64]
    return sum(1 for char in sample if not ord(char) & 0xFF) * 5 >= len(sample) * 4


def _unwrap_json(fields: MetadataFields, key: str, text: str) -> None:
    """Add the fields in a text that wraps others."""
    if match := _NAMED.match(text):
        fields.put(match[1].lower(), text[match.end() :])
        return
    if text.lstrip()[:1] != "{":
        return
    found = fields.json(key) if fields.texts.get(key) is text else values.json_object(text)
    if found is None:
        return
    for name in _WRAPPED.intersection(found):
        fields.put(name, found[name])
    if fields.is_sidecar:
        for value in _texts_within(found):
            if "Steps: " in value:
                fields.texts.setdefault("Comment", value)
                return


def _texts_within(source: dict[str, Any]) -> Iterator[str]:
    """Yield the texts in an object and in those inside it (notes that a collection of pictures keeps), some of them."""
    pending: list[Any] = [source]
    for count, value in enumerate(pending):
        if isinstance(value, str):
            yield value
        elif isinstance(value, (dict, list)) and count < _WITHIN_LIMIT:
            pending += islice(value.values() if isinstance(value, dict) else value, _WITHIN_LIMIT)

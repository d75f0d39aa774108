"""AUTOMATIC1111's web UI and the programs that write its infotext: Forge and its relatives, SD.Next, Civitai."""

from __future__ import annotations

import re

from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import COMMENT_KEYS, MetadataFields
from dtk_tui.metadata.infotext.parameters import infotext_parameters
from dtk_tui.metadata.infotext.parser import Infotext, parse_infotext

KEYS = ("parameters", *COMMENT_KEYS, "0x9286", "XPTitle", "Parameters", "postprocessing", "extras", "Make", "Software")
_FORGE_VERSION = re.compile(r"f\d|neo\b|classic\b|forge", re.IGNORECASE)


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of an infotext under any of the names it is kept under."""
    info = find_infotext(fields)
    return None if info is None else DialectReading(program_name(info.settings), infotext_parameters(info))


def find_infotext(fields: MetadataFields) -> Infotext | None:
    """Return the first infotext of a file."""
    if "infotext" not in fields.cache:
        fields.cache["infotext"] = _first_infotext(fields)
    found: Infotext | None = fields.cache["infotext"]
    return found


def _first_infotext(fields: MetadataFields) -> Infotext | None:
    """Return the first infotext; a brace begins JSON, or a prompt such as ``{masterpiece}, {red|blue} hair``.

    A prompt may be JSON itself: then the settings follow on a line of their own.
    """
    for key in KEYS:
        text = fields.texts.get(key)
        if not text or (text[0] == "{" and "\nSteps: " not in text and fields.json(key) is not None):
            continue
        if info := parse_infotext(text):
            return info
    return None


def program_name(settings: dict[str, str]) -> str:
    """Return the program as far as its settings show it: SD.Next signs, Forge has versions of its own."""
    if settings.get("App", "").startswith("SD.Next"):
        return "sdnext"
    version = settings.get("Version", "")
    if _FORGE_VERSION.match(version):
        return "forge"
    if "Civitai resources" in settings or "Civitai metadata" in settings:
        return "civitai"
    if version == "ComfyUI":
        return "comfyui"
    return "a1111"

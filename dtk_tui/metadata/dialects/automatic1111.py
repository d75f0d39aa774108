"""AUTOMATIC1111's web UI and the programs that write its infotext: Forge and its relatives, SD.Next, Civitai."""

from __future__ import annotations

import re

from dtk_tui.metadata.dialects import infotext
from dtk_tui.metadata.evidence import COMMENT_KEYS, Evidence, Found

KEYS = ("parameters", *COMMENT_KEYS, "0x9286", "XPTitle", "Parameters", "postprocessing", "extras", "Make", "Software")
_FORGE_VERSION = re.compile(r"f\d|neo\b|classic\b|forge", re.IGNORECASE)


def read(evidence: Evidence) -> Found | None:
    """Return the parameters of an infotext under any of the names it is kept under."""
    info = find(evidence)
    return None if info is None else Found(name(info.settings), infotext.parameters(info))


def find(evidence: Evidence) -> infotext.Infotext | None:
    """Return the first infotext of a file."""
    if "infotext" not in evidence.kept:
        evidence.kept["infotext"] = _find(evidence)
    found: infotext.Infotext | None = evidence.kept["infotext"]
    return found


def _find(evidence: Evidence) -> infotext.Infotext | None:
    """Return the first infotext; a brace begins JSON, or a prompt such as ``{masterpiece}, {red|blue} hair``.

    A prompt may be JSON itself: then the settings follow on a line of their own.
    """
    for key in KEYS:
        text = evidence.texts.get(key)
        if not text or (text[0] == "{" and "\nSteps: " not in text and evidence.json(key) is not None):
            continue
        if info := infotext.parse(text):
            return info
    return None


def name(settings: dict[str, str]) -> str:
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

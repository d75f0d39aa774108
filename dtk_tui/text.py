"""Making untrusted text safe to show.

Prompts, tags, file names and error texts come from strangers: control characters reach the terminal, bidirectional
overrides reorder a line, lone surrogates cannot be encoded. Markup is not touched here: what these functions return
must be wrapped as plain text (``textual.content.Content`` or ``rich.text.Text``), never parsed.
"""

from __future__ import annotations

import re
import unicodedata

_KEEP = {"\n", "\t"}
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029\ufeff"  # separators that break a line, byte order mark
    "\ud800-\udfff"  # lone surrogates: bytes that were not UTF-8
    "\U000e0000-\U000e007f]"  # tag characters
)


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return "\ufffd"


def display(text: str) -> str:
    """Return ``text`` with everything a terminal might act on replaced by a visible sign; lines are kept."""
    return _HIDDEN.sub(_picture, text.replace("\r\n", "\n"))


def one_line(text: str, limit: int = 1000) -> str:
    """Return ``text`` as one safe line of at most ``limit`` characters, an ellipsis for what was cut."""
    head = text[: limit * 4]
    line = " ".join(display(head).split())
    if len(line) > limit or len(text) > len(head):
        return line[: limit - 1] + "\u2026"
    return line


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return a number with what it counts: ``1 image``, ``2,000 images``; ``nouns`` where an s does not do."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def cell_width(text: str) -> int:
    """Return how many terminal cells ``text`` takes (wide East Asian characters take two, combining ones none)."""
    width = 0
    for char in text:
        if unicodedata.combining(char):
            continue
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return width

"""Text for people: untrusted text made safe to show, numbers with their units, and what fits a number of cells.

Prompts, tags, file names and error texts come from strangers: control characters reach the terminal, bidirectional
overrides reorder a line, lone surrogates cannot be encoded. Markup is not touched here: what these functions return
must be wrapped as plain text (``textual.content.Content`` or ``rich.text.Text``), never parsed.
"""

from __future__ import annotations

import re
import unicodedata

_KEEP = {"\n", "\t"}
#: Who asks, and with which password, in front of a host.
_USER = re.compile(r"//[^/@]*@")
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


def without_user(address: str) -> str:
    """Return an address of the web without user and password, as it may be shown."""
    return _USER.sub("//", address)


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return a number with what it counts: ``1 image``, ``2,000 images``; ``nouns`` where an s does not do."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def duration(seconds: float | None) -> str:
    """Return a time span in its two largest units, e.g. ``4m 05s``; ``-`` where it is not known."""
    if seconds is None:
        return "-"
    days, rest = divmod(max(0, round(seconds)), 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    if days:
        return f"{days}d {hours}h"
    # Two digits, so that a line that counts down keeps its width.
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {left:02d}s" if minutes else f"{left}s"


def file_size(count: int) -> str:
    """Return a size in bytes with a decimal unit, e.g. ``1.5 MB``."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def cell_width(text: str) -> int:
    """Return how many terminal cells ``text`` takes (wide East Asian characters take two, combining ones none)."""
    width = 0
    for char in text:
        if unicodedata.combining(char):
            continue
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return width


def cut(text: str, width: int, *, keep_end: bool = False) -> str:
    """Return ``text`` in at most ``width`` terminal cells, an ellipsis in place of its end, or of its beginning.

    Args:
        keep_end: of a path the end tells most.
    """
    if cell_width(text) <= width:
        return text
    if keep_end:
        return cut(text[::-1], width)[::-1]
    used, end = 0, 0
    for char in text:
        used += cell_width(char)
        if used > width - 1:
            break
        end += 1
    return text[:end] + "\u2026"

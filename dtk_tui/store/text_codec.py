"""Text that PostgreSQL refuses (NUL, lone surrogates), escaped reversibly.

A file name that is not UTF-8 reaches Python with lone surrogates (PEP 383) and must come back byte for byte. The escape
sign is the noncharacter U+10FFFE, which Unicode keeps out of interchange, followed by four hexadecimal digits; the sign
itself is escaped by the same sign and "FFFE".
"""

from __future__ import annotations

import re
import unicodedata

_SIGN = "\U0010fffe"
_REFUSED = re.compile(f"[\x00\ud800-\udfff{_SIGN}]")
_ESCAPED = re.compile(f"{_SIGN}([0-9A-F]{{4}})")


def to_db(text: str) -> str:
    """Return ``text`` in the form that is stored; the very same text where nothing needs an escape."""
    if text.isascii() and "\x00" not in text:
        return text
    if _REFUSED.search(text) is None:
        return text
    return _REFUSED.sub(lambda m: f"{_SIGN}{min(ord(m.group()), 0xFFFE):04X}", text)


def from_db(text: str) -> str:
    """Return the text that ``to_db`` was given."""
    if text.isascii() or _SIGN not in text:
        return text
    return _ESCAPED.sub(lambda m: _SIGN if m.group(1) == "FFFE" else chr(int(m.group(1), 16)), text)


def to_nfc(text: str) -> str:
    """Return ``to_db`` of a text in composed form, in which searches compare, as the SQL function dtk_nfc gives it."""
    return unicodedata.normalize("NFC", to_db(text))

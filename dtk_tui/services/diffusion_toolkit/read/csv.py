"""CSV as the staging tables take it: single quotes, NULL as nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dtk_tui.store.text_codec import to_db

#: What ``text_codec.to_db`` would change: such a text cannot be sent as it is.
_SIGN = "\U0010fffe".encode()


def field(value: Any) -> bytes:
    """Return one value as a field of CSV."""
    if value is None:
        return b""
    if isinstance(value, bool):
        return b"t" if value else b"f"
    return b"'" + to_db(str(value)).replace("'", "''").encode() + b"'"


def line(values: Iterable[Any]) -> bytes:
    """Return values as one line of CSV."""
    return b",".join(map(field, values))


def is_plain(text: bytes) -> bool:
    """Whether bytes of the source can be sent as they are: UTF-8 that PostgreSQL takes."""
    if text.isascii():
        return b"\x00" not in text
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return b"\x00" not in text and _SIGN not in text

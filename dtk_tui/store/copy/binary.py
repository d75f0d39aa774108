"""The fixed bytes of COPY's binary format (PostgreSQL's documentation of COPY, section Binary Format)."""

from __future__ import annotations

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
#: A field that is NULL: the length -1 alone.
NULL = b"\xff\xff\xff\xff"

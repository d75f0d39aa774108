"""Decoding byte strings to text: UTF-8, Latin-1, and deflated streams of bounded size."""

from __future__ import annotations

import zlib

from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES


def decode(data: bytes) -> str:
    """Return ``data`` as UTF-8; bytes that are not UTF-8 become lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def decode_latin(data: bytes) -> str:
    """Return ``data`` as UTF-8 where it is UTF-8 (as many writers do), else as Latin-1 (as the PNG standard says)."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def inflate(data: bytes, wbits: int = zlib.MAX_WBITS) -> bytes | None:
    """Return the inflated bytes, at most 16 MiB; None when the stream is damaged or larger."""
    engine = zlib.decompressobj(wbits)
    try:
        found = engine.decompress(data, TEXT_LIMIT_BYTES)
    except zlib.error:
        return None
    if not engine.eof and (engine.unconsumed_tail or len(found) >= TEXT_LIMIT_BYTES):
        return None
    return found

"""What a container reader hands back, and the decoding of byte strings to text that all of them share."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from dtk_tui.domain.parameters import RawChunk

TEXT_LIMIT_BYTES = 16 * 1024 * 1024
ALL_TEXT_LIMIT_BYTES = 48 * 1024 * 1024


@dataclass(slots=True)
class Picture:
    """Pixel size, raw metadata and what went wrong on the way.

    Attributes:
        problems: sentences for a person, one for each piece that was lost.
        hidden: the pixels may hide a text in their least significant bits (``png`` or ``webp``), or None.
    """

    container: str
    width: int | None = None
    height: int | None = None
    chunks: list[RawChunk] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_video: bool = False
    hidden: str | None = None
    text_bytes: int = 0

    def add(self, source: str, key: str, text: str) -> None:
        """Keep one piece of text; more than 48 MB of them in one file are not kept."""
        self.text_bytes += len(text)
        if self.text_bytes > ALL_TEXT_LIMIT_BYTES:
            self.problems.append(f"{key} was not kept: the file holds more than 48 MB of text.")
            return
        self.chunks.append(RawChunk(source, key, text))


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

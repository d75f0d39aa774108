"""What reading a container gives: pixel size, pieces of text, problems."""

from __future__ import annotations

from dataclasses import dataclass, field

from dtk_tui.domain.parameters import RawChunk

TEXT_LIMIT_BYTES = 16 * 1024 * 1024
ALL_TEXT_LIMIT_BYTES = 48 * 1024 * 1024


@dataclass(slots=True)
class ContainerReading:
    """Pixel size, raw metadata and problems of one file, filled by the reader of its container.

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

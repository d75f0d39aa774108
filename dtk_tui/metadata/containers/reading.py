"""What reading a container gives: pixel size, pieces of text, problems."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dtk_tui.domain.parameters import RawChunk

TEXT_LIMIT_BYTES = 16 * 1024 * 1024
ALL_TEXT_LIMIT_BYTES = 48 * 1024 * 1024
# Orientation 5 to 8 (TIFF 6.0, tag 274) is a picture that lies in the file and is shown standing, or the other way.
_TURNED = range(5, 9)
# Decoders of these go by the container's own rotation and ignore what EXIF says.
_OWN_ROTATION = frozenset({"AVIF", "HEIC", "MP4", "MOV"})
_XMP_ORIENTATION = re.compile(r"tiff:Orientation(?:=[\"']|>)\s*([1-8])\b")


@dataclass(slots=True)
class ContainerReading:
    """Pixel size, raw metadata and problems of one file, filled by the reader of its container.

    Attributes:
        width, height: as stored; ``turn_upright`` makes them those of the picture as it is shown.
        orientation: 1 to 8 as EXIF counts, or None where nothing says.
        problems: sentences for a person, one for each piece that was lost.
        hidden: the pixels may hide a text in their least significant bits (``png`` or ``webp``), or None.
    """

    container: str
    width: int | None = None
    height: int | None = None
    chunks: list[RawChunk] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_video: bool = False
    orientation: int | None = None
    hidden: str | None = None
    text_bytes: int = 0

    def add(self, source: str, key: str, text: str) -> None:
        """Keep one piece of text; more than 48 MB of them in one file are not kept."""
        self.text_bytes += len(text)
        if self.text_bytes > ALL_TEXT_LIMIT_BYTES:
            self.problems.append(f"{key} was not kept: the file holds more than 48 MB of text.")
            return
        self.chunks.append(RawChunk(source, key, text))

    def add_orientation(self, value: int) -> None:
        """Take what EXIF says, the first time it says it."""
        if self.orientation is None and 1 <= value <= 8 and self.container not in _OWN_ROTATION:
            self.orientation = value

    def turn_upright(self) -> None:
        """Exchange the sides of a picture that is turned by a quarter when it is shown."""
        if self.orientation is None and self.container not in _OWN_ROTATION:
            for chunk in self.chunks:
                if chunk.source == "xmp" or chunk.key == "XML:com.adobe.xmp":
                    found = _XMP_ORIENTATION.search(chunk.text)
                    self.orientation = int(found[1]) if found else None
        if self.orientation in _TURNED:
            self.width, self.height = self.height, self.width

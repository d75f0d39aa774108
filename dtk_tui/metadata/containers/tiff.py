"""TIFF 6.0: size and texts of the first directory and its Exif sub-directory, wherever in the file they stand."""

from __future__ import annotations

from dtk_tui.metadata.containers import exif
from dtk_tui.metadata.containers.picture import Picture
from dtk_tui.metadata.source import Source

SIGNATURES = (b"II*\0", b"MM\0*")


def read(source: Source, picture: Picture) -> None:
    """Take size and texts of a TIFF."""
    exif.read_at(source.read, picture, take_size=True)

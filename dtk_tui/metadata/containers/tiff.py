"""TIFF 6.0: size and texts of the first directory and its Exif sub-directory, wherever in the file they stand."""

from __future__ import annotations

from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers import exif
from dtk_tui.metadata.containers.reading import ContainerReading

SIGNATURES = (b"II*\0", b"MM\0*")


def read(file: BoundedFile, reading: ContainerReading) -> None:
    """Take size and texts of a TIFF."""
    exif.read_at(file.read, reading, take_size=True)

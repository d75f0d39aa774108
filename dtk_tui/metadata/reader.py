"""One look into one file: container, pixel size, metadata dialect, generation parameters, fingerprint."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Callable, Collection, Sequence

from dtk_tui.domain.parameters import FileReading, GenerationParameters, RawChunk
from dtk_tui.errors import UnreadableFileError
from dtk_tui.metadata import sidecars, stealth
from dtk_tui.metadata.bounded_file import BoundedFile, DamagedError
from dtk_tui.metadata.containers import bmp, exr, gif, isobmff, jpeg, jxl, matroska, png, svg, tiff, webp
from dtk_tui.metadata.containers.reading import ContainerReading
from dtk_tui.metadata.fields import collect_fields
from dtk_tui.metadata.recogniser import recognise

#: Raised by one, once a release, where the same metadata is understood in another way than by the release before.
VERSION = 2

_NOTHING = GenerationParameters()
_MALFORMED = (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError, struct.error)
_ContainerReader = Callable[[BoundedFile, ContainerReading], None]


def read_file(path: str, siblings: Collection[str] | None = None, first_name: str | None = None) -> FileReading:
    """Return what the file at ``path`` says about itself; content that cannot be read ends in ``error``, never raises.

    Args:
        path: as ``os.fsdecode`` gives it.
        siblings: names in the file's folder (best as a set), to look for a sidecar there; None looks on disk.
        first_name: the name that the file had when it was first seen; None: the one that it has.

    Raises:
        UnreadableFileError: the file cannot be opened or read at all.
    """
    try:
        fd = os.open(os.fsencode(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        return _read(fd, path, siblings, path.rpartition("/")[2] if first_name is None else first_name)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(fd)


def derive(
    chunks: Sequence[RawChunk], width: int | None, height: int | None, file_name: str | None = None
) -> tuple[str | None, GenerationParameters]:
    """Return (dialect, parameters) from raw chunks alone; (None, all None) when they hold no generation parameters.

    Args:
        chunks: as read from the file, in their order.
        width, height: pixels of the picture.
        file_name: the first name that the file is known to have had.
    """
    if not chunks:
        return None, _NOTHING
    found = recognise(collect_fields(chunks, width, height, file_name))
    return (None, _NOTHING) if found is None else (found.dialect, found.parameters)


def _read(fd: int, path: str, siblings: Collection[str] | None, name: str) -> FileReading:
    """Read an open file."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL, "not a regular file")
    file = BoundedFile(fd, status.st_size)
    container, reader = _detect_container(file.head)
    reading = ContainerReading(container or "")
    dialect, parameters = None, _NOTHING
    if reader is not None:
        dialect, parameters = _read_metadata(file, reading, reader, name)
        reading.turn_upright()
        if dialect is None:
            dialect, parameters = _read_sidecars(path, reading, siblings, name)
    elif not file.head:
        reading.problems.append("The file is empty.")
    else:
        reading.problems.append("The file is no picture or video of a known kind.")
    return FileReading(
        container=container and reading.container,
        width=reading.width,
        height=reading.height,
        dialect=dialect,
        parameters=parameters,
        chunks=tuple(reading.chunks),
        fingerprint=file.fingerprint(),
        file_size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        is_video=reading.is_video,
        error=_joined_problems(reading.problems),
    )


def _read_metadata(
    file: BoundedFile, reading: ContainerReading, reader: _ContainerReader, name: str
) -> tuple[str | None, GenerationParameters]:
    """Run a container reader and the dialects; whatever a hostile file makes them raise becomes a problem."""
    try:
        reader(file, reading)
    except DamagedError as error:
        reading.problems.append(str(error))
    except _MALFORMED as error:
        reading.problems.append(f"The file is damaged ({type(error).__name__}).")
    try:
        found = derive(reading.chunks, reading.width, reading.height, name)
        if found[0] is None and reading.hidden:
            before = len(reading.chunks)
            stealth.find(file, reading)
            if len(reading.chunks) > before:
                found = derive(reading.chunks, reading.width, reading.height, name)
        return found
    except DamagedError as error:
        reading.problems.append(str(error))
        return None, _NOTHING
    except _MALFORMED as error:
        reading.problems.append(f"The metadata cannot be understood ({type(error).__name__}).")
        return None, _NOTHING


def _read_sidecars(
    path: str, reading: ContainerReading, siblings: Collection[str] | None, name: str
) -> tuple[str | None, GenerationParameters]:
    """Try the sidecars of a picture that says nothing itself; a text that is no parameters leaves no trace."""
    for chunk in sidecars.read(path, siblings, is_video=reading.is_video):
        chunks = [*reading.chunks, chunk]
        try:
            dialect, parameters = derive(chunks, reading.width, reading.height, name)
        except _MALFORMED:
            continue
        if dialect is not None:
            reading.chunks.append(chunk)
            return dialect, parameters
    return None, _NOTHING


def _detect_container(head: bytes) -> tuple[str | None, _ContainerReader | None]:
    """Return the container by its first bytes, whatever the file is called, and its reader."""
    if head.startswith(png.SIGNATURE):
        return "PNG", png.read
    if head.startswith(jpeg.SIGNATURE):
        return "JPEG", jpeg.read
    if webp.is_webp(head):
        return "WEBP", webp.read
    if head.startswith(jxl.SIGNATURES):
        return "JXL", jxl.read
    kind = isobmff.kind_of(head)
    if kind is not None:
        return kind, isobmff.read
    if head.startswith(matroska.SIGNATURE):
        return "WEBM", matroska.read
    if head.startswith(gif.SIGNATURES):
        return "GIF", gif.read
    if head.startswith(tiff.SIGNATURES):
        return "TIFF", tiff.read
    if head.startswith(exr.SIGNATURE):
        return "EXR", exr.read
    if svg.is_svg(head):
        return "SVG", svg.read
    if bmp.is_bmp(head):
        return "BMP", bmp.read
    return None, None


def _joined_problems(problems: list[str]) -> str | None:
    """Return the problems as one text, each once and at most five."""
    if not problems:
        return None
    return " ".join(list(dict.fromkeys(problems))[:5])


def _unreadable(path: str, error: Exception) -> UnreadableFileError:
    """Return the error a person sees for a file that cannot be opened."""
    name = path.rstrip("/").rpartition("/")[2] or path
    if isinstance(error, FileNotFoundError):
        return UnreadableFileError(f"{name} is not there any more.", path)
    if isinstance(error, PermissionError):
        return UnreadableFileError(f"{name} may not be read.", f"Permission was denied for {path}.")
    if isinstance(error, OSError) and error.errno == errno.EISDIR:
        return UnreadableFileError(f"{name} is a folder.", path)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UnreadableFileError(f"{name} cannot be read.", reason)

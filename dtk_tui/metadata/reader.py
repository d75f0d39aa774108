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
from dtk_tui.metadata.containers import bmp, gif, isobmff, jpeg, matroska, png, tiff, webp
from dtk_tui.metadata.containers.picture import Picture
from dtk_tui.metadata.evidence import unfold
from dtk_tui.metadata.recogniser import recognise
from dtk_tui.metadata.source import DamagedError, Source

_NOTHING = GenerationParameters()
_TRIPPED = (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError, struct.error)
_Reader = Callable[[Source, Picture], None]


def read_file(path: str, siblings: Collection[str] | None = None) -> FileReading:
    """Return what the file at ``path`` says about itself; content that cannot be read ends in ``error``, never raises.

    Args:
        path: as ``os.fsdecode`` gives it.
        siblings: names in the file's folder (best as a set), to look for a sidecar there; None looks on disk.

    Raises:
        UnreadableFileError: the file cannot be opened or read at all.
    """
    try:
        fd = os.open(os.fsencode(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        return _read(fd, path, siblings)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(fd)


def derive(
    chunks: Sequence[RawChunk], width: int | None, height: int | None
) -> tuple[str | None, GenerationParameters]:
    """Return (dialect, parameters) from raw chunks alone; (None, all None) when they hold no generation parameters.

    Args:
        chunks: as read from the file, in their order.
        width, height: pixels of the picture.
    """
    if not chunks:
        return None, _NOTHING
    found = recognise(unfold(chunks, width, height))
    return (None, _NOTHING) if found is None else (found.dialect, found.parameters)


def _read(fd: int, path: str, siblings: Collection[str] | None) -> FileReading:
    """Read an open file."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL, "not a regular file")
    source = Source(fd, status.st_size)
    container, reader = _container(source.head)
    picture = Picture(container or "")
    dialect, parameters = None, _NOTHING
    if reader is not None:
        dialect, parameters = _look(source, picture, reader)
        if dialect is None:
            dialect, parameters = _look_beside(path, picture, siblings)
    elif not source.head:
        picture.problems.append("The file is empty.")
    else:
        picture.problems.append("The file is no picture or video of a known kind.")
    return FileReading(
        container=container and picture.container,
        width=picture.width,
        height=picture.height,
        dialect=dialect,
        parameters=parameters,
        chunks=tuple(picture.chunks),
        fingerprint=source.fingerprint(),
        file_size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        is_video=picture.is_video,
        error=_sentence(picture.problems),
    )


def _look(source: Source, picture: Picture, reader: _Reader) -> tuple[str | None, GenerationParameters]:
    """Run a container reader and the dialects; whatever a hostile file makes them trip over becomes a problem."""
    try:
        reader(source, picture)
    except DamagedError as error:
        picture.problems.append(str(error))
    except _TRIPPED as error:
        picture.problems.append(f"The file is damaged ({type(error).__name__}).")
    try:
        found = derive(picture.chunks, picture.width, picture.height)
        if found[0] is None and picture.hidden:
            before = len(picture.chunks)
            stealth.find(source, picture)
            if len(picture.chunks) > before:
                found = derive(picture.chunks, picture.width, picture.height)
        return found
    except DamagedError as error:
        picture.problems.append(str(error))
        return None, _NOTHING
    except _TRIPPED as error:
        picture.problems.append(f"The metadata cannot be understood ({type(error).__name__}).")
        return None, _NOTHING


def _look_beside(
    path: str, picture: Picture, siblings: Collection[str] | None
) -> tuple[str | None, GenerationParameters]:
    """Try the files beside a picture that says nothing itself; a text that is no parameters leaves no trace."""
    for chunk in sidecars.read(path, siblings):
        chunks = [*picture.chunks, chunk]
        try:
            dialect, parameters = derive(chunks, picture.width, picture.height)
        except _TRIPPED:
            continue
        if dialect is not None:
            picture.chunks.append(chunk)
            return dialect, parameters
    return None, _NOTHING


def _container(head: bytes) -> tuple[str | None, _Reader | None]:
    """Return the container by its first bytes, whatever the file is called, and its reader."""
    if head.startswith(png.SIGNATURE):
        return "PNG", png.read
    if head.startswith(jpeg.SIGNATURE):
        return "JPEG", jpeg.read
    if webp.is_webp(head):
        return "WEBP", webp.read
    kind = isobmff.kind_of(head)
    if kind is not None:
        return kind, isobmff.read
    if head.startswith(matroska.SIGNATURE):
        return "WEBM", matroska.read
    if head.startswith(gif.SIGNATURES):
        return "GIF", gif.read
    if head.startswith(tiff.SIGNATURES):
        return "TIFF", tiff.read
    if bmp.is_bmp(head):
        return "BMP", bmp.read
    return None, None


def _sentence(problems: list[str]) -> str | None:
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

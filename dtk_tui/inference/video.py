"""The first frame of a video, or an OpenEXR picture, by PyAV where it is installed (the extra ``video``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from PIL import Image

from dtk_tui.errors import UnreadableFileError

if TYPE_CHECKING:
    from av.container import InputContainer

#: ffmpeg's readers by the first bytes of a file; naming one keeps play lists and other indirections out.
_MATROSKA, _MOVIE, _EXR = "matroska", "mov", "exr_pipe"
_EXR_MAGIC = b"v/1\x01"
#: OpenEXR holds linear light; shown as it is, it would be much too dark.
_EXR_OPTIONS = {"apply_trc": "iec61966_2_1"}
_PICTURES = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
#: A video that shows nothing within so many packets is damaged.
_PACKETS = 2000


def reader_of(head: bytes) -> str | None:
    """Return ffmpeg's name of the reader for a file that begins with ``head`` (12 bytes), or None for no video."""
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _MATROSKA
    if head.startswith(_EXR_MAGIC):
        return _EXR
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _PICTURES else _MOVIE
    return _MOVIE if head[4:8] in (b"moov", b"mdat", b"wide") and head[:1] == b"\0" else None


def first_frame(path: str) -> Image.Image | None:
    """Return the first frame of a video as RGB, upright; None when the file is no video.

    Args:
        path: as ``os.fsdecode`` gives it.

    Raises:
        UnreadableFileError: PyAV is missing, the video is damaged, or its frames have too many pixels.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        reader = reader_of(file.read(12))
        if reader is None:
            return None
        try:
            import av
        except ImportError:
            raise UnreadableFileError(
                f"{path} is {'OpenEXR' if reader == _EXR else 'a video'}, which needs PyAV to be seen.",
                "Install it: pip install 'dtk-tui[video]'",
            ) from None
        logging.getLogger("libav").setLevel(logging.CRITICAL)
        file.seek(0)
        try:
            with av.open(file, "r", format=reader, metadata_errors="replace") as container:
                return _decode(path, container)
        except (av.FFmpegError, ValueError, MemoryError, OverflowError) as error:
            raise UnreadableFileError(
                f"{path} is damaged.", f"No frame can be decoded: {getattr(error, 'strerror', None) or error}"
            ) from error


def _decode(path: str, container: InputContainer) -> Image.Image:
    if not container.streams.video:
        raise UnreadableFileError(f"{path} is a video without pictures.")
    stream = container.streams.video[0]
    limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
    if stream.width * stream.height > limit:
        raise UnreadableFileError(f"{path} has more pixels than the limit of {limit // 1_000_000} million.")
    if container.format.name == _EXR:
        stream.codec_context.options = _EXR_OPTIONS
    # Several files are decoded at a time: each with threads of its own would only wait for the others.
    stream.codec_context.thread_count = 1
    for number, packet in enumerate(container.demux(stream)):
        for frame in packet.decode():
            picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
            return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
        if number > _PACKETS:
            break
    raise UnreadableFileError(f"{path} is damaged.", "No frame can be decoded.")

"""Pictures that Pillow alone cannot decode: JPEG XL and HEIC by plugins of the extras, and those that nothing draws."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from dtk_tui.domain import jpeg_xl
from dtk_tui.domain.library import VIDEO_ENDINGS
from dtk_tui.errors import UnreadableFileError

if TYPE_CHECKING:
    from PIL import Image

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})
_SVG_BEGINNINGS = (b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE")
_HEAD_BYTES = 4096
# What has to be there for files of these endings to be decoded.
_NEEDED = {
    "pillow_jxl": (".jxl",),
    "pillow_heif": (".heic", ".heif", ".hif"),
    "av": (*VIDEO_ENDINGS, ".exr"),
}
_NEVER = (".svg",)


def undecodable_endings() -> list[str]:
    """Return the endings, in lower case, of files that this installation cannot show to a model."""
    missing = [ending for module, endings in _NEEDED.items() if find_spec(module) is None for ending in endings]
    return sorted((*_NEVER, *missing))


def open_extra(path: str) -> Image.Image | None:
    """Open a picture that Pillow alone could not identify; None when it is of no kind that is known here.

    Args:
        path: as ``os.fsdecode`` gives it.

    Raises:
        UnreadableFileError: its decoder is not installed, nothing draws it, or it has too many pixels.
        OSError, ValueError, SyntaxError, RuntimeError: what decoders raise for damaged files.
    """
    with open(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(_SVG_BEGINNINGS) and b"<svg" in text:
        raise UnreadableFileError(
            f"{path} is a drawing (SVG).", "Its parameters are read, but nothing here draws it: no model sees it."
        )
    if head.startswith((jpeg_xl.CODESTREAM, jpeg_xl.CONTAINER)):
        return _open_jpeg_xl(path)
    if head[4:8] == b"ftyp" and not _HEIC_BRANDS.isdisjoint(head[at : at + 4] for at in range(8, 64, 4)):
        try:
            import pillow_heif
        except ImportError:
            raise _missing(path, "HEIC", "pillow-heif", "heic") from None
        from PIL import Image

        pillow_heif.register_heif_opener(thumbnails=False)
        return Image.open(path, formats=("HEIF",))
    return None


def _open_jpeg_xl(path: str) -> Image.Image:
    """Open a JPEG XL picture; the plugin decodes it at once, before Pillow could look at its size."""
    from PIL import Image

    try:
        import pillow_jxl  # noqa: F401 (registers itself)
    except ImportError:
        raise _missing(path, "JPEG XL", "pillow-jxl-plugin", "jxl") from None
    with open(path, "rb") as file:

        def read(offset: int, length: int) -> bytes:
            file.seek(offset)
            return file.read(length)

        header = jpeg_xl.read_header(read)
    if header is None:
        raise UnreadableFileError(f"{path} is damaged.", "It has no JPEG XL header.")
    limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
    if header.width * header.height > limit:
        raise UnreadableFileError(f"{path} has more pixels than the limit of {limit // 1_000_000} million.")
    picture = Image.open(path, formats=("JXL",))
    if header.orientation != 1 and not getattr(picture, "jpeg", False):
        # The decoder has turned it (unless it gave back a JPEG): what EXIF says would turn it once more.
        picture.info.pop("exif", None)
    return picture


def _missing(path: str, name: str, package: str, extra: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{path} is {name}, which needs {package}.", f"Install it: pip install 'dtk-tui[{extra}]'"
    )

"""The few keys of a GGUF file that are needed here, read without its tensors.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

from dtk_tui.errors import ModelError

_STRING, _ARRAY = 8, 9
_FORMATS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
#: More than these no header has; a damaged file must not be read for minutes.
_MOST_KEYS, _MOST_ITEMS, _LONGEST = 10_000, 5_000_000, 50_000_000


def read_keys(path: Path, wanted: Collection[str]) -> dict[str, Any]:
    """Return the values of some keys, without those that the file has not; arrays are left out.

    Raises:
        ModelError: it is not there, or no GGUF file.
    """
    try:
        with path.open("rb") as source:
            magic, version, _, count = struct.unpack("<4sIQQ", _read(source, 24))
            if magic != b"GGUF" or version not in (2, 3) or count > _MOST_KEYS:
                raise ModelError(f"{path} is no GGUF file.", "Name the .gguf file that you downloaded.")
            found: dict[str, Any] = {}
            for _ in range(count):
                name = _text(source)
                (kind,) = struct.unpack("<I", _read(source, 4))
                value = _value(source, kind)
                if name in wanted and value is not None:
                    found[name] = value
                    if len(found) == len(set(wanted)):
                        break  # the vocabulary, which is most of the header, comes last
            return found
    except OSError as error:
        raise ModelError(f"{path} cannot be read.", f"{error.strerror}.") from error
    except (EOFError, KeyError, OverflowError, ValueError, struct.error) as error:
        raise ModelError(f"{path} is damaged, or not wholly downloaded.", "Download it again.") from error


def _read(source: IO[bytes], size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _text(source: IO[bytes]) -> str:
    (size,) = struct.unpack("<Q", _read(source, 8))
    if size > _LONGEST:
        raise ValueError(size)
    return _read(source, size).decode("utf-8", "replace")


def _value(source: IO[bytes], kind: int) -> Any:
    if kind == _STRING:
        return _text(source)
    if kind != _ARRAY:
        layout = _FORMATS[kind]
        return struct.unpack(layout, _read(source, struct.calcsize(layout)))[0]
    of, count = struct.unpack("<IQ", _read(source, 12))
    if count > _MOST_ITEMS:
        raise ValueError(count)
    if of == _STRING:
        for _ in range(count):
            _text(source)
    else:
        _read(source, count * struct.calcsize(_FORMATS[of]))
    return None

"""Files that say how a picture was made: of the same stem or name beside it, Fooocus' log, InvokeAI's folder."""

from __future__ import annotations

import html
import json
import os
import re
import stat
from collections.abc import Collection, Iterator
from functools import lru_cache
from urllib.parse import unquote

from dtk_tui.domain.parameters import RawChunk
from dtk_tui.metadata.containers.decoding import decode

_ENDINGS = (".txt", ".json", ".swarm.json", ".metadata.json")
# hydrus and many downloaders keep the ending of the picture: picture.png.txt.
_ENDINGS_OF_NAMES = (".txt", ".json")
# InvokeAI keeps what it knows of outputs/videos/DAY/x.mp4 in outputs/videos/sidecars/DAY/x.json.
FOLDER = "sidecars"
_FOLDER_LEVELS = 4
_LOG = "log.html"
_LIMIT_BYTES = 4 * 1024 * 1024
_LOG_LIMIT_BYTES = 64 * 1024 * 1024
_LOG_IMAGE = re.compile(r"""<img\s+src=['"]([^'"<>]{1,500})['"]""")
_LOG_CELL = re.compile(
    r"<td class=['\"]label['\"]>([^<]{1,100})</td>\s*<td class=['\"]value['\"]>([^<]{0,100000})</td>"
)
_LOG_JSON = re.compile(r"to_clipboard\('([^']{2,400000})'\)")


def sidecar_names(name: str) -> list[str]:
    """Return the names of the files that may tell of the picture ``name`` in the same folder."""
    stem = name.rpartition(".")[0] or name
    beside = [*(stem + ending for ending in _ENDINGS), *(name + ending for ending in _ENDINGS_OF_NAMES)]
    return [*beside, f"{FOLDER}/{stem}.json", _LOG]


def read(path: str, siblings: Collection[str] | None, *, is_video: bool = False) -> Iterator[RawChunk]:
    """Yield the texts beside the picture or video at ``path``, the likeliest first.

    Args:
        siblings: the names in its folder (best as a set), so that nothing is looked for in vain; None looks on disk.
        is_video: it may have one in a folder for such files.
    """
    folder, slash, name = path.rpartition("/")
    folder += slash
    stem = name.rpartition(".")[0] or name
    for base, endings in ((stem, _ENDINGS), (name, _ENDINGS_OF_NAMES)):
        for ending in endings:
            beside = base + ending
            if (siblings is None or beside in siblings) and beside != name:
                yield from _chunk(folder + beside, ending[1:])
    if is_video and (siblings is None or FOLDER in siblings):
        for place in _in_folders(folder, stem):
            yield from _chunk(place, "json")
    if siblings is None or _LOG in siblings:
        found = _from_log(folder + _LOG, name)
        if found is not None:
            yield RawChunk("sidecar", _LOG, found)


def _chunk(path: str, key: str) -> Iterator[RawChunk]:
    """Yield the text of a file unless there is none."""
    text = _text(path)
    if text is not None and text.strip():
        yield RawChunk("sidecar", key, text)


def _in_folders(folder: str, stem: str) -> Iterator[str]:
    """Yield where InvokeAI's sidecar of a video may be: below this folder, or below one that it is in."""
    inner = f"{stem}.json"
    above = folder
    for level in range(_FOLDER_LEVELS):
        yield f"{above}{FOLDER}/{inner}"
        if level == 0:
            yield f"{above}../{FOLDER}/{inner}"
        above, _, last = above.rstrip("/").rpartition("/")
        if not last:
            return
        above, inner = f"{above}/", f"{last}/{inner}"


def _text(path: str) -> str | None:
    """Return the text of a small file, or None when it cannot be read."""
    data = _file_content(path, _LIMIT_BYTES)
    if data is None:
        return None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return decode(data.removeprefix(b"\xef\xbb\xbf"))


def _file_content(path: str, limit: int) -> bytes | None:
    """Return the bytes of a regular file of at most ``limit`` bytes, or None."""
    try:
        fd = os.open(os.fsencode(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(fd)
        return os.pread(fd, limit, 0) if stat.S_ISREG(status.st_mode) and status.st_size <= limit else None
    except OSError:
        return None
    finally:
        os.close(fd)


def _from_log(path: str, name: str) -> str | None:
    """Return the JSON that Fooocus' log keeps for the picture ``name``."""
    try:
        status = os.stat(os.fsencode(path))  # noqa: PTH116 - a Path refuses the bytes that some names are made of
    except (OSError, ValueError):
        return None
    return _log_entries(path, status.st_mtime_ns, status.st_size).get(name)


@lru_cache(maxsize=2)
def _log_entries(path: str, _mtime_ns: int, _size: int) -> dict[str, str]:
    """Return the JSON texts of a log by picture; kept, because every picture of the folder asks for the same log."""
    data = _file_content(path, _LOG_LIMIT_BYTES)
    if data is None:
        return {}
    content = decode(data)
    found: dict[str, str] = {}
    pictures = list(_LOG_IMAGE.finditer(content))
    for match, following in zip(pictures, [*pictures[1:], None], strict=True):
        block = content[match.end() : following.start() if following else len(content)]
        copied = _LOG_JSON.search(block)
        cells = {} if copied else {html.unescape(key): html.unescape(value) for key, value in _LOG_CELL.findall(block)}
        if copied or cells:
            found_text = unquote(copied[1]) if copied else json.dumps(cells)
            found.setdefault(html.unescape(match[1]).rpartition("/")[2], found_text)
    return found

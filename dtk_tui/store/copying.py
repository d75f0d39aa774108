"""Rows in PostgreSQL's binary COPY format, built without a connection: reading processes encode their own rows.

The format is in the documentation of COPY, https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from struct import Struct
from typing import Any

from dtk_tui.domain.parameters import FileReading, GenerationParameters
from dtk_tui.store.escape import to_db

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_NULL = b"\xff\xff\xff\xff"
_LENGTH = Struct("!i")
_INT4 = Struct("!ii")
_INT8 = Struct("!iq")
_FLOAT8 = Struct("!id")
_NUMERIC = Struct("!hhHH")
_LISTED = Struct("!hiqiqiqiqi")
_TRUE, _FALSE = b"\x00\x00\x00\x01\x01", b"\x00\x00\x00\x01\x00"
_ASCII, _UNICODE = json.JSONEncoder(), json.JSONEncoder(ensure_ascii=False)
_FIRST, _LAST = itemgetter(0), itemgetter(2)
_EPOCH_2000_US = 946_684_800_000_000
_SEED_LIMIT = 10**20

#: The columns of a reading, in the order in which ``reading_row`` gives them.
READING_COLUMNS = (
    "id bigint, file_size bigint, mtime_ns bigint, width integer, height integer, steps integer,"
    " cfg_scale double precision, seed numeric, is_video boolean, has_workflow boolean, fingerprint bytea,"
    " prompt bytea, negative_prompt bytea, dialect text, sampler text, scheduler text, model text, model_hash text,"
    " error text, extra jsonb, chunks text"
)
_READING_HEAD = Struct("!h").pack(21)
_PROMPT_HEAD = Struct("!h").pack(2)


def listed_rows(folder_id: int, files: Sequence[tuple[str, int, int]]) -> list[bytes]:
    """Return rows of folder_id, file_size, mtime_ns, created_at, file_name for ``image``.

    Args:
        files: name, size in bytes, mtime in ns.
    """
    pack = _LISTED.pack
    joined = "".join(map(_FIRST, files))
    if joined.isascii() and "\x00" not in joined and min(map(_LAST, files), default=0) >= 0:
        # So nearly all are, and there are millions.
        return [
            pack(5, 8, folder_id, 8, size, 8, mtime_ns, 8, mtime_ns // 1000 - _EPOCH_2000_US, len(name)) + name.encode()
            for name, size, mtime_ns in files
        ]
    encoded = [(to_db(name).encode(), size, mtime_ns) for name, size, mtime_ns in files]
    return [
        pack(5, 8, folder_id, 8, size, 8, mtime_ns, 8, _microseconds(mtime_ns) - _EPOCH_2000_US, len(name)) + name
        for name, size, mtime_ns in encoded
    ]


def _microseconds(nanoseconds: int) -> int:
    """Divide towards zero, as PostgreSQL divides integers."""
    return nanoseconds // 1000 if nanoseconds >= 0 else -(-nanoseconds // 1000)


@lru_cache(maxsize=512)
def digest(text: str) -> bytes:
    """Return the SHA-256 by which a prompt, as stored, is known; kept, because neighbours share their prompts."""
    return hashlib.sha256(to_db(text).encode()).digest()


def prompt_row(sha256: bytes, text: str) -> bytes:
    """Return a row of sha256, text."""
    return _PROMPT_HEAD + _bytes(sha256) + _text(text)


def reading_row(image_id: int, reading: FileReading) -> bytes:
    """Return a row of READING_COLUMNS; prompts go by their digest, a number out of its column's range is left out."""
    p = reading.parameters
    return b"".join(
        (
            _READING_HEAD,
            _INT8.pack(8, image_id),
            _INT8.pack(8, reading.file_size),
            _INT8.pack(8, reading.mtime_ns),
            _int4(reading.width),
            _int4(reading.height),
            *_numbers(p),
            _TRUE if reading.is_video else _FALSE,
            _TRUE if any(chunk.key == "workflow" for chunk in reading.chunks) else _FALSE,
            _bytes(reading.fingerprint),
            *_words(reading.dialect, p),
            _text(reading.error),
            _extra(p),
            _chunks(reading),
        )
    )


def _numbers(p: GenerationParameters) -> Iterator[bytes]:
    yield _int4(p.steps)
    yield _NULL if p.cfg_scale is None else _FLOAT8.pack(8, p.cfg_scale)
    yield _NULL if p.seed is None or abs(p.seed) >= _SEED_LIMIT else _numeric(p.seed)


def _words(dialect: str | None, p: GenerationParameters) -> Iterator[bytes]:
    yield _NULL if p.prompt is None else _bytes(digest(p.prompt))
    yield _NULL if p.negative_prompt is None else _bytes(digest(p.negative_prompt))
    for word in (dialect, p.sampler, p.scheduler, p.model, p.model_hash):
        yield _text(word)


def _chunks(reading: FileReading) -> bytes:
    if not reading.chunks:
        return _NULL
    return _bytes(_ASCII.encode([[to_db(c.source), to_db(c.key), to_db(c.text)] for c in reading.chunks]).encode())


def _bytes(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


def _text(text: str | None) -> bytes:
    return _NULL if text is None else _bytes(to_db(text).encode())


def _int4(value: int | None) -> bytes:
    return _NULL if value is None or not -(2**31) <= value < 2**31 else _INT4.pack(4, value)


def _numeric(value: int) -> bytes:
    """Encode a whole number as numeric: groups of four decimal digits, the highest first."""
    groups: list[int] = []
    rest = abs(value)
    while rest:
        rest, group = divmod(rest, 10_000)
        groups.append(group)
    head = _NUMERIC.pack(len(groups), max(len(groups) - 1, 0), 0x4000 if value < 0 else 0, 0)
    return _bytes(head + b"".join(group.to_bytes(2, "big") for group in reversed(groups)))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _extra(p: GenerationParameters) -> bytes:
    """Encode what is shown but not searched by column, as jsonb."""
    extra: dict[str, Any] = {
        "width": p.width,
        "height": p.height,
        "clip_skip": p.clip_skip,
        "denoising_strength": _finite(p.denoising_strength),
        "vae": None if p.vae is None else to_db(p.vae),
        "upscaler": None if p.upscaler is None else to_db(p.upscaler),
        "loras": [
            {"name": to_db(lora.name), "weight": _finite(lora.weight), "clip_weight": _finite(lora.clip_weight)}
            for lora in p.loras
        ],
    }
    kept = {key: value for key, value in extra.items() if value not in (None, [])}
    return _bytes(b"\x01" + _UNICODE.encode(kept).encode()) if kept else _NULL


def blocks(rows: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a whole COPY stream in pieces of about 64 KiB: the server works on one while the next is made."""
    waiting: list[bytes] = [HEADER]
    size = 0
    for row in rows:
        waiting.append(row)
        size += len(row)
        if size >= 65_536:
            yield b"".join(waiting)
            waiting, size = [], 0
    waiting.append(TRAILER)
    yield b"".join(waiting)

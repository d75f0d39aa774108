"""Encoders of rows in COPY's binary format; they need no connection, so that processes encode their own rows."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quote
from operator import itemgetter
from struct import Struct
from typing import Any

from dtk_tui.domain.parameters import FileReading, GenerationParameters, RawChunk
from dtk_tui.store.copy.binary import HEADER, NULL, TRAILER
from dtk_tui.store.text_codec import to_db

_LENGTH = Struct("!i")
_INT4 = Struct("!ii")
_FLOAT8 = Struct("!id")
_FACTS = Struct("!hiqiqiq")
_RAW_HEAD = Struct("!hiqi")
#: By the number of groups.
_NUMERICS = [Struct(f"!ihhHH{groups}H") for groups in range(6)]
_LISTED_HEAD, _LISTED = Struct("!hiq"), Struct("!iqiqiqi")
_TRUE, _FALSE = b"\x00\x00\x00\x01\x01", b"\x00\x00\x00\x01\x00"
_UNICODE = json.JSONEncoder(ensure_ascii=False)
_FIRST, _LAST = itemgetter(0), itemgetter(2)
_EPOCH_2000_US = 946_684_800_000_000
_SEED_LIMIT = 10**20

#: The columns of a reading, in the order in which ``reading_row`` gives them.
READING_COLUMNS = (
    "id bigint, file_size bigint, mtime_ns bigint, width integer, height integer, steps integer,"
    " cfg_scale double precision, seed numeric, is_video boolean, has_workflow boolean, fingerprint bytea,"
    " prompt bytea, negative_prompt bytea, dialect text, sampler text, scheduler text, model text, model_hash text,"
    " error text, extra jsonb"
)
_PROMPT_HEAD = Struct("!h").pack(2)
_DIGEST = _LENGTH.pack(32)
_NO_RARE = (None, None, None, None)
#: Longer words are not worth keeping.
_SHORT = 100


def listed_files(files: Sequence[tuple[str, int, int]]) -> list[bytes]:
    """Encode files, given as name, size in bytes and mtime in ns, for ``listed_rows``."""
    pack = _LISTED.pack
    joined = "".join(map(_FIRST, files))
    if joined.isascii() and "\x00" not in joined and min(map(_LAST, files), default=0) >= 0:
        # So nearly all are, and there are millions.
        return [
            pack(8, size, 8, mtime_ns, 8, mtime_ns // 1000 - _EPOCH_2000_US, len(name)) + name.encode()
            for name, size, mtime_ns in files
        ]
    encoded = [(to_db(name).encode(), size, mtime_ns) for name, size, mtime_ns in files]
    return [
        pack(8, size, 8, mtime_ns, 8, _microseconds(mtime_ns) - _EPOCH_2000_US, len(name)) + name
        for name, size, mtime_ns in encoded
    ]


def listed_rows(folder_id: int, files: Sequence[bytes]) -> bytes:
    """Return rows of folder_id, file_size, mtime_ns, created_at, file_name for ``image``, given ``listed_files``."""
    head = _LISTED_HEAD.pack(5, 8, folder_id)
    return head + head.join(files) if files else b""


def _microseconds(nanoseconds: int) -> int:
    """Divide towards zero, as PostgreSQL divides integers."""
    return nanoseconds // 1000 if nanoseconds >= 0 else -(-nanoseconds // 1000)


@lru_cache(maxsize=512)
def digest(text: str) -> bytes:
    """Return the SHA-256 by which a prompt, as stored, is known; kept, because neighbours share their prompts."""
    return hashlib.sha256(to_db(text).encode()).digest()


def prompt_row(sha256: bytes, text: str) -> bytes:
    """Return a row of sha256, text."""
    return _PROMPT_HEAD + _DIGEST + sha256 + _text(text)


def reading_row(image_id: int, reading: FileReading) -> bytes:
    """Return a row of READING_COLUMNS; prompts go by their digest, a number out of its column's range is left out."""
    p = reading.parameters
    seed = p.seed
    error = reading.error
    return b"".join(
        (
            _FACTS.pack(20, 8, image_id, 8, reading.file_size, 8, reading.mtime_ns),
            _int4(reading.width),
            _int4(reading.height),
            _int4(p.steps),
            NULL if p.cfg_scale is None else _FLOAT8.pack(8, p.cfg_scale),
            NULL if seed is None or abs(seed) >= _SEED_LIMIT else _numeric(seed),
            _TRUE if reading.is_video else _FALSE,
            _TRUE if "workflow" in [chunk.key for chunk in reading.chunks] else _FALSE,
            _bytes(reading.fingerprint),
            NULL if p.prompt is None else _DIGEST + digest(p.prompt),
            NULL if p.negative_prompt is None else _DIGEST + digest(p.negative_prompt),
            _word(reading.dialect),
            _word(p.sampler),
            _word(p.scheduler),
            _word(p.model),
            _word(p.model_hash),
            NULL if error is None else _text(error),
            _extra(p),
        )
    )


def raw_row(image_id: int, chunks: Sequence[RawChunk]) -> bytes:
    """Return a row of image_id, chunks for ``image_raw``: a JSON array of [source, key, text]."""
    quoted = [f"[{_quote(to_db(c.source))}, {_quote(to_db(c.key))}, {_quote(to_db(c.text))}]" for c in chunks]
    text = f"[{', '.join(quoted)}]".encode()
    return _RAW_HEAD.pack(2, 8, image_id, len(text)) + text


def raw_text(row: bytes) -> str:
    """Return the text of a row that ``raw_row`` made; of none the empty one."""
    return row[_RAW_HEAD.size :].decode()


def _bytes(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


def _text(text: str) -> bytes:
    return _bytes(to_db(text).encode())


def _word(text: str | None) -> bytes:
    """Encode the name of a sampler or a model: there are few of them for many files."""
    if text is None:
        return NULL
    return _short_word(text) if len(text) <= _SHORT else _text(text)


_short_word = lru_cache(maxsize=2048)(_text)


@lru_cache(maxsize=2048)
def _int4(value: int | None) -> bytes:
    return NULL if value is None or not -(2**31) <= value < 2**31 else _INT4.pack(4, value)


def _numeric(value: int) -> bytes:
    """Encode a whole number as numeric: groups of four decimal digits, the highest first."""
    groups: list[int] = []
    rest = abs(value)
    while rest:
        rest, group = divmod(rest, 10_000)
        groups.append(group)
    groups.reverse()
    amount = len(groups)
    sign = 0x4000 if value < 0 else 0
    return _NUMERICS[amount].pack(8 + 2 * amount, amount, max(amount - 1, 0), sign, 0, *groups)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _extra(p: GenerationParameters) -> bytes:
    """Encode what is shown but not searched by column, as jsonb."""
    rare = (p.clip_skip, p.denoising_strength, p.vae, p.upscaler)
    if rare == _NO_RARE and not p.loras:
        return _size(p.width, p.height)
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
    return _jsonb({key: value for key, value in extra.items() if value not in (None, [])})


@lru_cache(maxsize=2048)
def _size(width: int | None, height: int | None) -> bytes:
    return _jsonb({key: value for key, value in (("width", width), ("height", height)) if value is not None})


def _jsonb(value: dict[str, Any]) -> bytes:
    return _bytes(b"\x01" + _UNICODE.encode(value).encode()) if value else NULL


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

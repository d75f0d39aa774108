"""Encoders of columns as rows of COPY's binary format, without a step of Python for any row.

Each field is its length in four bytes and its value, most significant byte first; NULL is the length -1 alone.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dtk_tui.store.copy.binary import NULL

#: Digits of numeric in one of its groups, groups that 64 bits need, and the sign of what is negative.
_BASE = 10_000
_GROUPS = 5
#: Object identifiers of types, the same in every PostgreSQL (its catalog pg_type).
_BOOL, _INT8, _INT4, _TEXT = 16, 20, 23, 25
_NEGATIVE = 0x4000

Mask: TypeAlias = npt.NDArray[np.bool_] | None
#: Fields of a column, one a row; those of several columns, where all have one length; or one for all rows.
Fields: TypeAlias = pa.BinaryArray | npt.NDArray[np.void] | bytes


def constant(value: bytes | None) -> Fields:
    """Return a field that is the same in all rows."""
    return NULL if value is None else len(value).to_bytes(4, "big") + value


def numbers(values: npt.NDArray[Any], kind: str, valid: Mask = None) -> Fields:
    """Return fields of a column of fixed length.

    Args:
        values: one a row.
        kind: the NumPy type that PostgreSQL reads: ``>i8`` bigint and timestamptz, ``>i4`` integer, ``>i2`` smallint,
            ``>f8`` double precision, ``?`` boolean.
        valid: where false, the field is NULL; None where none is.
    """
    made = np.empty(len(values), [("length", ">i4"), ("value", kind)])
    made["length"] = made.dtype["value"].itemsize
    made["value"] = values
    if valid is None or valid.all():
        return made
    if not valid.any():
        return NULL
    made["length"][~valid] = -1
    return _cut(made.view(np.uint8).reshape(len(values), -1), np.where(valid, made.dtype.itemsize, 4))


def numerics(values: npt.NDArray[np.int64], valid: Mask = None, unsigned: Mask = None) -> Fields:
    """Return whole numbers as fields of numeric: groups of four digits without zeros at either end.

    Args:
        valid: as for ``numbers``.
        unsigned: where true, the 64 bits are those of a number without a sign; None where none is.
    """
    count = len(values)
    is_negative = values < 0 if unsigned is None else (values < 0) & ~unsigned
    left = np.where(is_negative, -values, values).view(np.uint64)
    groups = np.empty((count, _GROUPS), np.int64)
    for at in reversed(range(_GROUPS)):
        left, groups[:, at] = np.divmod(left, np.uint64(_BASE))
    is_set = groups != 0
    first, behind = is_set.argmax(axis=1), _GROUPS - is_set[:, ::-1].argmax(axis=1)
    digits = np.where(is_set.any(axis=1), behind - first, 0)
    made = np.zeros(count, [("length", ">i4"), ("head", ">i2", 4), ("groups", ">i2", _GROUPS)])
    made["length"] = 8 + 2 * digits
    made["head"][:, 0] = digits
    made["head"][:, 1] = np.where(digits > 0, _GROUPS - 1 - first, 0)
    made["head"][:, 2] = np.where(is_negative, _NEGATIVE, 0)
    places = np.minimum(np.arange(_GROUPS) + first[:, None], _GROUPS - 1)
    made["groups"] = np.take_along_axis(groups, places, axis=1)
    lengths = 12 + 2 * digits
    if valid is not None:
        made["length"][~valid] = -1
        lengths = np.where(valid, lengths, 4)
    return _cut(made.view(np.uint8).reshape(count, -1), lengths)


def texts(values: pa.Array) -> list[Fields]:
    """Return the fields of a column of strings or binaries: their lengths, and what follows them."""
    if values.null_count == len(values):
        return [NULL]
    ends = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    lengths = np.diff(ends).astype(">i4")
    if values.null_count:
        lengths[~values.is_valid().to_numpy(zero_copy_only=False)] = -1
    return [lengths.view([("length", ">i4")]), values.view(pa.binary())]


def fields(values: pa.Array) -> list[Fields]:
    """Return the fields of a column of bigint or text, which is int64, strings or binaries."""
    if not pa.types.is_int64(values.type):
        return texts(values)
    valid = values.is_valid().to_numpy(zero_copy_only=False) if values.null_count else None
    return [numbers(values.fill_null(0).to_numpy(), ">i8", valid)]


def array(values: pa.Array) -> bytes:
    """Return a whole column as one field: an array of bigint, integer, boolean or text; NULL where all of it is NULL.

    A type, the length and then the fields of the elements (PostgreSQL's source, array_recv).

    Args:
        values: int64, int32, boolean or strings.
    """
    if values.null_count == len(values):
        return NULL
    count = len(values)
    if pa.types.is_string(values.type):
        oid, data = _TEXT, bytes(payload(_in_rows(_column(texts(values), count))))
    else:
        oid, kind = {pa.int64(): (_INT8, ">i8"), pa.int32(): (_INT4, ">i4"), pa.bool_(): (_BOOL, "?")}[values.type]
        valid = values.is_valid().to_numpy(zero_copy_only=False)
        found = numbers(values.fill_null(False if oid == _BOOL else 0).to_numpy(zero_copy_only=False), kind, valid)
        assert not isinstance(found, bytes)
        data = found.tobytes() if isinstance(found, np.ndarray) else bytes(payload(found))
    head = struct.pack(">iiIii", 1, values.null_count > 0, oid, count, 1)
    return (len(head) + len(data)).to_bytes(4, "big") + head + data


def _column(fields: Sequence[Fields], count: int) -> list[pa.BinaryArray]:
    return [one if isinstance(one, pa.BinaryArray) else _joined([one], count) for one in fields]


def _cut(rows: npt.NDArray[np.uint8], lengths: npt.NDArray[Any]) -> pa.BinaryArray:
    """Return rows of bytes, each cut to its length."""
    ends = np.zeros(len(rows) + 1, np.int32)
    np.cumsum(lengths, out=ends[1:])
    cut = rows[np.arange(rows.shape[1]) < lengths[:, None]]
    return pa.Array.from_buffers(pa.binary(), len(rows), [None, pa.py_buffer(ends), pa.py_buffer(cut)])


def rows(fields: Sequence[Fields], columns: int, count: int) -> pa.BinaryArray:
    """Return the rows that columns make.

    Args:
        fields: of all columns, one behind the other.
        columns: the number of columns.
        count: the number of rows.
    """
    parts: list[Any] = []
    together: list[npt.NDArray[np.void] | bytes] = [columns.to_bytes(2, "big")]
    for one in [*fields, None]:
        if isinstance(one, bytes | np.ndarray):
            together.append(one)
            continue
        if together:
            parts.append(_joined(together, count))
            together = []
        if one is not None:
            parts.append(one)
    return _in_rows(parts)


def _in_rows(parts: Sequence[pa.BinaryArray]) -> pa.BinaryArray:
    """Return what stands beside each other in some columns as one; NULL has no bytes."""
    return pc.binary_join_element_wise(*parts, b"", null_handling="replace", null_replacement=b"")


def _joined(fields: Sequence[npt.NDArray[np.void] | bytes], count: int) -> pa.BinaryArray:
    """Return fields of one length a column as one column; it is faster to join few of those."""
    kinds = [one.dtype if isinstance(one, np.ndarray) else np.dtype(f"V{len(one)}") for one in fields]
    made = np.empty(count, [(str(at), kind) for at, kind in enumerate(kinds)])
    for at, one in enumerate(fields):
        made[str(at)] = one if isinstance(one, np.ndarray) else np.void(one)
    width = made.dtype.itemsize
    ends = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    return pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(ends), pa.py_buffer(made)])


def payload(made: pa.BinaryArray) -> memoryview:
    """Return the bytes of all rows, one behind the other."""
    ends = np.frombuffer(made.buffers()[1], np.int32)
    data = made.buffers()[2]
    return memoryview(data or b"")[ends[made.offset] : ends[made.offset + len(made)]] if len(made) else memoryview(b"")

"""Reading ranges of images as Arrow columns, by the Arrow driver of SQLite, which holds up no other thread."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_manager import Error
from adbc_driver_sqlite import StatementOptions, dbapi

from dtk_tui.services.diffusion_toolkit.read.csv import is_plain
from dtk_tui.services.diffusion_toolkit.read.csv_select import FLOATS, INTEGERS, SHARED, TEXTS
from dtk_tui.services.diffusion_toolkit.source.database import Source
from dtk_tui.services.diffusion_toolkit.source.sqlite import quoted

_SELECTED = (*INTEGERS[1:], *FLOATS, *TEXTS, *SHARED, "FileName")
#: Shared texts are looked at one by one by who stores them.
_CHECKED = (*TEXTS, "Path", "FileName", "Workflow")
_SLASH, _BACKSLASH = b"/\\"
#: In UTF-8 only characters from U+100000 on begin with this byte or a larger one.
_LAST_PLANE = 0xF4
#: Whole numbers beyond this are no longer exact as floats.
_EXACT = 2**53
#: The driver guesses the type of a column by the rows of its first batch, so a range has to be one.
_MOST_ROWS = 2**30


class UnexpectedValueError(Exception):
    """A range of rows holds a value of another type than the schema says, or cannot be read."""


class Columns:
    """The columns of some images, as the source has them; those that its table lacks are NULL.

    Args:
        batch: rowid first, ascending.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self.count: int = batch.num_rows
        self._validity: dict[str, npt.NDArray[np.bool_]] = {}

    @cached_property
    def rowids(self) -> npt.NDArray[np.int64]:
        """Return the rowids, int64, ascending."""
        found: npt.NDArray[np.int64] = self._batch.column(0).to_numpy(zero_copy_only=False)
        return found

    def is_valid(self, name: str) -> npt.NDArray[np.bool_]:
        """Return where a column is not NULL."""
        if name not in self._validity:
            self._validity[name] = self._read_validity(name)
        return self._validity[name]

    def _read_validity(self, name: str) -> npt.NDArray[np.bool_]:
        column = self._column(name)
        if column is None or column.null_count == self.count:
            return np.zeros(self.count, bool)
        if not column.null_count:
            return np.ones(self.count, bool)
        found: npt.NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
        return found

    def numbers(self, name: str, missing: int = 0) -> npt.NDArray[Any]:
        """Return a column of numbers, int64 or float64 as it is read; ``missing`` where it is NULL."""
        column = self._column(name)
        if column is None or column.null_count == self.count:
            return np.full(self.count, missing, np.int64)
        kind = np.int64 if column.type == pa.int64() else np.float64
        found = np.frombuffer(column.buffers()[1], kind)[column.offset : column.offset + self.count]
        return np.where(self.is_valid(name), found, kind(missing)) if column.null_count else found

    def floats(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column of floats, float64; 0 where it is NULL."""
        return self.numbers(name).astype(np.float64)

    def texts(self, name: str) -> pa.StringArray:
        """Return a column of texts."""
        column = self._column(name)
        return pa.nulls(self.count, pa.string()) if column is None else column.cast(pa.string())

    def blobs(self, name: str) -> list[bytes | None]:
        """Return the texts of a column as they stand in the source; much faster than ``to_pylist``."""
        column = self._column(name)
        if column is None or column.null_count == self.count:
            return [None] * self.count
        view, ends = text_buffers(column)
        data = memoryview(view)  # type: ignore[arg-type]
        found: list[bytes | None] = [data[first:last].tobytes() for first, last in pairwise(ends.tolist())]
        if column.null_count:
            for at in np.flatnonzero(~self.is_valid(name)).tolist():
                found[at] = None
        return found

    def has_controls(self, name: str) -> bool:
        """Whether a character below U+0020 stands anywhere in a column of texts."""
        column = self._column(name)
        if column is None or column.null_count == self.count:
            return False
        data, _ = text_buffers(column)
        return bool(len(data) and data.min() < 32)

    @cached_property
    def path_parts(self) -> tuple[pa.StringArray, pa.StringArray]:
        """Return (folders with the separator behind them, file names), as ``paths.split`` parts paths."""
        paths = self.texts("Path")
        data, ends = text_buffers(paths)
        is_slash = data == _SLASH
        cuts = _name_starts(is_slash, ends)
        # A path that begins with / has no other separator.
        is_other = pc.fill_null(pc.starts_with(paths, "/"), False).to_numpy(zero_copy_only=False)
        if not is_other.all():
            cuts = np.where(is_other, cuts, _name_starts(is_slash | (data == _BACKSLASH), ends))
        both = np.empty(2 * self.count + 1, np.int32)
        both[::2], both[1::2] = ends, cuts
        parts = pa.Array.from_buffers(pa.string(), 2 * self.count, [None, pa.py_buffer(both), pa.py_buffer(data)])
        places = np.arange(0, 2 * self.count, 2)
        return parts.take(pa.array(places)), parts.take(pa.array(places + 1))

    def where(self, mask: npt.NDArray[np.bool_]) -> Columns:
        """Return the columns of the rows where ``mask`` is true."""
        return self if mask.all() else Columns(self._batch.filter(pa.array(mask)))

    def _column(self, name: str) -> pa.Array | None:
        at = self._batch.schema.get_field_index(name)
        return None if at < 0 else self._batch.column(at)


def _name_starts(is_separator: npt.NDArray[np.bool_], ends: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return where the name of each path begins: behind its last separator, or at its begin if it has none."""
    behind = np.flatnonzero(is_separator) + 1
    if not len(behind):
        return ends[:-1].astype(np.int64)
    last = np.searchsorted(behind, ends[1:], "right") - 1
    found: npt.NDArray[np.int64] = np.where(last >= 0, np.maximum(behind[last], ends[:-1]), ends[:-1])
    return found


class ColumnReader:
    """Reads ranges of images; one a thread.

    Args:
        source: its file must hold all that was written, without a log beside it.
    """

    def __init__(self, source: Source) -> None:
        self._conn = dbapi.connect(source.plain_uri, autocommit=True)
        have = source.columns["Image"]
        names = ", ".join(_value(name, name in source.untyped) for name in _SELECTED if name in have)
        self._select = f'SELECT rowid AS "rowid", {names} FROM "Image" WHERE rowid BETWEEN %d AND %d ORDER BY rowid'  # noqa: S608

    def read(self, low: int, high: int) -> Columns:
        """Return the images whose rowids are from ``low`` to ``high``.

        Raises:
            UnexpectedValueError: at least one of them is not what the schema promises, or cannot be read.
        """
        try:
            with self._conn.cursor() as cursor:
                rows = min(high - low + 1, _MOST_ROWS)
                cursor.adbc_statement.set_options(**{StatementOptions.BATCH_ROWS.value: str(rows)})
                cursor.execute(self._select % (low, high))
                table = cursor.fetch_arrow_table()
                batches = table.to_batches()
        except (Error, OSError, pa.ArrowException) as error:
            raise UnexpectedValueError from error
        if not batches:
            return Columns(pa.RecordBatch.from_pydict({"rowid": pa.array([], pa.int64())}))
        if len(batches) > 1:
            raise UnexpectedValueError
        _require_expected(batches[0], low, high)
        return Columns(batches[0])

    def close(self) -> None:
        """Give the file back."""
        self._conn.close()


def _value(name: str, is_untyped: bool) -> str:
    """Return the expression for a column.

    The driver would write a number among texts with six digits. Made binary, it is unexpected, and repaired exactly.
    """
    column = quoted(name)
    if not is_untyped or name in INTEGERS or name in FLOATS:
        return column
    return f"iif(typeof({column}) IN ('integer', 'real'), CAST({column} AS BLOB), {column}) AS {column}"


def text_buffers(column: pa.StringArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Return all texts of a column behind one another, and where each begins; the last number is the end of all."""
    ends, data = column.buffers()[1:]
    found = np.frombuffer(ends or bytes(4), np.int32)[column.offset : column.offset + len(column) + 1]
    return np.frombuffer(data or b"", np.uint8)[found[0] : found[-1]], found - found[0]


def _require_expected(batch: pa.RecordBatch, low: int, high: int) -> None:
    """Raise UnexpectedValueError unless all values are of the kind of their column and can be sent as they are."""
    ids = batch.column(0)
    if ids.type != pa.int64() or ids.null_count:
        raise UnexpectedValueError
    numbers = ids.to_numpy()
    if numbers[0] < low or numbers[-1] > high or (np.diff(numbers) <= 0).any():
        raise UnexpectedValueError
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if field.name == "rowid" or column.null_count == batch.num_rows:
            continue
        if field.name in INTEGERS:
            is_expected = column.type == pa.int64()
        elif field.name in FLOATS:
            is_expected = column.type in (pa.float64(), pa.int64()) and _is_exact(column)
        else:
            is_expected = column.type == pa.string() and (field.name not in _CHECKED or _is_plain(column))
        if not is_expected:
            raise UnexpectedValueError


def _is_exact(column: pa.Array) -> bool:
    found = pc.max(pc.abs(column)).as_py()
    return bool(found <= _EXACT)


def _is_plain(column: pa.StringArray) -> bool:
    """Whether all texts of a column can be sent as they are."""
    data, _ = text_buffers(column)
    if not len(data):
        return True
    if not data.min():
        return False
    largest = data.max()
    if largest < 0x80:
        return True
    if largest >= _LAST_PLANE and not is_plain(data.tobytes()):
        return False
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True

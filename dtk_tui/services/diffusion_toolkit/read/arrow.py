"""Reading ranges of rows as Arrow columns, by the Arrow driver of SQLite, which holds up no other thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_manager import Error
from adbc_driver_sqlite import StatementOptions, dbapi

from dtk_tui.services.diffusion_toolkit import schema
from dtk_tui.services.diffusion_toolkit.source.database import Source
from dtk_tui.services.diffusion_toolkit.source.sqlite import quoted
from dtk_tui.store.text_codec import to_db

_TYPES = {"integer": pa.int64(), "bigint": pa.int64(), "float": pa.float64(), "varchar": pa.string()}
#: The type of each column that is read, by table; the key is read as the rowid.
TYPES: dict[str, dict[str, pa.DataType]] = {
    **{
        table: {name: _TYPES[kind] for name, kind in columns if kind != "key"}
        for table, columns in schema.COLUMNS.items()
    },
    "Migration": {"Name": pa.string()},
}
#: What a repair may find out of an image beyond its columns: IsUnsigned says that Seed is 64 bits without a sign.
_FOUND = {"Dialect": pa.string(), "Scheduler": pa.string(), "IsUnsigned": pa.int64()}
#: The columns of the rows that are read, by table; the ids first.
SCHEMAS = {
    table: pa.schema([("rowid", pa.int64()), *types.items(), *(_FOUND.items() if table == "Image" else ())])
    for table, types in TYPES.items()
}
_SLASH, _BACKSLASH = b"/\\"
#: In UTF-8 only characters from U+100000 on begin with this byte or a larger one; among them is this sign of escapes.
_LAST_PLANE = 0xF4
_SIGN = "\U0010fffe".encode()
#: Whole numbers beyond this are no longer exact as floats.
_EXACT = 2**53
#: The driver guesses the type of a column by the rows of its first batch, so a range has to be one.
_MOST_ROWS = 2**30


class UnexpectedValueError(Exception):
    """A range of rows holds a value of another type than the schema says, or cannot be read."""


class Columns:
    """The columns of some rows of a table; texts in the form in which they are stored.

    Args:
        batch: as ``SCHEMAS`` says; what the source's table lacks is NULL.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        self.count: int = batch.num_rows

    @classmethod
    def of_rows(cls, table: str, rows: Sequence[Mapping[str, Any]]) -> Columns:
        """Return the columns of repaired rows, whose ids stand under rowid."""
        values = {
            field.name: [_stored(row.get(field.name)) for row in rows]
            if field.type == pa.string()
            else [row.get(field.name) for row in rows]
            for field in SCHEMAS[table]
        }
        return cls(pa.RecordBatch.from_pydict(values, SCHEMAS[table]))

    @cached_property
    def ids(self) -> npt.NDArray[np.int64]:
        """Return the ids by which other tables know the rows, int64."""
        return self.numbers("rowid")

    def is_valid(self, name: str) -> npt.NDArray[np.bool_]:
        """Return where a column is not NULL."""
        found: npt.NDArray[np.bool_] = self.batch.column(name).is_valid().to_numpy(zero_copy_only=False)
        return found

    def numbers(self, name: str, missing: float = 0) -> npt.NDArray[Any]:
        """Return a column of numbers, int64 or float64; ``missing`` where it is NULL."""
        found: npt.NDArray[Any] = self.batch.column(name).fill_null(missing).to_numpy(zero_copy_only=False)
        return found

    def texts(self, name: str) -> pa.StringArray:
        """Return a column of texts."""
        return self.batch.column(name)

    def blobs(self, name: str) -> list[bytes]:
        """Return the texts of a column that are not NULL, as UTF-8; much faster than ``to_pylist``."""
        view, ends = text_buffers(self.texts(name).drop_null())
        data = memoryview(view)  # type: ignore[arg-type]
        return [data[first:last].tobytes() for first, last in pairwise(ends.tolist())]

    def has_controls(self, name: str) -> bool:
        """Whether a character below U+0020 stands anywhere in a column of texts."""
        data, _ = text_buffers(self.texts(name))
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
        return self if mask.all() else Columns(self.batch.filter(pa.array(mask)))

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows by column, their ids under rowid."""
        found: list[dict[str, Any]] = self.batch.to_pylist()
        return found


def _stored(text: str | None) -> str | None:
    return None if text is None else to_db(text)


def _name_starts(is_separator: npt.NDArray[np.bool_], ends: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return where the name of each path begins: behind its last separator, or at its begin if it has none."""
    behind = np.flatnonzero(is_separator) + 1
    if not len(behind):
        return ends[:-1].astype(np.int64)
    last = np.searchsorted(behind, ends[1:], "right") - 1
    found: npt.NDArray[np.int64] = np.where(last >= 0, np.maximum(behind[last], ends[:-1]), ends[:-1])
    return found


class ColumnReader:
    """Reads ranges of rows of one table; one a thread."""

    def __init__(self, source: Source, table: str) -> None:
        self._conn = None if source.plain_uri is None else dbapi.connect(source.plain_uri, autocommit=True)
        self._table = table
        self._types = {name: kind for name, kind in TYPES[table].items() if name in source.columns[table]}
        if table == "Image" and not source.id_is_rowid and "Id" in source.columns[table]:
            self._types["Id"] = pa.int64()
        values = [_value(name, kind, (table, name) in source.untyped) for name, kind in self._types.items()]
        self._select = (
            f'SELECT rowid AS "rowid"{"".join([", " + value for value in values])} FROM {quoted(table)}'  # noqa: S608 (names of our own list)
            " WHERE rowid BETWEEN %d AND %d ORDER BY rowid"
        )

    def read(self, low: int, high: int) -> Columns:
        """Return the rows whose rowids are from ``low`` to ``high``.

        Raises:
            UnexpectedValueError: at least one of them is not what the schema promises, or cannot be read.
        """
        if self._conn is None:
            # What a damaged log holds is known to SQLite's own library alone.
            raise UnexpectedValueError
        try:
            with self._conn.cursor() as cursor:
                rows = min(high - low + 1, _MOST_ROWS)
                cursor.adbc_statement.set_options(**{StatementOptions.BATCH_ROWS.value: str(rows)})
                cursor.execute(self._select % (low, high))
                batches = cursor.fetch_arrow_table().to_batches()
        except (Error, OSError, pa.ArrowException) as error:
            raise UnexpectedValueError from error
        if not batches:
            return Columns.of_rows(self._table, [])
        if len(batches) > 1:
            raise UnexpectedValueError
        return Columns(self._expected(batches[0], low, high))

    def close(self) -> None:
        """Give the file back."""
        if self._conn is not None:
            self._conn.close()

    def _expected(self, batch: pa.RecordBatch, low: int, high: int) -> pa.RecordBatch:
        """Return a batch, if all values are of the type of their column and can be sent as they are."""
        found = {name: _typed(batch.column(name), kind) for name, kind in {"rowid": pa.int64(), **self._types}.items()}
        if found["rowid"].null_count or ("Id" in found and found["Id"].null_count):
            raise UnexpectedValueError
        numbers = found["rowid"].to_numpy()
        if numbers[0] < low or numbers[-1] > high or (np.diff(numbers) <= 0).any():
            raise UnexpectedValueError
        found["rowid"] = found.pop("Id", found["rowid"])
        schema_ = SCHEMAS[self._table]
        arrays = [found.get(field.name, pa.nulls(batch.num_rows, field.type)) for field in schema_]
        return pa.RecordBatch.from_arrays(arrays, schema=schema_)


def _typed(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column of the type that it should have, if all its values are of that and can be sent as they are."""
    if column.null_count == len(column):
        return pa.nulls(len(column), kind)
    if kind == pa.float64():
        # A column of whole numbers comes as such.
        is_expected = column.type in (pa.float64(), pa.int64()) and _is_exact(column)
    else:
        is_expected = column.type == kind and (kind != pa.string() or _is_plain(column))
    if not is_expected:
        raise UnexpectedValueError
    return column.cast(kind)


def _value(name: str, kind: pa.DataType, is_untyped: bool) -> str:
    """Return the expression for a column.

    The driver would write a number among texts with six digits. Made binary, it is unexpected, and repaired exactly.
    """
    column = quoted(name)
    if not is_untyped or kind != pa.string():
        return column
    return f"iif(typeof({column}) IN ('integer', 'real'), CAST({column} AS BLOB), {column}) AS {column}"


def text_buffers(column: pa.StringArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Return all texts of a column behind one another, and where each begins; the last number is the end of all."""
    ends, data = column.buffers()[1:]
    found = np.frombuffer(ends or bytes(4), np.int32)[column.offset : column.offset + len(column) + 1]
    return np.frombuffer(data or b"", np.uint8)[found[0] : found[-1]], found - found[0]


def _is_exact(column: pa.Array) -> bool:
    found = pc.max(pc.abs(column)).as_py()
    return bool(found <= _EXACT)


def _is_plain(column: pa.StringArray) -> bool:
    """Whether all texts of a column can be sent as they are: UTF-8 that PostgreSQL takes."""
    data, _ = text_buffers(column)
    if not len(data):
        return True
    if not data.min():
        return False
    largest = data.max()
    if largest < 0x80:
        return True
    if largest >= _LAST_PLANE and _SIGN in data.tobytes():
        return False
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True

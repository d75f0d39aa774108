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
FOUND = {"Dialect": pa.string(), "Scheduler": pa.string(), "IsUnsigned": pa.bool_()}
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
    """The columns of some rows, texts in the form in which they are stored; what their table lacks is NULL.

    Args:
        batch: ids first, under the name rowid.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self.count: int = batch.num_rows
        self._validity: dict[str, npt.NDArray[np.bool_]] = {}

    @classmethod
    def of_rows(cls, table: str, rows: Sequence[Mapping[str, Any]]) -> Columns:
        """Return the columns of repaired rows, whose ids stand under rowid."""
        types = {"rowid": pa.int64(), **TYPES[table], **(FOUND if table == "Image" else {})}
        values = {
            name: [_stored(row.get(name)) if kind == pa.string() else row.get(name) for row in rows]
            for name, kind in types.items()
        }
        return cls(pa.RecordBatch.from_pydict(values, pa.schema(list(types.items()))))

    @cached_property
    def ids(self) -> npt.NDArray[np.int64]:
        """Return the ids by which other tables know the rows, int64."""
        found: npt.NDArray[np.int64] = self._batch.column(0).to_numpy(zero_copy_only=False)
        return found

    def is_valid(self, name: str) -> npt.NDArray[np.bool_]:
        """Return where a column is not NULL."""
        if name not in self._validity:
            self._validity[name] = self._read_validity(name)
        return self._validity[name]

    def is_true(self, name: str) -> npt.NDArray[np.bool_]:
        """Return where a column of booleans is true."""
        column = self._column(name)
        if column is None:
            return np.zeros(self.count, bool)
        found: npt.NDArray[np.bool_] = column.fill_null(False).to_numpy(zero_copy_only=False)
        return found

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

    def blobs(self, name: str) -> list[bytes]:
        """Return the texts of a column that are not NULL, as UTF-8; much faster than ``to_pylist``."""
        column = self._column(name)
        if column is None or column.null_count == self.count:
            return []
        view, ends = text_buffers(column.drop_null())
        data = memoryview(view)  # type: ignore[arg-type]
        return [data[first:last].tobytes() for first, last in pairwise(ends.tolist())]

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

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows by column, their ids under rowid."""
        found: list[dict[str, Any]] = self._batch.to_pylist()
        return found

    def staged(self, table: str) -> list[pa.Array]:
        """Return the rows of a table as its staging table has them: the ids, then all its columns."""
        found = [pa.array(self.ids)]
        for name, kind in TYPES[table].items():
            column = self._column(name)
            found.append(pa.nulls(self.count, kind) if column is None else column.cast(kind))
        return found

    def _column(self, name: str) -> pa.Array | None:
        at = self._batch.schema.get_field_index(name)
        return None if at < 0 else self._batch.column(at)


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
            return Columns(pa.RecordBatch.from_pydict({"rowid": pa.array([], pa.int64())}))
        if len(batches) > 1:
            raise UnexpectedValueError
        return Columns(self._expected(batches[0], low, high))

    def close(self) -> None:
        """Give the file back."""
        if self._conn is not None:
            self._conn.close()

    def _expected(self, batch: pa.RecordBatch, low: int, high: int) -> pa.RecordBatch:
        """Return a batch, if all values are of the type of their column and can be sent as they are."""
        ids = batch.column(0)
        if ids.type != pa.int64() or ids.null_count:
            raise UnexpectedValueError
        numbers = ids.to_numpy()
        if numbers[0] < low or numbers[-1] > high or (np.diff(numbers) <= 0).any():
            raise UnexpectedValueError
        for (name, kind), column in zip(self._types.items(), batch.columns[1:], strict=True):
            if column.null_count == batch.num_rows and name != "Id":
                continue
            if kind == pa.string():
                is_expected = column.type == pa.string() and _is_plain(column)
            elif kind == pa.float64():
                is_expected = column.type in (pa.float64(), pa.int64()) and _is_exact(column)
            else:
                is_expected = column.type == pa.int64() and (name != "Id" or not column.null_count)
            if not is_expected:
                raise UnexpectedValueError
        return batch.set_column(0, "rowid", batch.column("Id")) if "Id" in self._types else batch


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

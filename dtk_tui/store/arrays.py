"""Numbers as one parameter of a statement, in the binary form of arrays and of vectors, or as one value of its answer.

A list would be taken apart number by number, and joining a text of all numbers is one call that lets no other thread
run: of a million of them, either holds up a screen.

Source of the forms: ``array_recv`` in src/backend/utils/adt/arrayfuncs.c of PostgreSQL, and ``halfvec_recv`` in
src/halfvec.c of pgvector.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from dtk_tui.errors import DtkError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from psycopg.abc import AdaptContext

    SomeIds = Sequence[int] | npt.NDArray[np.int64]
    Numbers = SomeIds | Sequence[float] | npt.NDArray[np.float64] | npt.NDArray[np.float32] | npt.NDArray[np.int32]

_BIGINT, _BIGINT_ARRAY, _DOUBLE, _DOUBLE_ARRAY = 20, 1016, 701, 1022
_INTEGER, _INTEGER_ARRAY, _REAL, _REAL_ARRAY = 23, 1007, 700, 1021


class Bigints:
    """Whole numbers as a parameter of the type bigint[]."""

    def __init__(self, numbers: SomeIds) -> None:
        self.message = _message(numbers, _BIGINT, ">i8")


class Doubles:
    """Numbers as a parameter of the type double precision[]."""

    def __init__(self, numbers: Sequence[float] | npt.NDArray[np.float64]) -> None:
        self.message = _message(numbers, _DOUBLE, ">f8")


class Integers:
    """Whole numbers as a parameter of the type integer[]; DtkError where one does not fit."""

    def __init__(self, numbers: SomeIds) -> None:
        self.message = _message(_narrowed(numbers), _INTEGER, ">i4")


class Reals:
    """Numbers as a parameter of the type real[], each rounded to it."""

    def __init__(self, numbers: Sequence[float] | npt.NDArray[np.float32]) -> None:
        self.message = _message(numbers, _REAL, ">f4")


class HalfVector:
    """A vector, float32 [dims], as a parameter of pgvector's type halfvec, each number rounded to 16 bits."""

    def __init__(self, vector: npt.NDArray[np.float32]) -> None:
        import numpy as np

        self.message = np.array([len(vector), 0], ">i2").tobytes() + vector.astype(">f2").tobytes()


def bigints_from(value: bytes | None) -> array[int]:
    """Return the numbers of a ``string_agg(int8send(number), ...)`` value, int64, in its order; loads no numpy."""
    numbers = array("q", value or b"")
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _narrowed(numbers: SomeIds) -> npt.NDArray[np.int32]:
    import numpy as np

    wide = np.asarray(numbers, np.int64)
    narrow = wide.astype(np.int32)
    if not np.array_equal(wide, narrow):
        raise DtkError("A number does not fit into 32 bits.", "The database takes no larger one there.")
    return narrow


def _message(numbers: Numbers, element: int, form: str) -> bytes:
    import numpy as np

    count = len(numbers)
    cells = np.empty(count, [("size", ">i4"), ("value", form)])
    cells["size"], cells["value"] = cells.dtype["value"].itemsize, numbers
    dimensions = (count, 1) if count else ()
    head = np.array([len(dimensions) // 2, 0, element, *dimensions], ">i4")
    return head.tobytes() + cells.tobytes()


class _ArrayDumper(Dumper):
    format = Format.BINARY
    _type = 0

    def __init__(self, cls: type, context: AdaptContext | None = None) -> None:
        super().__init__(cls, context)
        self.oid = self._type  # of the instance: COPY finds dumpers by the number of their class

    def dump(self, obj: Any) -> bytes:
        message: bytes = obj.message
        return message


class _BigintsDumper(_ArrayDumper):
    _type = _BIGINT_ARRAY


class _DoublesDumper(_ArrayDumper):
    _type = _DOUBLE_ARRAY


class _IntegersDumper(_ArrayDumper):
    _type = _INTEGER_ARRAY


class _RealsDumper(_ArrayDumper):
    _type = _REAL_ARRAY


class _HalfVectorDumper(_ArrayDumper):
    """Names no type: that of an extension has another number in each database, and the statement says it."""


def register() -> None:
    """Let every connection that is made from now on take these parameters."""
    psycopg.adapters.register_dumper(Bigints, _BigintsDumper)
    psycopg.adapters.register_dumper(Doubles, _DoublesDumper)
    psycopg.adapters.register_dumper(Integers, _IntegersDumper)
    psycopg.adapters.register_dumper(Reals, _RealsDumper)
    psycopg.adapters.register_dumper(HalfVector, _HalfVectorDumper)

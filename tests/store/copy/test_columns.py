"""COPY's binary format: PostgreSQL reads what is encoded, and gives back the same bytes."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa

from dtk_tui.store.copy import columns as copy_columns
from dtk_tui.store.copy.binary import HEADER, TRAILER
from dtk_tui.store.database import Database

WHOLE = [
    0, 1, -1, 7, 9999, 10_000, 10_001, -100_000_000, 123_400_000_000, 10**16, 10**18, 2**53 + 1, 2**63 - 1, -(2**63),
    -(2**63) + 1, *(random.Random(5).getrandbits(63) - 2**62 for _ in range(200)),
]  # fmt: skip
TEXTS = ["", "a", "é'\"\\,\n\t", "\U0001f600" * 50, None, "x" * 5000]


def copied(db: Database, types: str, fields: list[Any], columns: int, count: int) -> list[tuple[Any, ...]]:
    """Write rows, and return what PostgreSQL makes of them; what it writes must be what it was given."""
    given = HEADER + bytes(copy_columns.payload(copy_columns.rows(fields, columns, count))) + TRAILER
    with db.connection() as conn:
        conn.execute(f"CREATE TEMP TABLE given ({types}) ON COMMIT DROP".encode())
        with conn.cursor().copy("COPY given FROM STDIN (FORMAT binary)") as sink:
            sink.write(given)
        with conn.cursor().copy("COPY given TO STDOUT (FORMAT binary)") as source:
            assert b"".join(map(bytes, source)) == given
        return conn.execute("SELECT * FROM given").fetchall()


def test_whole_numbers_of_every_length(db: Database) -> None:
    values = np.array(WHOLE, np.int64)
    valid = np.arange(len(values)) % 7 != 3
    rows = copied(
        db,
        "a bigint, b numeric(20), c numeric(20), d bigint",
        [
            copy_columns.numbers(values, ">i8"), copy_columns.numerics(values), copy_columns.numerics(values, valid),
            copy_columns.numbers(values, ">i8", valid),
        ],
        4,
        len(values),
    )  # fmt: skip
    kept = [value if is_valid else None for value, is_valid in zip(WHOLE, valid, strict=True)]
    assert rows == [(value, value, one, one) for value, one in zip(WHOLE, kept, strict=True)]


def test_whole_numbers_without_a_sign(db: Database) -> None:
    unsigned = np.array([True, True, False, True])
    values = np.array([2**64 - 1, 2**63, 2**64 - 5, 7], np.uint64).view(np.int64)
    rows = copied(db, "a numeric(20)", [copy_columns.numerics(values, None, unsigned)], 1, len(values))
    assert [int(value) for (value,) in rows] == [2**64 - 1, 2**63, -5, 7]


def test_texts_flags_floats_and_what_is_the_same_everywhere(db: Database) -> None:
    texts = pa.array(TEXTS, pa.string())
    floats = np.array([0.0, 7.5, -1e300, 5e-324, 0.1 + 0.2, 3.0])
    flags = np.array([True, False, True, False, True, False])
    nowhere = np.zeros(len(TEXTS), bool)
    rows = copied(
        db,
        "a text, b double precision, c boolean, d smallint, e jsonb, f text, g integer",
        [
            *copy_columns.texts(texts), copy_columns.numbers(floats, ">f8"), copy_columns.numbers(flags, "?", flags),
            copy_columns.constant(b"\x00\x07"), copy_columns.constant(b'\x01{"a": 1}'),
            *copy_columns.texts(pa.nulls(6, pa.string())),
            copy_columns.numbers(np.arange(6), ">i4", nowhere),
        ],
        7,
        len(TEXTS),
    )  # fmt: skip
    assert rows == [
        (text, value, flag or None, 7, {"a": 1}, None, None)
        for text, value, flag in zip(TEXTS, floats.tolist(), flags.tolist(), strict=True)
    ]


def test_a_part_of_the_rows_has_its_own_bytes(db: Database) -> None:
    made = copy_columns.rows(
        [copy_columns.numbers(np.arange(5), ">i4"), *copy_columns.texts(pa.array(TEXTS[:5]))], 2, 5
    )
    parts = [bytes(copy_columns.payload(made[first:last])) for first, last in ((0, 2), (2, 2), (2, 5))]
    assert b"".join(parts) == bytes(copy_columns.payload(made))
    assert parts[1] == b""


def test_whole_columns_as_arrays(db: Database) -> None:
    numbers, flags = [*WHOLE, None, None], [True, False, None]
    columns = {
        "a bigint[]": (pa.array(numbers, pa.int64()), numbers),
        "b bigint[]": (pa.array(WHOLE, pa.int64())[3:9], WHOLE[3:9]),
        "c integer[]": (pa.array([1, None, -(2**31)], pa.int32()), [1, None, -(2**31)]),
        "d boolean[]": (pa.array(flags), flags),
        "e text[]": (pa.array(TEXTS), TEXTS),
        "f text[]": (pa.array(TEXTS)[:4], TEXTS[:4]),
        "g text[]": (pa.nulls(5, pa.string()), None),
        "h bigint[]": (pa.nulls(5, pa.int64()), None),
    }
    fields = [copy_columns.array(column) for column, _ in columns.values()]
    rows = copied(db, ", ".join(columns), fields, len(fields), 1)
    assert rows == [tuple(expected for _, expected in columns.values())]

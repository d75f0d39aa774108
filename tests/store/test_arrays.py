"""Numbers as one parameter of a statement."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

import numpy as np
import pytest

from dtk_tui.errors import DtkError
from dtk_tui.store.arrays import Bigints, Doubles, HalfVector, Integers, Reals
from dtk_tui.store.database import Database


@pytest.mark.parametrize(
    "numbers",
    [(), [1], (-(2**63), 2**63 - 1, 0), range(5000), array("q", [7, -7]), np.arange(9, 0, -2)],
    ids=["none", "list", "extremes", "range", "array", "numpy"],
)
def test_whole_numbers_arrive_as_they_are(db: Database, numbers: Sequence[int]) -> None:
    with db.connection() as conn:
        sent = {"numbers": Bigints(numbers)}
        row = conn.execute("SELECT %(numbers)s, pg_typeof(%(numbers)s)::text, 7 = ANY (%(numbers)s)", sent).fetchone()
    assert row == (list(numbers), "bigint[]", 7 in numbers)


def test_numbers_arrive_as_they_are(db: Database) -> None:
    numbers = [0.1, -1e300, 5e-324, float("inf")]
    with db.connection() as conn:
        row = conn.execute("SELECT %(numbers)s, pg_typeof(%(numbers)s)::text", {"numbers": Doubles(numbers)}).fetchone()
    assert row == (numbers, "double precision[]")


@pytest.mark.parametrize("numbers", [(), [1], (-(2**31), 2**31 - 1, 0), np.arange(9, 0, -2)])
def test_narrow_whole_numbers_arrive_as_they_are(db: Database, numbers: Sequence[int]) -> None:
    with db.connection() as conn:
        row = conn.execute(
            "SELECT %(numbers)s, pg_typeof(%(numbers)s)::text", {"numbers": Integers(numbers)}
        ).fetchone()
    assert row == (list(numbers), "integer[]")


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**32 + 7])
def test_a_whole_number_that_is_too_wide_is_refused(number: int) -> None:
    with pytest.raises(DtkError, match="32 bits"):
        Integers([1, number])


def test_narrow_numbers_arrive_rounded(db: Database) -> None:
    numbers = np.array([0.1, -1e30, 1e-45, np.inf], np.float32)
    with db.connection() as conn:
        row = conn.execute("SELECT %(numbers)s, pg_typeof(%(numbers)s)::text", {"numbers": Reals(numbers)}).fetchone()
    assert row is not None
    assert (np.array(row[0], np.float32) == numbers).all() and row[1] == "real[]"


def test_a_vector_arrives_as_its_text_does(db: Database) -> None:
    chance = np.random.default_rng(5)
    # Normal and subnormal halfs, the largest, halves of the last bit, and what is too small for any.
    edges = [65504, -65504, 6e-8, 2.9e-8, 1e-9, 1 + 2**-11, 1 + 3 * 2**-11, 2049, 0, -0.0]
    vector = np.concatenate([np.array(edges), chance.normal(size=300), chance.normal(size=74) * 1e-5]).astype(
        np.float32
    )
    text = "[" + ",".join(map(repr, vector.tolist())) + "]"
    with db.connection() as conn:
        row = conn.execute(
            "SELECT %(vec)s::halfvec(384)::text, %(text)s::halfvec(384)::text",
            {"vec": HalfVector(vector), "text": text},
        ).fetchone()
    assert row is not None
    assert row[0] == row[1]


def test_a_statement_that_is_prepared_and_a_copy_take_them(db: Database) -> None:
    with db.connection() as conn:
        for number in range(20):
            assert conn.execute("SELECT %s = ANY (%s)", (number, Bigints([3, 4]))).fetchone() == (number in (3, 4),)
        conn.execute("CREATE TEMPORARY TABLE held (numbers bigint[])")
        with conn.cursor().copy("COPY held FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["bigint[]"])
            copy.write_row(([1, 2],))
        assert conn.execute("SELECT numbers FROM held").fetchone() == ([1, 2],)


def test_no_object_is_made_of_each_number() -> None:
    numbers = np.arange(100_000)
    before = sys.getallocatedblocks()
    sent = Bigints(numbers)
    assert sys.getallocatedblocks() - before < 1000
    assert len(sent.message) == 20 + 12 * len(numbers)

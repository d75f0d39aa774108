#!/usr/bin/env bash
# Surprise: a number in a SQLite column of mixed values comes out as another text when other rows precede it.
# Packages: adbc-driver-sqlite 1.13.0, adbc-driver-manager 1.13.0, pyarrow 26.0.1
# Guess:    a column without a declared type that holds numbers and texts arrives as text, each number as SQLite's own
#           CAST(v AS TEXT) writes it.
# Really:   the driver settles the Arrow type while it reads. A REAL turns what came before it into floating point, a
#           TEXT then turns all of that into text with six digits (%e): 2^62 becomes 4.611686e+18, 0.1 becomes
#           1.000000e-01. Read in the other order, the same integer keeps all its digits. A column declared "string"
#           has no TEXT affinity in SQLite and suffers the same; one declared "varchar" does not.
# Matters:  seeds, hashes and names in databases of other tools, whose columns are declared "", "string" or "guid".
# Remedy:   CAST(v AS TEXT) in the SELECT.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    adbc-driver-sqlite==1.13.0 adbc-driver-manager==1.13.0 pyarrow==26.0.1
cd "$work"
venv/bin/python - <<'PY'
import sqlite3
import sys
from importlib.metadata import version

from adbc_driver_sqlite import dbapi

print("adbc-driver-sqlite", version("adbc-driver-sqlite"), "- SQLite of Python", sqlite3.sqlite_version)
with sqlite3.connect("mixed.db") as database:
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, bare, named string, text varchar)")
    values = [2**62, 0.1, "a name"]
    database.executemany("INSERT INTO t (bare, named, text) VALUES (?, ?, ?)", [(v, v, v) for v in values])


def read(expression: str, order: str) -> list[object]:
    with dbapi.connect("mixed.db") as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression} AS v FROM t ORDER BY id {order}")
        return cursor.fetch_arrow_table()["v"].to_pylist()


def expect(what: str, seen: object, known: object) -> None:
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")


expect("no type, number first", read("bare", "ASC"), ["4.611686e+18", "1.000000e-01", "a name"])
expect("no type, text first  ", read("bare", "DESC"), ["a name", "1.000000e-01", "4611686018427387904"])
expect("declared string      ", read("named", "ASC"), ["4.611686e+18", "1.000000e-01", "a name"])
expect("declared varchar     ", read("text", "ASC"), ["4611686018427387904", "0.1", "a name"])
expect("CAST(... AS TEXT)    ", read("CAST(bare AS TEXT)", "ASC"), ["4611686018427387904", "0.1", "a name"])
PY
echo "as known"

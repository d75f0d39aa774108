"""Running PostgreSQL's own programs, such as psql and pg_dump, and what they say when they fail."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import ExitStack
from typing import IO, Any

from psycopg.conninfo import conninfo_to_dict

from dtk_tui.errors import DtkError
from dtk_tui.store.keepalives import keepalives_of
from dtk_tui.store.server.cluster import program

SILENT: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
_ERROR = re.compile(r"\b(ERROR|FATAL|PANIC|error):")
_PLACE = re.compile(r"^psql:<stdin>:\d+: ")
_SAID_BYTES = 1 << 20
_REASON_CHARACTERS = 2000
_DISK_FULL = "No space left on device"
_NAMES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "service": "PGSERVICE",
    "passfile": "PGPASSFILE",
    "options": "PGOPTIONS",
}


def environment(conninfo: str) -> dict[str, str]:
    """Return the environment for PostgreSQL's own programs: a password never stands on a command line."""
    parts = conninfo_to_dict(conninfo)
    settings = {_NAMES[key]: str(value) for key, value in parts.items() if key in _NAMES and value is not None}
    return {**os.environ, **settings}


def client(name: str, conninfo: str) -> list[str]:
    """Return the beginning of the command of a program that connects, with what no environment variable can say."""
    limits = keepalives_of(conninfo)
    return [str(program(name)), *([f"--dbname={limits}"] if limits else [])]


def start(command: list[str], conninfo: str, ends: ExitStack, **streams: Any) -> subprocess.Popen[bytes]:
    """Start a program, which is ended with ``ends`` if it has not by then."""
    process = subprocess.Popen(command, env=environment(conninfo), **SILENT | streams)

    def end() -> None:
        if process.poll() is None:
            process.kill()
        process.wait()

    ends.callback(end)
    return process


def run(command: list[str], conninfo: str, title: str) -> str:
    """Run a program and return what it wrote; DtkError with this title and the program's reason where it failed."""
    done = subprocess.run(
        command, env=environment(conninfo), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise DtkError(title, failure(done.stderr.decode(errors="replace")))
    return done.stdout.decode(errors="replace")


def reason(said: IO[bytes]) -> str:
    """Return what a program wrote to a file, from its first error on."""
    said.seek(0)
    return failure(said.read(_SAID_BYTES).decode(errors="replace"))


def failure(output: str) -> str:
    """Return the end of what a program wrote, from its first error on: notices before it say nothing."""
    lines = output.strip().splitlines()
    first = next((number for number, line in enumerate(lines) if _ERROR.search(line)), 0)
    said = "\n".join(_PLACE.sub("", line) for line in lines[first:])[:_REASON_CHARACTERS]
    return f"{said}\nMake room on that disk, or choose another one." if _DISK_FULL in said else said

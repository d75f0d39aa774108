"""The PostgreSQL servers of the tests: one data folder is made in a run, every server begins with a copy of it."""

from __future__ import annotations

import fcntl
import itertools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from dtk_tui.store.schema import upgrade
from dtk_tui.store.server.embedded import EmbeddedServer

TEMPLATE = "dtk_template"
"""The database that a fresh one is copied from."""

# No test cuts the power: what a killed server has written to its files is there without fsync. A database is made and
# dropped in the milliseconds that searching a small buffer takes, and nothing works beside what a test measures.
_QUICK = ("fsync = off", "full_page_writes = off", "shared_buffers = '64MB'")
_SHARED = ("synchronous_commit = off", "autovacuum = off", "max_connections = 300")

_numbers = itertools.count(1)


class Clusters:
    """The data folders of one run, shared by all its processes.

    Args:
        folder: a folder of the run that other users may pass through.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copy(self, home: Path) -> None:
        """Put a data folder with an empty, current library into a home that has none."""
        _copy(self._template(), home)

    def server(self) -> EmbeddedServer:
        """Return the server of all tests that need no server of their own; it has a database ``TEMPLATE``."""
        template, home = self._template(), self._folder / "shared"
        server = EmbeddedServer(home / "postgres")
        with self._alone():
            if not home.exists():
                home.mkdir()
                _copy(template, home)
                _set(home / "postgres", *_SHARED)
                with psycopg.connect(make_conninfo(server.join(), dbname="postgres"), autocommit=True) as conn:
                    conn.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE dtk STRATEGY FILE_COPY".encode())
            server.join()
        return server

    @contextmanager
    def own_server(self) -> Iterator[str]:
        """Run a server with a library for one test, which may do anything to it; give its connection string."""
        with tempfile.TemporaryDirectory(dir=self._folder) as home:
            self.copy(Path(home))
            server = EmbeddedServer(Path(home) / "postgres")
            try:
                yield server.join()
            finally:
                server.stop()

    def _template(self) -> Path:
        """Return a data folder that no server works in, made by the first who asks."""
        made, making = self._folder / "template", self._folder / "making"
        with self._alone():
            if not made.exists():
                server = EmbeddedServer(making / "postgres")
                upgrade(server.join())
                server.leave()
                _set(making / "postgres", *_QUICK)
                making.rename(made)
        return made / "postgres"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@contextmanager
def database(server: EmbeddedServer, template: str = TEMPLATE) -> Iterator[str]:
    """Make a database, with an empty library if it is not of another template; give its connection string."""
    admin = make_conninfo(server.join(), dbname="postgres")
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(admin, autocommit=True) as conn:
        # The strategy that writes every page to the log takes twenty times as long.
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
    yield make_conninfo(admin, dbname=name)
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _copy(data: Path, home: Path) -> None:
    subprocess.run(["cp", "-a", str(data), str(home / "postgres")], check=True)


def _set(data: Path, *settings: str) -> None:
    """Add settings as ALTER SYSTEM would."""
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write("\n".join([*settings, ""]))

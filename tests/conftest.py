"""Fixtures: a real embedded PostgreSQL for the whole run, a fresh database in it for each test."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from dtk_tui.config import Config, load
from dtk_tui.store.database import Database
from dtk_tui.store.schema import upgrade
from dtk_tui.store.server.embedded import EmbeddedServer

REPOSITORY = Path(__file__).resolve().parent.parent
INPUTS = REPOSITORY.parent / "shared" / "inputs"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """A folder for servers: pytest closes its own folders to other users at each run, and a server may be one."""
    with tempfile.TemporaryDirectory(prefix="dtk-tests-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def server(server_home: Path) -> Iterator[EmbeddedServer]:
    """One embedded server with a migrated template database."""
    (server_home / "shared").mkdir()
    embedded = EmbeddedServer(server_home / "shared" / "postgres")
    conninfo = embedded.join()
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("CREATE DATABASE dtk_template")
    upgrade(_conninfo(embedded, "dtk_template"))
    yield embedded
    embedded.leave()


def _conninfo(embedded: EmbeddedServer, database: str) -> str:
    return psycopg.conninfo.make_conninfo(embedded.join(), dbname=database)


@pytest.fixture
def database_url(server: EmbeddedServer) -> Iterator[str]:
    """Connection string of a fresh database with the current schema; dropped after the test."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.join(), autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE dtk_template").format(sql.Identifier(name)))
    yield _conninfo(server, name)
    with psycopg.connect(server.join(), autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """A config whose library is a fresh database and whose files are in a folder of the test."""
    environ = {
        "HOME": str(tmp_path),
        "DTK_HOME": str(tmp_path / "home"),
        "DTK_DATABASE_URL": database_url,
        "DTK_MODELS": os.environ.get("DTK_MODELS") or str(REPOSITORY / "models"),
    }
    return load(environ)


@pytest.fixture
def db(config: Config) -> Iterator[Database]:
    """An open database of a fresh library."""
    database = Database.open(config)
    yield database
    database.close()


@pytest.fixture(scope="session")
def sample_images() -> Path:
    """The folder of real sample images with expected values; the test is skipped without it."""
    folder = INPUTS / "images"
    if not (folder / "manifest.csv").is_file():
        pytest.skip("the folder ../shared/inputs/images is not here")
    return folder


@pytest.fixture(scope="session")
def starter_models() -> Path:
    """The models folder with the starter models in it; the test is skipped without them (dtk models pull starter)."""
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.model_files import is_installed

    folder = Path(os.environ.get("DTK_MODELS") or REPOSITORY / "models")
    missing = [spec.name for spec in load_manifest().select(["starter"]) if not is_installed(spec, folder)]
    if missing:
        pytest.skip(f"models are not here: {', '.join(missing)} (dtk models pull starter)")
    return folder

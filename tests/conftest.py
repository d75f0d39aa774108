"""Fixtures: a real embedded PostgreSQL for all processes of a run, a fresh database in it for each test."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from dtk_tui.config import Config, load
from dtk_tui.store.database import Database
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import Clusters, database
from tests.helpers.paths import INPUTS, REPOSITORY
from tests.helpers.quick_models import quick_models as make_quick_models
from tests.helpers.tiny_gguf import write_pair

_RUN_FOLDER = "dtk_run_folder"

# How long an example takes says more of the machine than of the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


_run_folder = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of the run, which its processes share, and take interrupts.

    Pytest closes its own folders to other users at each run, and a server may be one.
    """
    # What is ignored here, as with nohup and a shell's &, would be ignored by programs that are started here as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN or hasattr(config, "workerinput"):
        signal.signal(signal.SIGHUP, lambda *_: None)
    given = getattr(config, "workerinput", {}).get(_RUN_FOLDER)
    folder = Path(given or tempfile.mkdtemp(prefix="dtk-tests-"))
    folder.chmod(0o711)
    config.stash[_run_folder] = folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist the folder of the run."""
    node.workerinput[_RUN_FOLDER] = str(node.config.stash[_run_folder])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder of the run when its last process has ended."""
    if not hasattr(config, "workerinput") and _run_folder in config.stash:
        shutil.rmtree(config.stash[_run_folder], ignore_errors=True)


@pytest.fixture(scope="session")
def clusters(pytestconfig: pytest.Config) -> Clusters:
    """The data folders of PostgreSQL of this run."""
    return Clusters(pytestconfig.stash[_run_folder])


@pytest.fixture(scope="session")
def server(clusters: Clusters) -> Iterator[EmbeddedServer]:
    """The embedded server of the run, with a migrated template database."""
    embedded = clusters.server()
    yield embedded
    embedded.leave()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, clusters: Clusters) -> Iterator[str]:
    """Connection string of a fresh database with the current schema; dropped after the test.

    It is on the server of the run, or on one that ends with the test when that is marked ``own_server``.
    """
    if request.node.get_closest_marker("own_server"):
        with clusters.own_server() as conninfo:
            yield conninfo
        return
    with database(request.getfixturevalue("server")) as conninfo:
        yield conninfo


@pytest.fixture
def new_home(pytestconfig: pytest.Config) -> Iterator[Path]:
    """A folder for a home of dtk that has no library yet; its server is ended after the test."""
    with tempfile.TemporaryDirectory(dir=pytestconfig.stash[_run_folder], ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        home.mkdir()
        yield home
        EmbeddedServer(home / "postgres").stop()


@pytest.fixture
def dtk_home(new_home: Path, clusters: Clusters) -> Path:
    """A home of dtk with an empty library."""
    clusters.copy(new_home)
    return new_home


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
    """The models folder with the models of the default config in it; the test is skipped without them."""
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.model_files import is_installed
    from dtk_tui.settings import ModelSettings

    folder = Path(os.environ.get("DTK_MODELS") or REPOSITORY / "models")
    names = [name for name, _ in ModelSettings().in_use]
    missing = [spec.name for spec in load_manifest().select(names) if not is_installed(spec, folder)]
    if missing:
        pytest.skip(f"models are not here: {', '.join(missing)} (dtk models pull starter)")
    return folder


@pytest.fixture(scope="session")
def llava_pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny captioner for llama.cpp: a text model and its projector."""
    pytest.importorskip("xllamacpp", reason="llama.cpp has no wheel here")
    return write_pair(tmp_path_factory.mktemp("llava"))


@pytest.fixture(scope="session")
def _quick_models_folder(pytestconfig: pytest.Config, starter_models: Path) -> Path:
    folder = pytestconfig.stash[_run_folder] / "models"
    with (folder.parent / "models.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = folder.with_name("making-models")
            make_quick_models(making, starter_models)
            making.rename(folder)
    return folder


@pytest.fixture
def quick_models(_quick_models_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The models folder of this test, for tests of the work around the models: its image embedder ends early."""
    monkeypatch.setenv("DTK_MODELS", str(_quick_models_folder))
    return _quick_models_folder


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """The time zone of this process, as POSIX writes it (``CET-1CEST,M3.5.0,M10.5.0/3``), given as the parameter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()

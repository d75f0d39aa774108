"""What is said where there is no cluster, or one that cannot be worked on."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.cluster.cluster import check_reachable
from dtk_tui.services.cluster.connection import connect
from dtk_tui.services.cluster.places import Node
from dtk_tui.store.database import Database
from tests.helpers.paths import REPOSITORY

_UP = ["cluster", "up", "--address", "127.0.0.1:1"]


@pytest.fixture
def home(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {"HOME": str(tmp_path), "DTK_HOME": str(tmp_path), "DTK_DATABASE_URL": database_url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return tmp_path


def _refused(*arguments: str) -> DtkError:
    error = CliRunner().invoke(application, list(arguments)).exception
    assert isinstance(error, DtkError), error
    return error


@pytest.mark.parametrize("arguments", [_UP, ["cluster", "up", "--local", "2"]])
def test_without_the_extra_one_sentence_names_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    error = _refused(*arguments)
    assert error.title == "A cluster needs an extra."
    assert "pip install 'dtk-tui[cluster]'" in error.detail and "dtk worker run" in error.detail
    assert not (home / "cluster.json").exists()


def test_without_a_cluster_it_is_said_how_there_is_one(home: Path) -> None:
    for arguments in (["status"], ["status", "--json"], ["down"]):
        assert _refused("cluster", *arguments).title == "This library has no workers on a cluster."
    assert _refused("cluster", "up").title == "No cluster is named."
    assert isinstance(_refused(*_UP, "--local", "2"), UsageError)


def test_a_cluster_on_this_machine_that_has_ended_is_forgotten(home: Path) -> None:
    folder = home / "dtk-ray-gone"
    folder.mkdir()
    record = {"address": "127.0.0.1:1", "folder": str(folder), "nodes": [{"pid": 2**22 + 1, "node": "a", "gpus": []}]}
    (home / "cluster.json").write_text(json.dumps(record))
    assert _refused("cluster", "status").title == "The cluster on this machine has ended."
    assert not folder.exists() and not (home / "cluster.json").exists()


@pytest.mark.parametrize("address", ["", "auto", "host", "host:", ":6379", "host:0", "host:65536", "host:x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is no address of a cluster"):
        connect(address, "x")


def test_an_address_where_nobody_answers_is_named(home: Path) -> None:
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = _refused("cluster", "up", "--address", f"127.0.0.1:{port}")
    assert error.title == f"No cluster answers at 127.0.0.1:{port}." and "ray start --head" in error.detail
    assert not (home / "cluster.json").exists()


def test_a_database_that_other_machines_cannot_reach_is_refused(db: Database) -> None:
    nodes = [Node("a", socket.gethostname(), "10.0.0.1", 1, 0), Node("b", "box-two", "10.0.0.2", 1, 0)]
    with pytest.raises(DtkError, match="cannot be reached from box-two") as refused:
        check_reachable(db, nodes)
    assert "dtk db move" in refused.value.detail


def test_nothing_imports_ray_by_a_statement() -> None:
    for file in (REPOSITORY / "dtk_tui").rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert not line.strip().startswith(("import ray", "from ray")), file

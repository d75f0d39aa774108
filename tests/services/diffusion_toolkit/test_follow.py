"""A database that Diffusion Toolkit goes on using is shown as it is now, and never written to."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.config import load
from dtk_tui.errors import DtkError
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import Clusters
from tests.helpers.imports.sources import write_source


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A database of one image."""
    file = tmp_path / "with space" / "diffusion-toolkit.db"
    file.parent.mkdir()
    write_source(file, [{"Path": "D:\\AI\\1.png", "Prompt": "a red fox"}])
    return file


@pytest.fixture
def environ(
    dtk_home: Path, source: Path, clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """An environment in which that database is shown, beside an empty library."""
    monkeypatch.setattr("dtk_tui.store.server.cluster._create", lambda data, account: clusters.copy(data.parent))
    yield {"DTK_HOME": str(dtk_home), "DTK_DATABASE_URL": f"sqlite://{source}", "HOME": str(dtk_home)}
    for folder in (dtk_home / "cache" / "followed").glob("*/*/postgres"):
        EmbeddedServer(folder).stop()


def _dtk(environ: dict[str, str], *arguments: str) -> list[Any]:
    done = CliRunner().invoke(application, [*arguments, "--json"], env=environ)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return [json.loads(line) for line in done.stdout.splitlines()]


def _prompts(environ: dict[str, str]) -> list[str]:
    return sorted(hit["path"] for hit in _dtk(environ, "search", "fox"))


def test_it_follows_the_file_and_refuses_to_write(environ: dict[str, str], source: Path, dtk_home: Path) -> None:
    before = hashlib.sha256(source.read_bytes()).digest()
    assert _prompts(environ) == ["D:\\AI\\1.png"]
    (place,) = (dtk_home / "cache" / "followed").iterdir()
    first = json.loads((place / "state.json").read_text())["folder"]
    held = EmbeddedServer(place / first / "postgres")
    held.join()  # so that it does not start and stop for each command
    assert _dtk(environ, "show", "1")[0]["prompt"] == "a red fox"
    for command in (["queue", "add", "--all"], ["rate", "1", "--rating", "8"]):
        with pytest.raises(DtkError, match="Nothing was changed: this library only shows") as caught:
            _dtk(environ, *command)
        assert "dtk db move --to embedded" in caught.value.detail
    assert hashlib.sha256(source.read_bytes()).digest() == before
    assert _prompts(environ) == ["D:\\AI\\1.png"]
    assert json.loads((place / "state.json").read_text())["folder"] == first, "it is not made anew"

    held.leave()
    source.unlink()
    write_source(source, [{"Path": f"D:\\AI\\{n}.png", "Prompt": "a red fox"} for n in (1, 2)])
    with source.open("r+b") as writer:  # as a writer of SQLite: it is shown as it was, and told
        fcntl.fcntl(writer, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0x40000000, 512, 0))
        done = CliRunner().invoke(application, ["search", "fox"], env=environ)
        assert "cannot be read now, and is shown as it was before" in done.stderr and "2.png" not in done.stdout
    assert _prompts(environ) == ["D:\\AI\\1.png", "D:\\AI\\2.png"]
    assert not (place / first).exists()

    _dtk(environ, "db", "move", "--to", "embedded")
    own = environ | {"DTK_DATABASE_URL": ""}
    assert _prompts(own) == ["D:\\AI\\1.png", "D:\\AI\\2.png"]
    _dtk(own, "queue", "add", "--all")


def test_its_address(tmp_path: Path) -> None:
    def of(url: str) -> Path | None:
        return load({"HOME": str(tmp_path), "DTK_HOME": str(tmp_path), "DTK_DATABASE_URL": url}).followed_file

    assert of("sqlite:///a/diffusion-toolkit.db") == of("sqlite:////a/diffusion-toolkit.db")
    assert of("sqlite:///a/diffusion%20toolkit.db") == Path("/a/diffusion toolkit.db")
    assert of("postgresql://host/db") is None
    with pytest.raises(DtkError, match="There is no file"):
        _dtk({"DTK_HOME": str(tmp_path), "DTK_DATABASE_URL": "sqlite:///no/such.db"}, "search", "fox")

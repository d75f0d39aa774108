"""Secrets in the places where people keep them are told nowhere: processes, output, JSON, errors, tracebacks."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.store.backup import dump, parts
from dtk_tui.store.backup.move import move
from dtk_tui.store.backup.restore import restore
from dtk_tui.store.database import Database
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database

_CONFIG = """
[database]
url = "postgresql://dtk:hush-config@localhost:1/dtk"
password_command = "cat {folder}/password"
[captions]
backend = "openai"
model = "any"
key_command = "cat {folder}/key"
base_url = "http://me:hush-base@127.0.0.1:9/v1"
"""
_COMMANDS = (
    ("config", "show"),
    ("config", "show", "--json"),
    ("config", "show", "--origin"),
    ("config", "show", "--origin", "--json"),
    ("config", "get", "database.url"),
    ("config", "get", "captions.base_url"),
    ("config", "check", "--json"),
    ("status", "--json"),
    ("doctor", "--json"),
    ("caption", "test", "--json"),
    ("db", "backup", "library.dump"),
    ("db", "move", "--to", "postgresql://dtk@localhost:1/there"),
)


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a secret in each of ten places."""
    folder = tmp_path / "home"
    folder.mkdir()
    files = {
        "config.toml": _CONFIG.format(folder=folder), "pgpass": "*:*:*:dtk:hush-pgpass\n", "key": "hush-keycommand\n",
        "password": "hush-passwordcommand\n", "services": "[here]\nhost=localhost\nport=1\npassword=hush-service\n",
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    environ = {
        "HOME": str(folder), "DTK_HOME": str(folder), "PGPASSFILE": str(folder / "pgpass"),
        "PGSERVICEFILE": str(folder / "services"), "PGPASSWORD": "hush-pgpassword", "OPENAI_API_KEY": "hush-openai",
        "HF_TOKEN": "hush-hub",
    }  # fmt: skip
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize(
    "url", [None, "postgresql://dtk:hush%2Durl@localhost:1/dtk", "service=here password=hush-words"]
)
def test_no_command_tells_a_secret(planted: Path, monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    if url is not None:
        monkeypatch.setenv("DTK_DATABASE_URL", url)
    told = {}
    for command in _COMMANDS:
        done = CliRunner().invoke(application, list(command))
        error = "".join(traceback.format_exception(done.exception)) if done.exception else ""
        told[command] = done.output + error
    for file in [*planted.rglob("*.log*"), *planted.rglob("*.json")]:
        told[(str(file),)] = file.read_text(errors="replace")
    assert {command: text for command, text in told.items() if "hush" in text} == {}


def _processes() -> str:
    """Return the arguments of all processes."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue  # it has ended
    return "\n".join(found)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc")
def test_a_password_is_in_no_list_of_processes(db: Database, server: EmbeddedServer, tmp_path: Path) -> None:
    seen: list[str] = []
    secret = make_conninfo(db.conninfo(), password="hush-process")
    source = Database(secret, None)
    with database(server, template="template1") as empty:
        dump.backup(source, tmp_path / "library.dump", lambda *_: seen.append(_processes()))
        (tmp_path / "parts").mkdir()
        parts.write(source, tmp_path / "parts" / "library.parts", lambda *_: seen.append(_processes()))
        target = Database(make_conninfo(empty, password="hush-target"), None)
        move(source, target, lambda *_: seen.append(_processes()))
        restore(target, tmp_path / "library.dump")
        source.close()
        target.close()
    assert any("pg_dump" in one for one in seen), "it was looked while it ran"
    assert [line for one in seen for line in one.splitlines() if "hush" in line] == []

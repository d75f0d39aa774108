"""The file for who helps: what is in it, and that no secret is."""

from __future__ import annotations

import json
import logging
import stat
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.log_file import log_files, log_handler

_CONFIG = """
[database]
url = "postgresql://dtk:hush-config@localhost:1/dtk"
password_command = "echo hush-command"
[captions]
key_env = "SOME_NAME"
key_command = "echo hush-keycommand"
base_url = "http://me:hush-base@127.0.0.1:9/v1"
[hooks]
work_ended = ["/usr/bin/curl", "https://example.org/hooks/hush-webhook"]
"""


def test_no_secret_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, target = tmp_path / "home", tmp_path / "help.zip"
    (home / "logs").mkdir(parents=True)
    (home / "config.toml").write_text(_CONFIG)
    (home / "pgpass").write_text("*:*:*:dtk:hush-pgpass\n")
    (home / "logs" / "dtk.log").write_text(
        "cannot connect to postgresql://you:hush-log@host/db\npassword='hush-named' token: hush-token\n"
        'Authorization: Bearer hush-bearer\n{"api_key": "hush-json"}\nseen: hush-env\n'
    )
    (home / "postgres.log").write_text("ERROR: hush-pgpass is wrong\n")
    (home / "logs" / "hooks.log").write_text("cannot reach https://example.org/hooks/hush-webhook\n")
    environ = {
        "DTK_HOME": str(home), "HOME": str(home), "PGPASSWORD": "hush-env", "HF_TOKEN": "hush-hub",
        "SOME_NAME": "hush-key", "PGPASSFILE": str(home / "pgpass"),
        "DTK_DATABASE_URL": "postgresql://dtk:hush%2Durl@localhost:1/dtk",
    }  # fmt: skip
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(application, ["doctor", "--bundle", str(target)], catch_exceptions=False)
    assert done.exit_code == 0 and "hush" not in done.output
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with zipfile.ZipFile(target) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert {
        "findings.json",
        "settings.json",
        "status.json",
        "versions.json",
        "logs/dtk.log",
        "logs/hooks.log",
        "logs/postgres.log",
    } < set(texts)
    told = [f"{name}: {line}" for name, text in texts.items() for line in text.splitlines() if "hush" in line]
    assert not told
    assert "postgresql://you:***@host/db" in texts["logs/dtk.log"]
    assert "textual" in json.loads(texts["versions.json"])["packages"]
    assert json.loads(texts["settings.json"])["worker.max_retries"] == {"value": 3, "origin": "default"}
    with pytest.raises(DtkError, match="exists already"):
        CliRunner().invoke(application, ["doctor", "--bundle", str(target)], catch_exceptions=False)


def test_with_a_library(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTK_HOME", str(config.paths.data))
    monkeypatch.setenv("DTK_DATABASE_URL", str(config.database_url))
    done = CliRunner().invoke(application, ["doctor", "--bundle", str(tmp_path / "a.zip"), "--json"])
    assert json.loads(done.stdout)["bytes"] == (tmp_path / "a.zip").stat().st_size
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert json.loads(archive.read("status.json"))["queue"]["pending"] == 0


def test_the_log_is_lines_of_json_and_stays_small(tmp_path: Path) -> None:
    file = tmp_path / "dtk.log"
    handler, log = log_handler(file, most_bytes=1000), logging.Logger("dtk_tui.test")
    log.addHandler(handler)
    for number in range(100):
        try:
            raise ValueError("odd \x1b \udce9\nsecond line")
        except ValueError:
            log.exception("number %d", number)
    handler.close()
    found = log_files(file)
    assert [path.name for path in found] == ["dtk.log", "dtk.log.1", "dtk.log.2", "dtk.log.3"]
    assert all(path.stat().st_size < 2000 and stat.S_IMODE(path.stat().st_mode) == 0o600 for path in found)
    last = json.loads(found[0].read_text().splitlines()[-1])
    assert (last["message"], last["level"], last["name"]) == ("number 99", "error", "dtk_tui.test")
    assert last["traceback"].endswith("ValueError: odd \x1b \udce9\nsecond line")

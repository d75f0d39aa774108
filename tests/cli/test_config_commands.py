"""dtk config: settings one by one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui.cli import application
from dtk_tui.errors import DtkError, UsageError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config file of this run."""
    monkeypatch.setenv("DTK_HOME", str(tmp_path))
    monkeypatch.delenv("DTK_DATABASE_URL", raising=False)
    return tmp_path / "config.toml"


def _dtk(*arguments: str) -> str:
    done = CliRunner().invoke(application, ["config", *arguments], prog_name="dtk")
    if isinstance(done.exception, DtkError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_a_setting_is_set_read_and_given_back(file: Path) -> None:
    file.write_text("# mine\n[worker]\nbatch_size = 8  # small\n", encoding="utf-8")
    assert "worker.batch_size is 64 (file)" in _dtk("set", "worker.batch_size", "64")
    assert file.read_text(encoding="utf-8") == "# mine\n[worker]\nbatch_size = 64  # small\n"
    assert _dtk("get", "worker.batch_size") == "64\n"
    assert json.loads(_dtk("get", "worker.lease_s", "--json")) == {
        "key": "worker.lease_s", "value": 60.0, "origin": "default", "fault": None,
    }  # fmt: skip
    assert "worker.batch_size is (unset) (default)" in _dtk("set", "worker.batch_size", "--unset")
    assert _dtk("check") == "Every setting can be used.\n"


def test_where_values_come_from(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[scan]\nwatch = false\n", encoding="utf-8")
    monkeypatch.setenv("DTK_DATABASE_URL", "postgresql://me:secret@here/dtk")
    found = json.loads(_dtk("show", "--origin", "--json"))
    assert found["scan.watch"] == {"value": False, "origin": "file"}
    assert found["database.url"] == {"value": "(set)", "origin": "environment"}
    assert found["search.timeout_s"] == {"value": 30.0, "origin": "default"}
    assert "scan.watch\tfalse\tfile" in _dtk("show", "--origin").splitlines()


def test_what_is_wrong_is_said_line_by_line(file: Path) -> None:
    file.write_text("[worker]\nbatch_size = 0\n[odd]\nkey = 1\n", encoding="utf-8")
    with pytest.raises(DtkError, match="2 settings cannot be used"):
        _dtk("check")
    done = CliRunner().invoke(application, ["config", "check", "--json"])
    assert done.exit_code == 1
    assert set(json.loads(done.output)["faults"]) == {"worker.batch_size", "odd"}
    with pytest.raises(UsageError, match=r"worker\.batch_size cannot be 'many'"):
        _dtk("set", "worker.batch_size", "many")
    with pytest.raises(UsageError, match="either a value or --unset"):
        _dtk("set", "worker.batch_size")
    with pytest.raises(UsageError, match=r"There is no setting worker\.size"):
        _dtk("get", "worker.size")

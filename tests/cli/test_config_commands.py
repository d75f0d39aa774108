"""dtk config: settings one by one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.errors import DtkError, UsageError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config file of this run."""
    monkeypatch.setenv("DTK_HOME", str(tmp_path))
    monkeypatch.delenv("DTK_DATABASE_URL", raising=False)
    monkeypatch.setenv("DTK_COMMAND_LINE", "")
    return tmp_path / "config.toml"


def _dtk(*arguments: str, typed: str = "") -> str:
    line = arguments if arguments[0].startswith("--") else ("config", *arguments)
    done = CliRunner().invoke(application, [*line], prog_name="dtk", input=typed)
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
        _dtk("set", "worker.batch_size", "8", "--unset")
    with pytest.raises(UsageError, match=r"There is no setting worker\.size"):
        _dtk("get", "worker.size")


def test_what_is_wrong_outside_of_the_file_is_named_as_it_stands_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DTK_WORKER__BATCH_SIZE", "many")
    monkeypatch.setenv("DTK_KEYS__MAIN_SEARCH", "q")
    monkeypatch.setenv("DTK_KEYS__MAIN_NOPE", "f3")
    done = CliRunner().invoke(application, ["config", "check"], prog_name="dtk")
    assert sorted(line.split(":")[0] for line in done.output.splitlines()) == [
        "DTK_KEYS__MAIN_NOPE", "DTK_KEYS__MAIN_SEARCH", "DTK_WORKER__BATCH_SIZE",
    ]  # fmt: skip
    assert isinstance(done.exception, DtkError)
    assert str(file) not in done.exception.detail
    as_json = CliRunner().invoke(application, ["config", "check", "--json"], prog_name="dtk")
    assert sorted(json.loads(as_json.output)["faults"]) == ["keys.main.nope", "keys.main.search", "worker.batch_size"]
    file.write_text("[worker]\nmax_retries = 'x'\n", encoding="utf-8")
    done = CliRunner().invoke(application, ["config", "check"], prog_name="dtk")
    assert isinstance(done.exception, DtkError)
    assert str(file) in done.exception.detail


def test_a_value_that_cannot_be_used_is_not_given_for_one_in_force(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTK_WORKER__ALLOW_CPU", "2")
    done = CliRunner().invoke(application, ["config", "get", "worker.allow_cpu"], prog_name="dtk")
    assert isinstance(done.exception, DtkError)
    assert (done.exception.title, done.output) == ("DTK_WORKER__ALLOW_CPU cannot be used.", "")
    assert done.exception.detail == "true or false belongs here"


def test_a_password_is_asked_for_and_shown_nowhere(file: Path) -> None:
    with pytest.raises(UsageError, match="list of processes") as caught:
        _dtk("set", "database.url", "postgresql://me:hidden@here/dtk")
    assert "hidden" not in str(caught.value)
    said = _dtk("set", "database.url", typed="postgresql://me:hidden@here/dtk\n")
    assert "database.url is (set) (file)" in said and "hidden" not in said
    assert file.stat().st_mode & 0o777 == 0o600
    for line in (
        ("show",),
        ("show", "--json"),
        ("show", "--origin"),
        ("show", "--origin", "--json"),
        ("get", "database.url"),
    ):
        assert "hidden" not in _dtk(*line), line
    assert _dtk("check") == "Every setting can be used.\n"


def test_the_command_line_goes_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[worker]\nbatch_size = 1\n", encoding="utf-8")
    monkeypatch.setenv("DTK_WORKER__BATCH_SIZE", "2")
    assert "DTK_WORKER__BATCH_SIZE" in _dtk("show", "--origin")
    said = json.loads(_dtk("--set", "worker.batch_size=3", "config", "show", "--origin", "--json"))
    assert said["worker.batch_size"] == {"value": 3, "origin": "command line"}
    monkeypatch.setenv("DTK_COMMAND_LINE", "")
    assert "DTK_WORKER__BATCH_SIZE goes before config.toml" in _dtk("set", "worker.batch_size", "4")


@pytest.mark.parametrize(
    ("name", "keys", "said"),
    [
        ("app.strat", "f5", "no such action; did you mean app.start"),
        ("app.start", "ctl+s", "'ctl+s' is no key"),
        ("app.start", "f6", "f6 is also the key of app.pause (Pause the workers)"),
        ("work.tag", "p", "p is also the key of main.preview (Preview)"),
        ("app.start", "f5,,", "keys belong here"),
    ],
)
def test_keys_that_cannot_be_are_named(file: Path, name: str, keys: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        _dtk("set", f"keys.{name}", keys)
    assert said in caught.value.detail
    file.write_text(f'[keys]\n"{name}" = "{keys}"\n', encoding="utf-8")
    done = CliRunner().invoke(application, ["config", "check"], prog_name="dtk")
    assert isinstance(done.exception, DtkError) and f"keys.{name}: " in done.output and said in done.output


def test_keys_that_can_be_are_taken(file: Path) -> None:
    assert "keys.main.search is f3 (file)" in _dtk("set", "keys.main.search", "f3")
    assert _dtk("get", "keys.main.search") == "f3\n"
    assert "keys.main.search is (unset) (default)" in _dtk("set", "keys.main.search", "--unset")
    for name, keys in (("app.start", "f10"), ("app.pause", "f5,/"), ("queue.now", "p"), ("work.tag", "alt+9")):
        if name == "app.pause":
            with pytest.raises(UsageError, match=r"main\.search"):
                _dtk("set", f"keys.{name}", keys)
            keys = "f5"
        _dtk("set", f"keys.{name}", keys)


def _editor(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "editor"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("VISUAL", "")
    monkeypatch.setenv("EDITOR", f"'{program}' -x")


def test_the_whole_file_is_edited(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _editor(tmp_path, monkeypatch, "sed -i 's/^# max_retries = 3$/max_retries = 7/' \"$2\"")
    assert "is written" in _dtk("edit")
    text = file.read_text(encoding="utf-8")
    assert "\nmax_retries = 7\n" in text and "# lease_s = 60.0" in text
    assert json.loads(_dtk("show", "--origin", "--json"))["worker.lease_s"]["origin"] == "default"
    assert _dtk("edit") == "Nothing was changed.\n"


def test_what_cannot_be_used_is_not_put_in_place(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[scan]\nwatch = true\n", encoding="utf-8")
    _editor(tmp_path, monkeypatch, 'echo "[worker" > "$2"')
    for answer in ("n\n", ""):  # nobody may be there to answer
        with pytest.raises(DtkError, match=r"is kept in .*config\.toml\.edited"):
            _dtk("edit", typed=answer)
        assert file.read_text(encoding="utf-8") == "[scan]\nwatch = true\n"
        kept = tmp_path / "config.toml.edited"
        assert kept.read_text(encoding="utf-8") == "[worker\n"
        kept.unlink()
    _editor(tmp_path, monkeypatch, "exit 3")
    with pytest.raises(DtkError, match="status 3; nothing was changed"):
        _dtk("edit")
    monkeypatch.setenv("EDITOR", str(tmp_path / "none"))
    with pytest.raises(DtkError, match="cannot be used"):
        _dtk("edit")

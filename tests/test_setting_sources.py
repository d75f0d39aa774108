"""Settings from the environment and the command line: their order, and what is said of wrong ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dtk_tui.config import Config, load
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.setting_sources import COMMAND_LINE, from_command_line


def _load(folder: Path, text: str = "", **environ: str) -> Config:
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return load({"HOME": str(folder), "DTK_HOME": str(folder), **environ})


def test_the_command_line_goes_before_the_environment_and_this_before_the_file(tmp_path: Path) -> None:
    text = "[worker]\nbatch_size = 1\nmax_retries = 1\nlog_days = 1\n"
    told = from_command_line(["worker.batch_size=3"])
    environ = {"DTK_WORKER__BATCH_SIZE": "2", "DTK_WORKER__MAX_RETRIES": "2", COMMAND_LINE: told}
    found = _load(tmp_path, text, **environ).settings.worker
    assert (found.batch_size, found.max_retries, found.log_days, found.read_s) == (3, 2, 1, 60.0)


def test_values_are_written_as_in_dtk_config_set(tmp_path: Path) -> None:
    found = _load(
        tmp_path,
        DTK_MODELS__TAGGERS="a, b",
        DTK_PATHS__MAP='{ "/a" = "/b" }',
        DTK_CAPTIONS__NAME="7",
        DTK_SCAN__WATCH="false",
        DTK_KEYS__WORK_EMBED_NOW="f3",
        DTK_SEARCH__TIMEOUT_S="",
    ).settings
    assert found.models.taggers == ("a", "b")
    assert (found.paths.map, found.captions.name, found.scan.watch) == ({"/a": "/b"}, "7", False)
    assert (found.keys, found.search.timeout_s) == ({"work.embed_now": "f3"}, 30.0)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("DTK_WORKER__BATCH_SIZE", "many", "DTK_WORKER__BATCH_SIZE: a whole number belongs here"),
        ("DTK_WORKER__SIZE", "1", "DTK_WORKER__SIZE: there is no such setting"),
        ("DTK_GALLERY__COLUMNS", "1", "DTK_GALLERY__COLUMNS: there is no such setting"),
        ("DTK_WORKER__DEVICES", "0,x", "DTK_WORKER__DEVICES: a whole number belongs here"),
        ("DTK_MODELS__TEXT_EMBEDDERS", "[", "DTK_MODELS__TEXT_EMBEDDERS: a list belongs here"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(DtkError) as caught:
        _load(tmp_path, **{name: text})
    assert said in caught.value.detail
    assert caught.value.title == "A setting outside of config.toml cannot be used."


def test_the_database_of_the_command_line_goes_before_that_of_the_environment(tmp_path: Path) -> None:
    told = from_command_line(["database.url=postgresql:///c"])
    environ = {"DTK_DATABASE_URL": "postgresql:///b", "DTK_DATABASE__URL": "postgresql:///a"}
    assert _load(tmp_path, DTK_DATABASE__URL="postgresql:///a").database_url == "postgresql:///a"
    assert _load(tmp_path, **environ).database_url == "postgresql:///b"
    assert _load(tmp_path, **environ, **{COMMAND_LINE: told}).database_url == "postgresql:///c"


@pytest.mark.parametrize("line", ["database.url=postgresql://me:hidden@here/x", "database.url=host=a password=hidden"])
def test_a_password_is_not_taken_from_the_command_line(line: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_command_line([line])
    assert "hidden" not in str(caught.value) and "list of processes" in caught.value.title


@pytest.mark.parametrize("line", ["worker.batch_size", "batch=3", "=", "", ".=3", "worker.=3", ".batch_size=3"])
def test_what_is_no_setting_on_the_command_line_is_said(line: str) -> None:
    with pytest.raises(UsageError, match="is not understood"):
        from_command_line([line])


@pytest.mark.parametrize("text", ["[", "[]", '{"a": 1}', "\x00"])
def test_a_variable_that_is_not_ours_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is not dtk's"):
        _load(tmp_path, **{COMMAND_LINE: text})
    assert json.loads(from_command_line([])) == {}


def test_the_models_folder_is_that_of_the_environment_else_of_the_config(tmp_path: Path) -> None:
    text = f"[models]\nfolder = '{tmp_path}/models'\n"
    assert _load(tmp_path, text).paths.models == tmp_path / "models"
    assert _load(tmp_path, text, DTK_MODELS=str(tmp_path)).paths.models == tmp_path


def test_a_config_that_was_written_anew_is_taken_over(tmp_path: Path) -> None:
    config = _load(tmp_path, "[search]\ntimeout_s = 5\n")
    assert not config.reload()
    config.paths.config_file.write_text("[search]\ntimeout_s = 60\n")
    assert config.reload() and config.settings.search.timeout_s == 60
    config.paths.config_file.write_text("[search]\ntimeout_s = 'long'\n")
    with pytest.raises(DtkError, match="cannot be used"):
        config.reload()
    assert config.settings.search.timeout_s == 60
    assert not config.reload(), "it is told once"
    assert not Config(config.paths, config.settings).reload(), "what no file says stays"


def test_more_than_a_megabyte_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(DtkError, match="cannot be read"):
        _load(tmp_path, "#" * 1_000_001)

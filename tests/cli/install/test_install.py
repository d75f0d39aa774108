"""The version, the manual page, completions, and the units of systemd."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from dtk_tui import __version__
from dtk_tui.cli.application import application
from dtk_tui.cli.install import version
from dtk_tui.cli.install.man import manual
from dtk_tui.cli.install.service import units
from dtk_tui.errors import DtkError, UsageError


def test_the_version_tells_what_it_was_built_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "shipped", lambda name: tmp_path / name)
    assert version.version_line() == f"dtk {__version__}"
    (tmp_path / "build.json").write_text(json.dumps({"commit": "v0.1.0-3-gabc1234"}))
    assert version.version_line() == f"dtk {__version__} (built from v0.1.0-3-gabc1234)"
    (tmp_path / "build.json").write_text("[]")
    assert version.version_line() == f"dtk {__version__}"


def test_the_manual_page_has_every_command_and_roff_takes_it() -> None:
    page = manual(get_command(application))
    for command in ("dtk db move", "dtk worker install\\-service", "dtk search"):
        assert f"\n.SS {command}" in page
    assert "\\fB\\-\\-keep" in page
    if shutil.which("man"):
        done = subprocess.run(
            ["man", "--warnings=all", "-l", "-"],
            input=page,
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"]},
        )
        assert done.returncode == 0 and "warning" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("shell", "words"), [("bash", "complete_bash"), ("zsh", "complete_zsh"), ("fish", "complete_fish")]
)
def test_shells_complete_commands(shell: str, words: str) -> None:
    environ = os.environ | {
        "_DTK_COMPLETE": words, "COMP_WORDS": "dtk db res", "COMP_CWORD": "2", "_TYPER_COMPLETE_ARGS": "dtk db res",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }  # fmt: skip
    done = subprocess.run([Path(sys.executable).with_name("dtk")], env=environ, capture_output=True, text=True)
    assert "restore" in done.stdout and "reindex" not in done.stdout


def test_the_units_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / 'a "b" 100% $x'
    home.mkdir()
    for name in ("DTK_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.delenv("DTK_DATABASE_URL", raising=False)
    runner = CliRunner()
    done = runner.invoke(application, ["worker", "install-service", "--backups", str(home), "--keep", "3"])
    assert done.exit_code == 0, done.output
    folder = home / "systemd" / "user"
    assert sorted(path.name for path in folder.iterdir()) == [
        "dtk-backup.service", "dtk-backup.timer", "dtk-worker.service",
    ]  # fmt: skip
    assert "enable --now dtk-worker.service dtk-backup.timer" in done.output
    written = 'a \\"b\\" 100%% $$x'
    assert (
        f'--keep 3 "{tmp_path}/{written}"\nEnvironment="DTK_HOME={tmp_path}/{written}"'
        in (folder / "dtk-backup.service").read_text()
    )
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "verify", "--user", "--man=no", *map(str, folder.iterdir())]
        checked = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
        )
        assert str(folder) not in checked.stderr, checked.stderr

    monkeypatch.setenv("DTK_DATABASE_URL", "postgresql://dtk:secret@host/dtk")
    refused = runner.invoke(application, ["worker", "install-service"])
    assert isinstance(refused.exception, DtkError) and "password" in refused.exception.title
    printed = runner.invoke(application, ["worker", "install-service", "--print"])
    assert "secret" not in printed.output and "ExecStart=" in printed.output
    some = runner.invoke(application, ["worker", "install-service", "--print", "--backups", str(home), "--incremental"])
    assert "dtk_tui db backup --incremental --keep 7 " in some.output
    nowhere = runner.invoke(application, ["worker", "install-service", "--backups", str(tmp_path / "none")])
    assert isinstance(nowhere.exception, UsageError)
    with pytest.raises(DtkError, match="no unit of systemd can hold"):
        units({"DTK_HOME": "/a\nExecStart=/bin/evil"}, None, 7)

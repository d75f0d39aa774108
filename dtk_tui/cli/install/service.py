"""worker install-service: units of systemd that keep a worker running, and write backups each day."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from dtk_tui.atomic_file import write_whole
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.text import one_line

commands = typer.Typer()

#: What of the environment says which library it is. A connection string may hold a password, which no unit should.
_PLACES = ("DTK_HOME", "DTK_MODELS", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
_WORKER = """\
[Unit]
Description=dtk worker: works on the queue of a library of images
After=network-online.target

[Service]
Type=exec
ExecStart={program} worker run
{environment}Restart=on-failure
RestartSec=30
# It gives its jobs back first.
TimeoutStopSec=90
Nice=10

[Install]
WantedBy=default.target
"""
_BACKUP = """\
[Unit]
Description=dtk backup: writes a backup of a library of images

[Service]
Type=oneshot
ExecStart={program} db backup {incremental}--keep {keep} {folder}
{environment}Nice=10
"""
_TIMER = """\
[Unit]
Description=dtk backup: each day

[Timer]
OnCalendar=daily
RandomizedDelaySec=30min
# One that was missed, because the machine was off, is written when it is on again.
Persistent=true

[Install]
WantedBy=timers.target
"""


@commands.command(name="install-service")
def install_service(
    backups: Annotated[
        Path | None, typer.Option("--backups", metavar="FOLDER", help="Write a backup into a folder each day as well.")
    ] = None,
    keep: Annotated[int, typer.Option("--keep", min=1, max=10_000, help="How many backups stay there.")] = 7,
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Each backup writes only what the last one has not.")
    ] = False,
    only_print: Annotated[bool, typer.Option("--print", help="Only print the units.")] = False,
) -> None:
    """Write units of systemd for this user: a worker that runs from the start of the machine on."""
    if backups is not None and not backups.is_dir():
        raise UsageError(f"There is no folder {backups}.", "Make it first.")
    made = units(os.environ, None if backups is None else backups.absolute(), keep, incremental=incremental)
    if only_print:
        for name, text in made.items():
            typer.echo(f"# {name}\n{text}")
        return
    if os.environ.get("DTK_DATABASE_URL"):
        raise DtkError(
            "DTK_DATABASE_URL may hold a password, and is not written into a unit.",
            "Name the server as url in [database] of config.toml, and run this without DTK_DATABASE_URL.",
        )
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        write_whole(folder / name, text.encode(), 0o644)
        typer.echo(f"Written: {one_line(str(folder / name), 5000)}")
    started = " ".join(name for name in made if "[Install]" in made[name])
    typer.echo(f"Start it with: systemctl --user daemon-reload && systemctl --user enable --now {started}")
    if not _lingers():
        typer.echo(
            "systemd ends what belongs to a user when the last session of the user ends, and starts it with the first."
            " To have it run from the start of the machine on, without anybody logged in: loginctl enable-linger"
        )
    typer.echo(
        "What it says: journalctl --user --unit dtk-worker. No longer: systemctl --user disable --now dtk-worker"
    )


def units(environ: Mapping[str, str], backups: Path | None, keep: int, *, incremental: bool = False) -> dict[str, str]:
    """Return the text of each unit, by its name."""
    environment = "".join(
        f"Environment={_quoted(f'{name}={environ[name]}')}\n" for name in _PLACES if environ.get(name)
    )
    program = f"{_quoted(sys.executable)} -m dtk_tui"
    made = {"dtk-worker.service": _WORKER.format(program=program, environment=environment)}
    if backups is not None:
        folder = _quoted(str(backups))
        made["dtk-backup.service"] = _BACKUP.format(
            program=program,
            environment=environment,
            incremental="--incremental " if incremental else "",
            keep=keep,
            folder=folder,
        )
        made["dtk-backup.timer"] = _TIMER
    return made


def _quoted(words: str) -> str:
    """Return one word as systemd reads it: in quotes, with nothing in it that stands for something else."""
    if not words.isprintable():
        raise DtkError("A path holds a character that no unit of systemd can hold.", "Use another folder.")
    for character, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        words = words.replace(character, written)
    return f'"{words}"'


def _folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "systemd" / "user"


def _lingers() -> bool:
    if shutil.which("loginctl") is None:
        return False
    command = ["loginctl", "show-user", str(os.getuid()), "--property=Linger", "--value"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == "yes"

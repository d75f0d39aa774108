"""Installs dtk from its wheel alone, by pip, pipx and uv, as root and not, and does what a new user does first.

    make install-check            or    python tests/install_from_wheel.py [--models FOLDER] [--only pip,uv] [--keep]

All packages are fetched once into a folder; every installation comes from there alone, into an environment that holds
nothing else, and runs in an empty home. The first run is a library, a scan and the work on its queue with the starter
models, on Linux as root without any network. Needs a network for the packages, a few GB in the temporary folder, and
the starter models in ``--models`` (default: models/ of this checkout); minutes. It stands outside of the suite.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
INSTALLERS = ("pip", "pipx", "uv")
USER = "nobody"


@dataclass
class Place:
    """An empty home of a user, and how programs are run there."""

    home: Path
    user: str | None
    offline: list[str] = field(default_factory=list)

    def run(self, *command: str, offline: bool = False, **environ: str) -> str:
        """Run a program with nothing of this environment; end with its output where it fails."""
        clean = {"HOME": str(self.home), "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
        prefix = self.offline if offline else []
        done = subprocess.run(
            [*prefix, *_as_user(self.user), *command],
            cwd=self.home,
            env=clean | environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            raise SystemExit(f"{' '.join(command)}: status {done.returncode}\n{said}")
        return done.stdout


def _as_user(user: str | None) -> list[str]:
    return [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={_group()}", "--clear-groups"]


def _group() -> str:
    return str(pwd.getpwnam(USER).pw_gid)


def fetch(work: Path) -> tuple[Path, Path]:
    """Build the wheel, fetch all that it needs and the installers; return the wheels and a Python that has these."""
    wheels, tools = work / "wheels", work / "tools"
    _run(sys.executable, "-m", "venv", str(tools))
    python = tools / "bin" / "python"
    _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pipx", "uv")
    command = [str(python), "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    _run(*command, "--constraint", str(REPOSITORY / "constraints.txt"), "--wheel-dir", str(wheels), str(REPOSITORY))
    _open_to_all(work)
    return wheels, python


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _open_to_all(folder: Path) -> None:
    """Let another user read the folder; what holds it may be closed to others."""
    _run("chmod", "-R", "a+rX", str(folder))


def install(place: Place, installer: str, wheels: Path, tools: Path) -> str:
    """Install the wheel; return the program."""
    source = ["--no-index", "--find-links", str(wheels)]
    if installer == "pip":
        place.run(sys.executable, "-m", "venv", "env")
        place.run(
            "env/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *source, "dtk-tui"
        )
        return str(place.home / "env" / "bin" / "dtk")
    if installer == "pipx":
        options = f"--pip-args={' '.join(source)}"
        place.run(str(tools), "-m", "pipx", "install", "--python", sys.executable, options, "dtk-tui")
    else:
        uv = str(tools.with_name("uv"))
        place.run(uv, "tool", "install", "--python", sys.executable, "--no-python-downloads", *source, "dtk-tui")
    return str(place.home / ".local" / "bin" / "dtk")


def first_run(place: Place, program: str, models: Path) -> None:
    """Do what a new user does, and check what comes of it."""
    pictures = place.home / "pictures"
    place.run("mkdir", str(pictures))
    for number in range(3):
        (pictures / f"{number}.png").write_bytes(_png(number))
    told = place.run(program, "--version", offline=True)
    environ = {"DTK_MODELS": str(models)}
    place.run(program, "config", "check", offline=True)
    place.run(program, "scan", str(pictures), offline=True, **environ)
    place.run(program, "queue", "add", "--all", "--kind", "tag,embed", offline=True, **environ)
    place.run(program, "worker", "run", "--until-empty", offline=True, **environ)
    found = place.run(program, "search", "a lighthouse", "--json", offline=True, **environ)
    place.run(program, "man", offline=True)
    place.run(program, "guide", "captions", offline=True)
    if found.count(".png") < 1:
        raise SystemExit(f"the search found nothing: {found}")
    print(f"    {told.splitlines()[0]}; {found.count('.png')} pictures found", flush=True)


def _png(number: int) -> bytes:
    """Return a small picture with generation parameters."""
    width, height = 64, 64
    line = bytes(value for x in range(width) for value in (x * 4 % 256, number * 80, 90))
    rows = (b"\0" + line) * height
    words = b"parameters\0a lighthouse by the sea\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: %d" % number
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"tEXt", words),
        (b"IDAT", zlib.compress(rows)), (b"IEND", b""),
    )  # fmt: skip
    made = b"".join(
        struct.pack(">I", len(of)) + name + of + struct.pack(">I", zlib.crc32(name + of)) for name, of in parts
    )
    return b"\x89PNG\r\n\x1a\n" + made


def places() -> Sequence[str | None]:
    """Return the users to try: who runs this, and, where that is root, one who is not."""
    return (None, USER) if os.getuid() == 0 and shutil.which("setpriv") else (None,)


def may_run_python(user: str | None) -> bool:
    """Say whether a user may pass the folders to the Python that runs this: often it lies below somebody's home."""
    # setpriv itself still may pass everywhere: a shell that it starts may not.
    command = [*_as_user(user), "/bin/sh", "-c", 'exec "$0" -c ""', sys.executable]
    return subprocess.run(command, cwd="/", stderr=subprocess.DEVNULL, check=False).returncode == 0


def main() -> None:
    """Try each installer as each user."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=REPOSITORY / "models")
    parser.add_argument("--only", default=",".join(INSTALLERS))
    parser.add_argument("--keep", type=Path, help="a folder for the fetched packages, used again the next time")
    asked = parser.parse_args()
    if not (asked.models / "open-nsfw").is_dir():
        raise SystemExit(
            f"The starter models are not in {asked.models}: get them with `dtk models pull starter`, or name the folder"
            " that has them with --models."
        )
    # Without a network of its own a program sees none: not even the loopback is up.
    offline = ["unshare", "--net"] if os.getuid() == 0 and shutil.which("unshare") else []
    with tempfile.TemporaryDirectory(prefix="dtk-install-", ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        work.chmod(0o755)
        kept = asked.keep or work / "fetched"
        ready = (kept / "wheels").is_dir()
        wheels, tools = (kept / "wheels", kept / "tools" / "bin" / "python") if ready else fetch(kept)
        models = work / "models"
        shutil.copytree(asked.models, models, symlinks=False)
        _open_to_all(models)
        users = [user for user in places() if may_run_python(user)]
        for installer in asked.only.split(","):
            for user in users:
                begun = time.monotonic()
                home = work / f"{installer}-{user or 'self'}"
                home.mkdir()
                place = Place(home, user, offline)
                if user is not None:
                    shutil.chown(home, user, int(_group()))
                as_whom = user or pwd.getpwuid(os.getuid()).pw_name
                print(f"{installer} as {as_whom}{' without network' if offline else ''}", flush=True)
                first_run(place, install(place, installer, wheels, tools), models)
                print(f"    well, in {time.monotonic() - begun:.0f} s", flush=True)
                shutil.rmtree(home, ignore_errors=True)
        if len(users) < len(places()):
            raise SystemExit(
                f"Not tried as {USER}, who may not run {os.path.realpath(sys.executable)}: name a Python that everybody"
                " may run, as in: make install-check PYTHON=/usr/bin/python3"
            )


if __name__ == "__main__":
    main()

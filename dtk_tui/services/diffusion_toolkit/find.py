"""Finding databases of Diffusion Toolkit where they usually are, within a time limit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import monotonic

from dtk_tui.config import Config

NAME = "diffusion-toolkit.db"
_PROFILE = "AppData/Roaming/DiffusionToolkit"
#: Folders that are listed: drives, disks, profiles. None has this many entries that matter.
_MOST = 64
_TIME_S = 3.0


def find_sources(config: Config, home: Path | None = None, machine: Path = Path("/")) -> list[str]:
    """Return the databases that are found, the configured one first; it never crawls.

    Args:
        home, machine: where to look; None is the user's.
    """
    # SQLite stays out of the start of the app, which has this module.
    from dtk_tui.services.diffusion_toolkit.source.file import MAGIC

    end = monotonic() + _TIME_S
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    for path in _candidates(config, home or Path.home(), machine):
        if monotonic() > end:
            break
        try:
            with path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                is_database = stream.read(len(MAGIC)) == MAGIC
        except OSError:
            continue
        if is_database and (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            found.append(str(path))
    return found


def _candidates(config: Config, home: Path, machine: Path) -> Iterator[Path]:
    if config.settings.migrate.source:
        yield Path(config.settings.migrate.source).expanduser()
    folders = [Path.cwd(), home, home / "DiffusionToolkit", home / "Diffusion Toolkit"]
    if config.paths.home:
        folders.insert(1, config.paths.home)
    folders += [home / _PROFILE, home / ".config" / "DiffusionToolkit"]
    for folder in folders:
        yield folder / NAME
    for drive in _drives(home, machine):
        for folder in (drive, drive / "DiffusionToolkit", drive / "Diffusion Toolkit"):
            yield folder / NAME
        for users in ("Users", "users"):
            for profile in _below(drive / users):
                yield profile / _PROFILE / NAME


def _drives(home: Path, machine: Path) -> Iterator[Path]:
    """Yield where drives of Windows are usually mounted: WSL, desktops, Wine, Cygwin and MSYS."""
    yield from _below(machine / "mnt")
    for base in ("media", "run/media"):
        for user in _below(machine / base):
            yield user
            yield from _below(user)
    yield home / ".wine" / "drive_c"
    yield from _below(machine / "cygdrive")


def _below(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in islice(entries, _MOST) if entry.is_dir())
    except OSError:
        return []

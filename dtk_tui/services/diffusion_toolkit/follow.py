"""Showing a database that Diffusion Toolkit goes on using: a library of its own in the cache, made by the import.

Each state of the file gets a new library. The one before is used until that is whole, and removed when nobody uses it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dtk_tui import __version__
from dtk_tui.atomic_file import write_whole
from dtk_tui.config import Config
from dtk_tui.domain.imports import ImportOptions, ProgressCallback
from dtk_tui.errors import DtkError
from dtk_tui.services.diffusion_toolkit.importer import import_database
from dtk_tui.services.diffusion_toolkit.source import file
from dtk_tui.store.database import Database
from dtk_tui.store.server import locks
from dtk_tui.store.server.embedded import EmbeddedServer

#: How long to wait for another process that brings the library up to date.
_WAIT_S = 3600.0
_STATE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Followed:
    """The library that shows a file, opened read-only; ``outdated`` says why it does not show the file as it is now."""

    db: Database
    outdated: str


def follow(config: Config, source: Path, on_progress: ProgressCallback) -> Followed:
    """Open the library that shows a database of Diffusion Toolkit, brought up to date where the file was changed.

    Raises:
        DtkError: the file cannot be read, and there is no library of an earlier state of it.
    """
    file.read_header(source)
    place = config.paths.cache / "followed" / hashlib.sha256(os.fsencode(os.path.realpath(source))).hexdigest()[:16]
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    outdated = ""
    with locks.exclusive(place / "lock", _WAIT_S):
        state = _state(place)
        now = {"program": __version__, "file": file.stamp(Path(os.path.realpath(source)))}
        if {name: state.get(name) for name in now} != now:
            try:
                state = _make(config, source, place, now, on_progress)
            except DtkError as error:
                if "folder" not in state:
                    raise
                outdated = f"{error.title} {error.detail}".strip()
        _remove_others(place, str(state["folder"]))
        return Followed(Database.open_embedded(place / str(state["folder"]) / "postgres", is_read_only=True), outdated)


def _state(place: Path) -> dict[str, Any]:
    """Return what the library shows, or nothing where there is none."""
    try:
        with (place / "state.json").open("rb") as opened:
            found = json.loads(opened.read(_STATE_BYTES))
        return found if (place / str(found["folder"]) / "postgres").is_dir() else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _make(
    config: Config, source: Path, place: Path, now: dict[str, Any], on_progress: ProgressCallback
) -> dict[str, Any]:
    """Import the file into a new library, and return the state that names it."""
    folder = f"{time.time_ns():x}"
    (place / folder).mkdir(mode=0o700)
    db = Database.open_embedded(place / folder / "postgres")
    try:
        import_database(db, config, ImportOptions(str(source)), on_progress)
    finally:
        db.close()
    state = {**now, "folder": folder}
    write_whole(place / "state.json", json.dumps(state).encode())
    return state


def _remove_others(place: Path, current: str) -> None:
    """Remove libraries of earlier states, and what an interrupted import left, unless somebody has them open."""
    for folder in place.iterdir():
        if folder.name == current or not folder.is_dir():
            continue
        alone = locks.try_lock(folder / "postgres.users", exclusive=True)
        if alone is not None:
            with suppress(OSError, DtkError):
                EmbeddedServer(folder / "postgres").stop()
                shutil.rmtree(folder)
            locks.unlock(alone)

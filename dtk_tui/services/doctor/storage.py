"""The disks that the library, its cache and the models lie on, and who may read the config."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.services.doctor.finding import Finding, Verdict
from dtk_tui.setting_sources import holds_password as has_password
from dtk_tui.settings import read_toml
from dtk_tui.store.database import holds_password

_LITTLE_SPACE = 2 * 2**30
#: Which settings may have a password in them.
_ADDRESSES = (("database", "url"), ("captions", "base_url"))


def disks(config: Config) -> Iterator[Finding]:
    """Look how much space is left on each disk, and whether what goes there can be written."""
    paths = config.paths
    places = {"library": paths.data, "cache": paths.cache, "models": paths.models, "log": paths.state}
    by_disk: dict[int, list[tuple[str, Path]]] = {}
    for word, folder in places.items():
        there = _there(folder)
        by_disk.setdefault(there.stat().st_dev, []).append((word, there))
    for on_disk in by_disk.values():
        yield _space(", ".join(word for word, _ in on_disk), on_disk[0][1])
    for word, folder in places.items():
        # Models may lie where only others write.
        if word != "models" and not os.access(_there(folder), os.W_OK | os.X_OK):
            advice = "Give it to the user that runs dtk, or name another place with DTK_HOME."
            yield Finding("disk", Verdict.FAULT, f"{word}: {_there(folder)} cannot be written to", advice)


def _there(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _space(words: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    detail = f"{words}: {free / 2**30:,.1f} GB free at {folder}"
    if free < _LITTLE_SPACE:
        advice = "Free some space, or move the library with DTK_HOME, the models with DTK_MODELS."
        return Finding("disk", Verdict.FAULT, detail, advice)
    return Finding("disk", Verdict.OK, detail)


def password(config: Config) -> Iterator[Finding]:
    """Look whether a password in config.toml is its owner's alone."""
    file = config.paths.config_file
    written = read_toml(file)
    url, endpoint = (written.get(section, {}).get(name) for section, name in _ADDRESSES)
    if not (isinstance(url, str) and holds_password(url)) and not has_password(endpoint):
        return
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        detail = f"{file} holds a password, and other users may read it (mode {mode:03o})"
        yield Finding("config", Verdict.FAULT, detail, f"Close it with: chmod 600 {shlex.quote(str(file))}")
    else:
        yield Finding("config", Verdict.OK, f"{file} holds a password that only its owner may read")

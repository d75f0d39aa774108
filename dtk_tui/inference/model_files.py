"""The model files on this machine: which are there, whether they are right, and what they are known by.

Each model has a folder of its name in the models folder. Nothing here imports ONNX Runtime.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dtk_tui.atomic_file import write_whole
from dtk_tui.errors import ModelError
from dtk_tui.inference import verified_files
from dtk_tui.inference.download import Progress
from dtk_tui.inference.graphs.external_data import inside, require_own_weights
from dtk_tui.inference.manifest import Manifest
from dtk_tui.inference.model_spec import ModelFile, ModelSpec

Condition = Literal["ok", "missing", "damaged", "no checksum known"]

CHECKSUMS = "installed.json"
SOURCE = "source.json"
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
    is_installed: bool
    size: int | None


def model_folder(spec: ModelSpec, folder: Path) -> Path:
    """Return where the files of a model lie below the models folder."""
    return folder / spec.name


def session_path(spec: ModelSpec, folder: Path) -> Path:
    """Return the file to run; raises ModelError when the model is not installed, or a link leads elsewhere."""
    if not is_installed(spec, folder):
        raise ModelError(f"The model {spec.name} is not in {folder}.", f"Try: dtk models pull {spec.name}")
    return inside(model_folder(spec, folder), spec.session_file)


def is_installed(spec: ModelSpec, folder: Path) -> bool:
    """Return whether all files are there with the right size; contents are what ``verify`` reads."""
    home = model_folder(spec, folder)
    if not (home / spec.session_file).is_file():
        return False
    if not all((home / name).is_file() for name in spec.made):
        return False
    return all(
        _size_fits(home / file.path, file) if (home / file.path).is_file() else file.is_optional for file in spec.files
    )


def is_present(spec: ModelSpec, folder: Path) -> bool:
    """Return whether anything of a model is there, whole or not, or was: a pull leaves a record."""
    home = model_folder(spec, folder)
    return any((home / name).exists() for name in (CHECKSUMS, spec.session_file, *(file.path for file in spec.files)))


def _size_fits(path: Path, file: ModelFile) -> bool:
    return file.size is None or path.stat().st_size == file.size


def states(manifest: Manifest, folder: Path) -> tuple[ModelState, ...]:
    """Return what is known about every model, in the order of the manifest."""
    found = []
    for spec in manifest.models:
        there = is_installed(spec, folder)
        size = spec.known_size if all(file.size for file in spec.files) else None
        if there:
            home = model_folder(spec, folder)
            names = {file.path for file in spec.files} | {spec.session_file, *spec.made}
            size = sum((home / name).stat().st_size for name in names if (home / name).is_file())
        found.append(ModelState(spec, there, size))
    return tuple(found)


def model_sha256(spec: ModelSpec, folder: Path) -> str:
    """Return the sha256 (hex) of the weights: by the manifest, else as taken at the pull, else from the files.

    Where they stand in several files it is that of all their names and checksums.
    """
    home = model_folder(spec, folder)
    recorded = recorded_checksums(home)
    known = {file.path: file.sha256 or recorded.get(file.path) for file in spec.files}
    data = sorted(file.path for file in spec.files if file.data and (home / file.path).is_file())
    found = {name: known.get(name) or sha256_of(home / name) for name in (spec.weights, *data)}
    if not data:
        return found[spec.weights]
    return hashlib.sha256("".join(f"{name} {sha256}\n" for name, sha256 in found.items()).encode()).hexdigest()


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
    recorded = recorded_checksums(home)
    checks = [
        check_file(home / file.path, file.sha256, recorded.get(file.path), progress, file.size)
        for file in spec.files
        if not file.is_optional or (home / file.path).exists()
    ]
    checks += [check_file(home / name, recorded.get(name), None, progress) for name in spec.made]
    checks = [_with_weights(check, spec, home) if check.path == home / spec.session_file else check for check in checks]
    right = {check.path for check in checks if check.usable}
    remember_verified(spec, home, {name for name in _expected(spec, home) if home / name in right})
    return tuple(checks)


def _with_weights(check: FileCheck, spec: ModelSpec, home: Path) -> FileCheck:
    """Return what was found out about the file that runs, once the files that it names are looked at as well."""
    if not check.usable or check.path.suffix != ".onnx":
        return check
    try:
        require_own_weights(spec, home)
    except ModelError as error:
        return FileCheck(check.path, "damaged", f"{error.title} {error.detail}")
    return check


def require_verified(spec: ModelSpec, folder: Path) -> None:
    """Read each file of a model that is new, or has another size or time than when it was found right.

    Raises:
        ModelError: one is not what the manifest, or the record of the pull, says; without such a checksum any will do.
    """
    home = model_folder(spec, folder)
    expected, known = _expected(spec, home), verified_files.read(home)
    unknown = {
        name: sha256
        for name, sha256 in expected.items()
        if (home / name).is_file() and known.get(name) != verified_files.entry_of(home / name, sha256)
    }
    for name, sha256 in unknown.items():
        check = check_file(home / name, sha256, None, None)
        if not check.usable:
            raise ModelError(
                f"The file {name} of the model {spec.name} is not the one that was published: it is not used.",
                f"{check.detail}. Get it again: dtk models pull {spec.name}",
            )
    if unknown:
        remember_verified(spec, home, set(expected))


def remember_verified(spec: ModelSpec, home: Path, names: Set[str]) -> None:
    """Note that these files, by their paths in the model's folder, were found right, and no others."""
    expected = _expected(spec, home)
    found = {name: expected[name] for name in names if name in expected and (home / name).is_file()}
    entries = {name: verified_files.entry_of(home / name, sha256) for name, sha256 in found.items()}
    if entries != verified_files.read(home):
        verified_files.write(home, entries)


def _expected(spec: ModelSpec, home: Path) -> dict[str, str]:
    """Return the sha256 that the files of a model must have, by path; those without a known one are left out."""
    recorded = recorded_checksums(home)
    known = {file.path: file.sha256 or recorded.get(file.path) for file in spec.files}
    known |= {name: recorded.get(name) for name in spec.made}
    return {name: sha256 for name, sha256 in known.items() if sha256}


def check_file(
    path: Path, known: str | None, recorded: str | None, progress: Progress | None, size: int | None = None
) -> FileCheck:
    """Read one file and compare its size and sha256.

    Args:
        known: the sha256 by the manifest; ``recorded`` the one taken at the pull, which counts without a known one.
    """
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


def recorded_checksums(home: Path) -> dict[str, str]:
    """Return the sha256 (hex) of the files of a model by path, as taken when it was pulled or added."""
    return _read_record(home / CHECKSUMS)


def write_checksums(home: Path, record: Mapping[str, str]) -> None:
    """Keep the sha256 (hex) of the files of a model by path; whoever writes holds the model's lock."""
    _write_record(home / CHECKSUMS, record)


def recorded_source(home: Path) -> dict[str, str]:
    """Return where the files of a model are from: ``repository`` and ``revision`` (a commit), as far as it is known."""
    return _read_record(home / SOURCE)


def write_source(home: Path, record: Mapping[str, str]) -> None:
    """Keep where the files of a model are from; as ``write_checksums``."""
    _write_record(home / SOURCE, record)


def _read_record(path: Path) -> dict[str, str]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in raw.items()} if isinstance(raw, dict) else {}


def _write_record(path: Path, record: Mapping[str, str]) -> None:
    write_whole(path, json.dumps(dict(record), indent=1, sort_keys=True).encode(), 0o644)

"""Removing a model from the models folder: its files and what dtk noted of them; what else lies there stays."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dtk_tui.inference.download import disk_errors
from dtk_tui.inference.model_files import model_folder
from dtk_tui.inference.model_spec import RECORDS, ModelSpec
from dtk_tui.inference.pull import locked


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing a model takes away.

    Attributes:
        files: absolute paths.
        size: bytes.
        lost: those of the files that cannot be fetched again.
        left: files in its folder that are not its own, and stay.
    """

    files: tuple[Path, ...]
    size: int
    lost: tuple[Path, ...]
    left: tuple[Path, ...]


def removal(spec: ModelSpec, models_folder: Path) -> Removal:
    """Return what removing a model would take away; nothing of one that is not there."""
    home = model_folder(spec, models_folder)
    half = (spec.half_file, f"{spec.half_file}_data")
    names = {spec.session_file, *(file.path for file in spec.files), *spec.made, *half, *RECORDS}
    found = tuple(sorted(home / name for name in names if (home / name).is_file() or (home / name).is_symlink()))
    only_here = {home / file.path for file in spec.files if file.origin is None}
    others = tuple(sorted(path for path in home.rglob("*") if not path.is_dir() and path not in found))
    size = sum(path.lstat().st_size for path in found)
    return Removal(found, size, tuple(path for path in found if path in only_here), others)


def remove(spec: ModelSpec, models_folder: Path) -> Removal:
    """Remove a model, and what an interrupted pull left of it; return what was taken away.

    A link is removed, never what it leads to. Raises ModelError where the folder cannot be written to.
    """
    home = model_folder(spec, models_folder)
    with disk_errors(models_folder):
        models_folder.mkdir(parents=True, exist_ok=True)
        with locked(models_folder / f".{spec.name}.lock"):
            shutil.rmtree(models_folder / f".{spec.name}.part", ignore_errors=True)
            if home.is_symlink():
                found = Removal((home,), 0, (), ())
                home.unlink()
            else:
                found = removal(spec, models_folder)
                for path in found.files:
                    path.unlink()
                _remove_empty(home)
    return found


def _remove_empty(home: Path) -> None:
    for folder in sorted((path for path in home.rglob("*") if path.is_dir() and not path.is_symlink()), reverse=True):
        with suppress(OSError):
            folder.rmdir()
    with suppress(OSError):
        home.rmdir()

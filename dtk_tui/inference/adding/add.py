"""Taking a model of a folder into the models folder: its files are copied, it is tried once, its entry is written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dtk_tui.errors import ModelError, UsageError
from dtk_tui.inference.adding.entry import Entry, to_spec, to_toml
from dtk_tui.inference.adding.folder import ModelFolder
from dtk_tui.inference.download import Progress, disk_errors, no_space
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_files import model_folder, remember_verified, sha256_of, write_checksums
from dtk_tui.inference.model_spec import ENTRY, ModelSpec
from dtk_tui.inference.pull import locked

_CHUNK = 1 << 20


def add(entry: Entry, folder: ModelFolder, models_folder: Path, progress: Progress) -> ModelSpec:
    """Take a model in; a folder that lies in the models folder under the model's name is taken as it is.

    Raises:
        UsageError: there is a model of that name, or a value is not known.
        ModelError: the entry makes no sense, the model does not run as it says, or the disk is full.
    """
    name = str(entry.get("name"))
    to_spec(_document(entry, folder, {}), folder.path)  # so that what is wrong with it costs no copy
    home = models_folder / name
    _require_free(name, home, folder, models_folder)
    with disk_errors(models_folder):
        models_folder.mkdir(parents=True, exist_ok=True)
        with locked(models_folder / f".{name}.lock"):
            if _same(folder.path, home):
                return _write(entry, folder, models_folder, progress)
            stage = models_folder / f".{name}.part"
            shutil.rmtree(stage, ignore_errors=True)
            try:
                _copy(entry, folder, stage / name, progress)
                spec = _write(entry, ModelFolder(stage / name), stage, progress)
                if home.exists():
                    home.rmdir()
                (stage / name).rename(home)
            finally:
                shutil.rmtree(stage, ignore_errors=True)
            return spec


def require_known(entry: Entry) -> None:
    """Raise UsageError where a value that is needed is not known."""
    if entry.unknown:
        told = "; ".join(f"{key}: {reason}" for key, reason in entry.unknown.items())
        raise UsageError(
            f"The folder does not say all that is needed of {entry.get('name')}: {', '.join(entry.unknown)}.",
            f"{told}. Say it with --set {next(iter(entry.unknown))}=VALUE.",
        )


def _require_free(name: str, home: Path, folder: ModelFolder, models_folder: Path) -> None:
    manifest = load_manifest(models_folder)
    if any(spec.name == name for spec in manifest.models) or name in manifest.broken:
        raise UsageError(
            f"There is a model named {name} already.", f"Choose another with --name, or: dtk models remove {name}"
        )
    if not _same(folder.path, home) and home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise UsageError(f"{home} is there already, and is no model that dtk knows.", "Choose another with --name.")


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _copy(entry: Entry, folder: ModelFolder, target: Path, progress: Progress) -> None:
    sizes = {name: folder.file(name).stat().st_size for name in entry.files}
    target.mkdir(parents=True)
    if shutil.disk_usage(target).free < sum(sizes.values()):
        raise no_space(target.parent)
    done, total = 0, sum(sizes.values())
    for name in entry.files:
        copied = target / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        with folder.file(name).open("rb") as source, copied.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
                done += len(chunk)
                progress("copy", done, total)


def _write(entry: Entry, folder: ModelFolder, models_folder: Path, progress: Progress) -> ModelSpec:
    """Write the entry of a model whose files are in its folder of the models folder, once it has run."""
    checksums = {name: sha256_of(folder.file(name), progress) for name in entry.files}
    document = _document(entry, folder, checksums)
    spec = to_spec(document, folder.path / ENTRY)
    progress("try", 0, None)
    write_checksums(model_folder(spec, models_folder), checksums)
    remember_verified(spec, model_folder(spec, models_folder), set(checksums))
    try_out(spec, models_folder)
    written = folder.path / f".{ENTRY}.new"
    written.write_text(to_toml(document), encoding="utf-8")
    written.replace(folder.path / ENTRY)
    return spec


def _document(entry: Entry, folder: ModelFolder, checksums: Mapping[str, str]) -> dict[str, Any]:
    files = []
    for name in entry.files:
        file: dict[str, object] = {"path": name, "size": folder.file(name).stat().st_size}
        if name in checksums:
            file["sha256"] = checksums[name]
        if name in entry.data:
            file["data"] = True
        files.append(file)
    return entry.document(files)


def try_out(spec: ModelSpec, models_folder: Path) -> None:
    """Run a model once; raises ModelError where it does not take or give what its entry says."""
    from dtk_tui.inference.image_embedder import ImageEmbedder
    from dtk_tui.inference.tagger import Tagger
    from dtk_tui.inference.text_embedder import TextEmbedder

    threads = os.cpu_count() or 1
    if spec.role == "text-embedder":
        embedder = TextEmbedder(spec, models_folder, threads)
        try:
            _require_length(spec, embedder.embed(["a photo of a cat", "two words"]))
        finally:
            embedder.close()
        return
    if spec.role == "captioner":
        raise ModelError("A captioner is named in [captions] of config.toml, not added.", "See dtk guide captions.")
    model: ImageEmbedder | Tagger = (
        ImageEmbedder(spec, models_folder, threads)
        if spec.role == "image-embedder"
        else Tagger(spec, models_folder, threads)
    )
    try:
        edge, _, channels = model.input_shape
        slope = np.linspace(0, 255, edge).astype(np.uint8)
        found = model.infer(np.broadcast_to(slope[None, None, :, None], (2, edge, edge, channels)))
        if isinstance(model, ImageEmbedder):
            _require_length(spec, found)
    finally:
        model.close()


def _require_length(spec: ModelSpec, vectors: np.ndarray) -> None:
    if vectors.shape[1:] != (spec.dims,):
        raise ModelError(f"{spec.name} gives vectors of {vectors.shape[1]} values, its entry says {spec.dims}.")

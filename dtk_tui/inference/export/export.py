"""Exporting a tower: to ONNX, compared with torch, and put where the model's entry wants it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dtk_tui.errors import ModelError, UsageError
from dtk_tui.inference.adding.add import add, require_known, try_out
from dtk_tui.inference.adding.describe import describe
from dtk_tui.inference.adding.folder import ModelFolder
from dtk_tui.inference.devices.session import Session
from dtk_tui.inference.download import Progress, disk_errors
from dtk_tui.inference.export.towers import Modality, Tower, find_tower
from dtk_tui.inference.model_files import (
    model_folder,
    recorded_checksums,
    remember_verified,
    sha256_of,
    write_checksums,
)
from dtk_tui.inference.model_spec import ModelSpec
from dtk_tui.inference.pull import locked

_OPSET = 17
#: A graph in one file has at most 2 GB; larger weights go into a file beside it.
_LARGEST = 1 << 31
#: Smaller tensors, bytes, stay in the graph.
_SMALLEST_BESIDE = 1024
_SAMPLES = 6
#: What an export may differ from torch in float32: cosine, and the largest difference as a share of the largest value.
_COSINE, _DIFFERENCE = 0.99999, 1e-3
#: What the description of a model in a folder of its own is made from.
_DESCRIPTIONS = ("config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "README.md")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How an export compares with torch over some inputs, alone and together.

    Attributes:
        cosine: the smallest.
        difference: the largest, as a share of the largest value.
    """

    cosine: float
    difference: float


def export_known(spec: ModelSpec, folder: ModelFolder, models_folder: Path, progress: Progress) -> Agreement:
    """Make the file that a model of the manifest lacks, and put it with its tokenizer into the models folder.

    Raises:
        UsageError: the folder does not hold that model.
        ModelError: torch is not here, the export differs from torch, or the disk is full.
    """
    if spec.role not in ("text-embedder", "image-embedder"):
        raise UsageError(f"{spec.name} is a {spec.role}; towers of CLIP and SigLIP are embedders.")
    tower = find_tower(folder, "text" if spec.role == "text-embedder" else "vision", spec)
    with disk_errors(models_folder):
        models_folder.mkdir(parents=True, exist_ok=True)
        with locked(models_folder / f".{spec.name}.lock"):
            stage = models_folder / f".{spec.name}.part"
            shutil.rmtree(stage, ignore_errors=True)
            made = stage / spec.name
            made.mkdir(parents=True)
            try:
                agreement = _export(tower, folder, made / spec.session_file, progress)
                for file in spec.files:
                    if not (made / file.path).exists() and folder.has(file.path):
                        shutil.copyfile(folder.file(file.path), made / file.path)
                unknown = {path.name for path in made.iterdir()} - {file.path for file in spec.files}
                if unknown:
                    raise ModelError(
                        f"{spec.name} is larger than 2 GB, and its entry names no file {', '.join(sorted(unknown))}.",
                        "Export it under a name of its own: dtk models export NAME FOLDER --tower text, or vision",
                    )
                _install(spec, made, models_folder)
            finally:
                shutil.rmtree(stage, ignore_errors=True)
    try_out(spec, models_folder)
    return agreement


def export_new(
    name: str, modality: Modality, folder: ModelFolder, models_folder: Path, progress: Progress
) -> tuple[ModelSpec, Agreement]:
    """Make a model of its own of a tower: its vectors lie in the space of both towers. Errors as ``export_known``."""
    tower = find_tower(folder, modality, None)
    with disk_errors(models_folder):
        models_folder.mkdir(parents=True, exist_ok=True)
        stage = models_folder / f".{name}.export"
        shutil.rmtree(stage, ignore_errors=True)
        made = stage / name
        made.mkdir(parents=True)
        try:
            agreement = _export(tower, folder, made / f"{modality}_model.onnx", progress)
            for description in _DESCRIPTIONS:
                if folder.has(description):
                    shutil.copyfile(folder.file(description), made / description)
            source = ModelFolder(made)
            entry = describe(source, None, name, {"title": folder.name[:200]})
            require_known(entry)
            return add(entry, source, models_folder, progress), agreement
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _install(spec: ModelSpec, made: Path, models_folder: Path) -> None:
    home = model_folder(spec, models_folder)
    home.mkdir(exist_ok=True)
    fresh = sorted(path.name for path in made.iterdir())
    record = recorded_checksums(home) | {name: sha256_of(made / name) for name in fresh}
    write_checksums(home, record)
    for name in fresh:
        (made / name).replace(home / name)
    remember_verified(spec, home, set(record))


def _export(tower: Tower, folder: ModelFolder, target: Path, progress: Progress) -> Agreement:
    """Write a tower as ONNX and compare it with torch; raises ModelError where they differ."""
    progress("load", 0, None)
    module = tower.load(folder)
    import torch

    samples = _samples(tower)
    progress("export", 0, None)
    with torch.no_grad():
        expected = module(torch.from_numpy(samples)).numpy()
        torch.onnx.export(
            module,
            (torch.from_numpy(samples[:2]),),
            str(target),
            input_names=["input_ids" if tower.modality == "text" else "pixel_values"],
            output_names=[tower.output],
            dynamic_axes={
                "input_ids" if tower.modality == "text" else "pixel_values": {0: "n"},
                tower.output: {0: "n"},
            },
            opset_version=_OPSET,
            dynamo=False,
        )
        size = sum(parameter.numel() * parameter.element_size() for parameter in module.parameters())
    del module
    if size >= _LARGEST:
        _gather_weights(target)
    progress("compare", 0, None)
    agreement = compare(target, samples, expected)
    if agreement.cosine < _COSINE or agreement.difference > _DIFFERENCE:
        raise ModelError(
            f"The export of {folder.path} differs from torch; it was thrown away.",
            f"Smallest cosine {agreement.cosine:.6f}, largest difference {agreement.difference:.1e}."
            " Try other versions of torch and transformers.",
        )
    return agreement


def _gather_weights(target: Path) -> None:
    """Put the weights, for which torch writes a file each, into one file beside the graph."""
    import onnx

    model = onnx.load(str(target))
    for path in target.parent.iterdir():
        path.unlink()
    onnx.save(
        model, str(target), save_as_external_data=True, location=f"{target.name}.data", size_threshold=_SMALLEST_BESIDE
    )


def _samples(tower: Tower) -> np.ndarray:
    """Return inputs of every kind: texts of all lengths, filled up with their last token; noise as pictures."""
    random = np.random.default_rng(7)
    if tower.modality == "vision":
        return random.standard_normal((_SAMPLES, 3, tower.edge, tower.edge), np.float32)
    ids = random.integers(0, tower.words - 2, (_SAMPLES, tower.edge))
    ids[:, 0] = tower.words - 2
    for row, length in enumerate(np.linspace(1, tower.edge - 1, _SAMPLES).astype(int)):
        ids[row, length:] = tower.words - 1
    return ids.astype(np.int64)


def compare(path: Path, samples: np.ndarray, expected: np.ndarray) -> Agreement:
    """Run an ONNX file over inputs, together and one by one, and compare its first output with what is expected."""
    session = Session(path, 2)
    try:
        (name,) = session.inputs
        output = next(iter(session.outputs))
        together = session.run([output], {name: samples})[0]
        alone = np.concatenate([session.run([output], {name: one[None]})[0] for one in samples])
    finally:
        session.close()
    wanted = expected.reshape(len(expected), -1)
    cosines, differences = [], []
    for found in (together, alone):
        rows: Any = found.reshape(len(wanted), -1)
        lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(wanted, axis=1)
        cosines.append(float(((rows * wanted).sum(axis=1) / lengths).min()))
        differences.append(float(np.abs(rows - wanted).max() / np.abs(wanted).max()))
    return Agreement(min(cosines), max(differences))

"""Every architecture on the device beside the CPU, in single and in half precision: a part of ``bench_gpu``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from gpu_lines import ON_CPU, fault, say

from dtk_tui.inference.devices.half_precision import write_half
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.onnx_model import OnnxModel
from dtk_tui.inference.tagger import Tagger
from dtk_tui.inference.text_embedder import TextEmbedder
from tests.helpers.architectures.families import FAMILIES, install, spec_of
from tests.helpers.architectures.inputs import TEXTS, odd_pictures

#: What half precision may differ by: of unit vectors by the cosine, of scores from 0 to 1 by the largest difference.
SAME = {"single": (0.99999, 1e-3), "half": (0.999, 2e-2)}


@contextmanager
def without_gpu() -> Iterator[None]:
    """Load models on the CPU meanwhile."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        yield
    finally:
        del os.environ["CUDA_VISIBLE_DEVICES"]


def loaded(family: str, folder: Path) -> TextEmbedder | ImageEmbedder | Tagger:
    """Load a family's tiny model."""
    spec = spec_of(family)
    if spec.text is not None:
        return TextEmbedder(spec, folder, 4)
    return (ImageEmbedder if spec.tags is None else Tagger)(spec, folder, 4)


def outputs(model: TextEmbedder | ImageEmbedder | Tagger, pictures: list[str]) -> np.ndarray:
    """Return what a model gives for the odd inputs."""
    if isinstance(model, TextEmbedder):
        return model.embed(TEXTS)
    return model.infer(np.stack([model.load(path) for path in pictures]))


def outputs_of(family: str, folder: Path, pictures: list[str]) -> tuple[np.ndarray, str]:
    """Return what a family's tiny model gives for the odd inputs, and the provider that ran it."""
    model = loaded(family, folder)
    try:
        return outputs(model, pictures), model.placement.provider
    finally:
        model.close()


def halved(family: str, folder: Path) -> str:
    """Put a family's tiny model there, and in half precision too; return what the check at its loading says of that."""
    spec = install(family, folder)
    half = write_half(spec, folder)
    model: OnnxModel = loaded(family, folder)
    try:
        model.tune(with_batch=False)
        verdict = "taken" if model.is_half else model.measured.difference or "not tried"
    finally:
        model.close()
    half.replace(folder / spec.name / spec.session_file)  # from here on it is all there is
    return verdict


def compare(family: str, folder: Path, pictures: list[str]) -> None:
    """Print how far the device is from the CPU, in single and in half precision."""
    install(family, folder / "single")
    with without_gpu():
        expected, _ = outputs_of(family, folder / "single", pictures)
    columns = []
    for precision, (least_cosine, most_difference) in SAME.items():
        try:
            check = f" check: {halved(family, folder / 'half')}" if precision == "half" else ""
            found, provider = outputs_of(family, folder / precision, pictures)
        except Exception as error:
            fault(f"{family} in {precision} precision: {type(error).__name__}: {str(error)[:300]}")
            continue
        lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
        cosine = float(((found * expected).sum(axis=1) / lengths).min())
        largest = float(np.abs(found - expected).max())
        is_tagger = spec_of(family).tags is not None
        if (largest > most_difference) if is_tagger else (cosine < least_cosine):
            fault(f"{family} in {precision} precision differs: {largest:.1e}, cosine {cosine:.6f}")
        if provider.startswith("CPU") and not ON_CPU:
            fault(f"{family} in {precision} precision ran on {provider}")
        columns.append(f"{precision} {largest:.1e} cosine {cosine:.6f} {provider[:4]}{check}")
    say(f"  {family:<22}{'   '.join(columns)}")


def families(folder: Path) -> None:
    """Compare all of them."""
    odd = odd_pictures()
    for name, data in odd.items():
        (folder / name).write_bytes(data)
    say(f"device beside CPU, {len(odd)} pictures, {len(TEXTS)} texts: largest difference, smallest cosine")
    for family in FAMILIES:
        compare(family, folder, [str(folder / name) for name in odd])

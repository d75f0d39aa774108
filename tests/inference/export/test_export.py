"""Exports of CLIP and SigLIP beside torch: made here where torch is, and as they were made once where it is not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dtk_tui.errors import ModelError
from dtk_tui.inference.adding.folder import ModelFolder
from dtk_tui.inference.export import export
from dtk_tui.inference.export.towers import find_tower
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import ModelFile, ModelSpec, TextInput
from tests.helpers.architectures.families import REFERENCES
from tests.helpers.tiny_towers import FAMILIES, save_tower

_TOWERS = [f"{family}-{modality}" for family in FAMILIES for modality in ("text", "vision")]


def _silent(step: str, done: int, total: int | None) -> None:
    pass


@pytest.mark.parametrize("name", _TOWERS)
def test_what_was_exported_once_gives_what_torch_gave(name: str, tmp_path: Path) -> None:
    with np.load(REFERENCES / "exports.npz") as kept:
        (tmp_path / "m.onnx").write_bytes(kept[f"{name}-onnx"].tobytes())
        expected, samples = kept[f"{name}-expected"], kept[f"{name}-samples"]
    inputs = samples.astype(np.int64 if name.endswith("text") else np.float32)
    found = export.compare(tmp_path / "m.onnx", inputs, expected)
    assert found.cosine > 0.99999
    assert found.difference < 1e-4
    # What the bound is worth: another token in one place, or a negative, would not pass.
    if name.endswith("text"):
        inputs[:, 1] = (inputs[:, 1] + 1) % 50
    assert export.compare(tmp_path / "m.onnx", -inputs if name.endswith("vision") else inputs, expected).cosine < 0.999


@pytest.fixture
def towers(tmp_path: Path) -> dict[str, ModelFolder]:
    """The tiny models as folders; skips where the extra ``export`` is not installed."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    return {family: ModelFolder(save_tower(family, tmp_path)) for family in FAMILIES}


def _spec(role: str, dims: int, pooling: str | None = None) -> ModelSpec:
    files = (ModelFile("m.onnx", supplied="an export"),)
    image = load_manifest().get("clip-h-vision").image if pooling is None else None
    text: Any = TextInput("bert-uncased", "data/bert-uncased-vocab.txt", 12, pooling) if pooling else None  # type: ignore[arg-type]
    return ModelSpec(
        "tiny",
        "T",
        role,
        "hub",
        "MIT",
        "m.onnx",
        files,
        repository="x/y",
        dims=dims,
        image=image,
        text=text,  # type: ignore[arg-type]
    )


def test_every_kind_of_vector_agrees_with_torch(towers: dict[str, ModelFolder], tmp_path: Path) -> None:
    wanted: list[tuple[str, Any, ModelSpec | None, int]] = [
        ("clip", "text", None, 8),
        ("clip", "text", _spec("text-embedder", 16, "eot"), 16),
        ("clip", "vision", None, 8),
        ("clip", "vision", _spec("image-embedder", 16), 16),
        ("siglip", "text", None, 16),
        ("siglip", "vision", None, 16),
    ]
    for number, (family, modality, spec, dims) in enumerate(wanted):
        tower = find_tower(towers[family], modality, spec)
        assert tower.dims == dims
        found = export._export(tower, towers[family], tmp_path / f"{number}.onnx", _silent)
        assert found.cosine > 0.99999
        assert found.difference < 1e-4


def test_an_exported_tower_is_a_model_like_others(towers: dict[str, ModelFolder], tmp_path: Path) -> None:
    models = tmp_path / "models"
    for family in FAMILIES:
        spec, _ = export.export_new(f"my-{family}", "vision", towers[family], models, _silent)
        assert (spec.role, spec.source, spec.image.size if spec.image else 0) == ("image-embedder", "local", 16)
        embedder = ImageEmbedder(load_manifest(models).get(spec.name), models, 1)
        vectors = embedder.infer(np.stack([np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)]))
        assert float(vectors[0] @ vectors[1]) < 0.99
        embedder.close()
    assert sorted(path.name for path in models.iterdir() if path.suffix != ".lock") == ["my-clip", "my-siglip"]


def test_an_export_that_differs_is_thrown_away(
    towers: dict[str, ModelFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "compare", lambda *_: export.Agreement(0.99, 0.1))
    with pytest.raises(ModelError, match=r"differs from torch.*0\.990000"):
        export.export_new("mine", "vision", towers["clip"], tmp_path / "models", _silent)
    assert list((tmp_path / "models").rglob("*.onnx")) == []


def test_weights_over_two_gigabytes_stand_beside_the_graph(
    towers: dict[str, ModelFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_LARGEST", 0)
    monkeypatch.setattr(export, "_SMALLEST_BESIDE", 0)
    spec, found = export.export_new("large", "vision", towers["siglip"], tmp_path, _silent)
    assert found.cosine > 0.99999
    assert {file.path: file.data for file in spec.files} == {"vision_model.onnx": False, "vision_model.onnx.data": True}


def test_without_torch_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    (tmp_path / "config.json").write_text('{"model_type": "siglip_vision_model", "hidden_size": 8, "image_size": 16}')
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"dtk-tui\[export\]"):
        export.export_new("mine", "vision", ModelFolder(tmp_path), tmp_path / "models", _silent)


def test_weights_that_are_missing_are_never_made_up(towers: dict[str, ModelFolder], tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    path = towers["clip"].path / "model.safetensors"
    weights = safetensors.load_file(path)
    del weights["visual_projection.weight"]
    safetensors.save_file(weights, path, {"format": "pt"})
    with pytest.raises(ModelError, match=r"lack 1 of CLIPVisionModelWithProjection: visual_projection\.weight"):
        export.export_new("mine", "vision", towers["clip"], tmp_path / "models", _silent)

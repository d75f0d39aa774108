"""A model of a folder is taken in whole or not at all, is used like any other, and goes without a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dtk_tui.errors import ModelError, UsageError
from dtk_tui.inference import model_files
from dtk_tui.inference.adding.add import add
from dtk_tui.inference.adding.describe import describe
from dtk_tui.inference.adding.folder import ModelFolder
from dtk_tui.inference.adding.remove import removal, remove
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import ENTRY, ModelSpec
from dtk_tui.inference.pull import pull
from dtk_tui.inference.text_embedder import TextEmbedder
from tests.helpers.architectures.families import references
from tests.helpers.architectures.inputs import TEXTS
from tests.helpers.model_folders import model_folder


def _add(folder: Path, models: Path, name: str | None = None, **settings: Any) -> ModelSpec:
    source = ModelFolder(folder)
    return add(describe(source, None, name, settings), source, models, lambda step, done, total: None)


def _left(models: Path) -> list[str]:
    return sorted(str(p.relative_to(models)) for p in models.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_an_added_model_gives_what_the_reference_gives(tmp_path: Path) -> None:
    models = tmp_path / "models"
    spec = _add(model_folder("bert-cls", tmp_path), models, "my-bert")
    assert _left(models) == [f"my-bert/{name}" for name in ("installed.json", "model.onnx", ENTRY, "verified.json")]
    found = load_manifest(models).get("my-bert")
    assert found == spec
    assert load_manifest().models == load_manifest(models).models[:-1]
    assert [check.condition for check in model_files.verify(found, models)] == ["ok"]
    assert not pull(found, models)
    embedder = TextEmbedder(found, models, 1)
    vectors = embedder.embed(TEXTS)
    embedder.close()
    assert (vectors * references()["bert-cls"]).sum(axis=1).min() > 0.9999


def test_a_model_that_is_not_what_its_folder_says_is_not_taken_in(tmp_path: Path) -> None:
    models = tmp_path / "models"
    folder = model_folder("clip-vision", tmp_path)
    with pytest.raises(ModelError, match="no output of 99 values"):
        _add(folder, models, dims=99)
    assert _left(models) == []
    folder = model_folder("joytag", tmp_path)
    (folder / "top_tags.txt").write_text("one\ntwo\n")
    with pytest.raises(ModelError, match="24 scores, its list has 2"):
        _add(folder, models, "mine")
    assert _left(models) == []
    with pytest.raises(ModelError, match="cannot be understood"):
        _add(model_folder("clip-vision", tmp_path), models, "mine", **{"image.filter": "nearest"})
    assert load_manifest(models).models == load_manifest().models


def test_names_are_taken_once(tmp_path: Path) -> None:
    models = tmp_path / "models"
    folder = model_folder("clip-vision", tmp_path)
    with pytest.raises(UsageError, match="a model named clip-h-vision already"):
        _add(folder, models, "clip-h-vision")
    _add(folder, models, "mine")
    with pytest.raises(UsageError, match="a model named mine already"):
        _add(folder, models, "mine")
    (models / "other").mkdir()
    (models / "other" / "notes.txt").write_text("keep")
    with pytest.raises(UsageError, match="is no model that dtk knows"):
        _add(folder, models, "other")
    with pytest.raises(ModelError, match="cannot be understood"):
        _add(folder, models, "../other")


def test_a_folder_in_its_place_is_taken_as_it_is(tmp_path: Path) -> None:
    models = tmp_path / "models"
    folder = model_folder("clip-vision", models)
    before = {path: path.stat().st_ino for path in folder.iterdir()}
    spec = _add(folder, models)
    assert spec.name == "clip-vision"
    assert {path: path.stat().st_ino for path in before} == before
    remove(spec, models)
    assert _left(models) == ["clip-vision/config.json", "clip-vision/preprocessor_config.json"], "what was not its own"


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    models = tmp_path / "models"
    spec = _add(model_folder("swinv2", tmp_path), models)
    (models / "swinv2" / "selected_tags.csv").write_text("tag_id,name,category,count\n")
    conditions = {check.path.name: check.condition for check in model_files.verify(spec, models)}
    assert conditions == {"model.onnx": "ok", "selected_tags.csv": "damaged"}
    with pytest.raises(ModelError, match=r"added from a folder of yours.*selected_tags\.csv"):
        pull(spec, models)


def test_removing_takes_its_own_files_and_says_what_is_lost(tmp_path: Path) -> None:
    models = tmp_path / "models"
    spec = _add(model_folder("swinv2", tmp_path), models)
    (models / "swinv2" / "notes.txt").write_text("mine")
    planned = removal(spec, models)
    assert [path.name for path in planned.lost] == ["model.onnx", "selected_tags.csv"]
    assert [path.name for path in planned.left] == ["notes.txt"]
    assert planned.size == sum((models / "swinv2" / name).stat().st_size for name in _names(planned.files))
    assert remove(spec, models) == planned
    assert _left(models) == ["swinv2/notes.txt"]
    (models / "swinv2" / "notes.txt").unlink()
    assert remove(spec, models).files == ()
    assert not (models / "swinv2").exists()
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / "model.onnx").write_bytes(b"x")
    (models / "swinv2").symlink_to(target)
    remove(spec, models)
    assert (target / "model.onnx").exists()
    assert not (models / "swinv2").is_symlink()


def _names(paths: tuple[Path, ...]) -> list[str]:
    return [path.name for path in paths]


def test_a_broken_entry_keeps_nobody_from_the_others(tmp_path: Path) -> None:
    good = _add(model_folder("clip-vision", tmp_path), tmp_path / "models", "good")
    models = tmp_path / "models"
    text = (models / "good" / ENTRY).read_text()
    faults = {
        "bad": ("version = 1\n[[model]]\nname = 'bad'\n", "cannot be understood"),
        "empty": ("", "not of version 1"),
        "joytag": (text.replace('"good"', '"joytag"'), "The program itself has a model named joytag"),
        "torn": ("\0[", "cannot be read"),
        "twin": (text, "does not describe the model twin"),
        "out": (text.replace('"good"', '"out"').replace("vision_model.onnx", "../x.onnx"), "must stay in the"),
        "deep": ("version = 1\nx = " + "[" * 50_000, "cannot be read"),
    }
    for name, (entry, _) in faults.items():
        (models / name).mkdir()
        (models / name / ENTRY).write_text(entry)
    manifest = load_manifest(models)
    assert [spec.name for spec in manifest.models] == [*(spec.name for spec in load_manifest().models), good.name]
    assert {name: fault in str(manifest.broken[name]) for name, (_, fault) in faults.items()} == dict.fromkeys(
        faults, True
    )
    with pytest.raises(ModelError, match="does not describe the model twin"):
        manifest.get("twin")
    assert manifest.get("joytag").source == "hub"


def test_pictures_of_an_added_model_need_no_more_than_its_folder(tmp_path: Path) -> None:
    models = tmp_path / "models"
    spec = _add(model_folder("siglip-vision", tmp_path), models)
    size = (models / "siglip-vision" / "vision_model.onnx").stat().st_size
    assert spec.memory_estimate == size * 11 // 10
    assert _left(models) == [
        f"siglip-vision/{name}" for name in ("installed.json", ENTRY, "verified.json", "vision_model.onnx")
    ]

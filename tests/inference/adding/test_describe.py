"""What a folder says of its model, beside what the manifest says of the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from dtk_tui.errors import ModelError, UsageError
from dtk_tui.inference.adding.add import require_known
from dtk_tui.inference.adding.describe import describe
from dtk_tui.inference.adding.entry import Entry, parse_setting, to_spec
from dtk_tui.inference.adding.folder import ModelFolder
from dtk_tui.inference.model_spec import ModelSpec
from tests.helpers.architectures.families import CLIP_WORDS, spec_of
from tests.helpers.model_folders import model_folder


def _entry(folder: Path, **settings: Any) -> Entry:
    return describe(ModelFolder(folder), None, None, settings)


def _spec(entry: Entry) -> ModelSpec:
    require_known(entry)
    return to_spec(entry.document([{"path": name} for name in entry.files]), Path("model.toml"))


@pytest.mark.parametrize("family", ["clip-vision", "siglip-vision", "joytag", "swinv2"])
def test_pictures_are_prepared_as_by_the_manifest(family: str, tmp_path: Path) -> None:
    found, wanted = _spec(_entry(model_folder(family, tmp_path))), spec_of(family)
    assert found.role == wanted.role
    assert found.image is not None
    assert wanted.image is not None
    assert found.image.geometry == wanted.image.geometry
    assert found.image.preparation == wanted.image.preparation
    assert found.image.layout == wanted.image.layout
    assert found.dims == wanted.dims


@pytest.mark.parametrize("family", ["bert-cls", "clip-text-eot", "clip-text-projected"])
def test_texts_are_read_as_by_the_manifest(family: str, tmp_path: Path) -> None:
    found, wanted = _spec(_entry(model_folder(family, tmp_path))), spec_of(family)
    assert (found.role, found.dims) == (wanted.role, wanted.dims)
    assert found.text is not None
    assert wanted.text is not None
    as_found = asdict(found.text)
    expected = asdict(wanted.text) | {
        key: as_found[key] for key in ("cpu_batch_tokens", "gpu_batch_tokens", "query_prefix")
    }
    if family.startswith("clip"):
        expected["pad_id"] = CLIP_WORDS - 1  # what pads a CLIP has no effect
    assert as_found == expected
    assert found.text.query_prefix == ("Represent this: " if family == "bert-cls" else "")


def test_the_tags_of_a_wd_tagger_keep_their_categories(tmp_path: Path) -> None:
    entry = _entry(model_folder("swinv2", tmp_path))
    found, wanted = _spec(entry).tags, spec_of("swinv2").tags
    assert found is not None
    assert wanted is not None
    assert found == replace(wanted, threshold=0.35, keep=found.keep)
    assumed = {value.key for value in entry.values.values() if value.is_assumed}
    assert {"tags.threshold", "tags.thresholds", "image.fit", "licence"} <= assumed
    assert entry.get("tags.sigmoid") is False, "the graph ends in Sigmoid"
    assert _entry(model_folder("joytag", tmp_path)).get("tags.sigmoid") is True


def test_what_nobody_says_is_named_and_can_be_said(tmp_path: Path) -> None:
    folder = model_folder("bert-cls", tmp_path)
    for name in ("1_Pooling/config.json", "vocab.txt"):
        (folder / name).unlink()
    entry = _entry(folder)
    assert set(entry.unknown) == {"text.pooling", "text.tokenizer"}
    with pytest.raises(UsageError, match=r"text\.tokenizer, text\.pooling.*no tokenizer\.json.*--set"):
        require_known(entry)
    said = {"text.pooling": "cls", "text.tokenizer": "bert-uncased", "text.vocabulary": "data/bert-uncased-vocab.txt"}
    assert _spec(_entry(folder, **said)).text is not None
    folder = model_folder("clip-vision", tmp_path)
    (folder / "preprocessor_config.json").unlink()
    assert set(_entry(folder).unknown) == {"image.fit", "image.filter", "image.channels"}


def test_an_image_classifier_is_a_tagger_with_the_names_of_its_classes(tmp_path: Path) -> None:
    folder = model_folder("joytag", tmp_path)
    (folder / "top_tags.txt").unlink()
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": 64, "resample": 2, "image_mean": [0, 0, 0]}))
    labels = {str(number): f"thing {number}" for number in range(24)}
    (folder / "config.json").write_text(json.dumps({"id2label": labels, "problem_type": "multi_label_classification"}))
    entry = _entry(folder)
    assert (entry.get("role"), entry.get("tags.names")[3]) == ("tagger", "thing 3")
    assert set(entry.unknown) == {"tags.threshold", "image.std"}
    (folder / "config.json").write_text(json.dumps({"id2label": labels, "problem_type": "single_label_classification"}))
    assert "softmax" in _entry(folder).unknown["tags.sigmoid"]


def test_a_hostile_folder_is_refused_or_harmless(tmp_path: Path) -> None:
    folder = model_folder("bert-cls", tmp_path)
    (tmp_path / "secret.json").write_text("{}")
    (folder / "tokenizer_config.json").unlink()
    (folder / "tokenizer_config.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(ModelError, match="link that leads out"):
        _entry(folder)
    (folder / "tokenizer_config.json").unlink()
    for text in ("[" * 100_000, "{", '"text"', "\0"):
        (folder / "tokenizer_config.json").write_text(text)
        try:
            _entry(folder)
        except ModelError as error:
            assert "cannot be read" in error.title
    (folder / "tokenizer_config.json").write_text('{"model_max_length": true, "pad_token": ["x"], "do_lower_case": 7}')
    (folder / "config.json").write_text('{"model_type": ["bert"], "hidden_size": -3, "max_position_embeddings": "9"}')
    assert _entry(folder).unknown == {"text.max_tokens": "no file says how many tokens the model takes"}
    (folder / "README.md").write_text("---\nlicense: \x1b[31mred\n---\n")
    assert _entry(folder).get("licence") == "unknown"


def test_a_snapshot_of_the_hubs_cache_is_a_folder_like_others(tmp_path: Path) -> None:
    made = model_folder("clip-vision", tmp_path)
    repository = tmp_path / "models--who--My_CLIP"
    snapshot = repository / "snapshots" / ("ab" * 20)
    (repository / "blobs").mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for number, path in enumerate(sorted(made.iterdir())):
        path.rename(repository / "blobs" / str(number))
        (snapshot / path.name).symlink_to(Path("../../blobs") / str(number))
    (repository / "blobs" / "readme").write_text('---\ntags:\n- clip\nlicense: "apache-2.0"\n---\nlicense: other\n')
    (snapshot / "README.md").symlink_to(Path("../../blobs/readme"))
    spec = _spec(_entry(snapshot))
    assert (spec.name, spec.repository, spec.revision) == ("my-clip", "who/My_CLIP", "ab" * 20)
    assert spec.licence == "apache-2.0"


def test_which_file_of_several(tmp_path: Path) -> None:
    folder = model_folder("clip-vision", tmp_path)
    (folder / "vision_model.onnx").rename(folder / "a.onnx")
    (folder / "b.onnx").write_bytes((folder / "a.onnx").read_bytes())
    with pytest.raises(UsageError, match=r"several ONNX files: a\.onnx, b\.onnx"):
        _entry(folder)
    assert describe(ModelFolder(folder), "b.onnx", "x", {}).get("session_file") == "b.onnx"
    with pytest.raises(ModelError, match="has no file"):
        describe(ModelFolder(folder), "../b.onnx", "x", {})
    (folder / "a.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="is not an ONNX model"):
        describe(ModelFolder(folder), "a.onnx", "x", {})
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="has no ONNX file"):
        _entry(tmp_path / "empty")
    with pytest.raises(UsageError, match="is no folder"):
        ModelFolder(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("text.pooling=mean", ("text.pooling", "mean")),
        ('text.pooling="mean"', ("text.pooling", "mean")),
        ("tags.threshold = 0.35", ("tags.threshold", 0.35)),
        ("image.mean=[0, 0, 0]", ("image.mean", [0, 0, 0])),
        ("text.query_prefix=a = b: ", ("text.query_prefix", "a = b:")),
    ],
)
def test_settings_are_written_as_in_the_manifest_or_plainly(text: str, pair: tuple[str, Any]) -> None:
    assert parse_setting(text) == pair


@pytest.mark.parametrize("text", ["text.pooling", "=3", "a b=3", "text.=3"])
def test_a_setting_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        parse_setting(text)

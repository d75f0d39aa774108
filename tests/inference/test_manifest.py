from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from dtk_tui.errors import ModelError, UsageError
from dtk_tui.inference.manifest import load_manifest, read_manifest
from dtk_tui.settings import ModelSettings


def test_defaults_of_the_settings_are_starter_models() -> None:
    settings = ModelSettings()
    names = {settings.text_embedder, settings.image_embedder, *settings.taggers}
    assert {spec.name for spec in load_manifest().select(["starter"])} >= names


def test_starter_files_have_checksums_and_production_models_are_known() -> None:
    manifest = load_manifest()
    assert all(file.sha256 and file.size for spec in manifest.select(["starter"]) for file in spec.files)
    roles = {spec.role for spec in manifest.select(["production"])}
    assert roles == {"text-embedder", "image-embedder", "tagger", "captioner"}
    assert [manifest.get(n).dims for n in ("bge-large-en-v1.5", "clip-l-text", "clip-bigg-text", "clip-h-vision")] == [
        1024,
        768,
        1280,
        1280,
    ]


def test_selecting_gives_each_model_once() -> None:
    chosen = load_manifest().select(["open-nsfw", "starter", "joytag"])
    assert [spec.name for spec in chosen] == [
        "open-nsfw",
        "minilm-l6-v2",
        "dinov2-small",
        "efficientnet-lite0",
        "efficientnet-lite0-words",
        "joytag",
    ]


def test_a_text_tower_comes_along_and_fits() -> None:
    manifest = load_manifest()
    assert [spec.name for spec in manifest.select(["siglip-base"])] == ["siglip-base-text", "siglip-base"]
    for spec in manifest.joint.values():
        assert manifest.text_tower(spec).dims == spec.dims
    lost = replace(manifest.get("siglip-base"), text_tower="clip-h-text")
    with pytest.raises(ModelError, match="clip-h-text is not a text-embedder with 768 dims"):
        manifest.text_tower(lost)


def test_an_unknown_name_says_which_ones_are_known() -> None:
    with pytest.raises(UsageError, match="minilm-l6-v2"):
        load_manifest().get("no-such-model")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('path = "a.onnx"', 'path = "../a.onnx"'), "stay in the model's folder"),
        (('path = "a.onnx"', 'path = "/a.onnx"'), "stay in the model's folder"),
        (('role = "tagger"', 'role = "juggler"'), "role"),
        (("keep = 0.1", "kepe = 0.1"), "kepe"),
        (('title = "A"', 'title = "A"\ntext_tower = "b"'), "only an image-embedder has a text_tower"),
        (('session_file = "a.onnx"', 'session_file = "b.onnx"'), "b.onnx is not among its files"),
        (("version = 1", "version = 2"), "version 1"),
        (("threshold = 0.5", 'threshold = "half"'), "a: Expected `float`, got `str` - at `tags.threshold`"),
        (('name = "a"', 'nome = "a"'), "model 1: Object (contains unknown|missing required) field `na?o?me`"),
        (("[[model]]", "[model]"), "Expected `array`, got `object`"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    text = """
version = 1
[[model]]
name = "a"
title = "A"
role = "tagger"
source = "hub"
repository = "x/a"
licence = "MIT"
session_file = "a.onnx"
files = [{ path = "a.onnx", origin = "a.onnx" }]
[model.image]
size = 8
layout = "nchw"
channels = "rgb"
fit = "pad"
filter = "bicubic"
[model.tags]
names = ["one"]
threshold = 0.5
keep = 0.1
"""
    path = tmp_path / "manifest.toml"
    path.write_text(text)
    assert read_manifest(path).get("a").tags is not None
    path.write_text(text.replace(*change))
    with pytest.raises(ModelError, match=said):
        read_manifest(path)

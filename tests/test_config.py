"""Settings as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config, load
from dtk_tui.errors import DtkError


def _config(folder: Path, text: str) -> Config:
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return load({"HOME": str(folder), "DTK_HOME": str(folder)})


def test_endings_of_files_are_taken_as_they_are_meant(tmp_path: Path) -> None:
    config = _config(tmp_path, '[scan]\nextensions = ["png", ".JPG", " .WebP "]\n')
    assert config.settings.scan.extensions == (".png", ".jpg", ".webp")


@pytest.mark.parametrize(
    ("value", "said"),
    [("[]", "list is empty"), ('["*.png"]', "write one like .png"), ('[".", ""]', "write one like .png")],
)
def test_endings_that_would_find_nothing_are_refused(tmp_path: Path, value: str, said: str) -> None:
    with pytest.raises(DtkError) as caught:
        _config(tmp_path, f"[scan]\nextensions = {value}\n")
    assert "scan.extensions" in caught.value.detail and said in caught.value.detail


def test_a_path_is_mapped_there_and_back(tmp_path: Path) -> None:
    config = _config(
        tmp_path,
        '[paths]\nmap = { "/srv/images" = "/mnt/nas", "/srv/images/old/" = "/mnt/old",'
        " 'C:\\Users\\me\\out' = \"/mnt/out\" }\n",
    )
    for there, here in {
        "/srv/images/a/1.png": "/mnt/nas/a/1.png",
        "/srv/images/old/1.png": "/mnt/old/1.png",
        "/srv/images2/1.png": "/srv/images2/1.png",
        "/srv/images": "/mnt/nas",
        "C:\\Users\\me\\out\\a\\1.png": "/mnt/out/a/1.png",
    }.items():
        assert config.local_path(there) == here
        assert config.library_path(here) == there
    assert config.local_path("c:\\users\\me\\OUT\\1.png") == "/mnt/out/1.png"


def test_a_map_of_relative_paths_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DtkError) as caught:
        _config(tmp_path, '[paths]\nmap = { "images" = "/mnt" }\n')
    assert "'images' is no absolute path" in caught.value.detail


def test_what_an_editor_of_windows_wrote_is_read(tmp_path: Path) -> None:
    assert not _config(tmp_path, "\ufeff[scan]\r\nwatch = false\r\n").settings.scan.watch


@pytest.mark.parametrize(
    ("text", "default", "spaces"),
    [
        ("", "minilm-l6-v2", ("minilm-l6-v2",)),
        ('text_embedder = "a"', "a", ("a",)),
        ('text_embedders = ["a", "b"]', "a", ("a", "b")),
        ('text_embedder = "b"\ntext_embedders = ["a", "b", "c"]', "b", ("b", "a", "c")),
    ],
)
def test_several_embedders_of_which_one_is_the_default(
    tmp_path: Path, text: str, default: str, spaces: tuple[str, ...]
) -> None:
    for words, one in (("text_embedder", "text_embedder"), ("image_embedder", "image_embedder")):
        models = _config(tmp_path, f"[models]\n{text.replace('text_embedder', words)}\n").settings.models
        found = getattr(models, one), getattr(models, f"{one}s")
        assert found == (default, spaces) or (text == "" and found == ("dinov2-small", ("dinov2-small",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('text_embedder = "c"\ntext_embedders = ["a", "b"]', "'c', which is not among text_embedders"),
        ('image_embedders = ["a", "a"]', "image_embedders names a model twice"),
        ("image_embedders = []", "the list is empty"),
        ('text_embedders = "a"', "a list belongs here"),
    ],
)
def test_embedders_that_contradict_each_other_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DtkError) as caught:
        _config(tmp_path, f"[models]\n{text}\n")
    assert said in caught.value.detail

"""Settings that name a model: one that nobody knows or that does other work is refused before a worker starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import AppPaths
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.settings import values
from dtk_tui.services.settings.models import model_faults
from dtk_tui.services.settings.whole import replace_text

#: The tables of [models], and the setting with what is said of it.
WRONG: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"taggers": ["joytagg"]}, "taggers", "there is no model joytagg; did you mean joytag?"),
    (
        {"taggers": ["open-nsfw", "dinov2-small"]},
        "taggers",
        "of the kind image-embedder; one of the kind tagger belongs here",
    ),
    ({"text_embedder": "zzz"}, "text_embedder", "there is no model zzz; dtk models list shows those that are known"),
    ({"text_embedders": ["joytag"]}, "text_embedders", "joytag is of the kind tagger"),
    ({"image_embedder": "dinov2-smal"}, "image_embedder", "did you mean dinov2-small?"),
    ({"image_embedders": ["minilm-l6-v2"]}, "image_embedders", "minilm-l6-v2 is of the kind text-embedder"),
    ({"taggers": ["a\x1b[2J\nb"]}, "taggers", "there is no model a"),
    ({"taggers": ["x" * 100_000]}, "taggers", "there is no model xxx"),
)


def paths_of(folder: Path) -> AppPaths:
    return AppPaths({"HOME": str(folder), "DTK_HOME": str(folder), "DTK_MODELS": str(folder / "models")})


@pytest.mark.parametrize(("section", "key", "said"), WRONG, ids=lambda part: str(part)[:30])
def test_a_model_that_cannot_do_the_work_has_its_sentence(
    tmp_path: Path, section: dict[str, Any], key: str, said: str
) -> None:
    found = model_faults({"models": section}, paths_of(tmp_path))
    assert list(found) == [f"models.{key}"]
    sentence = found[f"models.{key}"]
    assert said in sentence and sentence.isprintable() and len(sentence) < 300


@pytest.mark.parametrize(
    "section",
    [{}, {"taggers": []}, {"taggers": 3}, {"taggers": [3]}, {"folder": 3, "taggers": ["joytag"]}, 7, {"taggers": [""]}],
    ids=str,
)
def test_what_is_no_name_is_left_to_others(tmp_path: Path, section: Any) -> None:
    assert model_faults({"models": section}, paths_of(tmp_path)) == {}


def test_a_model_that_was_added_is_known_and_a_broken_one_says_why(tmp_path: Path) -> None:
    added = tmp_path / "models" / "mine"
    added.mkdir(parents=True)
    (added / "model.toml").write_text("version = 1\n", encoding="utf-8")
    found = model_faults({"models": {"taggers": ["mine"]}}, paths_of(tmp_path))
    assert "does not describe the model mine" in found["models.taggers"]
    (added / "model.toml").write_text('version = 1\n"\x1b[2J\n', encoding="utf-8")
    (sentence,) = model_faults({"models": {"taggers": ["mine"]}}, paths_of(tmp_path)).values()
    assert sentence.isprintable() and len(sentence) <= 300


def test_nothing_is_written_for_a_model_that_cannot_do_the_work(tmp_path: Path) -> None:
    paths = paths_of(tmp_path)
    with pytest.raises(UsageError, match="did you mean joytag"):
        values.set_value(paths, "models.taggers", "joytagg")
    with pytest.raises(DtkError, match="did you mean joytag"):
        replace_text(paths, '[models]\ntaggers = ["joytagg"]\n')
    assert not paths.config_file.exists()
    assert "did you mean joytag" in values.fault_of(paths, "models.taggers", "joytagg")
    assert values.set_value(paths, "models.taggers", "joytag,open-nsfw").value == ["joytag", "open-nsfw"]
    paths.config_file.write_text('[models]\ntaggers = ["joytagg"]\n', encoding="utf-8")
    assert "joytagg" in values.check(paths)["models.taggers"]
    assert "joytagg" in values.state_of(paths, "models.taggers").fault
    # Another setting can still be changed.
    assert values.set_value(paths, "worker.batch_size", "16").value == 16

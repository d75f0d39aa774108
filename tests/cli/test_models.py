"""dtk models add, list, verify and remove as scripts use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.errors import DtkError, UsageError
from tests.helpers.model_folders import model_folder


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {"HOME": tmp_path, "DTK_HOME": tmp_path / "home", "DTK_MODELS": tmp_path / "models"}.items():
        monkeypatch.setenv(name, str(value))
    (tmp_path / "home").mkdir()
    return tmp_path


def _run(*arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(application, ["models", *arguments, "--json"])
    if done.exception is not None:
        raise done.exception
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_model_comes_and_goes(places: Path) -> None:
    folder = model_folder("swinv2", places)
    (told,) = _run("add", str(folder), "--name", "my-tagger", "--set", "tags.threshold=0.25", "--dry-run")
    assert (told["name"], told["role"], told["added"], told["unknown"]) == ("my-tagger", "tagger", False, [])
    assert told["files"] == ["model.onnx", "selected_tags.csv"]
    values = {value["key"]: (value["value"], value["source"], value["assumed"]) for value in told["values"]}
    assert values["tags.threshold"] == (0.25, "the command line", False)
    assert values["image.channels"] == ("bgr", "as all WD taggers (selected_tags.csv, channels last)", True)
    assert not (places / "models").exists()

    (told,) = _run("add", str(folder), "--name", "my-tagger", "--set", "tags.threshold=0.25")
    assert told["added"]
    (listed,) = (model for model in _run("list") if model["name"] == "my-tagger")
    assert (listed["installed"], listed["source"]) == (True, "local")
    assert listed["memory"] > 0
    (verified,) = _run("verify", "my-tagger")
    assert [file["state"] for file in verified["files"]] == ["ok", "ok"]
    (places / "models" / "my-tagger" / "model.onnx").write_bytes(b"")
    with pytest.raises(DtkError, match=r"my-tagger/model\.onnx \(damaged\)"):
        _run("verify", "my-tagger")

    (places / "home" / "config.toml").write_text('[models]\ntaggers = ["my-tagger"]\n')
    with pytest.raises(UsageError, match="The config uses my-tagger"):
        _run("remove", "my-tagger", "--yes")
    (places / "home" / "config.toml").unlink()
    (planned,) = _run("remove", "my-tagger", "--dry-run")
    assert (planned["removed"], len(planned["files"])) == (False, 5)
    (done,) = _run("remove", "my-tagger", "--yes")
    assert (done["removed"], done["left"]) == (True, [])
    assert not (places / "models" / "my-tagger").exists()


def test_what_the_folder_does_not_say_is_told(places: Path) -> None:
    folder = model_folder("bert-cls", places)
    (folder / "1_Pooling" / "config.json").unlink()
    (told,) = _run("add", str(folder), "--dry-run")
    assert [value["key"] for value in told["unknown"]] == ["text.pooling"]
    with pytest.raises(UsageError, match=r"--set text\.pooling=VALUE"):
        _run("add", str(folder))
    shown = CliRunner().invoke(application, ["models", "add", str(folder), "--dry-run"]).output
    assert "text.pooling\t?\tno file says how the tokens' states become one vector" in shown
    assert not (places / "models").exists()


def test_an_export_says_what_it_lacks(places: Path) -> None:
    folder = places / "clip"
    folder.mkdir()
    with pytest.raises(UsageError, match="no model named mine"):
        _run("export", "mine", str(folder))
    with pytest.raises(UsageError, match="a model named clip-l-text"):
        _run("export", "clip-l-text", str(folder), "--tower", "text")
    with pytest.raises(UsageError, match=r"has no model\.safetensors"):
        _run("export", "clip-l-text", str(folder))
    (folder / "model.safetensors").write_bytes(b"x")
    with pytest.raises(UsageError, match="holds no text tower of CLIP or SigLIP"):
        _run("export", "clip-l-text", str(folder))
    (folder / "config.json").write_text('{"model_type": "clip_text_model", "hidden_size": 512}')
    with pytest.raises(UsageError, match="gives 512 or 512 values, clip-l-text has 768"):
        _run("export", "clip-l-text", str(folder))
    index = {"weight_map": {"a": "../../secret.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (places / "secret.safetensors").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"has no \.\./\.\./secret"):
        _run("export", "clip-l-text", str(folder))
    index = {"weight_map": {"a": "../secret.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(DtkError, match="has no file"):
        _run("export", "clip-l-text", str(folder))

"""A model file is read for its checksum once, and again when its size or its time is another one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dtk_tui.errors import ModelError
from dtk_tui.inference import model_files, verified_files
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import ModelFile, ModelSpec
from dtk_tui.inference.tagger import Tagger

DATA = bytes(range(256)) * 40


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    base = load_manifest().get("open-nsfw")
    file = ModelFile("model.onnx", origin="x", size=len(DATA), sha256=hashlib.sha256(DATA).hexdigest())
    home = tmp_path / base.name
    home.mkdir()
    (home / "model.onnx").write_bytes(DATA)
    return replace(base, session_file="model.onnx", files=(file,))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read."""
    names: list[str] = []
    real = model_files.sha256_of

    def sha256_of(path: Path, progress: Any = None) -> str:
        names.append(path.name)
        return real(path, progress)

    monkeypatch.setattr(model_files, "sha256_of", sha256_of)
    return names


def test_a_file_is_read_once_and_again_when_it_changed(spec: ModelSpec, tmp_path: Path, read: list[str]) -> None:
    path = tmp_path / spec.name / "model.onnx"
    for _ in range(3):
        model_files.require_verified(spec, tmp_path)
    assert read == ["model.onnx"]

    os.utime(path, ns=(1, 1))
    for _ in range(2):
        model_files.require_verified(spec, tmp_path)
    assert read == ["model.onnx"] * 2

    path.write_bytes(DATA[:-1] + b"\0")
    for _ in range(2):
        with pytest.raises(ModelError, match=r"model\.onnx of the model open-nsfw is not the one") as caught:
            Tagger(spec, tmp_path, 1)
        assert caught.value.detail.endswith("Get it again: dtk models pull open-nsfw")
    assert read == ["model.onnx"] * 4, "what is wrong is read each time"


def test_a_check_of_everything_forgets_what_is_wrong(spec: ModelSpec, tmp_path: Path) -> None:
    path = tmp_path / spec.name / "model.onnx"
    model_files.require_verified(spec, tmp_path)
    time = path.stat().st_mtime_ns
    path.write_bytes(DATA[:-1] + b"\0")
    os.utime(path, ns=(time, time))
    model_files.require_verified(spec, tmp_path)  # a disk that turns a bit changes neither size nor time
    assert not all(check.usable for check in model_files.verify(spec, tmp_path))
    with pytest.raises(ModelError):
        model_files.require_verified(spec, tmp_path)


def test_without_a_checksum_any_file_will_do(spec: ModelSpec, tmp_path: Path, read: list[str]) -> None:
    unknown = replace(spec, files=(replace(spec.files[0], sha256=None),), cut=None)
    model_files.require_verified(unknown, tmp_path)
    assert read == []
    assert not (tmp_path / spec.name / verified_files.RECORD).exists()


def test_a_broken_record_and_a_closed_folder_only_cost_time(
    spec: ModelSpec, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / spec.name
    for text in ("[]", "{", '{"model.onnx": 1}', "\0"):
        (home / verified_files.RECORD).write_text(text)
        model_files.require_verified(spec, tmp_path)
    assert len(read) == 4

    def refuse(**_: object) -> None:
        raise PermissionError

    (home / verified_files.RECORD).unlink()
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    model_files.require_verified(spec, tmp_path)
    assert not (home / verified_files.RECORD).exists()

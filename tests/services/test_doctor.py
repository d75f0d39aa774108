"""What doctor says of the config and of model files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import load
from dtk_tui.inference import provider
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.services import doctor
from dtk_tui.services.doctor import Verdict


@pytest.mark.parametrize(
    ("url", "mode", "verdict"),
    [
        ("postgresql://dtk:secret@localhost/dtk", 0o644, Verdict.FAULT),
        ("postgresql://dtk:secret@localhost/dtk", 0o640, Verdict.FAULT),
        ("host=localhost password=secret", 0o604, Verdict.FAULT),
        ("host=localhost password=secret", 0o600, Verdict.OK),
        ("postgresql://dtk@localhost/dtk", 0o644, None),
        ("no connection string", 0o644, None),
    ],
)
def test_a_password_that_others_may_read_is_named(tmp_path: Path, url: str, mode: int, verdict: Verdict | None) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[database]\nurl = "{url}"\n')
    file.chmod(mode)
    findings = list(doctor._password(load({"DTK_HOME": str(tmp_path)})))
    assert [finding.verdict for finding in findings] == ([] if verdict is None else [verdict])
    assert all("secret" not in finding.detail for finding in findings)
    assert verdict != Verdict.FAULT or findings[0].advice == f"Close it with: chmod 600 {file}"


def test_a_model_with_other_bytes_of_the_same_size_is_named(tmp_path: Path) -> None:
    spec = load_manifest().get("open-nsfw")
    home = tmp_path / spec.name
    home.mkdir()
    with (home / spec.session_file).open("wb") as file:
        file.truncate(spec.files[0].size or 0)
    finding = doctor._model_files(spec, tmp_path)
    assert (finding.verdict, finding.advice.partition("Get it ")[2]) == (
        Verdict.FAULT,
        "again: dtk models pull open-nsfw",
    )


def test_a_provider_that_does_not_load_is_a_fault_although_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    if provider.gpu_report():
        pytest.skip("this machine has a GPU")
    gpu = {"name": "Imagined GPU", "memory_total_gb": 80.0, "compute_capability": "9.0"}
    monkeypatch.setattr(provider, "gpu_report", lambda: (gpu,))
    found = list(doctor._device())
    assert [(one.subject, one.verdict) for one in found] == [
        ("gpu", Verdict.OK),
        ("provider", Verdict.FAULT),
        ("provider", Verdict.FAULT),
    ]
    assert found[0].detail == "0: Imagined GPU, compute capability 9.0, 80 GB"
    assert found[1].detail == "CUDAExecutionProvider does not run on GPU 0"
    assert "CUDA" in found[1].advice
    assert found[2].detail == "CPUExecutionProvider, although a GPU is here"


def test_without_a_gpu_the_processor_is_no_fault() -> None:
    if provider.gpu_report():
        pytest.skip("this machine has a GPU")
    (found,) = doctor._device()
    assert (found.subject, found.verdict) == ("provider", Verdict.NOTE)

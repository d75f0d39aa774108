"""dtk doctor: what scripts get of it, and how it looks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.cli.doctor import lines_of
from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.inference.devices import provider
from dtk_tui.services.doctor.finding import Finding, Verdict
from tests.helpers.golden import check

SNAPSHOTS = Path(__file__).parent / "__snapshots__"
GPU = {"name": "Imagined GPU", "memory_total_gb": 80.0, "compute_capability": "9.0"}
#: Findings of each subject, as they come on machines of all kinds.
FOUND = [
    Finding("python", Verdict.OK, "3.11.9, dtk-tui 0.1.0"),
    Finding("disk", Verdict.OK, "library, cache, models, log: 412.5 GB free at /home/me/.local/share/dtk-tui"),
    Finding("database", Verdict.OK, "embedded: PostgreSQL 18.1, pgvector 0.8.1, 86.9 MB, schema V032"),
    Finding("groups", Verdict.OK, "each has one representative, and only that a vector"),
    Finding("queue", Verdict.NOTE, "12 jobs wait, and no worker is connected", "Start one: dtk worker run"),
    Finding(
        "limits",
        Verdict.NOTE,
        "inotify: 8,192 watches for a user, the library has 20,000 folders",
        "Else folders are looked at every few seconds: sudo sysctl fs.inotify.max_user_watches=524288",
    ),
    Finding("model", Verdict.FAULT, "dinov2-small is not here", "Get it with: dtk models pull dinov2-small"),
    Finding("gpu", Verdict.OK, "0: NVIDIA GeForce RTX 4090, compute capability 8.9, 24 GB"),
    Finding(
        "cuda",
        Verdict.FAULT,
        "cannot be loaded: libcublasLt.so.13, libcublas.so.13, libcufft.so.12, libcudnn.so.9",
        "pip install 'onnxruntime-gpu[cuda,cudnn]==1.31.1'",
    ),
    Finding("terminal", Verdict.NOTE, "a hostile \x1b[31m[red]\nname", "Pictures are sharper in kitty."),
]


def test_how_it_looks_at_80_columns() -> None:
    lines = [line for finding in FOUND for line in lines_of(finding, 80)]
    assert max(map(len, lines)) <= 80
    check(SNAPSHOTS / "doctor-80.txt", "\n".join(lines))
    command = "sudo sysctl fs.inotify.max_user_watches=524288"
    assert any(line.endswith(command) for line in lines), "what is copied stays in one line"
    (head, advice) = lines_of(FOUND[5], None)
    assert head.endswith("20,000 folders") and advice.endswith("=524288"), "in a pipe nothing is wrapped"


def test_faults_are_told_from_notes_by_colour_alone_where_there_is_some() -> None:
    note, fault = FOUND[4], FOUND[6]
    assert lines_of(fault, 80, is_coloured=True)[0].startswith("\x1b[31m\x1b[1mfault \x1b[0mmodel")
    assert lines_of(note, 80, is_coloured=True)[0].startswith("\x1b[1mnote  \x1b[0mqueue")
    assert lines_of(FOUND[0], 80, is_coloured=True) == lines_of(FOUND[0], 80)


@pytest.mark.parametrize("is_lying", [False, True])
def test_a_script_gets_an_object_a_finding_and_a_status(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_lying: bool
) -> None:
    if provider.gpu_report():
        pytest.skip("this machine has a GPU")
    if is_lying:
        monkeypatch.setattr(provider, "gpu_report", lambda: (GPU,))
    environ = {"HOME": str(tmp_path), "DTK_HOME": str(tmp_path), "DTK_DATABASE_URL": config.database_url or ""}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DTK_MODELS", str(tmp_path / "models"))
    done = CliRunner().invoke(application, ["doctor", "--json"], prog_name="dtk")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(list(one) == ["subject", "verdict", "detail", "advice"] for one in found)
    subjects = list(dict.fromkeys(one["subject"] for one in found))
    told = ["python", "disk", "database", "groups", "queue", "limits", "model", "captioner"]
    assert subjects == told + (["gpu"] if is_lying else []) + ["cuda", "provider"]
    faults = [one["subject"] for one in found if one["verdict"] == "fault"]
    assert faults.count("model") == len(config.settings.models.in_use) and ("provider" in faults) == is_lying, faults
    assert isinstance(done.exception, DtkError), "which is a status of 1"
    assert done.exception.title == f"{len(faults)} faults found."
    assert "model: minilm-l6-v2 is not here\n" in done.exception.detail, "the first ones may have left the screen"
    assert all(one["advice"] for one in found if one["verdict"] != "ok" and one["subject"] != "provider")

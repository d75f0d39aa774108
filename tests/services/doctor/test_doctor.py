"""What doctor says of the config, of models and of devices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dtk_tui.config import Config, load
from dtk_tui.inference.devices import cuda_libraries, provider
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.services.doctor import devices, models, storage
from dtk_tui.services.doctor.finding import Finding, Verdict
from tests.helpers.fault_server import fault_server, http

GPU = {"name": "Imagined GPU", "memory_total_gb": 80.0, "compute_capability": "9.0"}
OK, NOTE, FAULT = Verdict.OK, Verdict.NOTE, Verdict.FAULT


def _config(folder: Path, text: str = "") -> Config:
    (folder / "config.toml").write_text(text)
    return load({"HOME": str(folder), "DTK_HOME": str(folder)})


def _kinds(found: Sequence[Finding]) -> list[tuple[str, Verdict]]:
    return [(one.subject, one.verdict) for one in found]


@pytest.mark.parametrize(
    ("url", "mode", "verdict"),
    [
        ("postgresql://dtk:secret@localhost/dtk", 0o644, FAULT),
        ("postgresql://dtk:secret@localhost/dtk", 0o640, FAULT),
        ("host=localhost password=secret", 0o604, FAULT),
        ("host=localhost password=secret", 0o600, OK),
        ("postgresql://dtk@localhost/dtk", 0o644, None),
        ("no connection string", 0o644, None),
    ],
)
def test_a_password_that_others_may_read_is_named(tmp_path: Path, url: str, mode: int, verdict: Verdict | None) -> None:
    config = _config(tmp_path, f'[database]\nurl = "{url}"\n')
    file = tmp_path / "config.toml"
    file.chmod(mode)
    findings = list(storage.password(config))
    assert [finding.verdict for finding in findings] == ([] if verdict is None else [verdict])
    assert all("secret" not in finding.detail for finding in findings)
    assert verdict != FAULT or findings[0].advice == f"Close it with: chmod 600 {file}"


def test_places_on_one_disk_are_one_finding(tmp_path: Path) -> None:
    found = [one for one in storage.disks(_config(tmp_path)) if "library" in one.detail]
    assert len(found) == 1
    assert found[0].detail.startswith("library, cache, ") and found[0].detail.endswith(f"free at {tmp_path}")


def test_a_model_with_other_bytes_of_the_same_size_is_named(tmp_path: Path) -> None:
    spec = load_manifest().get("open-nsfw")
    home = tmp_path / spec.name
    home.mkdir()
    with (home / spec.session_file).open("wb") as file:
        file.truncate(spec.files[0].size or 0)
    finding = models.model_files(spec, tmp_path)
    assert (finding.verdict, finding.advice.partition("Get it ")[2]) == (FAULT, "again: dtk models pull open-nsfw")


def test_a_text_tower_is_looked_for_with_its_model(tmp_path: Path) -> None:
    found = models.models(_config(tmp_path, '[models]\nimage_embedders = ["siglip-base"]\ntaggers = []\n'))
    advice = {one.detail: one.advice for one in found if one.verdict == FAULT}
    assert advice["siglip-base is not here"] == "Get it with: dtk models pull siglip-base"
    assert advice["siglip-base-text is not here"] == "Get it with: dtk models pull siglip-base-text"


def test_a_captioner_is_looked_for_without_loading_its_model(tmp_path: Path) -> None:
    assert models.captioner_of(_config(tmp_path)).verdict == NOTE
    lost = models.captioner_of(_config(tmp_path, '[captions]\nmodel = "/nowhere/m.gguf"\n'))
    assert (lost.verdict, lost.detail) == (FAULT, "The model /nowhere/m.gguf is not there.")
    listed = http({"object": "list", "data": [{"id": "seer"}, {"id": "poet \x1b[31m"}]})
    with fault_server(listed) as server:
        asked = f'[captions]\nbackend = "openai"\nbase_url = "{server.url}"\nmodel = '
        seer = models.captioner_of(_config(tmp_path, f'{asked}"seer"\n'))
        other = models.captioner_of(_config(tmp_path, f'{asked}"other"\n'))
    assert (seer.verdict, seer.advice) == (OK, "")
    assert other.verdict == FAULT and "seer" in other.advice and "\x1b" not in other.advice
    gone = models.captioner_of(_config(tmp_path, f'{asked}"seer"\n'))
    assert gone.verdict == FAULT and gone.advice


def test_a_provider_that_does_not_load_is_a_fault_although_it_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if provider.gpu_report():
        pytest.skip("this machine has a GPU")
    monkeypatch.setattr(provider, "gpu_report", lambda: (GPU,))
    found = list(devices.devices(_config(tmp_path, '[worker]\nproviders = ["tensorrt", "cuda"]\n')))
    told = [one for one in found if one.subject != "cuda"]
    assert _kinds(told) == [("gpu", OK), ("provider", FAULT), ("provider", FAULT), ("provider", FAULT)]
    assert told[0].detail == "0: Imagined GPU, compute capability 9.0, 80 GB"
    assert told[1].detail == "TensorrtExecutionProvider does not run on GPU 0" and "TensorRT 10" in told[1].advice
    assert told[2].detail == "CUDAExecutionProvider does not run on GPU 0" and "CUDA" in told[2].advice
    assert told[3].detail == "CPUExecutionProvider, although a GPU is here"
    assert capsys.readouterr().out == "", "what the runtime prints would stand among the JSON"


def test_libraries_that_are_missing_come_with_the_command_that_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        if "cudnn" in name or name == cuda_libraries.DRIVER:
            raise OSError(name)

    missing = cuda_libraries.missing
    monkeypatch.setattr(cuda_libraries, "built_for", lambda: ("1.31.1", "13.0"))
    monkeypatch.setattr(cuda_libraries, "missing", lambda names: missing(names, load))
    monkeypatch.setattr(provider, "driver_report", lambda: ("535.104", "12.2"))
    found = list(devices.libraries(is_needed=True))
    assert _kinds(found) == [("cuda", FAULT)] * 3
    assert "driver 535.104 knows only CUDA 12.2" in found[0].detail and "580" in found[0].advice
    assert "libcuda.so.1" in found[1].detail
    assert found[2].detail == "cannot be loaded: libcudnn.so.9"
    assert found[2].advice == "pip install 'onnxruntime-gpu[cuda,cudnn]==1.31.1'"
    assert "libcufft.so.12" in cuda_libraries.needed("13.0") and "libcufft.so.11" in cuda_libraries.needed("12.8")
    monkeypatch.setattr(cuda_libraries, "built_for", lambda: ("1.31.1", ""))
    (plain,) = devices.libraries(is_needed=True)
    assert plain.advice == "pip uninstall -y onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]==1.31.1'"
    assert [one.verdict for one in devices.libraries(is_needed=False)] == [OK]


def test_without_a_gpu_the_processor_is_no_fault_unless_gpus_are_named(tmp_path: Path) -> None:
    if provider.gpu_report():
        pytest.skip("this machine has a GPU")
    assert _kinds(list(devices.devices(_config(tmp_path)))) == [("cuda", OK), ("provider", NOTE)]
    named = list(devices.devices(_config(tmp_path, "[worker]\ndevices = [0, 3]\n")))
    assert _kinds(named)[0] == ("gpu", FAULT) and named[0].detail == "[worker] devices names 0, 3, and none can be seen"
    allowed = list(devices.devices(_config(tmp_path, "[worker]\ndevices = [0]\nallow_cpu = true\n")))
    assert _kinds(allowed)[0] == ("gpu", NOTE)

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dtk_tui.errors import ModelError
from dtk_tui.inference.devices import provider
from dtk_tui.inference.devices.provider import CPU, CUDA, TENSORRT, Device, gpu_report
from dtk_tui.inference.devices.session import DeviceMemoryError, Session, probe
from dtk_tui.inference.image_embedder import ImageEmbedder
from tests.helpers.tiny_onnx import save_onnx


def _identity(folder: Path) -> Path:
    from onnx import TensorProto as Kind
    from onnx import helper

    return save_onnx(
        folder / "m.onnx",
        [helper.make_node("Identity", ["x"], ["y"])],
        [helper.make_tensor_value_info("x", Kind.FLOAT, ["n"])],
        [helper.make_tensor_value_info("y", Kind.FLOAT, ["n"])],
        [],
    )


def test_what_runs_is_what_is_reported(tmp_path: Path) -> None:
    session = Session(_identity(tmp_path), 1)
    assert session.placement.provider == session._session.get_providers()[0]
    assert session.placement.on_gpu == (session.placement.provider == CUDA)
    if not gpu_report():
        assert session.placement == provider.Placement(CPU, None)
    assert session.run(["y"], {"x": np.ones(3, np.float32)})[0].tolist() == [1, 1, 1]
    session.close()


def test_a_visible_gpu_that_cannot_be_used_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if gpu_report():
        pytest.skip("this machine has a GPU")
    monkeypatch.setattr(provider, "gpu_report", lambda: ({"name": "Imagined GPU"},))
    session = Session(_identity(tmp_path), 1)
    assert session.placement.provider == CPU
    assert session.placement.reason is not None
    assert "CUDA" in session.placement.reason
    session.close()


def test_a_hidden_gpu_is_left_alone_and_said_to_be_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "gpu_report", lambda: ({"name": "Imagined GPU"},))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert provider.wanted_providers() == [CPU]
    assert probe() == provider.Placement(CPU, "CUDA_VISIBLE_DEVICES hides the GPU.")


def test_a_probe_tells_where_models_run(dinov2: ImageEmbedder) -> None:
    assert probe() == dinov2.placement


def test_gpus_are_reported_with_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    for gpu in gpu_report():
        assert set(gpu) == {"name", "utilisation", "memory_used_gb", "memory_total_gb", "compute_capability"}
    import pynvml

    def fail() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    assert gpu_report() == ()


class _Failing:
    def __init__(self, words: str) -> None:
        self._words = words

    def run(self, outputs: Any, feeds: Any) -> Any:
        raise RuntimeError(self._words)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer of size 99", DeviceMemoryError),
        ("CUDA failure 2: out of memory ; GPU=0", DeviceMemoryError),
        ("CUBLAS_STATUS_ALLOC_FAILED", DeviceMemoryError),
        ("Got invalid dimensions for input", ModelError),
    ],
)
def test_memory_shortage_is_told_from_other_faults(tmp_path: Path, words: str, kind: type[ModelError]) -> None:
    session = Session(_identity(tmp_path), 1)
    session._session = _Failing(words)
    with pytest.raises(ModelError, match="failed") as caught:
        session.run(["y"], {})
    assert type(caught.value) is kind


def test_wrong_input_is_a_model_error_and_the_session_lives_on(tmp_path: Path) -> None:
    session = Session(_identity(tmp_path), 1)
    with pytest.raises(ModelError):
        session.run(["y"], {"x": np.ones((2, 2), np.float32)})
    assert session.run(["y"], {"x": np.ones(1, np.float32)})[0].tolist() == [1]
    session.close()
    session.close()
    with pytest.raises(ModelError, match="unloaded"):
        session.run(["y"], {"x": np.ones(1, np.float32)})


GPU = {"name": "Imagined GPU", "memory_total_gb": 80.0, "compute_capability": "9.0"}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("cuda", "cpu"), [CUDA, CPU]),
        (("tensorrt", "cuda"), [TENSORRT, CUDA, CPU]),
        (("cuda", "tensorrt", "cpu"), [CUDA, TENSORRT, CPU]),
        (("cpu", "cuda"), [CPU]),
    ],
)
def test_providers_are_asked_for_in_the_order_of_the_config(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...], names: list[str]
) -> None:
    import onnxruntime

    monkeypatch.setattr(provider, "gpu_report", lambda: (GPU, GPU))
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU, CUDA, TENSORRT])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    wanted = provider.wanted_providers(Device(1, words), tmp_path)
    assert [one if isinstance(one, str) else one[0] for one in wanted] == names
    assert all(one[1]["device_id"] == 1 for one in wanted if not isinstance(one, str))
    assert provider.devices(words) == ((0,) if names == [CPU] else (0, 1))
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    assert provider.wanted_providers(Device(1, words), tmp_path) == [CPU]


def test_the_next_provider_is_taken_where_one_fails_but_not_for_want_of_memory() -> None:
    session = object.__new__(Session)
    session._name = "tiny"
    asked: list[list[str]] = []

    def create(model: bytes, options: object, *, providers: list[str], enable_fallback: int) -> str:
        asked.append(providers)
        if providers[0] == TENSORRT:
            raise RuntimeError("Please install TensorRT")
        if providers[0] == CUDA:
            raise RuntimeError("CUDA failure 2: out of memory")
        return "session"

    assert session._created(create, b"", None, [TENSORRT, CPU]) == "session" and asked == [[TENSORRT, CPU], [CPU]]
    with pytest.raises(DeviceMemoryError):
        session._created(create, b"", None, [TENSORRT, CUDA, CPU])
    assert asked[2:] == [[TENSORRT, CUDA, CPU], [CUDA, CPU]]

"""Where models run: which execution provider is asked for, which one really runs, and why if it is another."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dtk_tui.errors import ModelError

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"

_NO_MEMORY = ("out of memory", "failed to allocate memory", "bad allocation", "cuda failure 2:", "alloc_failed")


class DeviceMemoryError(ModelError):
    """The device ran out of memory; a smaller batch may fit."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a session runs.

    Attributes:
        provider: ONNX Runtime's name of the execution provider that really runs.
        reason: why it is not the GPU although one is visible; None when there is nothing to explain.
    """

    provider: str
    reason: str | None = None

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU does the work."""
        return self.provider == CUDA


def gpu_report() -> tuple[dict[str, object], ...]:
    """Return one dict a visible NVIDIA GPU: name, utilisation (percent), memory_used_gb, memory_total_gb (GiB).

    Empty without NVML. A value that the driver does not give is None.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return tuple(_gpu(pynvml, handle) for handle in handles)
    except pynvml.NVMLError:
        return ()
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _gpu(nvml: Any, handle: Any) -> dict[str, object]:
    report: dict[str, object] = dict.fromkeys(("name", "utilisation", "memory_used_gb", "memory_total_gb"))
    with contextlib.suppress(nvml.NVMLError):
        name = nvml.nvmlDeviceGetName(handle)
        report["name"] = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    with contextlib.suppress(nvml.NVMLError):
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        report["memory_used_gb"] = memory.used / 2**30
        report["memory_total_gb"] = memory.total / 2**30
    with contextlib.suppress(nvml.NVMLError):
        report["utilisation"] = nvml.nvmlDeviceGetUtilizationRates(handle).gpu
    return report


def _hidden() -> bool:
    """Whether the user hides the GPUs from CUDA programs; NVML shows them all the same."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1", "NoDevFiles")


def wanted_providers(device: int = 0) -> list[Any]:
    """Return the providers to ask for, best first: CUDA when a GPU is visible and this ONNX Runtime knows it, CPU.

    Args:
        device: number of the GPU, as CUDA counts them.
    """
    import onnxruntime

    if _hidden() or not gpu_report() or CUDA not in onnxruntime.get_available_providers():
        return [CPU]
    # Growing by what is asked for keeps the memory of a GPU that other programs share.
    return [(CUDA, {"device_id": device, "arena_extend_strategy": "kSameAsRequested"}), CPU]


class Session:
    """One loaded ONNX model; ``run`` may be called from several threads.

    Args:
        model: the model file, or the model itself.
        threads: threads that one run may use on the CPU.
        device: number of the GPU, where one does the work.

    Raises:
        ModelError: the file is no ONNX model that runs here.
    """

    def __init__(self, model: Path | bytes, threads: int, device: int = 0) -> None:
        import onnxruntime

        self._name = str(model) if isinstance(model, Path) else "in memory"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, threads)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin while they wait take the cores from decoding and from the screen.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = wanted_providers(device)
        if len(providers) > 1:
            _preload()
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(model) if isinstance(model, Path) else model, options, providers=providers
            )
        except Exception as error:
            raise _wrapped(f"The model {self._name} cannot be loaded.", error) from error
        self._session.disable_fallback()
        self.inputs: dict[str, tuple[list[Any], type[np.generic]]] = {
            value.name: (list(value.shape), _dtype(value.type)) for value in self._session.get_inputs()
        }
        self.outputs: dict[str, list[Any]] = {v.name: list(v.shape) for v in self._session.get_outputs()}
        self.placement = _placement(self._session.get_providers()[0])

    def run(self, outputs: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Run once; raises DeviceMemoryError when memory is short, ModelError for anything else."""
        session = self._session
        if session is None:
            raise ModelError(f"The model {self._name} was unloaded.")
        try:
            result: list[np.ndarray] = session.run(list(outputs), dict(feeds))
        except Exception as error:
            raise _wrapped(f"The model {self._name} failed.", error) from error
        return result

    def close(self) -> None:
        """Unload the model and give its memory back to the system."""
        self._session = None
        release_memory()


def devices() -> tuple[int, ...]:
    """Return the numbers of the GPUs that models would run on; the CPU is one device."""
    if len(wanted_providers()) == 1:
        return (0,)
    return tuple(range(len(gpu_report())))


def probe() -> Placement:
    """Return where a model would run now, found out by running one of a single node."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "probe", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = Session(model.SerializeToString(), 1)
    try:
        session.run(["y"], {"x": np.zeros(1, np.float32)})
        return session.placement
    finally:
        session.close()


def release_memory() -> None:
    """Give freed memory back to the system; with glibc that needs to be asked for."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(ctypes.util.find_library("c")).malloc_trim(0)


def _wrapped(title: str, error: Exception) -> ModelError:
    detail = str(error)
    kind = DeviceMemoryError if any(sign in detail.lower() for sign in _NO_MEMORY) else ModelError
    return kind(title, detail)


def _dtype(name: str) -> type[np.generic]:
    kinds: dict[str, type[np.generic]] = {
        "tensor(float)": np.float32,
        "tensor(float16)": np.float16,
        "tensor(double)": np.float64,
        "tensor(int64)": np.int64,
        "tensor(int32)": np.int32,
        "tensor(uint8)": np.uint8,
        "tensor(bool)": np.bool_,
    }
    if name not in kinds:
        raise ModelError(f"A model with an input of type {name} cannot be fed.")
    return kinds[name]


def _preload() -> None:
    """Load the CUDA libraries of the nvidia wheels, if any; what fails shows in the session's provider."""
    import onnxruntime

    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()


def _placement(running: str) -> Placement:
    if running == CUDA or not gpu_report():
        return Placement(running)
    return Placement(running, _why_no_cuda())


def _why_no_cuda() -> str:
    """Return why CUDA does not run although a GPU is visible."""
    import onnxruntime

    if _hidden():
        return "CUDA_VISIBLE_DEVICES hides the GPU."
    if CUDA not in onnxruntime.get_available_providers():
        return "This ONNX Runtime was built without CUDA. Install onnxruntime-gpu."
    library = Path(onnxruntime.__file__).parent / "capi" / "libonnxruntime_providers_cuda.so"
    # ONNX Runtime only logs why the library does not load; loading it once more brings the linker's words.
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        return f"The CUDA provider cannot be loaded: {error}. Try: pip install 'onnxruntime-gpu[cuda,cudnn]'"
    return "The CUDA provider did not start. Is the driver too old, or the GPU in use by another program alone?"

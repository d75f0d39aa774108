"""ONNX Runtime's execution providers: which to ask for, which one runs, why it is no GPU; and what GPUs there are."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TENSORRT = "TensorrtExecutionProvider"
CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"
#: What brings the libraries of CUDA and cuDNN that an ONNX Runtime needs, to be given its version.
INSTALL = "pip install 'onnxruntime-gpu[cuda,cudnn]=={}'"
_BY_WORD = {"tensorrt": TENSORRT, "cuda": CUDA}


@dataclass(frozen=True, slots=True)
class Device:
    """Where a model is to run.

    Attributes:
        number: of the GPU, as CUDA counts them.
        providers: tensorrt, cuda, cpu in the order in which they are tried; the CPU is always the last.
    """

    number: int = 0
    providers: tuple[str, ...] = ("cuda", "cpu")


FIRST_DEVICE = Device()


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
        return self.provider in (TENSORRT, CUDA)


def driver_report() -> tuple[str, str] | None:
    """Return the version of NVIDIA's driver and the newest CUDA that it knows ("13.0"); None without NVML."""
    import pynvml

    try:
        pynvml.nvmlInit()
        version, cuda = pynvml.nvmlSystemGetDriverVersion(), int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
    except pynvml.NVMLError:
        return None
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()
    words = version.decode("utf-8", "replace") if isinstance(version, bytes) else str(version)
    return words, f"{cuda // 1000}.{cuda % 1000 // 10}"


def gpu_report() -> tuple[dict[str, object], ...]:
    """Return one dict a visible NVIDIA GPU; empty without NVML.

    Keys: name, utilisation (percent), memory_used_gb, memory_total_gb (GiB), compute_capability (as "9.0"). A value
    that the driver does not give is None.
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
    report: dict[str, object] = dict.fromkeys(
        ("name", "utilisation", "memory_used_gb", "memory_total_gb", "compute_capability")
    )
    with contextlib.suppress(nvml.NVMLError):
        name = nvml.nvmlDeviceGetName(handle)
        report["name"] = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    with contextlib.suppress(nvml.NVMLError):
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        report["memory_used_gb"] = memory.used / 2**30
        report["memory_total_gb"] = memory.total / 2**30
    with contextlib.suppress(nvml.NVMLError):
        report["utilisation"] = nvml.nvmlDeviceGetUtilizationRates(handle).gpu
    with contextlib.suppress(nvml.NVMLError):
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
        report["compute_capability"] = f"{major}.{minor}"
    return report


def _gpus_hidden() -> bool:
    """Whether the user hides the GPUs from CUDA programs; NVML shows them all the same."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1", "NoDevFiles")


def wanted_providers(device: Device = FIRST_DEVICE, cache: Path | None = None) -> list[Any]:
    """Return the providers to ask for, best first; those of GPUs when one is visible and this ONNX Runtime knows them.

    Args:
        cache: where TensorRT keeps what it builds of a model, which takes minutes; None keeps nothing.
    """
    import onnxruntime

    if _gpus_hidden() or not gpu_report():
        return [CPU]
    known = onnxruntime.get_available_providers()
    wanted: list[Any] = []
    for word in dict.fromkeys(device.providers):
        if word == "cpu":
            break
        if _BY_WORD[word] in known:
            wanted.append((_BY_WORD[word], _options(word, device.number, cache)))
    return [*wanted, CPU]


def _options(word: str, number: int, cache: Path | None) -> dict[str, Any]:
    if word == "cuda":
        # Growing by what is asked for keeps the memory of a GPU that other programs share.
        return {"device_id": number, "arena_extend_strategy": "kSameAsRequested"}
    kept = {} if cache is None else {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(cache)}
    return {"device_id": number, **kept}


def devices(providers: tuple[str, ...] = FIRST_DEVICE.providers) -> tuple[int, ...]:
    """Return the numbers of the GPUs that models would run on; the CPU is one device."""
    if len(wanted_providers(Device(providers=providers))) == 1:
        return (0,)
    return tuple(range(len(gpu_report())))


def version() -> str:
    """Return ONNX Runtime's name with its version."""
    import onnxruntime

    return f"onnxruntime {onnxruntime.__version__}"


def device_name(placement: Placement, number: int) -> str:
    """Return what a device is recognised by, e.g. ``NVIDIA H200, 9.0, 140 GB``: all that work alike have one name."""
    gpus = gpu_report()
    if not placement.on_gpu or number >= len(gpus):
        return f"{placement.provider}, {platform.machine()}, {os.cpu_count()} processors"
    gpu = gpus[number]
    memory = f", {gpu['memory_total_gb']:.0f} GB" if isinstance(gpu["memory_total_gb"], float) else ""
    return f"{placement.provider}, {gpu['name']}, {gpu['compute_capability']}{memory}"


def preload_cuda() -> None:
    """Load the CUDA libraries of the nvidia wheels, if any; what fails shows in the session's provider."""
    import onnxruntime

    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()


def placement_of(running: str, device: Device = FIRST_DEVICE) -> Placement:
    """Return where a session runs whose first provider is ``running``, with the reason where a GPU is left alone.

    Args:
        device: where it was to run.
    """
    if Placement(running).on_gpu or device.providers[0] == "cpu" or not gpu_report():
        return Placement(running)
    return Placement(running, reason_for_cpu())


def reason_for_cpu() -> str:
    """Return why CUDA does not run although a GPU is visible."""
    import onnxruntime

    if _gpus_hidden():
        return "CUDA_VISIBLE_DEVICES hides the GPU."
    if CUDA not in onnxruntime.get_available_providers():
        return "This ONNX Runtime was built without CUDA. Install onnxruntime-gpu."
    library = Path(onnxruntime.__file__).parent / "capi" / "libonnxruntime_providers_cuda.so"
    # ONNX Runtime only logs why the library does not load; loading it once more brings the linker's words.
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        return f"The CUDA provider cannot be loaded: {error}. Try: {INSTALL.format(onnxruntime.__version__)}"
    return "The CUDA provider did not start. Is the driver too old, or the GPU in use by another program alone?"

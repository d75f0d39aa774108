"""GPUs, NVIDIA's driver and libraries, and the providers that really load."""

from __future__ import annotations

from collections.abc import Iterator

from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.services.doctor.finding import Finding, Verdict

_UPDATE = "Update NVIDIA's driver (CUDA 13 needs 580 or newer, CUDA 12 525), or install an ONNX Runtime for its CUDA."


def devices(config: Config) -> Iterator[Finding]:
    """Run the smallest model there is on every GPU, and wherever models would run."""
    from dtk_tui.inference.devices.provider import gpu_report

    worker = config.settings.worker
    gpus = gpu_report()
    for number, gpu in enumerate(gpus):
        yield Finding("gpu", Verdict.OK, f"{number}: {_gpu(gpu)}")
    absent = [str(number) for number in worker.devices or () if number >= len(gpus)]
    if absent:
        detail = f"[worker] devices names {', '.join(absent)}, and {len(gpus) or 'none'} can be seen"
        advice = "Correct devices in [worker] of config.toml; is the driver there, and the GPU given to the container?"
        yield Finding("gpu", Verdict.NOTE if worker.allow_cpu else Verdict.FAULT, detail, advice)
    yield from libraries(is_needed=bool(gpus) and worker.providers[0] != "cpu")
    yield from _providers(config, len(gpus))


def libraries(*, is_needed: bool) -> Iterator[Finding]:
    """Look whether ONNX Runtime is one for GPUs, and whether the driver and its libraries fit it."""
    from dtk_tui.inference.devices import cuda_libraries
    from dtk_tui.inference.devices.provider import driver_report

    version, cuda = cuda_libraries.built_for()
    if not cuda:
        detail = f"onnxruntime {version}, built without CUDA"
        if is_needed:
            advice = f"pip uninstall -y onnxruntime && {cuda_libraries.install_command()}"
            yield Finding("cuda", Verdict.FAULT, f"{detail}, although a GPU is here", advice)
        else:
            yield Finding("cuda", Verdict.OK, detail)
        return
    built = f"onnxruntime-gpu {version}, built for CUDA {cuda}"
    if not is_needed:
        yield Finding("cuda", Verdict.OK, f"{built}; its libraries are not needed here")
        return
    driver = driver_report()
    if driver is not None and int(driver[1].partition(".")[0]) < int(cuda.partition(".")[0]):
        yield Finding("cuda", Verdict.FAULT, f"{built}; driver {driver[0]} knows only CUDA {driver[1]}", _UPDATE)
    elif driver is not None:
        yield Finding("cuda", Verdict.OK, f"{built}; driver {driver[0]} knows CUDA {driver[1]}")
    else:
        yield Finding("cuda", Verdict.OK, built)
    if cuda_libraries.missing((cuda_libraries.DRIVER,)):
        advice = "Install NVIDIA's driver; for a container, the NVIDIA Container Toolkit, and run it with --gpus all."
        yield Finding("cuda", Verdict.FAULT, f"{cuda_libraries.DRIVER} of the driver cannot be loaded", advice)
    names = cuda_libraries.needed(cuda)
    if lacking := cuda_libraries.missing(names):
        command = cuda_libraries.install_command()
        yield Finding("cuda", Verdict.FAULT, f"cannot be loaded: {', '.join(lacking)}", command)
    else:
        yield Finding("cuda", Verdict.OK, f"CUDA and cuDNN are here: {', '.join(names)}")


def _providers(config: Config, gpus: int) -> Iterator[Finding]:
    """Run a model of one node on every GPU by each provider of the config, and then where models would run."""
    from dtk_tui.inference.devices.provider import CUDA, TENSORRT, Device
    from dtk_tui.inference.devices.session import probe, probe_gpu

    worker = config.settings.worker
    tried = worker.providers[: worker.providers.index("cpu")] if "cpu" in worker.providers else worker.providers
    for number in range(gpus):
        for word in tried:
            name = TENSORRT if word == "tensorrt" else CUDA
            reason = probe_gpu(number, name)
            if reason is None:
                yield Finding("provider", Verdict.OK, f"{name} runs on GPU {number}")
            else:
                yield Finding("provider", Verdict.FAULT, f"{name} does not run on GPU {number}", _advice(word, reason))
    try:
        placement = probe(Device((worker.devices or (0,))[0], worker.providers))
    except DtkError as error:
        yield Finding("provider", Verdict.FAULT, error.title, error.detail)
        return
    if placement.reason:
        yield Finding("provider", Verdict.FAULT, f"{placement.provider}, although a GPU is here", placement.reason)
    elif placement.on_gpu:
        yield Finding("provider", Verdict.OK, f"models run on {placement.provider}")
    elif gpus:
        yield Finding("provider", Verdict.NOTE, f"models run on {placement.provider}, as [worker] providers says")
    else:
        yield Finding("provider", Verdict.NOTE, f"{placement.provider}: no NVIDIA GPU is visible")


def _advice(word: str, reason: str) -> str:
    if word == "tensorrt":
        return f"{reason} Install TensorRT 10 for this CUDA, or take tensorrt out of [worker] providers."
    return reason


def _gpu(gpu: dict[str, object]) -> str:
    """Return name, compute capability and memory of a GPU, as far as the driver says."""
    parts = [str(gpu["name"])]
    if gpu["compute_capability"] is not None:
        parts.append(f"compute capability {gpu['compute_capability']}")
    if isinstance(gpu["memory_total_gb"], float):
        parts.append(f"{gpu['memory_total_gb']:.0f} GB")
    return ", ".join(parts)

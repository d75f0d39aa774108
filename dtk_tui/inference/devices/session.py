"""A loaded ONNX model: running it, where it runs, and giving its memory back."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dtk_tui.errors import ModelError
from dtk_tui.inference.devices.provider import (
    CUDA,
    FIRST_DEVICE,
    TENSORRT,
    Device,
    Placement,
    placement_of,
    preload_cuda,
    reason_for_cpu,
    wanted_providers,
)

_OUT_OF_MEMORY = ("out of memory", "failed to allocate memory", "bad allocation", "cuda failure 2:", "alloc_failed")
#: The folder beside a model in which TensorRT keeps what it builds of it.
_TENSORRT_CACHE = "tensorrt"
#: Where the files of weights are of a model that is loaded from memory (onnxruntime_session_options_config_keys.h).
_FOLDER_OPTION = "session.model_external_initializers_file_folder_path"


class DeviceMemoryError(ModelError):
    """The device ran out of memory; a smaller batch may fit."""


class Session:
    """One loaded ONNX model; ``run`` may be called from several threads.

    Args:
        model: the model file, or the model itself.
        threads: threads that one run may use on the CPU.
        device: where to run.
        graph: what runs in place of the model file, whose other files it still needs.

    Raises:
        ModelError: the file is no ONNX model that runs here.
    """

    def __init__(
        self,
        model: Path | bytes,
        threads: int,
        device: Device = FIRST_DEVICE,
        *,
        graph: bytes | None = None,
    ) -> None:
        import onnxruntime

        self._name = str(model) if isinstance(model, Path) else "in memory"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, threads)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin while they wait take the cores from decoding and from the screen.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if graph is not None and isinstance(model, Path):
            options.add_session_config_entry(_FOLDER_OPTION, str(model.parent))
        cache = model.parent / _TENSORRT_CACHE if isinstance(model, Path) else None
        providers = wanted_providers(device, cache)
        if len(providers) > 1:
            preload_cuda()
        given = graph or (str(model) if isinstance(model, Path) else model)
        self._session: Any = self._created(onnxruntime.InferenceSession, given, options, providers)
        self.inputs: dict[str, tuple[list[Any], type[np.generic]]] = {
            value.name: (list(value.shape), _dtype(value.type)) for value in self._session.get_inputs()
        }
        self.outputs: dict[str, list[Any]] = {v.name: list(v.shape) for v in self._session.get_outputs()}
        self.placement = placement_of(self._session.get_providers()[0], device)

    def _created(self, create: Callable[..., Any], model: str | bytes, options: Any, providers: list[Any]) -> Any:
        """Return a session on the first provider that starts; a lack of memory is no reason to take the next one."""
        try:
            # Its own fallback prints on stdout, and forgets the options of what it falls back to.
            return create(model, options, providers=providers, enable_fallback=0)
        except Exception as error:
            found = _model_error(f"The model {self._name} cannot be loaded.", error)
            if len(providers) == 1 or isinstance(found, DeviceMemoryError):
                raise found from error
        return self._created(create, model, options, providers[1:])

    @property
    def fixed_batch(self) -> int | None:
        """How many items each run takes, where the graph was written for so many alone; None where any number does."""
        sizes = {shape[0] for shape, _ in self.inputs.values() if len(shape) > 1}
        size = sizes.pop() if len(sizes) == 1 else None
        return size if isinstance(size, int) and size > 0 else None

    def run(self, outputs: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Run once; raises DeviceMemoryError when memory is short, ModelError for anything else."""
        session = self._session
        if session is None:
            raise ModelError(f"The model {self._name} was unloaded.")
        try:
            result: list[np.ndarray] = session.run(list(outputs), dict(feeds))
        except Exception as error:
            raise _model_error(f"The model {self._name} failed.", error) from error
        return result

    def close(self) -> None:
        """Unload the model and give its memory back to the system."""
        self._session = None
        release_memory()


def probe(device: Device = FIRST_DEVICE) -> Placement:
    """Return where a model would run now, found out by running one of a single node."""
    session = Session(_one_node(), 1, device)
    try:
        session.run(["y"], {"x": np.zeros(1, np.float32)})
        return session.placement
    finally:
        session.close()


def probe_gpu(device: int, provider: str = CUDA) -> str | None:
    """Run a model of a single node on one GPU and nowhere else; return why that is not possible, None where it is.

    Args:
        device: number of the GPU, as CUDA counts them.
        provider: CUDA or TENSORRT.
    """
    import onnxruntime

    if provider not in onnxruntime.get_available_providers():
        return f"This ONNX Runtime was built without {provider}." if provider == TENSORRT else reason_for_cpu()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    # Else a provider that does not load leaves its nodes to the CPU, and all seems well.
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    preload_cuda()
    try:
        wanted = [(provider, {"device_id": device})]
        session = onnxruntime.InferenceSession(_one_node(), options, providers=wanted, enable_fallback=0)
        session.run(["y"], {"x": np.zeros(1, np.float32)})
    except Exception as error:
        why = str(error).strip()[:200]
        return why if provider == TENSORRT else f"{reason_for_cpu()} ({why})"
    if session.get_providers()[0] == provider:
        return None
    return "Its libraries did not load." if provider == TENSORRT else reason_for_cpu()


def _one_node() -> bytes:
    """Return a model that takes one number and gives its absolute value."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "probe", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


def release_memory() -> None:
    """Give freed memory back to the system; with glibc that needs to be asked for."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(ctypes.util.find_library("c")).malloc_trim(0)


def _model_error(title: str, error: Exception) -> ModelError:
    detail = str(error)
    kind = DeviceMemoryError if any(sign in detail.lower() for sign in _OUT_OF_MEMORY) else ModelError
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

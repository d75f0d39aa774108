"""What every model that runs as an ONNX file has: its session, its identity, where it runs and its batch size."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from dtk_tui.errors import ModelError
from dtk_tui.inference.devices import measured
from dtk_tui.inference.devices.measured import Measured
from dtk_tui.inference.devices.provider import FIRST_DEVICE, Device, Placement, device_name, gpu_report, version
from dtk_tui.inference.devices.session import Session
from dtk_tui.inference.devices.tuning import batch_rates, best_batch, half_difference, vector_difference
from dtk_tui.inference.graphs.external_data import read_graph, require_own_weights
from dtk_tui.inference.model_files import model_folder, model_sha256, require_verified, session_path
from dtk_tui.inference.model_spec import ModelSpec

#: Items that single and half precision are compared on.
_COMPARED = 8
#: The share of a GPU's memory that is left to other models, and to other programs.
_MOST_MEMORY = 0.8


class OnnxModel(ABC):
    """An installed model with one session, in single precision unless ``tune`` finds half as good.

    Args:
        spec: of any role.
        folder: the models folder.
        threads: CPU threads for one run.
        device: where to run.

    Attributes:
        measured: what is known of it on this device.
        is_half: whether it runs in half precision.

    Raises:
        ModelError: the model is not installed, is damaged, or does not run here.
    """

    def __init__(self, spec: ModelSpec, folder: Path, threads: int, device: Device = FIRST_DEVICE) -> None:
        path = session_path(spec, folder)
        require_verified(spec, folder)
        self.spec = spec
        self.sha256 = model_sha256(spec, folder)
        self._home = model_folder(spec, folder)
        self._threads = threads
        self._device = device
        self.is_half = False
        self._session = Session(path, threads, device, graph=self._graph(path))
        self.measured = measured.read(self._home, self._key)

    @property
    def placement(self) -> Placement:
        """Where the model really runs."""
        return self._session.placement

    @property
    def batch_size(self) -> int:
        """How many items a batch use the device best: as the graph demands, as measured, or as the manifest says."""
        if (fixed := self._session.fixed_batch) is not None:
            return fixed
        return self.measured.batch or (self.spec.gpu_batch if self.placement.on_gpu else self.spec.cpu_batch)

    @property
    def notice(self) -> str | None:
        """What people should know of how it runs; None where nothing."""
        if self.measured.is_half_same is not False or not self.placement.on_gpu:
            return None
        device = device_name(self.placement, self._device.number)
        return f"{self.spec.name} runs in single precision: in half precision {self.measured.difference} on {device}."

    def tune(
        self,
        *,
        is_asked: bool = False,
        with_batch: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Take half precision and a batch size as they were measured on this device, and measure what was not.

        That is done on GPUs, where it pays, unless a person asks for it; in half precision only there, for a processor
        computes half precision in single, and hides what overflows.

        Args:
            is_asked: measure anew, on a processor too.
            with_batch: measure the batch size.
            clock: seconds that only grow.

        Raises:
            ModelError: it does not load any more.
        """
        if not self.placement.on_gpu and not is_asked:
            return
        known = Measured() if is_asked else self.measured
        half = self._half_file
        if half is not None and known.is_half_same is None:
            known = self._compared(half, known)
        if half is not None and known.is_half_same and not self.is_half:
            self._reload(half)
        if with_batch and known.batch is None and self._session.fixed_batch is None:
            rates = batch_rates(self.synthetic_run, most=self._most, clock=clock, has_room=self._has_room)
            known = replace(known, batch=best_batch(rates), rates={str(n): round(r, 2) for n, r in rates.items()})
            self._reload(half if self.is_half else None)  # the memory that the largest batch took is free again
        if known != self.measured:
            self.measured = known
            measured.write(self._home, self._key, known)

    @abstractmethod
    def synthetic_run(self, count: int) -> np.ndarray:
        """Infer so many items that are made up; return float32 [count, values].

        Raises:
            DeviceMemoryError, ModelError: as ``Session.run``.
        """

    def _difference(self, expected: np.ndarray, found: np.ndarray) -> str | None:
        """Say how results of half precision differ, as the end of a sentence; None where they are as good."""
        return vector_difference(expected, found)

    def _bind(self) -> None:  # noqa: B027 (nothing is, of most)
        """Find what is needed of the session's inputs and outputs, after each loading."""

    @property
    def _most(self) -> int:
        """The largest batch that is tried."""
        return 512

    @property
    def _half_file(self) -> Path | None:
        """The model in half precision, where there is one and a GPU to run it."""
        path = self._home / self.spec.half_file
        return path if self.placement.on_gpu and path.is_file() else None

    @property
    def _key(self) -> str:
        """What measurements hold for."""
        half = self._half_file
        mark = "" if half is None else f", half {half.stat().st_size}-{half.stat().st_mtime_ns}"
        return f"{self.sha256[:16]}{mark}, {device_name(self.placement, self._device.number)}, {version()}"

    def _compared(self, half: Path, known: Measured) -> Measured:
        """Run the same in both precisions, and note whether half is as good; what is loaded stays in single."""

        def in_half() -> np.ndarray:
            self._reload(half)
            return self.synthetic_run(_COMPARED)

        if self.is_half:
            self._reload(None)
        expected = self.synthetic_run(_COMPARED)
        wrong = half_difference(expected, in_half, self._difference)
        if wrong is not None:
            self._reload(None)
        return replace(known, is_half_same=wrong is None, difference=wrong or "")

    def _reload(self, half: Path | None) -> None:
        """Load the model anew, in half precision from that file, else in single."""
        self._session.close()
        path = half or self._home / self.spec.session_file
        self._session = Session(path, self._threads, self._device, graph=self._graph(path))
        self.is_half = half is not None
        self._bind()

    def _has_room(self) -> bool:
        gpus = gpu_report()
        if not self.placement.on_gpu or self._device.number >= len(gpus):
            return True
        used, total = (gpus[self._device.number][key] for key in ("memory_used_gb", "memory_total_gb"))
        return not (isinstance(used, float) and isinstance(total, float)) or used < _MOST_MEMORY * total

    def close(self) -> None:
        """Unload the model and give its memory back."""
        self._session.close()

    def _graph(self, path: Path) -> bytes | None:
        """Return what runs in place of the model's file; None for the file itself.

        Raises:
            ModelError: it names weights that are not among the model's files.
        """
        require_own_weights(self.spec, self._home, read_graph(path))
        return None

    def _run_rows(self, feeds: Mapping[str, np.ndarray], output: str) -> np.ndarray:
        """Run on any number of items, at least one; a graph that takes so many at a time alone gets the last again.

        Args:
            feeds: the inputs by name, one row an item.
        """
        count, fixed = len(next(iter(feeds.values()))), self._session.fixed_batch
        if fixed is None or fixed == count:
            return self._session.run([output], feeds)[0]
        found = []
        for first in range(0, count, fixed):
            rows = np.minimum(np.arange(first, first + fixed), count - 1)
            part = {name: values[rows] for name, values in feeds.items()}
            found.append(self._session.run([output], part)[0][: count - first])
        return np.concatenate(found)

    def _vector_output(self, *ranks: int) -> str | None:
        """Return the first output of one of these ranks that may hold vectors of the length that the manifest says."""
        for rank in ranks:
            for name, shape in self._session.outputs.items():
                if len(shape) == rank and (shape[-1] == self.spec.dims or not isinstance(shape[-1], int)):
                    return name
        return None

    def _no_vectors(self) -> ModelError:
        return ModelError(
            f"The model {self.spec.name} has no output of {self.spec.dims} values.",
            f"Its outputs: {self._session.outputs}.",
        )


def normalised(vectors: np.ndarray) -> np.ndarray:
    """Scale each row to length 1 (float32); raises ModelError when a row is not finite or zero."""
    values = vectors.astype(np.float32, copy=False)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
        raise ModelError("The model gave a vector that is zero or not finite.")
    return np.asarray(values / lengths, np.float32)

"""What image embedders and taggers share: decoding and preparing pictures, and running a batch of them."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dtk_tui.errors import ModelError
from dtk_tui.inference.devices.provider import FIRST_DEVICE, Device
from dtk_tui.inference.devices.tuning import made_up_pictures
from dtk_tui.inference.graphs.external_data import read_graph, require_own_weights
from dtk_tui.inference.model_spec import ImageInput, ModelSpec
from dtk_tui.inference.onnx_model import OnnxModel
from dtk_tui.inference.pixels.input_nodes import with_byte_input
from dtk_tui.inference.preprocessing import Picture, Pixels

_BATCH_BYTES = 256 << 20


class ImageModel(OnnxModel):
    """What image embedders and taggers share: decoding on any thread, and one session.

    Args:
        spec: of a role that takes pictures.
        folder: the models folder.
        threads: CPU threads for one run.
        device: where to run.

    Attributes:
        image: how pictures become its input.

    Raises:
        ModelError: the model is not installed, or takes other input than its manifest entry says.
    """

    def __init__(self, spec: ModelSpec, folder: Path, threads: int, device: Device = FIRST_DEVICE) -> None:
        if spec.image is None:
            raise ModelError(f"The model {spec.name} takes no pictures.")
        self.image: ImageInput = spec.image
        self._made_up: np.ndarray | None = None
        super().__init__(spec, folder, threads, device)
        (self._input,) = self._session.inputs

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one prepared picture."""
        return (self.image.size, self.image.size, 3)

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Type of prepared pictures."""
        return np.dtype(np.uint8)

    def load(self, path: str) -> Pixels:
        """Decode and prepare one picture on any thread: uint8 ``input_shape``, not to be written to."""
        return Picture.open(path).pixels(self.image)

    @abstractmethod
    def infer(self, batch: np.ndarray) -> np.ndarray:
        """Return what the model says of prepared pictures, float32 [n, values]."""

    def synthetic_run(self, count: int) -> np.ndarray:
        """Infer so many made-up pictures."""
        if self._made_up is None or len(self._made_up) < count:
            self._made_up = made_up_pictures(count, self.input_shape)
        return self.infer(self._made_up[:count])

    def tune(
        self,
        *,
        is_asked: bool = False,
        with_batch: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """As ``OnnxModel.tune``; the pictures that were made up for it are dropped."""
        try:
            super().tune(is_asked=is_asked, with_batch=with_batch, clock=clock)
        finally:
            self._made_up = None

    def _bind(self) -> None:
        (self._input,) = self._session.inputs

    @property
    def _most(self) -> int:
        # A worker holds some batches of prepared pictures at once.
        return max(1, min(512, _BATCH_BYTES // int(np.prod(self.input_shape))))

    def _graph(self, path: Path) -> bytes:
        model = read_graph(path)
        require_own_weights(self.spec, self._home, model)
        return with_byte_input(path, self.spec, model)

    def _run(self, batch: np.ndarray, output: str) -> np.ndarray:
        return self._run_rows({self._input: np.ascontiguousarray(batch)}, output)

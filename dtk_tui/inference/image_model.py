"""What image embedders and taggers share: decoding and preparing pictures, and running a batch of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dtk_tui.domain.looks import PerceptualHash
from dtk_tui.errors import ModelError
from dtk_tui.inference import preprocessing
from dtk_tui.inference.manifest import ImageInput, ModelSpec
from dtk_tui.inference.onnx_model import OnnxModel


class ImageModel(OnnxModel):
    """What image embedders and taggers share: decoding on any thread, and one session.

    Args:
        spec: of a role that takes pictures.
        folder: the models folder.
        threads: CPU threads for one run.
        device: number of the GPU, where one does the work.

    Raises:
        ModelError: the model is not installed, or takes other input than its manifest entry says.
    """

    def __init__(self, spec: ModelSpec, folder: Path, threads: int, device: int = 0) -> None:
        if spec.image is None:
            raise ModelError(f"The model {spec.name} takes no pictures.")
        super().__init__(spec, folder, threads, device)
        self._image: ImageInput = spec.image
        if len(self._session.inputs) != 1:
            raise ModelError(f"The model {spec.name} takes {len(self._session.inputs)} inputs, not one picture.")
        self._input, (shape, self._input_dtype) = next(iter(self._session.inputs.items()))
        if len(shape) != 4 or any(
            isinstance(n, int) and n != m for n, m in zip(shape[1:], self.input_shape, strict=True)
        ):
            raise ModelError(
                f"The model {spec.name} takes input of shape {shape}, the manifest says {self.input_shape}."
            )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one prepared picture."""
        return self._image.shape

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """Type of prepared pictures."""
        return np.dtype(np.float32)

    def load(self, path: str, out: np.ndarray | None = None) -> np.ndarray:
        """Decode and prepare one picture on any thread; see ``preprocessing.load``."""
        return preprocessing.load(path, self._image, out)

    def load_and_hash(self, path: str, out: np.ndarray | None = None) -> tuple[np.ndarray, PerceptualHash]:
        """Decode and prepare one picture on any thread, and say what it looks like."""
        return preprocessing.load_and_hash(path, self._image, out)

    def _run(self, batch: np.ndarray, output: str) -> np.ndarray:
        feed = np.ascontiguousarray(batch, dtype=self._input_dtype)
        return self._session.run([output], {self._input: feed})[0]

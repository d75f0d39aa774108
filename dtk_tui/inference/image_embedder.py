"""Embedding pictures: pictures to vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dtk_tui.errors import ModelError
from dtk_tui.inference.devices.provider import FIRST_DEVICE, Device
from dtk_tui.inference.image_model import ImageModel
from dtk_tui.inference.model_spec import ModelSpec
from dtk_tui.inference.onnx_model import normalised


class ImageEmbedder(ImageModel):
    """An image embedder; its vectors have ``spec.dims`` values. Arguments and errors as ``ImageModel``."""

    def __init__(self, spec: ModelSpec, folder: Path, threads: int, device: Device = FIRST_DEVICE) -> None:
        super().__init__(spec, folder, threads, device)
        if spec.dims is None:
            raise ModelError(f"The model {spec.name} gives no vectors.")
        self.dims: int = spec.dims
        self._bind()

    def infer(self, batch: np.ndarray) -> np.ndarray:
        """Embed prepared pictures.

        Args:
            batch: uint8 ``[n, *input_shape]``.

        Returns:
            float32 ``[n, dims]``, each of length 1.

        Raises:
            DeviceMemoryError, ModelError: as ``Session.run``.
        """
        if len(batch) == 0:
            return np.empty((0, self.dims), np.float32)
        states = self._run(batch, self._output)
        # A transformer's output holds one state a token: the first one is the class token's.
        return normalised(states[:, 0] if states.ndim == 3 else states)

    def _bind(self) -> None:
        super()._bind()
        self._output = self._find_output()

    def _find_output(self) -> str:
        """Return the output that holds the vectors: one vector a picture before one a token."""
        found = self._vector_output(2, 3)
        if found is not None:
            return found
        outputs = self._session.outputs
        if len(outputs) == 1 and not next(iter(outputs.values())):
            return next(iter(outputs))
        raise self._no_vectors()

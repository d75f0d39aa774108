"""What image embedders and taggers share: decoding and preparing pictures, and running a batch of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dtk_tui.errors import ModelError
from dtk_tui.inference.graphs.external_data import read_graph, require_own_weights
from dtk_tui.inference.manifest import ImageInput, ModelSpec
from dtk_tui.inference.onnx_model import OnnxModel
from dtk_tui.inference.pixels.input_nodes import with_byte_input
from dtk_tui.inference.preprocessing import Picture, Pixels


class ImageModel(OnnxModel):
    """What image embedders and taggers share: decoding on any thread, and one session.

    Args:
        spec: of a role that takes pictures.
        folder: the models folder.
        threads: CPU threads for one run.
        device: number of the GPU, where one does the work.

    Attributes:
        image: how pictures become its input.

    Raises:
        ModelError: the model is not installed, or takes other input than its manifest entry says.
    """

    def __init__(self, spec: ModelSpec, folder: Path, threads: int, device: int = 0) -> None:
        if spec.image is None:
            raise ModelError(f"The model {spec.name} takes no pictures.")
        self.image: ImageInput = spec.image
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

    def _graph(self, path: Path, home: Path) -> bytes:
        model = read_graph(path)
        require_own_weights(self.spec, home, model)
        return with_byte_input(path, self.spec, model)

    def _run(self, batch: np.ndarray, output: str) -> np.ndarray:
        return self._session.run([output], {self._input: np.ascontiguousarray(batch)})[0]

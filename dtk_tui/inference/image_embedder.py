"""Pictures to vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dtk_tui.errors import ModelError
from dtk_tui.inference import preprocessing
from dtk_tui.inference.manifest import ImageInput, ModelSpec
from dtk_tui.inference.provider import Placement, Session
from dtk_tui.inference.registry import model_sha256, session_path


class ImageModel:
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
        self.spec = spec
        self._image: ImageInput = spec.image
        path = session_path(spec, folder)
        self.sha256 = model_sha256(spec, folder)
        self._session = Session(path, threads, device)
        if len(self._session.inputs) != 1:
            raise ModelError(f"The model {spec.name} takes {len(self._session.inputs)} inputs, not one picture.")
        self._input, (shape, self._wanted) = next(iter(self._session.inputs.items()))
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

    @property
    def placement(self) -> Placement:
        """Where the model really runs."""
        return self._session.placement

    @property
    def batch_size(self) -> int:
        """How many pictures a batch uses the device best."""
        return self.spec.gpu_batch if self.placement.on_gpu else self.spec.cpu_batch

    def load(self, path: str, out: np.ndarray | None = None) -> np.ndarray:
        """Decode and prepare one picture on any thread; see ``preprocessing.load``."""
        return preprocessing.load(path, self._image, out)

    def _run(self, batch: np.ndarray, output: str) -> np.ndarray:
        feed = np.ascontiguousarray(batch, dtype=self._wanted)
        return self._session.run([output], {self._input: feed})[0]

    def close(self) -> None:
        """Unload the model and give its memory back."""
        self._session.close()


class ImageEmbedder(ImageModel):
    """An image embedder; its vectors have ``spec.dims`` values. Arguments and errors as ``ImageModel``."""

    def __init__(self, spec: ModelSpec, folder: Path, threads: int, device: int = 0) -> None:
        super().__init__(spec, folder, threads, device)
        if spec.dims is None:
            raise ModelError(f"The model {spec.name} gives no vectors.")
        self.dims: int = spec.dims
        self._output = _vector_output(self._session, spec)

    def infer(self, batch: np.ndarray) -> np.ndarray:
        """Embed prepared pictures.

        Args:
            batch: float32 ``[n, *input_shape]``.

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


def _vector_output(session: Session, spec: ModelSpec) -> str:
    """Return the output that holds the vectors: one vector a picture before one a token."""
    for rank in (2, 3):
        for name, shape in session.outputs.items():
            if len(shape) == rank and (shape[-1] == spec.dims or not isinstance(shape[-1], int)):
                return name
    if len(session.outputs) == 1 and not next(iter(session.outputs.values())):
        return next(iter(session.outputs))
    raise ModelError(f"The model {spec.name} has no output of {spec.dims} values.", f"Its outputs: {session.outputs}.")


def normalised(vectors: np.ndarray) -> np.ndarray:
    """Scale each row to length 1 (float32); raises ModelError when a row is not finite or zero."""
    values = vectors.astype(np.float32, copy=False)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
        raise ModelError("The model gave a vector that is zero or not finite.")
    return np.asarray(values / lengths, np.float32)

"""What every model that runs as an ONNX file has: its session, its identity, where it runs and its batch size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dtk_tui.errors import ModelError
from dtk_tui.inference.graphs.external_data import require_own_weights
from dtk_tui.inference.manifest import ModelSpec
from dtk_tui.inference.model_files import model_folder, model_sha256, require_verified, session_path
from dtk_tui.inference.provider import Placement
from dtk_tui.inference.session import Session


class OnnxModel:
    """An installed model with one session.

    Args:
        spec: of any role.
        folder: the models folder.
        threads: CPU threads for one run.
        device: number of the GPU, where one does the work.

    Raises:
        ModelError: the model is not installed, is damaged, or does not run here.
    """

    def __init__(self, spec: ModelSpec, folder: Path, threads: int, device: int = 0) -> None:
        path = session_path(spec, folder)
        require_verified(spec, folder)
        self.spec = spec
        self.sha256 = model_sha256(spec, folder)
        self._session = Session(path, threads, device, graph=self._graph(path, model_folder(spec, folder)))

    @property
    def placement(self) -> Placement:
        """Where the model really runs."""
        return self._session.placement

    @property
    def batch_size(self) -> int:
        """How many items a batch use the device best."""
        return self.spec.gpu_batch if self.placement.on_gpu else self.spec.cpu_batch

    def close(self) -> None:
        """Unload the model and give its memory back."""
        self._session.close()

    def _graph(self, path: Path, home: Path) -> bytes | None:
        """Return what runs in place of the model's file; None for the file itself.

        Raises:
            ModelError: it names weights that are not among the files of the model's folder ``home``.
        """
        del path
        require_own_weights(self.spec, home)
        return None

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

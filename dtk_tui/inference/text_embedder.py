"""Embedding texts: texts to vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from dtk_tui.errors import ModelError
from dtk_tui.inference.devices.provider import FIRST_DEVICE, Device
from dtk_tui.inference.model_files import model_folder
from dtk_tui.inference.model_spec import ModelSpec, TextInput
from dtk_tui.inference.onnx_model import OnnxModel, normalised
from dtk_tui.inference.tokenizer import Tokenizer

_MADE_UP = (
    "masterpiece, {} red foxes in deep snow under a pale sun, oil on canvas, (dramatic light:1.2), highly detailed"
)


class TextEmbedder(OnnxModel):
    """A text embedder; its vectors have ``dims`` values.

    Args:
        spec: of the role text-embedder.
        folder: the models folder.
        threads: CPU threads for one run.
        device: where to run.

    Raises:
        ModelError: the model is not installed, or takes or gives something else than its manifest entry says.
    """

    def __init__(self, spec: ModelSpec, folder: Path, threads: int, device: Device = FIRST_DEVICE) -> None:
        if spec.text is None or spec.dims is None:
            raise ModelError(f"The model {spec.name} takes no texts.")
        super().__init__(spec, folder, threads, device)
        self.dims: int = spec.dims
        self._text: TextInput = spec.text
        self._tokenizer = Tokenizer(spec.text, model_folder(spec, folder))
        self._bind()

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts that are to be found.

        Returns:
            float32 ``[len(texts), dims]``, each of length 1, in the order of ``texts``.

        Raises:
            DeviceMemoryError, ModelError: as ``Session.run``.
        """
        result = np.empty((len(texts), self.dims), np.float32)
        ids = self._tokenizer.encode(texts)
        for rows in self._batches([len(row) for row in ids]):
            result[rows] = self._run([ids[row] for row in rows])
        return result

    def is_filled_by(self, beginning: str) -> bool:
        """Tell whether the model takes no more of a long text than this beginning of it."""
        return self._tokenizer.is_filled_by(beginning)

    def embed_query(self, text: str) -> np.ndarray:
        """Embed a text that looks for others: float32 ``[dims]``, of length 1."""
        vector: np.ndarray = self.embed([self._text.query_prefix + text])[0]
        return vector

    def synthetic_run(self, count: int) -> np.ndarray:
        """Embed so many made-up texts, of a usual length, in one run."""
        return self._run(self._tokenizer.encode([_MADE_UP.format(number) for number in range(count)]))

    @cached_property
    def _usual_tokens(self) -> int:
        """How many tokens a made-up text has, padded."""
        return self._text.max_tokens if self._text.fixed_length else len(self._tokenizer.encode([_MADE_UP])[0])

    @property
    def _most_tokens(self) -> int:
        """Bound for texts times padded length in one run: as measured, else as the manifest says."""
        if self.measured.batch is not None:
            return self.measured.batch * self._usual_tokens
        return self._text.gpu_batch_tokens if self.placement.on_gpu else self._text.cpu_batch_tokens

    def _bind(self) -> None:
        self._output = self._find_output()

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Yield rows, longest texts first, so that texts of one run are padded little and memory peaks at once."""
        bound = self._most_tokens
        batch: list[int] = []
        longest = 0
        for row in sorted(range(len(lengths)), key=lambda r: -lengths[r]):
            length = self._text.max_tokens if self._text.fixed_length else lengths[row]
            longest = max(longest, length)
            if batch and (len(batch) + 1) * longest > bound:
                yield batch
                batch, longest = [], length
            batch.append(row)
        if batch:
            yield batch

    def _run(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        width = self._text.max_tokens if self._text.fixed_length else max(map(len, ids))
        tokens = np.full((len(ids), width), self._text.pad_id, np.int64)
        mask = np.zeros((len(ids), width), np.int64)
        for row, one in enumerate(ids):
            tokens[row, : len(one)] = one
            mask[row, : len(one)] = 1
        feeds = {name: self._feed(name, dtype, tokens, mask) for name, (_, dtype) in self._session.inputs.items()}
        states = self._run_rows(feeds, self._output).astype(np.float32, copy=False)
        return normalised(self._pool(states, tokens, mask))

    def _feed(self, name: str, dtype: type[np.generic], tokens: np.ndarray, mask: np.ndarray) -> np.ndarray:
        lower = name.lower()
        if "mask" in lower:
            return mask.astype(dtype)
        if "type" in lower or "segment" in lower:
            return np.zeros_like(tokens, dtype)
        if "position" in lower:
            return np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape).astype(dtype)
        return tokens.astype(dtype)

    def _pool(self, states: np.ndarray, tokens: np.ndarray, mask: np.ndarray) -> np.ndarray:
        if self._text.pooling == "graph":
            return states
        if self._text.pooling == "cls":
            return states[:, 0]
        if self._text.pooling == "eot":
            return np.asarray(states[np.arange(len(tokens)), tokens.argmax(axis=1)], np.float32)
        weights = mask[:, :, None].astype(np.float32)
        return np.asarray((states * weights).sum(axis=1) / weights.sum(axis=1), np.float32)

    def _find_output(self) -> str:
        found = self._vector_output(2 if self._text.pooling == "graph" else 3)
        if found is None:
            raise self._no_vectors()
        return found

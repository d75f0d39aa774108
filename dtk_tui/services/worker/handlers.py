"""What a worker does for each kind of work: load on decode threads, infer on a device, save in a transaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dtk_tui.config import Config
from dtk_tui.domain.job import ClaimedJob, Kind
from dtk_tui.errors import ModelError, UsageError
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.manifest import ModelSpec, load_manifest
from dtk_tui.inference.model_files import is_installed
from dtk_tui.inference.provider import Placement
from dtk_tui.inference.tagger import Tagger
from dtk_tui.inference.text_embedder import TextEmbedder
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces as spaces
from dtk_tui.store.queue import results

Floats = npt.NDArray[np.float32]

#: No model reads further into a prompt than this; a stranger's megabyte stays in the database.
PROMPT_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """One image ready for a device; a suspect's prompt (id, text) comes along."""

    job: ClaimedJob
    arrays: tuple[npt.NDArray[Any], ...]
    text: tuple[int, str] | None = None


class Arrays:
    """Arrays of one shape that are used again: new ones of this size would be zeroed by the system page by page."""

    def __init__(self, shape: tuple[int, ...], batch_size: int) -> None:
        self._shape = shape
        self._spare: deque[Floats] = deque(maxlen=8 * batch_size)
        self._batch = np.empty((batch_size, *shape), np.float32)

    def take(self) -> Floats:
        """Return an array with anything in it; any thread."""
        try:
            return self._spare.pop()
        except IndexError:
            return np.empty(self._shape, np.float32)

    def together(self, arrays: Sequence[Floats]) -> Floats:
        """Return arrays as one, float32 [n, ...], and keep them for ``take``; valid until the next call."""
        if len(arrays) > len(self._batch):
            self._batch = np.empty((len(arrays), *self._shape), np.float32)
        batch = self._batch[: len(arrays)]
        np.stack(arrays, out=batch)
        return batch

    def give_back(self, arrays: Sequence[Floats]) -> None:
        """Take arrays that nobody reads any more."""
        self._spare.extend(array for array in arrays if array.flags.writeable)


class JobHandler(ABC):
    """One kind of work with its models in memory."""

    kind: Kind
    model: str
    batch_size: int
    placement: Placement
    #: Models whose input ``load`` makes, in the order of ``Loaded.arrays``.
    image_models: tuple[str, ...]

    @abstractmethod
    def load(self, job: ClaimedJob) -> Loaded:
        """Decode and preprocess one image; runs on decode threads.

        Raises:
            UnreadableFileError: the file cannot be decoded, and never will be.
        """

    @abstractmethod
    def infer(self, batch: Sequence[Loaded]) -> list[Any]:
        """Run the models over a batch; one result an image, in order."""

    @abstractmethod
    def recycle(self, batch: Sequence[Loaded]) -> None:
        """Take the arrays of images that are done, to load others into."""

    @abstractmethod
    def save(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        """Write results given as (image id, result)."""

    @abstractmethod
    def close(self) -> None:
        """Give the memory of the models back."""


class EmbedHandler(JobHandler):
    """Image vectors of representatives; the text vectors of their prompts are made by ``embed_texts``."""

    kind = Kind.EMBED

    def __init__(self, image: ImageEmbedder, text: TextEmbedder, image_space: int, text_space: int) -> None:
        self._image = image
        self._text = text
        self._image_space = image_space
        self.text_space = text_space
        self.model = image.spec.name
        self.spaces = (image_space, text_space)
        self.batch_size = image.batch_size
        self.placement = image.placement
        self.image_models = (image.spec.name,)
        self._arrays = Arrays(image.input_shape, image.batch_size)

    def load(self, job: ClaimedJob) -> Loaded:
        """Decode to float32 [3, h, w]."""
        return Loaded(job, (self._image.load(job.path, self._arrays.take()),))

    def infer(self, batch: Sequence[Loaded]) -> list[Any]:
        """Return unit vectors, float32 [dims]."""
        return list(self._image.infer(self._arrays.together([item.arrays[0] for item in batch])))

    def recycle(self, batch: Sequence[Loaded]) -> None:
        """Keep the arrays."""
        self._arrays.give_back([item.arrays[0] for item in batch])

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """Return unit vectors of prompts, float32 [n, dims]."""
        return self._text.embed(texts)

    def save_texts(self, conn: Connection, ids: Sequence[int], vectors: Floats) -> None:
        """Write the vectors of prompts."""
        results.save_prompt_vectors(conn, self.text_space, ids, vectors)

    def save(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        """Write image vectors."""
        vectors = np.stack([vector for _, vector in rows])
        results.save_image_vectors(conn, self._image_space, [image_id for image_id, _ in rows], vectors)

    def close(self) -> None:
        """Unload both embedders."""
        self._image.close()
        self._text.close()


@dataclass(frozen=True, slots=True)
class _TaggerInUse:
    tagger: Tagger
    id: int
    tag_ids: npt.NDArray[np.int64]
    thresholds: Floats

    def passing(self, scores: Floats) -> npt.NDArray[np.bool_]:
        """Say which tags hold, bool [tags]: those above their threshold; of an exclusive category the best one."""
        holds = scores >= self.thresholds
        for exclusive in self.tagger.exclusive:
            members = np.array([category == exclusive for _, category in self.tagger.tags])
            if members.any():
                holds[members] = False
                holds[np.flatnonzero(members)[scores[members].argmax()]] = True
        return np.asarray(holds, dtype=np.bool_)


class TagHandler(JobHandler):
    """Tags of every tagger in the config."""

    kind = Kind.TAG

    def __init__(self, taggers: Sequence[_TaggerInUse]) -> None:
        self._taggers = taggers
        self.model = "+".join(use.tagger.spec.name for use in taggers)
        self.batch_size = min(use.tagger.batch_size for use in taggers)
        self.placement = taggers[0].tagger.placement
        self.image_models = tuple(use.tagger.spec.name for use in taggers)
        self._arrays = [Arrays(use.tagger.input_shape, self.batch_size) for use in taggers]

    def load(self, job: ClaimedJob) -> Loaded:
        """Decode for each tagger in its own layout."""
        pairs = zip(self._taggers, self._arrays, strict=True)
        return Loaded(job, tuple(use.tagger.load(job.path, arrays.take()) for use, arrays in pairs))

    def infer(self, batch: Sequence[Loaded]) -> list[Any]:
        """Return for each image the scores of each tagger, float32 [tags]."""
        scores = [
            use.tagger.infer(self._arrays[place].together([item.arrays[place] for item in batch]))
            for place, use in enumerate(self._taggers)
        ]
        return [tuple(of_tagger[i] for of_tagger in scores) for i in range(len(batch))]

    def recycle(self, batch: Sequence[Loaded]) -> None:
        """Keep the arrays."""
        for place, arrays in enumerate(self._arrays):
            arrays.give_back([item.arrays[place] for item in batch])

    def save(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        """Write raw scores, and tags above their thresholds."""
        for place, use in enumerate(self._taggers):
            written = []
            for image_id, scores in rows:
                kept = np.flatnonzero(scores[place] >= use.tagger.keep)
                of_kept = scores[place][kept]
                passing = use.passing(scores[place])[kept]
                written.append((image_id, use.tag_ids[kept].tolist(), of_kept.tolist(), passing.tolist()))
            results.save_tags(conn, use.id, use.tagger.spec.name, written)

    def close(self) -> None:
        """Unload the taggers."""
        for use in self._taggers:
            use.tagger.close()


def _spec(name: str, role: str) -> ModelSpec:
    try:
        spec = load_manifest().get(name)
    except UsageError as error:  # a misspelt name in the config is a model that is not there
        raise ModelError(error.title, error.detail) from error
    if spec.role != role:
        raise ModelError(f"The model {name} is a {spec.role}, not a {role}.", "Correct [models] in config.toml.")
    return spec


def _require(spec: ModelSpec, folder: Path) -> ModelSpec:
    if not is_installed(spec, folder):
        raise ModelError(f"The model {spec.name} is not on this machine.", f"Get it with: dtk models pull {spec.name}")
    return spec


def _embed_step(db: Database, config: Config, threads: int, device: int) -> JobHandler:
    names, folder = config.settings.models, config.paths.models
    image_spec = _require(_spec(names.image_embedder, "image-embedder"), folder)
    text_spec = _require(_spec(names.text_embedder, "text-embedder"), folder)
    image = ImageEmbedder(image_spec, folder, threads, device)
    text = TextEmbedder(text_spec, folder, threads, device)
    with db.connection() as conn:
        image_space = spaces.register(conn, image_spec.name, "image", image.sha256, image.dims)
        text_space = spaces.register(conn, text_spec.name, "text", text.sha256, text.dims)
    return EmbedHandler(image, text, image_space, text_space)


def _tag_step(db: Database, config: Config, threads: int, device: int) -> JobHandler:
    folder = config.paths.models
    specs = [_require(_spec(name, "tagger"), folder) for name in config.settings.models.taggers]
    if not specs:
        raise ModelError("No tagger is named in the config.", "Name one in [models] taggers of config.toml.")
    uses = []
    for spec in specs:
        tagger = Tagger(spec, folder, threads, device)
        with db.connection() as conn:
            number = results.tagger(conn, spec.name, tagger.sha256)
            ids = np.array(results.tag_ids(conn, tagger.tags), dtype=np.int64)
        thresholds = np.array([tagger.threshold(category) for _, category in tagger.tags], dtype=np.float32)
        uses.append(_TaggerInUse(tagger, number, ids, thresholds))
    return TagHandler(uses)


_MAKERS: dict[Kind, Callable[[Database, Config, int, int], JobHandler]] = {Kind.TAG: _tag_step, Kind.EMBED: _embed_step}


def load_handlers(
    db: Database, config: Config, threads: int, device: int = 0
) -> tuple[dict[Kind, JobHandler], list[ModelError]]:
    """Load the models of every kind of work that this machine can do, and say what is missing for the others.

    Args:
        threads: threads that one inference may use.
        device: number of the GPU, where one does the work.
    """
    steps: dict[Kind, JobHandler] = {}
    missing: list[ModelError] = []
    for kind, make in _MAKERS.items():
        try:
            steps[kind] = make(db, config, threads, device)
        except ModelError as error:
            missing.append(error)
    return steps, missing

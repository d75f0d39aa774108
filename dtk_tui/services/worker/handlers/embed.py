"""Embedding: vectors of images, and of their prompts, in every space of the config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from dtk_tui.domain.events import ProblemReported
from dtk_tui.domain.job import ClaimedJob, Kind
from dtk_tui.domain.looks import ImageLook
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.preprocessing import Picture
from dtk_tui.inference.text_embedder import TextEmbedder
from dtk_tui.services.library.groups import look_at
from dtk_tui.services.worker.handlers.arrays import BatchArray
from dtk_tui.services.worker.handlers.base import Loaded, PictureHandler, Prompt, PromptHandler, Resources
from dtk_tui.services.worker.handlers.models import precision_notices, require, tune
from dtk_tui.store.database import Connection
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.queue import results

#: So much of a prompt is read first, which nearly always is more than a model takes: the rest stays in the database.
_FIRST_CHARACTERS = 20_000
#: The bound for a prompt whose first characters are hardly any tokens.
_MOST_CHARACTERS = 1_000_000
#: What is loaded for an embedder whose vector is there already.
_NOTHING = np.empty(0, np.uint8)


@dataclass(frozen=True, slots=True)
class ImageSpace:
    """A loaded image embedder, its space in the library, and the array of its batches."""

    embedder: ImageEmbedder
    id: int
    batch: BatchArray


@dataclass(frozen=True, slots=True)
class TextSpace:
    """A loaded text embedder and its space in the library."""

    embedder: TextEmbedder
    id: int


class EmbedHandler(PictureHandler, PromptHandler):
    """Writes the vectors of representatives and of prompts, each in the spaces that have none yet."""

    kind = Kind.EMBED
    is_of_group: ClassVar[bool] = True
    #: Whether an image that has the vectors of another one lacks none.
    shares = False

    def __init__(self, images: Sequence[ImageSpace], texts: Sequence[TextSpace]) -> None:
        self._images = images
        self._texts = texts
        self._spaces: tuple[ImageSpace | TextSpace, ...] = (*images, *texts)
        self.image_models = tuple(space.embedder.spec.name for space in images)
        self.model = "+".join(self.image_models)
        self.indexed_spaces = tuple(space.id for space in self._spaces)
        self.batch_size = min(space.embedder.batch_size for space in images)
        self.prompt_batch_size = max(self.prompt_batch_size, *(space.embedder.batch_size for space in texts))
        placements = [space.embedder.placement for space in self._spaces]
        self.placement = next((where for where in placements if not where.on_gpu), placements[0])
        self._everything = frozenset(space.id for space in images)

    @classmethod
    def open(cls, resources: Resources) -> Self:
        """Load all embedders of the config and register their embedding spaces."""
        names, folder = resources.config.settings.models, resources.config.paths.models
        image_specs = [require(resources.config, name, "image-embedder") for name in names.image_embedders]
        text_specs = [require(resources.config, name, "text-embedder") for name in names.text_embedders]
        opened: list[ImageEmbedder | TextEmbedder] = []
        try:
            for spec in image_specs:
                opened.append(ImageEmbedder(spec, folder, resources.threads, resources.device))
            for spec in text_specs:
                opened.append(TextEmbedder(spec, folder, resources.threads, resources.device))
            tune(resources.config, opened)
            with resources.db.connection() as conn:
                handler = cls._registered(conn, opened)
            handler.shares = names.share_within_bits > 0
            return handler
        except BaseException:
            for embedder in opened:
                embedder.close()
            raise

    @classmethod
    def _registered(cls, conn: Connection, opened: Sequence[ImageEmbedder | TextEmbedder]) -> Self:
        images, texts, notices = [], [], []
        for embedder in opened:
            name, sha256, dims = embedder.spec.name, embedder.sha256, embedder.dims
            if isinstance(embedder, TextEmbedder):
                texts.append(TextSpace(embedder, embedding_spaces.register(conn, name, "text", sha256, dims)))
                continue
            notices.append(_notice(conn, embedder))
            preparation = embedder.image.preparation
            number = embedding_spaces.register(conn, name, "image", sha256, dims, preparation)
            images.append(ImageSpace(embedder, number, BatchArray(embedder.input_shape, embedder.batch_size)))
        handler = cls(images, texts)
        embedding_spaces.set_in_use(conn, handler.indexed_spaces)
        handler.notices = (*(notice for notice in notices if notice is not None), *precision_notices(opened))
        return handler

    def prepare(self, conn: Connection, jobs: Sequence[ClaimedJob]) -> Mapping[int, Any]:
        """Return the spaces to fill by job: those without its image's vector; all for one that is left out."""
        return results.lacking_spaces(conn, [job.id for job in jobs], sorted(self._everything), shares=self.shares)

    def _wanted(self, job: ClaimedJob) -> frozenset[int]:
        return self._everything if job.details is None else frozenset(job.details)

    def load(self, job: ClaimedJob) -> Loaded:
        """Decode the picture, unless its prompt alone is to be embedded."""
        if not self._wanted(job) and not job.members:
            return Loaded(job, (_NOTHING,) * len(self._images))
        return super().load(job)

    def take(self, job: ClaimedJob, picture: Picture) -> Loaded:
        """Prepare it; and look at the members of its group that nobody has decoded yet."""
        members = [seen for member in job.members if (seen := look_at(member)) is not None]
        looks = (ImageLook(job.image_id, job.fingerprint, picture.look), *members)
        wanted = self._wanted(job)
        arrays = (picture.pixels(space.embedder.image) if space.id in wanted else _NOTHING for space in self._images)
        return Loaded(job, tuple(arrays), looks=looks)

    def infer(self, batch: Sequence[Loaded]) -> list[Any]:
        """Return unit vectors, float32 [dims], by the space."""
        found: list[dict[int, Any]] = [{} for _ in batch]
        for place, space in enumerate(self._images):
            rows = [number for number, item in enumerate(batch) if space.id in self._wanted(item.job)]
            if rows:
                vectors = space.embedder.infer(space.batch.stack([batch[number].arrays[place] for number in rows]))
                for number, vector in zip(rows, vectors, strict=True):
                    found[number][space.id] = vector
        return found

    def save(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        """Write image vectors."""
        for space, ids, vectors in _by_space(rows):
            results.save_image_vectors(conn, space, ids, vectors)

    def missing_prompts(self, conn: Connection, prompt_ids: Sequence[int]) -> dict[int, Prompt]:
        """Return the prompts that lack a vector in a text space; ``details`` are those spaces."""
        lacking: dict[int, list[int]] = {}
        texts: dict[int, str] = {}
        cut: set[int] = set()
        for space in self._texts:
            for number, text, is_longer in results.missing_prompts(conn, space.id, prompt_ids, _FIRST_CHARACTERS):
                lacking.setdefault(number, []).append(space.id)
                texts[number] = text
                if is_longer and not space.embedder.is_filled_by(text):
                    cut.add(number)
        texts |= {number: results.prompt_text(conn, number, _MOST_CHARACTERS) for number in cut}
        return {number: Prompt(self.kind, number, texts[number], tuple(lacking[number])) for number in lacking}

    def infer_prompts(self, prompts: Sequence[Prompt]) -> list[Any]:
        """Return unit vectors of prompts, float32 [dims], by the space."""
        found: list[dict[int, Any]] = [{} for _ in prompts]
        for space in self._texts:
            rows = [number for number, prompt in enumerate(prompts) if space.id in prompt.details]
            if rows:
                vectors = space.embedder.embed([prompts[number].text for number in rows])
                for number, vector in zip(rows, vectors, strict=True):
                    found[number][space.id] = vector
        return found

    def save_prompts(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        """Write the vectors of prompts."""
        for space, ids, vectors in _by_space(rows):
            results.save_prompt_vectors(conn, space, ids, vectors)

    def close(self) -> None:
        """Unload all embedders."""
        for space in self._spaces:
            space.embedder.close()


def _by_space(rows: Sequence[tuple[int, Mapping[int, Any]]]) -> list[tuple[int, list[int], np.ndarray]]:
    """Return space, ids and vectors, float32 [n, dims], of results that are given as (id, vector by space)."""
    found = []
    for space in sorted({space for _, by_space in rows for space in by_space}):
        ids = [number for number, by_space in rows if space in by_space]
        found.append((space, ids, np.stack([by_space[space] for _, by_space in rows if space in by_space])))
    return found


def _notice(conn: Connection, image: ImageEmbedder) -> ProblemReported | None:
    """Say that pictures are prepared in another way than those that are embedded already."""
    preparation = image.image.preparation
    found = embedding_spaces.other_preparation(conn, image.spec.name, image.sha256, preparation)
    if found is None:
        return None
    space, before = found
    again = "Embed all anew with: dtk queue add --all --kind embed"
    if before is None:
        return ProblemReported(
            f"Nothing is known of how the pictures of {space} were prepared: they were embedded by an older dtk-tui.",
            "Tall pictures may have been scaled in another order, and their vectors differ a little. What is embedded"
            f" from now on goes beside them. {again} --again",
        )
    changed = ", ".join(sorted(key for key in preparation if preparation[key] != before.get(key)))
    return ProblemReported(
        f"The pictures of {image.spec.name} are prepared in another way than before ({changed}).",
        f"Their vectors are kept apart from those in {space}, and are not compared with them. {again}",
    )

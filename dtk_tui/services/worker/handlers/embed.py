"""Embedding: vectors of images, and of their prompts."""

from __future__ import annotations

from collections.abc import Sequence
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
from dtk_tui.services.worker.handlers.base import JobHandler, Loaded, Resources
from dtk_tui.services.worker.handlers.models import require
from dtk_tui.store.database import Connection
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.queue import results

#: So much of a prompt is read first, which nearly always is more than a model takes: the rest stays in the database.
_FIRST_CHARACTERS = 20_000
#: The bound for a prompt whose first characters are hardly any tokens.
_MOST_CHARACTERS = 1_000_000


class EmbedHandler(JobHandler):
    """Writes the image vectors of representatives, and the text vectors of prompts that have none yet."""

    kind = Kind.EMBED
    takes_pictures: ClassVar[bool] = True
    needs_prompts: ClassVar[bool] = True
    is_of_group: ClassVar[bool] = True

    def __init__(self, image: ImageEmbedder, text: TextEmbedder, image_space: int, text_space: int) -> None:
        self._image = image
        self._text = text
        self._image_space = image_space
        self._text_space = text_space
        self.model = image.spec.name
        self.indexed_spaces = (image_space, text_space)
        self.batch_size = image.batch_size
        self.placement = image.placement
        self.image_models = (image.spec.name,)
        self._batch = BatchArray(image.input_shape, image.batch_size)

    @classmethod
    def open(cls, resources: Resources) -> Self:
        """Load both embedders and register their embedding spaces."""
        names, folder = resources.config.settings.models, resources.config.paths.models
        image_spec = require(resources.config, names.image_embedder, "image-embedder")
        text_spec = require(resources.config, names.text_embedder, "text-embedder")
        image = ImageEmbedder(image_spec, folder, resources.threads, resources.device)
        text = TextEmbedder(text_spec, folder, resources.threads, resources.device)
        with resources.db.connection() as conn:
            notice = _notice(conn, image)
            preparation = image.image.preparation
            image_space = embedding_spaces.register(
                conn, image_spec.name, "image", image.sha256, image.dims, preparation
            )
            text_space = embedding_spaces.register(conn, text_spec.name, "text", text.sha256, text.dims)
        handler = cls(image, text, image_space, text_space)
        handler.notices = (notice,) if notice else ()
        return handler

    def take(self, job: ClaimedJob, picture: Picture) -> Loaded:
        """Prepare it; and look at the members of its group that nobody has decoded yet."""
        members = [seen for member in job.members if (seen := look_at(member)) is not None]
        looks = (ImageLook(job.image_id, job.fingerprint, picture.look), *members)
        return Loaded(job, (picture.pixels(self._image.image),), looks=looks)

    def infer(self, batch: Sequence[Loaded]) -> list[Any]:
        """Return unit vectors, float32 [dims]."""
        return list(self._image.infer(self._batch.stack([item.arrays[0] for item in batch])))

    def save(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        """Write image vectors."""
        vectors = np.stack([vector for _, vector in rows])
        results.save_image_vectors(conn, self._image_space, [image_id for image_id, _ in rows], vectors)

    def missing_prompts(self, conn: Connection, prompt_ids: Sequence[int]) -> dict[int, str]:
        """Return the prompts without a vector in the text space."""
        missing = {}
        for number, text, is_longer in results.missing_prompts(conn, self._text_space, prompt_ids, _FIRST_CHARACTERS):
            is_enough = not is_longer or self._text.is_filled_by(text)
            missing[number] = text if is_enough else results.prompt_text(conn, number, _MOST_CHARACTERS)
        return missing

    def infer_prompts(self, texts: Sequence[str]) -> list[Any]:
        """Return unit vectors of prompts, float32 [dims]."""
        return list(self._text.embed(texts))

    def save_prompts(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        """Write the vectors of prompts."""
        vectors = np.stack([vector for _, vector in rows])
        results.save_prompt_vectors(conn, self._text_space, [prompt_id for prompt_id, _ in rows], vectors)

    def close(self) -> None:
        """Unload both embedders."""
        self._image.close()
        self._text.close()


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

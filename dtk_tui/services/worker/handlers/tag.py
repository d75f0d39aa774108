"""Tagging: raw scores of every tagger in the config, and the tags above their thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from dtk_tui.domain.job import ClaimedJob, Kind
from dtk_tui.domain.looks import ImageLook
from dtk_tui.errors import ModelError
from dtk_tui.inference.preprocessing import Picture, Pixels
from dtk_tui.inference.tagger import Tagger
from dtk_tui.services.worker.handlers.arrays import BatchArray
from dtk_tui.services.worker.handlers.base import Loaded, PictureHandler, Resources
from dtk_tui.services.worker.handlers.models import precision_notices, require, tune
from dtk_tui.store.database import Connection
from dtk_tui.store.queue import results

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RegisteredTagger:
    """A loaded tagger with its ids in the library."""

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


class TagHandler(PictureHandler):
    """Writes what every tagger in the config says of an image."""

    kind = Kind.TAG

    def __init__(self, taggers: Sequence[RegisteredTagger]) -> None:
        self._taggers = taggers
        self.model = "+".join(use.tagger.spec.name for use in taggers)
        self.batch_size = min(use.tagger.batch_size for use in taggers)
        self.placement = taggers[0].tagger.placement
        self.image_models = tuple(use.tagger.spec.name for use in taggers)
        self._batches = {
            use.tagger.image.geometry: BatchArray(use.tagger.input_shape, self.batch_size) for use in taggers
        }

    @classmethod
    def open(cls, resources: Resources) -> Self:
        """Load the taggers and register them with their tags."""
        config = resources.config
        specs = [require(config, name, "tagger") for name in config.settings.models.taggers]
        if not specs:
            raise ModelError("No tagger is named in the config.", "Name one in [models] taggers of config.toml.")
        uses = []
        for spec in specs:
            tagger = Tagger(spec, config.paths.models, resources.threads, resources.device)
            tune(config, [tagger])
            with resources.db.connection() as conn:
                number = results.tagger(conn, spec.name, tagger.sha256)
                ids = np.array(results.tag_ids(conn, tagger.tags), dtype=np.int64)
            thresholds = np.array([tagger.threshold(category) for _, category in tagger.tags], dtype=np.float32)
            uses.append(RegisteredTagger(tagger, number, ids, thresholds))
        handler = cls(uses)
        handler.notices = tuple(precision_notices(use.tagger for use in uses))
        return handler

    def take(self, job: ClaimedJob, picture: Picture) -> Loaded:
        """Prepare it for each tagger."""
        pixels = tuple(picture.pixels(use.tagger.image) for use in self._taggers)
        return Loaded(job, pixels, looks=(ImageLook(job.image_id, job.fingerprint, picture.look),))

    def infer(self, batch: Sequence[Loaded]) -> list[Any]:
        """Return for each image the scores of each tagger, float32 [tags]."""
        stacked: dict[object, Pixels] = {}
        scores = []
        for place, use in enumerate(self._taggers):
            geometry = use.tagger.image.geometry
            if geometry not in stacked:
                stacked[geometry] = self._batches[geometry].stack([item.arrays[place] for item in batch])
            scores.append(use.tagger.infer(stacked[geometry]))
        return [tuple(of_tagger[i] for of_tagger in scores) for i in range(len(batch))]

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

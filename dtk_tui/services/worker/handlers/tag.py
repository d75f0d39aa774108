"""Tagging: raw scores of every tagger in the config, and the tags above their thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from dtk_tui.domain.events import ProblemReported
from dtk_tui.domain.job import ClaimedJob, Kind
from dtk_tui.domain.looks import ImageLook
from dtk_tui.domain.thresholds import TagThreshold
from dtk_tui.errors import ModelError
from dtk_tui.inference.preprocessing import Picture, Pixels
from dtk_tui.inference.tagger import Tagger
from dtk_tui.services.library import thresholds
from dtk_tui.services.worker.handlers.arrays import BatchArray
from dtk_tui.services.worker.handlers.base import Loaded, PictureHandler, Resources
from dtk_tui.services.worker.handlers.models import precision_notices, require, tune
from dtk_tui.store.database import Connection
from dtk_tui.store.library.tagging import nsfw
from dtk_tui.store.library.tagging import thresholds as store
from dtk_tui.store.queue import results

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

#: So many raw scores of one tagger are kept of an image, whatever a model gives.
MOST_KEPT = 512


@dataclass(frozen=True, slots=True)
class RegisteredTagger:
    """A loaded tagger with its ids in the library."""

    tagger: Tagger
    id: int
    tag_ids: npt.NDArray[np.int64]
    members: Mapping[str, Places]

    @classmethod
    def register(cls, conn: Connection, tagger: Tagger, configured: Mapping[str, float]) -> Self:
        """Register a tagger with its tags and, where it is new to the library, its thresholds.

        Raises:
            ModelError: as ``thresholds.adopt``.
        """
        categories = np.array([category for _, category in tagger.tags])
        members = {str(one): np.flatnonzero(categories == one) for one in np.unique(categories)}
        thresholds.adopt(conn, tagger.spec.name, tagger.rules, members, configured)
        number = results.tagger(conn, tagger.spec.name, tagger.sha256)
        return cls(tagger, number, np.array(results.tag_ids(conn, tagger.tags), dtype=np.int64), members)

    def sorted_out(self, scores: Floats, rules: Mapping[str, TagThreshold]) -> tuple[Places, npt.NDArray[np.bool_]]:
        """Return the places of the scores that are kept, in order, and which of them hold as tags.

        Of an exclusive category the best holds; of the others those that reach the threshold. At most ``MOST_KEPT``
        are kept beside the best of exclusive categories: the highest.
        """
        keeps = np.zeros(scores.shape, dtype=np.bool_)
        holds = np.zeros(scores.shape, dtype=np.bool_)
        best = []
        for category, places in self.members.items():
            rule = rules[category]
            keeps[places] = scores[places] >= np.float32(rule.floor)
            if rule.is_exclusive:
                best.append(places[scores[places].argmax()])
            else:
                holds[places] = scores[places] >= np.float32(rule.threshold)
        kept = np.flatnonzero(keeps)
        if len(kept) > MOST_KEPT:
            kept = kept[np.argsort(-scores[kept], kind="stable")[:MOST_KEPT]]
        holds[best] = True
        kept = np.union1d(kept, np.array(best, dtype=np.int64))
        return kept, holds[kept]


class TagHandler(PictureHandler):
    """Writes what every tagger in the config says of an image."""

    kind = Kind.TAG

    def __init__(self, taggers: Sequence[RegisteredTagger], nsfw_rule: Sequence[tuple[str, float]] = ()) -> None:
        self._taggers = taggers
        self._nsfw_rule = nsfw_rule
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
        thresholds_of = config.settings.tags.thresholds
        opened: list[Tagger] = []
        try:
            for spec in specs:
                opened.append(Tagger(spec, config.paths.models, resources.threads, resources.device))
                tune(config, opened[-1:])
            with resources.db.connection() as conn:
                configured = [thresholds_of.get(spec.name, {}) for spec in specs]
                uses = [RegisteredTagger.register(conn, *pair) for pair in zip(opened, configured, strict=True)]
                notices = [_notices(conn, spec.name, asked) for spec, asked in zip(specs, configured, strict=True)]
        except BaseException:
            for tagger in opened:
                tagger.close()
            raise
        handler = cls(uses, config.settings.tags.nsfw_rule)
        handler.notices = (*precision_notices(opened), *(one for of_tagger in notices for one in of_tagger))
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
        """Write raw scores, the tags that hold by the thresholds of the library, and the flags of the NSFW rule."""
        for place, use in enumerate(self._taggers):
            name = use.tagger.spec.name
            rules = store.in_force(conn, name, lock=True)
            written = []
            for image_id, scores in rows:
                kept, holds = use.sorted_out(scores[place], rules)
                written.append((image_id, use.tag_ids[kept], scores[place][kept], holds))
            results.save_tags(conn, use.id, name, written)
        if self._nsfw_rule:
            nsfw.apply(conn, [image_id for image_id, _ in rows], nsfw.rule_of(conn, self._nsfw_rule))

    def close(self) -> None:
        """Unload the taggers."""
        for use in self._taggers:
            use.tagger.close()


def _notices(conn: Connection, name: str, configured: Mapping[str, float]) -> list[ProblemReported]:
    """Say where the tags of the library do not go by what a person asked for."""
    rules, found = store.in_force(conn, name), []
    others = {
        category: threshold
        for category, threshold in configured.items()
        if not rules[category].is_exclusive and np.float32(threshold) != np.float32(rules[category].threshold)
    }
    for category, threshold in others.items():
        now, command = rules[category].threshold, f"dtk tags threshold --tagger {name} --{category} {threshold:g}"
        found.append(
            ProblemReported(
                f"config.toml asks for {category} from {threshold:g} on of {name}, and this library goes by {now:g}.",
                f"All its tags are made anew, without inference, by: {command}",
            )
        )
    if store.unfinished(conn, name) is not None:
        found.append(
            ProblemReported(
                f"The tags of {name} are made anew only in part: some images have them by the thresholds of before.",
                f"dtk tags threshold --tagger {name} goes on.",
            )
        )
    return found

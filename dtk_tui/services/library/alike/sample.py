"""A sample of what is to be queued beside the images of the library that it looks most like."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np

from dtk_tui.config import Config
from dtk_tui.domain.job import Kind
from dtk_tui.domain.looks import PerceptualHash
from dtk_tui.domain.queue import CaptionRequest, Target
from dtk_tui.errors import DtkError
from dtk_tui.inference.extra_formats import undecodable_endings
from dtk_tui.inference.image_decoder import decode_picture
from dtk_tui.services.library.alike.sets import SearchStoppedError
from dtk_tui.services.library.search import has_image_model, similar
from dtk_tui.store.database import Database
from dtk_tui.store.library import embedding_spaces, images
from dtk_tui.store.queue.enqueue import missing_images
from dtk_tui.store.search import duplicates as hashes

#: So many images are looked at, and so many are told that are nearest to each.
IMAGES, _NEAREST = 12, 3
#: After so many seconds no further image is looked at.
_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Near:
    """An image of the library: how similar its vector is (cosine), or how many bits of its hash differ."""

    id: int
    path: str
    similarity: float | None = None
    bits: int | None = None


@dataclass(frozen=True, slots=True)
class SampledImage:
    """One image of a sample with those that are nearest to it, the nearest first; ``error`` says why there are none."""

    id: int
    path: str
    nearest: tuple[Near, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some of the images that would be queued.

    Attributes:
        by: ``vectors``, or ``hash`` where no model is at hand or nothing is embedded yet.
        images: those that were looked at.
        chosen: how many should have been; fewer are looked at when the time is over.
    """

    by: str
    images: tuple[SampledImage, ...]
    chosen: int


def sample(
    db: Database,
    config: Config,
    target: Target,
    kind: Kind,
    progress: Callable[[Sample], None] = lambda so_far: None,
    stop: threading.Event | None = None,
    *,
    again: bool = False,
    captions: CaptionRequest | None = None,
    limit_s: float = _LIMIT_S,
) -> Sample:
    """Look at a few images for which a kind of work is to be done, the same ones each time; nothing is changed.

    Args:
        progress: is told what is known after each image.
        stop: ends it when it is set.
        again: whether what is done would be done again.
        captions: which captions, for that kind of work.
        limit_s: seconds after which no further image is begun.

    Raises:
        SearchStoppedError: ``stop`` was set.
    """
    end, stop = monotonic() + limit_s, stop or threading.Event()
    names = config.settings.models
    with db.connection() as conn:
        models = embedding_spaces.current(conn, names.text_embedders, names.image_embedders, names.taggers)
        ids = missing_images(
            conn, target, kind, models, undecodable_endings(), most=IMAGES, again=again, captions=captions
        ).tolist()
        paths = images.paths_of(conn, ids)
    ids = [number for number in ids if number in paths]
    by_vectors = has_image_model(db, config)
    look = _ByVectors(db, config) if by_vectors else _ByHash(db, config)
    found = Sample("vectors" if by_vectors else "hash", (), len(ids))
    progress(found)
    for number in ids:
        if stop.is_set():
            raise SearchStoppedError
        if monotonic() >= end:
            break
        try:
            one = SampledImage(number, paths[number], tuple(look.nearest(number, paths[number])))
        except DtkError as error:
            one = SampledImage(number, paths[number], error=error.title)
        found = Sample(found.by, (*found.images, one), len(ids))
        progress(found)
    return found


class _ByVectors:
    """Embeds images one by one, and asks for the nearest vectors."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db, self._config = db, config

    def nearest(self, number: int, path: str) -> Sequence[Near]:
        hits = similar(self._db, self._config, number, _NEAREST)
        with self._db.connection() as conn:
            paths = images.paths_of(conn, [hit.image_id for hit in hits])
        return [
            Near(hit.image_id, paths[hit.image_id], similarity=round(hit.score or 0.0, 4))
            for hit in hits
            if hit.image_id in paths
        ]


class _ByHash:
    """Decodes images one by one, and compares their perceptual hashes with all that are known."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db, self._config = db, config
        with db.connection() as conn:
            self._seen = hashes.seen_images(conn)

    def nearest(self, number: int, path: str) -> Sequence[Near]:
        look: PerceptualHash = decode_picture(self._config.local_path(path)).look
        if look.bits is None:
            raise DtkError("It holds too little to be compared.")
        own = np.int64(look.bits).view(np.uint64)
        apart = np.bitwise_count(self._seen.bits.view(np.uint64) ^ own)
        apart[self._seen.ids == number] = 64
        best = np.argsort(apart, kind="stable")[:_NEAREST].tolist()
        ids = [int(self._seen.ids[place]) for place in best if self._seen.ids[place] != number]
        with self._db.connection() as conn:
            paths = images.paths_of(conn, ids)
        known = {int(self._seen.ids[place]): int(apart[place]) for place in best}
        return [Near(one, paths[one], bits=known[one]) for one in ids if one in paths]

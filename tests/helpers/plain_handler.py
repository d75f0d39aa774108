"""A kind of work without a model: what a picture shows is its digest. A worker with it starts at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from dtk_tui.domain.job import ClaimedJob, Kind
from dtk_tui.inference.image_decoder import decode_image
from dtk_tui.services.worker.handlers.base import JobHandler, Loaded, Resources
from dtk_tui.store.database import Connection, Database


def digest_of(path: str) -> str:
    """Return the digest of the pixels of a picture."""
    return hashlib.sha256(decode_image(path).tobytes()).hexdigest()


class DigestHandler(JobHandler):
    """Writes the digest of each picture's pixels into the table ``seen``."""

    kind = Kind.TAG
    model = "digest"
    batch_size = 8

    @staticmethod
    def make_table(db: Database) -> None:
        """Make the table, once a library."""
        with db.connection() as conn:
            conn.execute("CREATE TABLE seen (image_id bigint PRIMARY KEY, digest text)")

    @classmethod
    def open(cls, resources: Resources) -> Self:
        return cls()

    def load(self, job: ClaimedJob) -> Loaded:
        return Loaded(job, (np.frombuffer(bytes.fromhex(digest_of(job.path)), np.uint8),))

    def infer(self, batch: Sequence[Loaded]) -> list[Any]:
        return [item.arrays[0].tobytes().hex() for item in batch]

    def save(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        for row in rows:
            conn.execute("INSERT INTO seen VALUES (%s, %s)", row)

    def close(self) -> None:
        pass

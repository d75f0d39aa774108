"""What the widgets ask the library for; every call blocks and belongs into a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from dtk_tui.config import Config
from dtk_tui.domain.job import NOW, JobState
from dtk_tui.domain.library import Badge, FolderRow, Hit, ImageDetail, ImageRow
from dtk_tui.domain.queue import JobRow
from dtk_tui.services.library import search as searching
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import records
from dtk_tui.store.library import folders, images
from dtk_tui.store.queue import jobs
from dtk_tui.store.scan import listing as ingest

Ids = npt.NDArray[np.int64]
T = TypeVar("T")


class LibraryBrowser:
    """One library, one transaction a call."""

    def __init__(self, db: Database, config: Config) -> None:
        self.db = db
        self.config = config

    def ask(self, question: Callable[[Connection], T]) -> T:
        """Ask something in a transaction of its own."""
        with self.db.connection() as conn:
            return question(conn)

    def change(self, action: Callable[[Connection], T]) -> T:
        """Change something in a transaction of its own, when no scan writes."""
        with self.db.connection() as conn:
            ingest.acquire_write_lock(conn)
            return action(conn)

    def folders(self, parent_id: int | None) -> list[FolderRow]:
        """Return the roots (None) or the folders in a folder."""
        with self.db.connection() as conn:
            return folders.roots(conn) if parent_id is None else folders.children(conn, parent_id)

    def badges(self) -> dict[int, Badge]:
        """Return the badges of the folders that have any."""
        with self.db.connection() as conn:
            return folders.badges(conn)

    def images(self, folder_id: int | None) -> Ids:
        """Return the ids of all images, or of a folder and all below it, newest first."""
        with self.db.connection() as conn:
            return images.newest_ids(conn, folder_id)

    def count(self, folder_id: int | None) -> int:
        """Return how many images ``images`` would return now."""
        with self.db.connection() as conn:
            return images.count(conn, folder_id)

    def image_rows(self, ids: Sequence[int]) -> list[ImageRow]:
        """Return lines of the image table."""
        with self.db.connection() as conn:
            return images.rows(conn, ids)

    def detail(self, image_id: int) -> ImageDetail | None:
        """Return all about one image."""
        with self.db.connection() as conn:
            return images.detail(conn, image_id)

    def search(self, line: str) -> tuple[Ids, npt.NDArray[np.float32] | None]:
        """Return the ids of a query's images, best first with scores, or newest first; UsageError names a fault."""
        found = searching.find(self.db, self.config, line)
        return found.ids, found.scores

    def similar(self, image_id: int, limit: int = 200) -> list[Hit]:
        """Return the images most like one, best first."""
        return searching.similar(self.db, self.config, image_id, limit)

    def similar_rows(self, image_id: int) -> list[tuple[Hit, ImageRow]]:
        """Return the few images most like one, with their lines."""
        hits = self.similar(image_id, 12)
        rows = {row.id: row for row in self.image_rows([hit.image_id for hit in hits])}
        return [(hit, rows[hit.image_id]) for hit in hits if hit.image_id in rows]

    def last_import(self) -> str | None:
        """Return the file of the last import that is in the library, if there is one that can be taken back."""
        with self.db.connection() as conn:
            last = records.last_done(conn)
        return None if last is None else last.source

    def jobs(self, state: JobState | None) -> Ids:
        """Return the ids of the jobs in a state (None: all)."""
        with self.db.connection() as conn:
            return jobs.page_ids(conn, state)

    def job_rows(self, ids: Sequence[int]) -> list[JobRow]:
        """Return lines of the queue table."""
        with self.db.connection() as conn:
            return jobs.rows(conn, ids)

    def retry(self, ids: Sequence[int] | None) -> int:
        """Make failed jobs wait again."""
        with self.db.connection() as conn:
            return jobs.retry(conn, ids)

    def hurry(self, ids: Sequence[int]) -> int:
        """Give waiting jobs the highest priority."""
        with self.db.connection() as conn:
            return jobs.set_priority(conn, ids, NOW)

    def remove(self, ids: Sequence[int] | None, state: JobState | None = None) -> int:
        """Take jobs out of the queue."""
        with self.db.connection() as conn:
            return jobs.remove(conn, ids=ids, state=state)

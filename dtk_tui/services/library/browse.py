"""What a screen asks of the library; every call blocks and belongs into a thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from dtk_tui.config import Config
from dtk_tui.domain.job import NOW, JobState, Kind
from dtk_tui.domain.journal import Edit, PastEvent
from dtk_tui.domain.library import Badges, FolderRow, FolderRows, Hit, ImageDetail, ImageRow, PictureFile, Rule
from dtk_tui.domain.query.candidates import Completion
from dtk_tui.domain.queue import FailureReason, JobRow, LogEntry
from dtk_tui.services.library import folders as changes
from dtk_tui.services.library.queries import saved_queries
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import records
from dtk_tui.store.library import captions, folder_tree, folders, groups, images, journal
from dtk_tui.store.queue import failures, job_log, jobs
from dtk_tui.store.scan import listings

if TYPE_CHECKING:
    from array import array

    import numpy as np
    import numpy.typing as npt

    from dtk_tui.metadata.workflow_tree import WorkflowTree
    from dtk_tui.services.library.facets import FacetCounter

    Ids = npt.NDArray[np.int64]

#: So many images of a search are shown before all of them are found and counted.
FIRST_FOUND = 500
#: No more reasons of failures are listed, and no more of what ended.
MOST_REASONS, MOST_ENDED = 500, 200_000
#: Of a group no more images are listed.
MOST_MEMBERS = 200
#: No more folders are found by words of their paths.
MOST_FOLDERS = 200


class LibraryBrowser:
    """One library, one transaction a call; what only searches need is loaded in the thread that searches."""

    def __init__(self, db: Database, config: Config) -> None:
        self.db = db
        self.config = config

    def folders(self, parent_id: int | None) -> FolderRows:
        """Return the roots (None) or the folders in a folder."""
        with self.db.connection() as conn:
            return folder_tree.roots(conn) if parent_id is None else folder_tree.children(conn, parent_id)

    def find_folders(self, words: str) -> list[FolderRow]:
        """Return the folders whose paths have all words of a line, the best first, at most ``MOST_FOLDERS``."""
        with self.db.connection() as conn:
            return folders.named(conn, words.split(), MOST_FOLDERS)

    def way_to(self, folder_id: int) -> list[int]:
        """Return the ids of a folder and of all that it lies in, the nearest first."""
        with self.db.connection() as conn:
            return folders.way_to(conn, folder_id)

    def add_folder(self, path: str, *, recursive: bool = True) -> None:
        """Make the folder at an absolute path a root; see ``services.library.folders.add``."""
        with self._writing() as conn:
            changes.add(conn, path, recursive=recursive)

    def set_rule(self, path: str, rule: Rule) -> str:
        """Say how scans treat a folder; return that as a sentence without its subject."""
        with self._writing() as conn:
            return changes.set_rule(conn, path, rule)

    def folder_size(self, folder_id: int) -> tuple[int, int]:
        """Return how many folders (itself included) and images a folder holds."""
        with self.db.connection() as conn:
            return changes.count_contents(conn, folder_id)

    def take_out_some(self, folder_id: int) -> int:
        """Take images of a folder out of the library; return how many, 0 at the end, when the folder is out, too."""
        with self._writing() as conn:
            return changes.remove_some(conn, folder_id)

    def missing(self, folder_id: int | None) -> int:
        """Return how many images of a folder (None: of the library) have no file any more."""
        with self.db.connection() as conn:
            return changes.count_missing(conn, folder_id)

    def forget_some(self, folder_id: int | None) -> int:
        """Forget images that have no file any more; return how many, 0 at the end."""
        with self._writing() as conn:
            return changes.prune_some(conn, folder_id)

    def roots_away(self, path: str | None) -> list[str]:
        """Return the roots all of whose images are missing, of those that have to do with a path (None: of all)."""
        with self.db.connection() as conn:
            return changes.missing_roots(conn, path)

    def badges(self) -> Badges:
        """Return the badges of the folders that have any."""
        with self.db.connection() as conn:
            return folder_tree.badges(conn)

    def images(self, folder_id: int | None, *, recursive: bool = True) -> Ids:
        """Return the ids of all images, or of a folder and all below it, newest first."""
        with self.db.connection() as conn:
            return images.newest_ids(conn, folder_id, recursive)

    def first_images(self, limit: int) -> array[int]:
        """Return the ids of the newest images, newest first."""
        with self.db.connection() as conn:
            return images.first_ids(conn, limit)

    def count(self, folder_id: int | None) -> int:
        """Return how many images ``images`` would return now."""
        with self.db.connection() as conn:
            return images.count(conn, folder_id)

    def image_rows(self, ids: Sequence[int]) -> list[ImageRow]:
        """Return lines of the image table."""
        with self.db.connection() as conn:
            return images.rows(conn, ids)

    def picture_files(self, ids: Sequence[int]) -> dict[int, PictureFile]:
        """Return the files of images by id, where this host sees them."""
        with self.db.connection() as conn:
            found = images.files_of(conn, ids)
        return {number: replace(file, path=self.config.local_path(file.path)) for number, file in found.items()}

    def detail(self, image_id: int) -> ImageDetail | None:
        """Return all about one image."""
        with self.db.connection() as conn:
            return images.detail(conn, image_id)

    def search(self, line: str) -> tuple[Ids, npt.NDArray[np.float32] | None]:
        """Return the ids of a query's images, best first with scores, or newest first; UsageError names a fault."""
        from dtk_tui.services.library import search as searching

        found = searching.find(self.db, self.config, line)
        return found.ids, found.scores

    def search_first(self, line: str) -> tuple[Ids, npt.NDArray[np.float32] | None, bool]:
        """Return the first of what ``search`` returns, as far as that is quicker, and whether there may be more."""
        from dtk_tui.domain.query.nodes import CaptionText
        from dtk_tui.domain.query.parser import parse
        from dtk_tui.services.library import search as searching
        from dtk_tui.store.search.texts import leaves

        query = parse(line)
        is_by_words = query.terms or query.sort or any(isinstance(leaf, CaptionText) for leaf in leaves(query.filter))
        limit = FIRST_FOUND if is_by_words and not (query.about or query.like or query.looks) else None
        found = searching.find(self.db, self.config, line, limit)
        return found.ids, found.scores, limit is not None and len(found.ids) >= limit

    def complete_query(self, line: str, cursor: int) -> Completion:
        """Return what may stand at a cursor in a query line."""
        from dtk_tui.services.library.queries.completion import complete

        return complete(self.db, line, cursor)

    def asked_queries(self) -> list[str]:
        """Return the queries that people asked, the newest last."""
        return saved_queries.asked(self.db)

    def note_query(self, line: str) -> None:
        """Keep a query that was asked."""
        saved_queries.note_asked(self.db, line)

    def facet_counter(self, line: str) -> FacetCounter:
        """Return what counts the facets of the images that a query line finds."""
        from dtk_tui.services.library.facets import FacetCounter

        return FacetCounter(self.db, self.config, line)

    def fold_labels(self, ids: Ids) -> Ids:
        """Return a number for each image, int64 [n]: those with one number are one generation, or copies."""
        from dtk_tui.services.library.folding import fold_labels

        return fold_labels(self.db, ids)

    def notes(self, line: str) -> list[str]:
        """Return what a person should know of the models by which a query compares."""
        from dtk_tui.services.library import search as searching

        return searching.notes(self.config, line)

    def similar(self, image_id: int, limit: int = 200) -> list[Hit]:
        """Return the images most like one, best first."""
        from dtk_tui.services.library import search as searching

        return searching.similar(self.db, self.config, image_id, limit)

    def similar_rows(self, image_id: int) -> list[tuple[Hit, ImageRow]]:
        """Return the few images most like one, with their lines."""
        hits = self.similar(image_id, 12)
        rows = {row.id: row for row in self.image_rows([hit.image_id for hit in hits])}
        return [(hit, rows[hit.image_id]) for hit in hits if hit.image_id in rows]

    def workflow(self, image_id: int) -> WorkflowTree | None:
        """Return the workflow that is kept with an image; None where none is."""
        from dtk_tui.services.library.picture.workflow import workflow

        return workflow(self.db, image_id)

    def history(self, image_id: int) -> list[PastEvent]:
        """Return what became of an image, the newest first."""
        from dtk_tui.services.library.picture.history import history

        return history(self.db, image_id)

    def group_rows(self, representative: int) -> list[ImageRow]:
        """Return lines of the images of a group, its representative first, at most ``MOST_MEMBERS``."""
        with self.db.connection() as conn:
            return images.rows(conn, groups.member_ids(conn, representative, MOST_MEMBERS))

    def last_import(self) -> str | None:
        """Return the file of the last import that is in the library, if there is one that can be taken back."""
        with self.db.connection() as conn:
            last = records.last_done(conn)
        return None if last is None else last.source

    def sharing_to_offer(self) -> int:
        """Return how many images share a vector, if a check of that is to be offered; 0: nothing to offer."""
        with self.db.connection() as conn:
            return 0 if groups.is_check_offered(conn) else groups.counts(conn).sharing

    def note_group_check_offered(self) -> None:
        """Keep that somebody has answered the offer to check the groups."""
        with self.db.connection() as conn:
            groups.note_check_offered(conn)

    def caption_types(self, ids: Ids) -> list[tuple[str, int]]:
        """Return the types of captions that images have, with how many have one, the most first."""
        with self.db.connection() as conn:
            return captions.count_types(conn, ids)

    def edits(self) -> Ids:
        """Return the ids of all edits in the journal, the newest first."""
        with self.db.connection() as conn:
            return journal.newest_ids(conn)

    def edit_rows(self, ids: Sequence[int]) -> list[Edit]:
        """Return edits of the journal."""
        with self.db.connection() as conn:
            return journal.rows(conn, ids)

    def jobs(self, state: JobState | None, kind: Kind | None = None) -> Ids:
        """Return the ids of the jobs in a state, of a kind; None stands for any."""
        with self.db.connection() as conn:
            return jobs.page_ids(conn, state, kind)

    def failure_reasons(self) -> list[FailureReason]:
        """Return why jobs failed, the most frequent reason first, at most ``MOST_REASONS``."""
        with self.db.connection() as conn:
            return failures.reasons(conn, MOST_REASONS)

    def jobs_of_reason(self, reason: FailureReason) -> Ids:
        """Return the ids of the jobs that failed for a reason."""
        with self.db.connection() as conn:
            return failures.job_ids(conn, reason)

    def log(self, outcome: str | None, kind: Kind | None) -> Ids:
        """Return the ids of what ended, the newest first, at most ``MOST_ENDED``; None stands for any."""
        with self.db.connection() as conn:
            return job_log.newest_ids(conn, MOST_ENDED, outcome, kind)

    def log_rows(self, ids: Sequence[int]) -> list[LogEntry]:
        """Return lines of the log."""
        with self.db.connection() as conn:
            return job_log.rows(conn, ids)

    def job_rows(self, ids: Sequence[int]) -> list[JobRow]:
        """Return lines of the queue table."""
        with self.db.connection() as conn:
            return jobs.rows(conn, ids)

    def retry(self, ids: Sequence[int] | None) -> int:
        """Make failed jobs wait again."""
        with self.db.connection() as conn:
            return jobs.retry(conn, ids)

    def prioritize(self, ids: Sequence[int]) -> int:
        """Give waiting jobs the highest priority."""
        with self.db.connection() as conn:
            return jobs.set_priority(conn, ids, NOW)

    def remove(self, ids: Sequence[int] | None, state: JobState | None = None) -> int:
        """Take jobs out of the queue."""
        with self.db.connection() as conn:
            return jobs.remove(conn, ids=ids, state=state)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction that begins when no scan writes."""
        with self.db.connection() as conn:
            listings.acquire_write_lock(conn)
            yield conn

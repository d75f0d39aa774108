"""The database: its versions, what is in no order in it, and work that nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dtk_tui.config import Config
from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import Stats
from dtk_tui.errors import DtkError
from dtk_tui.services import stats
from dtk_tui.services.doctor.finding import Finding, Verdict
from dtk_tui.services.library.unfinished_tags import unfinished_tags
from dtk_tui.services.scan import reparse
from dtk_tui.store import maintenance
from dtk_tui.store.database import Database
from dtk_tui.store.library import groups
from dtk_tui.text import counted, file_size


class LibraryFindings:
    """What is found in one library.

    Args:
        open_database: opens the library; what it raises is a finding.

    Attributes:
        folders: how many it has; None until the database has answered.
    """

    def __init__(self, config: Config, open_database: Callable[[Config], Database]) -> None:
        self.folders: int | None = None
        self._config = config
        self._open = open_database

    def findings(self) -> Iterator[Finding]:
        """Look at the database, the groups, the generation parameters and the queue."""
        where = "embedded" if self._config.database_url is None else "your server"
        try:
            db = self._open(self._config)
        except DtkError as error:
            yield Finding("database", Verdict.FAULT, f"{where}: {error.title}", error.detail)
            return
        try:
            yield from self._library(db, where)
        except DtkError as error:
            yield Finding("database", Verdict.FAULT, f"{where}: {error.title}", error.detail)
        finally:
            db.close()

    def _library(self, db: Database, where: str) -> Iterator[Finding]:
        with db.connection() as conn:
            server = maintenance.server_info(conn)
            wrong = groups.count_stray_vectors(conn) + groups.count_lost_members(conn)
            is_outdated = reparse.is_due(conn)
        yield Finding(
            "database",
            Verdict.OK,
            f"{where}: PostgreSQL {server.version}, pgvector {server.pgvector}, {file_size(server.size_bytes)},"
            f" schema {server.schema}",
        )
        yield _groups(wrong)
        if is_outdated:
            detail = "of some images were understood by an older version"
            yield Finding("parameters", Verdict.NOTE, detail, "Understand them again with: dtk scan --reparse")
        now = stats.snapshot(db)
        self.folders = now.marks.folders[0]
        yield from queue(now)
        for of in unfinished_tags(db):
            detail = f"{of.tagger}: {of.left:,} of {counted(of.images, 'image')} go by the thresholds of before"
            yield Finding("tags", Verdict.NOTE, detail, f"Make the rest anew, without inference: {of.command}")


def _groups(wrong: int) -> Finding:
    """Say whether each group has one representative, and nobody else a vector."""
    if wrong:
        detail = f"{counted(wrong, 'image')} in no order: a vector, or none, where the group is another's"
        return Finding("groups", Verdict.FAULT, detail, "Put them in order with: dtk library groups --check")
    return Finding("groups", Verdict.OK, "each has one representative, and only that a vector")


def queue(now: Stats) -> Iterator[Finding]:
    """Say what waits, and why nobody does it."""
    counts = now.queue
    detail = (
        f"{counts.pending:,} waiting, {counts.running:,} running, {counts.failed:,} failed;"
        f" {counted(len(now.workers), 'worker')} connected"
    )
    waits = counted(counts.pending, "job waits", "jobs wait")
    if not now.workers and counts.pending:
        yield Finding("queue", Verdict.NOTE, f"{waits}, and no worker is connected", "Start one: dtk worker run")
    elif counts.pending and now.state is not WorkerState.RUNNING and WorkerState.RUNNING not in now.asked:
        advice = "Let them go on: dtk worker start"
        yield Finding(
            "queue", Verdict.NOTE, f"{waits}, and the workers are asked to be {' or '.join(sorted(now.asked))}", advice
        )
    else:
        yield Finding("queue", Verdict.OK, detail)
    for worker in now.workers:
        if worker.stats.trouble:
            # What keeps one from running is a fault; what it tells while it runs or rests may be as it should.
            has_stopped = worker.state is WorkerState.STOPPED and (worker.wish or now.desired) is WorkerState.RUNNING
            verdict = Verdict.FAULT if has_stopped else Verdict.NOTE
            yield Finding("worker", verdict, f"{worker.host}: {worker.stats.trouble}", "See: dtk status, dtk log")
    for sentence in now.unserved:
        yield Finding("worker", Verdict.FAULT, sentence, "See: dtk status")
    for folder in now.away:
        waits = counted(folder.jobs, "job waits", "jobs wait")
        advice = "It goes on by itself when the folder is back; where it lies elsewhere, say so in [paths] map."
        yield Finding("worker", Verdict.NOTE, f"{folder.path} {folder.reason}, and {waits} for it", advice)

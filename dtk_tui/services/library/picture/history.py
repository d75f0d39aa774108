"""What became of one image: edits of people, and jobs that ended, wait or run."""

from __future__ import annotations

from datetime import UTC, datetime

from dtk_tui.domain.job import JobState
from dtk_tui.domain.journal import ImageEdit, PastEvent
from dtk_tui.domain.organise import Mark
from dtk_tui.domain.queue import JobRow, LogEntry
from dtk_tui.store.database import Database
from dtk_tui.store.library import journal
from dtk_tui.store.queue import job_log, jobs
from dtk_tui.text import duration

#: So many edits and so many jobs of one image are told.
LIMIT = 100
_MARKS = {mark.value: mark for mark in Mark}
_STATES = {
    JobState.PENDING: "waits",
    JobState.RUNNING: "is under way",
    JobState.FAILED: "failed, and waits for a person",
}
_OUTCOMES = {"done": "done", "failed": "failed", "removed": "taken out of the queue"}


def history(db: Database, image_id: int) -> list[PastEvent]:
    """Return what became of an image: what is still to come first, then the newest first."""
    with db.connection() as conn:
        waiting = [_waiting(row) for row in jobs.of_image(conn, image_id)]
        past = [_edited(one) for one in journal.of_image(conn, image_id, LIMIT)]
        past += [_ended(entry) for entry in job_log.entries(conn, LIMIT, image_id=image_id)]
    return waiting + sorted(past, key=_when, reverse=True)


def _when(event: PastEvent) -> datetime:
    return event.at or datetime.min.replace(tzinfo=UTC)


def _waiting(row: JobRow) -> PastEvent:
    note = f"in the queue since {row.queued_at.astimezone():%Y-%m-%d %H:%M}" + (f": {row.error}" if row.error else "")
    return PastEvent(None, f"{row.kind.label} {_STATES[row.state]}", note, is_bad=row.state is JobState.FAILED)


def _edited(one: ImageEdit) -> PastEvent:
    edit = one.edit
    what = edit.title
    if (mark := _MARKS.get(edit.kind)) is not None:
        what = f"{edit.title} ({_value(mark, one.before)} \u2192 {_value(mark, one.after)})"
    return PastEvent(edit.made_at, what, "" if edit.undone_at is None else "undone")


def _value(mark: Mark, number: int | None) -> str:
    if number is None:
        return "none"
    return str(number) if mark is Mark.RATING else "yes" if number else "no"


def _ended(entry: LogEntry) -> PastEvent:
    parts = [entry.model or "", entry.host or "", "" if entry.seconds is None else duration(entry.seconds)]
    if entry.error:
        parts.append(entry.error)
    note = ", ".join(part for part in parts if part)
    return PastEvent(
        entry.finished_at, f"{entry.kind.label} {_OUTCOMES[entry.outcome]}", note, is_bad=entry.outcome == "failed"
    )

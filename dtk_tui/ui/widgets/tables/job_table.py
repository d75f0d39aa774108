"""The table of jobs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from dtk_tui.domain.job import NORMAL, NOW, JobState
from dtk_tui.domain.queue import JobRow
from dtk_tui.text import one_line
from dtk_tui.ui.widgets.tables.columns import Column
from dtk_tui.ui.widgets.tables.cursor_list import Cell
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

_STATES: dict[JobState, Cell] = {
    JobState.PENDING: ("waiting", ""),
    JobState.RUNNING: ("running", "list--accent"),
    JobState.FAILED: ("failed", "list--bad"),
}
_MARKS: dict[JobState, Cell] = {
    JobState.PENDING: ("\u00b7", "list--accent"),
    JobState.RUNNING: ("\u25b8", "list--accent"),
    JobState.FAILED: ("\u2717", "list--bad"),
}


def state_word(state: JobState) -> str:
    """Return what the screens call a state."""
    return _STATES[state][0]


def _priority(row: JobRow) -> Cell:
    if row.priority >= NOW:
        return "now", "list--urgent"
    return ("", "") if row.priority == NORMAL else (str(row.priority), "")


def _mark(row: JobRow) -> Cell:
    if row.state is JobState.PENDING and row.priority > NORMAL:
        return "!", "list--urgent"
    return _MARKS[row.state]


def _error(row: JobRow) -> Cell:
    # The image stands beside it; the reason is what there is room for.
    reason = (row.error or "").removeprefix(row.path).lstrip(": ")
    return one_line(reason, 300), "list--bad"


_COLUMNS: tuple[Column[JobRow], ...] = (
    Column("", _mark, 1),
    Column("Kind", lambda row: (row.kind.label, ""), 7),
    Column("State", lambda row: _STATES[row.state], 7),
    Column("Prio", _priority, 4),
    Column("Image", lambda row: (one_line(os.path.basename(row.path), 300), ""), 18, share=2, most=44),  # noqa: PTH119
    Column("Tries", lambda row: (str(row.attempts) if row.attempts else "", ""), 5, rank=3, right=True),
    Column("Error", _error, 16, share=4, most=90, rank=1),
    Column("Folder", lambda row: (one_line(os.path.dirname(row.path), 300), "list--dim"), 20, share=3, rank=5),  # noqa: PTH120
    Column("Queued", lambda row: (f"{row.queued_at.astimezone():%m-%d %H:%M}", "list--dim"), 11, rank=4),
)


class JobTable(VirtualTable[JobRow]):
    """Jobs: running ones, then waiting ones in the order in which they will be done, then failed ones."""

    BINDING_GROUP_TITLE = "Jobs"
    ABOUT: ClassVar[str] = "Work that runs, waits in the order in which it will be done, or failed."
    HELP: ClassVar[str] = "A job that ended leaves the queue; its line stays, dimmed, until the list is refreshed."

    def columns(self) -> Sequence[Column[JobRow]]:
        """The columns."""
        return _COLUMNS

    def gone(self, row_id: int) -> list[Cell]:
        """Draw a job that ended since the list was made."""
        return [("  done", "list--dim")]

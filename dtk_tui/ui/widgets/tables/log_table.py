"""The table of what ended."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from dtk_tui.domain.queue import LogEntry
from dtk_tui.text import duration, one_line
from dtk_tui.ui.widgets.tables.columns import Column
from dtk_tui.ui.widgets.tables.cursor_list import Cell
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

_OUTCOMES: dict[str, tuple[Cell, Cell]] = {
    "done": (("\u2713", "list--good"), ("done", "")),
    "failed": (("\u2717", "list--bad"), ("failed", "list--bad")),
    "removed": (("\u2212", "list--dim"), ("removed", "list--dim")),
}


def _image(row: LogEntry) -> Cell:
    if row.path is None:
        return f"(image {row.image_id} is gone)", "list--dim"
    return one_line(os.path.basename(row.path), 300), ""  # noqa: PTH119 (a name may hold bytes that are not UTF-8)


def _error(row: LogEntry) -> Cell:
    reason = row.error or ""
    if row.path is not None:  # it stands beside it
        reason = reason.removeprefix(row.path).lstrip(": ")
    return one_line(reason, 300), "list--bad"


_COLUMNS: tuple[Column[LogEntry], ...] = (
    Column("", lambda row: _OUTCOMES[row.outcome][0], 1),
    Column("Ended", lambda row: (f"{row.finished_at.astimezone():%m-%d %H:%M:%S}", "list--dim"), 14),
    Column("Kind", lambda row: (row.kind.label, ""), 7),
    Column("Outcome", lambda row: _OUTCOMES[row.outcome][1], 7, rank=4),
    Column("Took", lambda row: (duration(row.seconds) if row.seconds is not None else "", ""), 7, rank=2, right=True),
    Column("Image", _image, 18, share=2, most=44),
    Column("Error", _error, 16, share=4, most=90, rank=1),
    Column("Model", lambda row: (one_line(row.model or "", 100), "list--dim"), 12, share=1, most=30, rank=5),
    Column("Host", lambda row: (one_line(row.host or "", 60), "list--dim"), 8, share=1, most=20, rank=6),
)


class LogTable(VirtualTable[LogEntry]):
    """What ended, the newest first."""

    BINDING_GROUP_TITLE = "Log"
    ABOUT: ClassVar[str] = "Work that ended, the newest first."
    HELP: ClassVar[str] = (
        "\u2713 done   \u2717 failed   \u2212 taken out of the queue; an entry stays for [worker] log_days"
    )

    def columns(self) -> Sequence[Column[LogEntry]]:
        """The columns."""
        return _COLUMNS

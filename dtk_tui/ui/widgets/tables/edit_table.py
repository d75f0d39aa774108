"""The table of the journal of edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from dtk_tui.domain.journal import Edit
from dtk_tui.text import one_line
from dtk_tui.ui.widgets.tables.columns import Column
from dtk_tui.ui.widgets.tables.cursor_list import Cell
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable


def _undone(row: Edit) -> Cell:
    if row.undone_at is None:
        return "", ""
    left = row.changed - (row.restored or 0)
    return (f"all but {left:,}", "list--urgent") if left else ("undone", "list--dim")


_COLUMNS: tuple[Column[Edit], ...] = (
    Column(" When", lambda row: (f"{row.made_at.astimezone(): %Y-%m-%d %H:%M:%S}", "list--dim"), 20),
    Column("Changed", lambda row: (f"{row.changed:,}", ""), 9, right=True),
    Column("Undone", _undone, 13),
    Column("Edit", lambda row: (one_line(row.title, 300), "list--dim" if row.undone_at else ""), 34, share=1),
    Column("Number", lambda row: (str(row.id), "list--dim"), 8, rank=2, right=True),
)


class EditTable(VirtualTable[Edit]):
    """Edits, the newest first."""

    BINDING_GROUP_TITLE = "Journal"
    ABOUT: ClassVar[str] = "What people changed, the newest first. Each edit can be taken back, however large it was."
    HELP: ClassVar[str] = (
        "An undo leaves alone what was edited again since: \u201call but 3\u201d are back as they were."
    )

    def columns(self) -> Sequence[Column[Edit]]:
        """The columns."""
        return _COLUMNS

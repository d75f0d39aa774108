"""The table of albums and tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from dtk_tui.domain.organise import Collection
from dtk_tui.text import one_line
from dtk_tui.ui.format import name_words
from dtk_tui.ui.widgets.tables.columns import Column
from dtk_tui.ui.widgets.tables.cursor_list import Cell
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable


def _kind(row: Collection) -> Cell:
    if not row.is_album:
        return " tag", "list--dim"
    return (" smart album" if row.query is not None else " album"), "list--accent"


def _images(row: Collection) -> Cell:
    return ("" if row.query is not None else f"{row.images:,}"), ""


_COLUMNS: tuple[Column[Collection], ...] = (
    Column("", _kind, 12),
    Column("Images", _images, 9, right=True),
    Column("Name", lambda row: (name_words(row.name, 300), ""), 20, share=2, most=60),
    Column("Query", lambda row: (one_line(row.query or "", 300), "list--dim"), 20, share=3),
)


class CollectionTable(VirtualTable[Collection]):
    """Albums in their order, and behind them the tags that people gave, by name."""

    BINDING_GROUP_TITLE = "Albums and tags"
    ABOUT: ClassVar[str] = "Albums in their order, and behind them the tags that people gave."
    HELP: ClassVar[str] = "Images: those that people put into the album, or gave the tag; Enter shows them."

    def columns(self) -> Sequence[Column[Collection]]:
        """The columns."""
        return _COLUMNS

"""Folders and their badges in the form in which the library gives them to the tree."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

from dtk_tui.domain.library import Badge, Badges, FolderRow, FolderRows


def folder_rows(*rows: FolderRow) -> FolderRows:
    """Return folders side by side."""
    return FolderRows(array("q", [row.id for row in rows]), lambda number, place: rows[place], rows)


def badges(given: Mapping[int, Badge]) -> Badges:
    """Return the badges of folders by their ids."""
    ids = sorted(given)
    pending, urgent = [given[one].pending for one in ids], [given[one].urgent for one in ids]
    return Badges(array("q", ids), array("q", pending), array("q", urgent))

"""Files and folders that could not be read: those of the library, or of some folders of it."""

from __future__ import annotations

from collections.abc import Sequence

from dtk_tui.store.database import Connection
from dtk_tui.store.library import folders, unreadable
from dtk_tui.store.library.unreadable import Failure


def listed_below(
    conn: Connection, limit: int, folder_ids: Sequence[int] | None = None, *, files: bool = True
) -> tuple[list[Failure], int]:
    """Return at most ``limit`` failures by path, and how many there are, in folders and all below them (None: in all).

    Args:
        files: also the files, which takes a look at every image.
    """
    if folder_ids is None:
        return unreadable.listed(conn, limit, files=files)
    tree = [number for top in folder_ids for number in folders.subtree(conn, top)]
    return unreadable.listed(conn, limit, tree, files=files)

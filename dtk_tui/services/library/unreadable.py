"""Files and folders that could not be read: those of the library, or of folders that a person named."""

from __future__ import annotations

from collections.abc import Sequence

from dtk_tui.store.database import Connection
from dtk_tui.store.library import folders, unreadable
from dtk_tui.store.library.unreadable import Failure


def listed_below(
    conn: Connection, limit: int, paths: Sequence[str] | None, *, files: bool = True
) -> tuple[list[Failure], int]:
    """Return at most ``limit`` failures, and how many there are, in some folders and all below them (None: in all).

    Args:
        paths: absolute, as the library knows them; what it does not know is passed over.
        files: also the files, which takes a look at every image.
    """
    if paths is None:
        return unreadable.listed(conn, limit, files=files)
    found = [folders.find(conn, path) for path in paths]
    tree = [number for top in found if top is not None for number in folders.subtree(conn, top)]
    return unreadable.listed(conn, limit, tree, files=files)

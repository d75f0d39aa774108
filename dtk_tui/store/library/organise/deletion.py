"""Images that a person flagged for deletion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import join_path

_FLAGGED = """
SELECT image.id, folder.path, image.file_name, image.file_size, image.mtime_ns
  FROM image JOIN folder ON folder.id = image.folder_id
 WHERE for_deletion AND NOT image.unavailable AND (%(all)s OR image.id = ANY (%(ids)s::bigint[]))
 ORDER BY folder.path, image.file_name, image.id
"""


@dataclass(frozen=True, slots=True)
class FlaggedFile:
    """The file of an image that is for deletion, as it was when it was last scanned; ``mtime_ns`` 0: it never was."""

    id: int
    path: str
    size: int
    mtime_ns: int


def flagged(conn: Connection, image_ids: Sequence[int] | None) -> list[FlaggedFile]:
    """Return the files that are for deletion and there, of some images or (None) of all, by folder."""
    values = {"all": image_ids is None, "ids": Bigints(image_ids or ())}
    return [FlaggedFile(row[0], join_path(row[1], row[2]), row[3], row[4]) for row in conn.execute(_FLAGGED, values)]


def is_any_flagged(conn: Connection) -> bool:
    """Say whether any image is for deletion."""
    return bool(row_of(conn, "SELECT EXISTS (SELECT 1 FROM image WHERE for_deletion)", ())[0])

"""Images that a person flagged for deletion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection
from dtk_tui.store.library.images import join_path

_FLAGGED = """
SELECT image.id, folder.path, image.file_name, image.file_size, image.mtime_ns
  FROM image JOIN folder ON folder.id = image.folder_id
 WHERE for_deletion AND NOT image.unavailable AND (%(all)s OR image.id = ANY (%(ids)s::bigint[]))
 ORDER BY folder.sort_key, folder.path COLLATE "C", image.file_name COLLATE "C", image.id
"""
# In the order of the index of what is flagged: without one, the planner would look through all images wherever it takes
# many of them for flagged, as it does until they are analyzed again.
_FIRST = "SELECT id FROM image WHERE for_deletion ORDER BY created_at DESC, id DESC LIMIT 1"


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
    return conn.execute(_FIRST).fetchone() is not None

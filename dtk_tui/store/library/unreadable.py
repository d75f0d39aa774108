"""Files and folders of the library that could not be read, or not whole, with the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dtk_tui.store.database import Connection
from dtk_tui.store.library.images import join_path
from dtk_tui.store.text_codec import from_db

_FOLDERS = """
SELECT sort_key, path, NULL AS file_name, error FROM folder
 WHERE error IS NOT NULL AND NOT unavailable AND (%(all)s OR id = ANY (%(ids)s))
"""
_FILES = """
SELECT folder.sort_key, folder.path, image.file_name, image.error FROM image JOIN folder ON folder.id = image.folder_id
 WHERE image.error IS NOT NULL AND NOT image.unavailable AND (%(all)s OR image.folder_id = ANY (%(ids)s::bigint[]))
"""
_LISTED = """
SELECT path, file_name, error, count(*) OVER () FROM ({what}) AS failed
 ORDER BY sort_key, path COLLATE "C", file_name COLLATE "C" NULLS FIRST LIMIT %(limit)s
"""
_BOTH = _LISTED.replace("{what}", f"{_FOLDERS} UNION ALL {_FILES}")
_ONLY_FOLDERS = _LISTED.replace("{what}", _FOLDERS)


@dataclass(frozen=True, slots=True)
class Failure:
    """One file, or one folder with ``is_folder``, by absolute path, and why it could not be read (whole)."""

    path: str
    reason: str
    is_folder: bool


def listed(
    conn: Connection, limit: int, folder_ids: Sequence[int] | None = None, *, files: bool = True
) -> tuple[list[Failure], int]:
    """Return at most ``limit`` failures by path, and how many there are.

    Args:
        folder_ids: only in these folders; None is the whole library.
        files: also the files, which takes a look at every image.
    """
    wanted = {"all": folder_ids is None, "ids": list(folder_ids or ()), "limit": limit}
    rows = conn.execute(_BOTH if files else _ONLY_FOLDERS, wanted).fetchall()
    found = [
        Failure(from_db(path) if name is None else join_path(path, name), from_db(error), name is None)
        for path, name, error, _ in rows
    ]
    return found, rows[0][3] if rows else 0

"""Folders of the library: added, excluded, removed, and pruned of what has no file any more.

Removing and pruning go by batches, one transaction each, so that nothing else waits for a million images.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dtk_tui.domain.library import Rule
from dtk_tui.errors import UsageError
from dtk_tui.services.library.folder_rules import absolute, known_path, require_folder
from dtk_tui.store.database import Connection
from dtk_tui.store.library import folder_rules, folders, images, pruning

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]


def add(conn: Connection, path: str, *, recursive: bool = True) -> None:
    """Make the folder at an absolute path, as the library knows it, a root; raises UsageError if it cannot be read."""
    require_folder(path)
    folder_rules.set_rule(conn, folders.add_root(conn, path), Rule(recursive=recursive))


def set_rule(conn: Connection, path: str, rule: Rule) -> str:
    """Say how scans treat a folder; return that as a sentence without its subject.

    Raises:
        UsageError: it lies in no root, or is neither on the disk nor in the library.
    """
    if folders.find(conn, path) is None and not os.path.isdir(path):  # noqa: PTH112 (surrogates must survive)
        raise UsageError(f"There is no folder {path}.", "Check the spelling, or that its disk is mounted.")
    number = folders.place(conn, path)
    if number is None:
        raise UsageError(f"The folder {path} is below no root of the library.", "dtk library roots lists them.")
    folder_rules.set_rule(conn, number, rule)
    if rule.excluded:
        said = "is left out from the next scan on"
    elif rule.archived:
        said = "stays as it is: scans do not look into it"
    else:
        said = "is scanned from now on"
    return f"{said}." if rule.recursive else f"{said}; this folder alone, not those below it."


def id_of(conn: Connection, path: str) -> int:
    """Return the id of the folder at an absolute path; raises UsageError when it is not in the library."""
    number = folders.find(conn, path)
    if number is None:
        raise UsageError(f"The folder {path} is not in the library.", "dtk library roots lists what is.")
    return number


def known_ids(conn: Connection, names: Sequence[str]) -> list[int]:
    """Return the ids of folders that a person named, of those that are in the library."""
    found = [folders.find(conn, known_path(conn, absolute(name))) for name in names]
    return [number for number in found if number is not None]


def images_in(conn: Connection, name: str, *, recursive: bool) -> Ids:
    """Return the ids of the images in a folder that a person named, the newest first; int64, shape [n].

    Args:
        recursive: with those of all folders below it.

    Raises:
        UsageError: it is not in the library.
    """
    return images.newest_ids(conn, id_of(conn, known_path(conn, absolute(name))), recursive)


def count_contents(conn: Connection, folder_id: int) -> tuple[int, int]:
    """Return how many folders (itself included) and images a folder holds."""
    tree = folders.subtree(conn, folder_id)
    return len(tree), folders.count_images(conn, tree)


def remove_some(conn: Connection, folder_id: int) -> int:
    """Take images of a folder out of the library; return how many, 0 at the end, when the folder is out, too."""
    taken = pruning.remove_some(conn, folders.subtree(conn, folder_id))
    if not taken:
        folders.remove(conn, folder_id)
    return taken


def count_missing(conn: Connection, folder_id: int | None) -> int:
    """Return how many images of a folder (None: of the library) have no file any more."""
    return pruning.count(conn, _tree(conn, folder_id))


def prune_some(conn: Connection, folder_id: int | None) -> int:
    """Forget images that have no file any more; return how many, 0 at the end, when empty folders are gone, too."""
    tree = _tree(conn, folder_id)
    forgotten = pruning.prune_some(conn, tree)
    if not forgotten:
        pruning.prune_folders(conn, tree)
    return forgotten


def missing_roots(conn: Connection, path: str | None) -> list[str]:
    """Return the roots all of whose images are missing, of those that have to do with a path (None: of all).

    Where a disk is not mounted there may well be an empty folder.
    """
    rows = [row for row in folders.list_roots(conn) if row.is_root and row.missing]
    near = [row for row in rows if path is None or _is_below(path, row.path) or _is_below(row.path, path)]
    return [row.path for row in near if row.missing == row.images or not os.path.isdir(row.path)]  # noqa: PTH112


def _tree(conn: Connection, folder_id: int | None) -> Sequence[int] | None:
    return None if folder_id is None else folders.subtree(conn, folder_id)


def _is_below(path: str, root: str) -> bool:
    return f"{path}/".startswith(f"{root.rstrip('/')}/")

"""The keys of texts and folders: ids of their own where the library is empty, numbers of the stage otherwise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from dtk_tui.services.diffusion_toolkit import paths
from dtk_tui.services.diffusion_toolkit.read.interning import Known, Unsent
from dtk_tui.store.database import Database
from dtk_tui.store.diffusion_toolkit import related as parts
from dtk_tui.store.diffusion_toolkit import shadow as beside
from dtk_tui.store.diffusion_toolkit import staging as stage

_FOLDERS_AT_ONCE = 256


def beside_known(db: Database, mapping: paths.Mapping) -> Known:
    """Return what is known of texts and folders whose keys are their ids in a library that is empty."""
    with db.connection() as conn:
        next_text = count(beside.last_prompt(conn) + 1)
        folders = {path: row[0] for path, row in parts.library_folders(conn).items()}
        folders.update((path, key) for key, path, _ in parts.staged_paths(conn))
        free: list[int] = []

        def new_folder() -> int:
            if not free:
                with db.connection() as conn:
                    free.extend(reversed(beside.folder_ids(conn, _FOLDERS_AT_ONCE)))
            return free.pop()

        def send(unsent: Unsent) -> None:
            with db.connection() as conn:
                stage.do_not_wait(conn)
                stage.add_prompts(conn, unsent.texts)
                stage.add(conn, {"path": unsent.folders})

        known = Known(mapping, next_text.__next__, _keys(folders, new_folder), send)
        known.add_known(beside.prompts(conn))
        return known


def staged_known(db: Database, mapping: paths.Mapping) -> Known:
    """Return what is known of texts and folders whose keys are numbers of the stage."""
    with db.connection() as conn:
        numbers = count(stage.last_key(conn) + 1)
        folders = {path: key for key, path, _ in parts.staged_paths(conn)}

    def send(unsent: Unsent) -> None:
        with db.connection() as conn:
            stage.do_not_wait(conn)
            stage.add(conn, {"text": unsent.texts, "path": unsent.folders})

    return Known(mapping, numbers.__next__, _keys(folders, numbers.__next__), send)


def _keys(known: dict[str, int], new: Callable[[], int]) -> Callable[[str], int]:
    def key_of(path: str) -> int:
        key = known.get(path)
        if key is None:
            key = known[path] = new()
        return key

    return key_of

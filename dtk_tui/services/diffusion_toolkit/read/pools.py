"""String pools of both ways to import: keys are the ids themselves in an empty library, else staging keys."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from dtk_tui.services.diffusion_toolkit import paths
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool, Unsent
from dtk_tui.store.database import Database
from dtk_tui.store.diffusion_toolkit import folders, session, shadow, staging

_FOLDERS_AT_ONCE = 256


def shadow_pool(db: Database, mapping: paths.Mapping) -> StringPool:
    """Return the pool for shadow tables, whose keys are the ids of texts and folders in an empty library."""
    with db.connection() as conn:
        next_text = count(shadow.largest_prompt_id(conn) + 1)
        known_folders = {path: row[0] for path, row in folders.library_folders(conn).items()}
        known_folders.update((path, key) for key, path, _ in folders.staged_paths(conn))
        free: list[int] = []

        def new_folder() -> int:
            if not free:
                with db.connection() as conn:
                    free.extend(reversed(shadow.reserve_folder_ids(conn, _FOLDERS_AT_ONCE)))
            return free.pop()

        def send(unsent: Unsent) -> None:
            with db.connection() as conn:
                session.commit_asynchronously(conn)
                staging.add_prompts(conn, unsent.texts)
                staging.copy_lines(conn, {"path": unsent.folders})

        pool = StringPool(mapping, next_text.__next__, _key_giver(known_folders, new_folder), send)
        pool.add_stored(shadow.prompts(conn))
        return pool


def staging_pool(db: Database, mapping: paths.Mapping) -> StringPool:
    """Return the pool for staging tables, whose keys are replaced by ids in the end."""
    with db.connection() as conn:
        numbers = count(staging.largest_key(conn) + 1)
        known_folders = {path: key for key, path, _ in folders.staged_paths(conn)}

    def send(unsent: Unsent) -> None:
        with db.connection() as conn:
            session.commit_asynchronously(conn)
            staging.copy_lines(conn, {"text": unsent.texts, "path": unsent.folders})

    return StringPool(mapping, numbers.__next__, _key_giver(known_folders, numbers.__next__), send)


def _key_giver(known: dict[str, int], new: Callable[[], int]) -> Callable[[str], int]:
    """Return a function that gives a path its key, a new one where it has none."""

    def key_of(path: str) -> int:
        key = known.get(path)
        if key is None:
            key = known[path] = new()
        return key

    return key_of

"""Pictures that moved, and that a scan has read, before an import: which rows of the source are theirs."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import Counter
from functools import lru_cache
from typing import Any

from dtk_tui.store.database import Connection
from dtk_tui.store.diffusion_toolkit import merge
from dtk_tui.store.diffusion_toolkit.merge import MovedCandidate


def join_moved(conn: Connection, values: dict[str, Any], stop: threading.Event) -> int:
    """Make rows of the source one with images of the library whose files they are, in other places; return how many.

    The recorded SHA-256 decides where there is one, else size, name and parameters where exactly one fits. A row whose
    file is in its place is of no other. ``values`` as for ``merge.find_known``.
    """
    candidates = [one for one in merge.moved_candidates(conn, values) if not os.path.lexists(one.source_path)]
    sha256 = lru_cache(maxsize=None)(_sha256)
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for one in candidates:
        if stop.is_set():
            return 0
        if one.hash and one.source_id not in pairs and one.image_id not in taken and sha256(one.image_path) == one.hash:
            pairs[one.source_id] = one.image_id
            taken.add(one.image_id)
    rest = [one for one in candidates if not one.hash and one.image_id not in taken]
    sources, images = Counter(one.source_id for one in rest), Counter(one.image_id for one in rest)
    pairs.update(_only_ones(rest, sources, images))
    merge.add_moved(conn, pairs)
    return len(pairs)


def _only_ones(candidates: list[MovedCandidate], sources: Counter[int], images: Counter[int]) -> dict[int, int]:
    only = [one for one in candidates if sources[one.source_id] == images[one.image_id] == 1]
    return {one.source_id: one.image_id for one in only}


def _sha256(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""

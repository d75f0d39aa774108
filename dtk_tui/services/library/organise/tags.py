"""Tags by hand: given, taken, renamed and merged everywhere. What models say of images is never touched."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dtk_tui.domain.journal import TAG
from dtk_tui.domain.organise import EditDone
from dtk_tui.errors import UsageError
from dtk_tui.services.library.edits import Progress
from dtk_tui.services.library.organise import bulk
from dtk_tui.services.library.organise.collections import Collections, checked, quoted
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library.journal import Entry
from dtk_tui.store.library.organise import tags as store
from dtk_tui.text import one_line

if TYPE_CHECKING:
    from dtk_tui.services.library.organise.bulk import Ids, Step


class _Tags(Collections):
    kind = TAG
    members = store.MEMBERS
    added = "Tag {}"
    removed = "Without the tag {}"

    def named(self, conn: Connection, name: str) -> list[int]:
        """Return the tags that people gave, in which neither case nor _ in place of a blank matters."""
        found = store.named(conn, name.strip())
        if not found:
            raise UsageError(
                f"Nobody gave an image the tag {one_line(name, 60)!r}.", "dtk tag list shows those that people gave."
            )
        return found

    def to_fill(self, conn: Connection, name: str) -> int | None:
        """Return the tag of exactly this name."""
        return store.find(conn, checked(name))

    def made(self, conn: Connection, name: str) -> int:
        """Return the tag of exactly this name."""
        return store.make(conn, checked(name))


#: Of some images the most frequent come first.
TAGS = _Tags()


def count_named(db: Database, names: Sequence[str]) -> int:
    """Return how many images have one of some tags from people; raises as ``rename``."""
    import numpy as np

    with db.connection() as conn:
        found = [TAGS.members.images(conn, number) for name in names for number in TAGS.named(conn, name)]
        return len(np.unique(np.concatenate(found)))


def rename(
    db: Database,
    names: Sequence[str],
    new: str,
    progress: Progress = bulk.silent,
    stop: threading.Event | None = None,
) -> EditDone:
    """Put a tag in the place of one or more others that people gave, everywhere; see ``bulk.edit``.

    Raises:
        UsageError: there is no such tag, or the new name is none.
    """
    import numpy as np

    new = checked(new)
    changed: Ids = np.empty(0, np.int64)

    def prepare(conn: Connection, entry: Entry) -> list[tuple[Step, Ids | Sequence[int]]]:
        nonlocal changed
        target = store.make(conn, new)
        old = [number for name in names for number in TAGS.named(conn, name) if number != target]
        found = {number: TAGS.members.images(conn, number) for number in dict.fromkeys(old)}
        changed = np.unique(np.concatenate([*found.values(), np.empty(0, np.int64)]))
        take = [(partial(TAGS.members.remove, conn, entry, number), ids) for number, ids in found.items()]
        return [*take, (partial(TAGS.members.add, conn, entry, target), changed)]

    done = bulk.edit(db, TAG, f"Tag {quoted(*names)} becomes {quoted(new)}", prepare, progress, stop)
    return replace(done, changed=len(changed))

"""Tags that are made anew by other thresholds, and of which some are left: also asked by what watches, often."""

from __future__ import annotations

from dtk_tui.domain.unfinished_tags import UnfinishedTags
from dtk_tui.store.database import Database
from dtk_tui.store.library.tagging import unfinished as store


def unfinished_tags(db: Database) -> list[UnfinishedTags]:
    """Return what of which taggers is left to be made anew: somebody is at it, or it was interrupted."""
    with db.connection() as conn:
        return store.all_unfinished(conn)

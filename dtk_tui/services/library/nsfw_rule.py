"""The NSFW rule of the config, over the whole library."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dtk_tui.domain.thresholds import FlagChange
from dtk_tui.services.library.edits import Progress
from dtk_tui.services.retry import retry_on_conflict
from dtk_tui.store.database import Database
from dtk_tui.store.library.tagging import nsfw as store


def apply_rule(
    db: Database,
    named: Sequence[tuple[str, float]],
    progress: Progress = lambda done, total: None,
    *,
    dry_run: bool = False,
) -> FlagChange:
    """Flag the images of the library by the rule, some at a time; without a rule, take back what one flagged before.

    What a person flagged or unflagged stays. Whatever interrupts it, done again it comes to the same.

    Args:
        named: tags by name, each with the raw score from which it flags an image.
        progress: is told how many images are done.
        dry_run: only count.
    """
    with db.connection() as conn:
        rule = store.rule_of(conn, named)
        total = store.count_images(conn)
    flagged = unflagged = done = after = 0
    progress(0, total)
    while True:
        images, change = retry_on_conflict(partial(_some, db, rule, after, dry_run))
        if not images:
            return FlagChange(flagged, unflagged)
        flagged, unflagged = flagged + change.flagged, unflagged + change.unflagged
        done, after = done + len(images), images[-1]
        progress(min(done, total), total)


def _some(db: Database, rule: store.Rule, after: int, dry_run: bool) -> tuple[list[int], FlagChange]:
    with db.connection() as conn:
        images = store.some_images(conn, after)
        return images, store.apply(conn, images, rule, dry_run=dry_run) if images else FlagChange()

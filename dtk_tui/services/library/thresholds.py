"""Thresholds of taggers: which are in force, what others would change, and making all tags anew by them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dtk_tui.domain.thresholds import Derivation, TagChange, TaggerThresholds, TagThreshold
from dtk_tui.errors import DtkError, ModelError, UsageError
from dtk_tui.services.retry import retry_on_conflict
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library.tagging import derive
from dtk_tui.store.library.tagging import thresholds as store

if TYPE_CHECKING:
    from dtk_tui.inference.model_spec import TagOutput
    from dtk_tui.services.library.edits import Progress


class DerivationStoppedError(DtkError):
    """A person stopped making tags anew: some images have them by the new thresholds, the others by those of before."""

    def __init__(self, tagger: str, done: int, total: int) -> None:
        super().__init__(
            f"It was stopped: {done:,} of {total:,} images have their tags by the new thresholds.",
            f"dtk tags threshold --tagger {tagger} goes on.",
        )


def adopt(
    conn: Connection, name: str, rules: TagOutput, categories: Iterable[str], configured: Mapping[str, float]
) -> None:
    """Take the thresholds of a tagger that is new to the library: the config's, else the manifest's.

    A library that was tagged before there were thresholds in it has the manifest's.

    Raises:
        ModelError: the config names a category or a threshold that this tagger cannot have.
    """
    categories = sorted(set(categories))
    defaults = {
        category: TagThreshold(
            category,
            max(rules.keep, rules.threshold_of(category)),
            rules.keep,
            category in rules.exclusive,
        )
        for category in categories
    }
    try:
        checked = _checked(name, defaults, configured)
    except UsageError as error:
        raise ModelError(f"[tags] thresholds of config.toml: {error.title}", error.detail) from error
    is_tagged = not store.in_force(conn, name) and store.has_scores(conn, store.taggers(conn).get(name, []))
    for category, threshold in ({} if is_tagged else checked).items():
        rule = defaults[category]
        defaults[category] = TagThreshold(category, threshold, rule.floor, rule.is_exclusive)
    store.adopt(conn, name, list(defaults.values()))


def listed(db: Database, models: Path | None = None) -> list[TaggerThresholds]:
    """Return the thresholds of every tagger that the library knows.

    Args:
        models: the folder of the models that people added.
    """
    with db.connection() as conn:
        found = store.taggers(conn)
        return [_of(conn, name, ids, models) for name, ids in found.items()]


def find_tagger(db: Database, name: str, models: Path | None = None) -> TaggerThresholds:
    """Return the thresholds of the tagger of that name, or of the only one whose name begins so.

    Args:
        models: the folder of the models that people added.

    Raises:
        UsageError: there is none, or several.
    """
    with db.connection() as conn:
        known = store.taggers(conn)
        found = [name] if name in known else [one for one in known if one.startswith(name)]
        if len(found) != 1:
            fault = f"Several taggers begin with {name}." if found else f"No tagger {name} has said anything yet."
            raise UsageError(fault, f"Known: {', '.join(found or known) or 'none; tag images first'}.")
        return _of(conn, found[0], known[found[0]], models)


def preview(
    db: Database,
    of: TaggerThresholds,
    wanted: Mapping[str, float],
    tell: Callable[[TagChange, int], None] = lambda change, done: None,
    stop: threading.Event | None = None,
) -> TagChange:
    """Return what ``apply`` would change, and change nothing.

    Args:
        tell: is given what was found so far, and in how many images, again and again.
        stop: ends it when it is set.

    Raises:
        UsageError: as ``apply``.
        EditStoppedError: ``stop`` was set.
    """
    changed = _checked(of.tagger, {one.category: one for one in of.thresholds}, wanted)
    total, done, after = TagChange(), 0, 0
    while not (stop is not None and stop.is_set()):
        with db.connection() as conn:
            ids = store.taggers(conn).get(of.tagger, [])
            rules = [
                TagThreshold(one.category, changed.get(one.category, one.threshold), one.floor, one.is_exclusive)
                for one in store.in_force(conn, of.tagger).values()
            ]
            images = derive.some_images(conn, ids, after)
            if not images:
                return total
            total += derive.count_change(conn, of.tagger, ids, images, rules)
        done, after = done + len(images), images[-1]
        tell(total, done)
    from dtk_tui.services.library.edits import EditStoppedError

    raise EditStoppedError


def apply(
    db: Database,
    of: TaggerThresholds,
    wanted: Mapping[str, float],
    progress: Progress = lambda done, total: None,
    stop: threading.Event | None = None,
) -> TagChange:
    """Set thresholds by category and make all tags of a tagger anew by them, some images at a time, without inference.

    What was interrupted goes on where it stood; without a category that is all it does. Tags of people stay.

    Args:
        progress: is told how many images are done.
        stop: ends it when it is set, after the images that it is at.

    Returns:
        What was changed since the thresholds were set.

    Raises:
        UsageError: the tagger has no such category, or a threshold is below the raw scores that are kept.
        DerivationStoppedError: ``stop`` was set.
    """
    changed = _checked(of.tagger, {one.category: one for one in of.thresholds}, wanted)

    def begin() -> tuple[list[int], int, int]:
        with db.connection() as conn:
            store.begin(conn, of.tagger, changed)
            ids = store.taggers(conn).get(of.tagger, [])
            there = store.unfinished(conn, of.tagger)
            return ids, store.count_scored(conn, ids), there.done if there is not None else 0

    ids, total, done = retry_on_conflict(begin)
    found = TagChange()
    progress(done, total)
    while not (stop is not None and stop.is_set()):
        step = retry_on_conflict(partial(_derive_some, db, of.tagger, ids))
        if step is None:
            return found
        if not step.done:
            return step.change
        found, done = found + step.change, done + step.done
        progress(min(done, total), total)
    raise DerivationStoppedError(of.tagger, done, total)


def _derive_some(db: Database, tagger: str, tagger_ids: list[int]) -> Derivation | None:
    with db.connection() as conn:
        return derive.derive_some(conn, tagger, tagger_ids)


def _of(conn: Connection, name: str, tagger_ids: list[int], models: Path | None) -> TaggerThresholds:
    """Return the thresholds of a tagger; of one that tagged before there were any in the library, its entry's."""
    if not (rules := store.in_force(conn, name)):
        from dtk_tui.inference.manifest import load_manifest

        spec = next((one for one in load_manifest(models).models if one.name == name), None)
        if spec is not None and spec.tags is not None:
            adopt(conn, name, spec.tags, spec.tags.known_categories, {})
            rules = store.in_force(conn, name)
    scored = store.count_scored(conn, tagger_ids)
    return TaggerThresholds(name, tuple(rules.values()), scored, store.unfinished(conn, name))


def _checked(tagger: str, rules: Mapping[str, TagThreshold], wanted: Mapping[str, float]) -> dict[str, float]:
    """Return the thresholds that have a meaning; raises UsageError for one that a tagger cannot have."""
    for category, threshold in wanted.items():
        if category not in rules:
            known = ", ".join(rules) or "none that is known; start a worker with it once"
            raise UsageError(f"The tagger {tagger} has no category {category}.", f"Its categories: {known}.")
        if not rules[category].floor <= threshold <= 1:
            raise UsageError(
                f"{threshold:g} is no threshold for {category} of {tagger}.",
                f"Raw scores are kept from {rules[category].floor:g} on: choose that, or more, up to 1.",
            )
    return {category: threshold for category, threshold in wanted.items() if not rules[category].is_exclusive}

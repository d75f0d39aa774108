"""The images of ranked prompts: the first ones, spread from the best prompts on, or those of few images in all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection
from dtk_tui.store.search import conditions
from dtk_tui.store.search.newest import (
    WINDOW_COST,
    by_keys,
    count_images,
    count_prompts,
    estimate,
    newest_of,
    packed,
    window_of,
)
from dtk_tui.store.search.words import Ordered, PromptSearch

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

#: The first prompts are spread so many at a time, then more and more; of more equals than that, the newest are found.
_FIRST_PROMPTS, _GROWTH, _MANY_EQUALS = 16, 4, 128
#: So many times as many prompts are spread as have enough images by what was found up to then.
_SPARE = 1.3
#: So many images that meet other conditions are found before it is asked which prompts they have.
_FEW_OTHERS = 20_000
#: What the planner's cost of finding an image of a prompt is about, of a few prompts and of many at once.
_IMAGE_COST, _ONE_OF_MANY_COST = 2.5, 0.8

_MET = """
SELECT string_agg(int8send(prompt.id), ''::bytea) FROM {source}
 WHERE prompt.id = ANY (%(ids)s::bigint[]) AND ({condition})
"""
_OF_PROMPTS = """
SELECT string_agg(int8send(image.id) || int8send(image.prompt_id), ''::bytea
                  ORDER BY image.created_at DESC, image.id DESC)
  FROM {source} WHERE image.prompt_id = ANY (%(prompts)s::bigint[]) AND ({condition})
"""
_OF_PROMPTS_THAT_MEET = _OF_PROMPTS.replace(
    "ANY (%(prompts)s::bigint[])",
    "ANY (ARRAY(SELECT prompt.id FROM prompt WHERE prompt.id = ANY (%(prompts)s::bigint[]) AND ({each})))",
)
_OF_MANY_PROMPTS = "image.prompt_id IN (SELECT unnest(%(prompts)s::bigint[])) AND ({condition})"
# In no order: most of them have other prompts.
_OTHERS = """
SELECT string_agg(int8send(image.id) || int8send(image.prompt_id) || timestamptz_send(image.created_at), ''::bytea)
  FROM {source} WHERE image.prompt_id IS NOT NULL AND ({condition})
"""
# Image by image, so that only the prompts of these are looked at.
_MEETING = """
SELECT string_agg(int8send(image.id), ''::bytea) FROM image
 WHERE image.id = ANY (%(ids)s::bigint[])
   AND EXISTS (SELECT FROM prompt WHERE prompt.id = image.prompt_id AND ({condition}) OFFSET 0)
"""


def first_of(conn: Connection, search: PromptSearch, prompts: Ordered, limit: int) -> Ordered:
    """Return the first ``limit`` images of prompts that meet a search, in order, with the groups of these.

    From the best prompt on, or among all images that meet what else is asked, whichever is expected to cost less.
    """
    if search.is_alone:
        return spread(conn, search, prompts, limit)
    expected, cost = estimate(conn, search.others)
    others, keys = by_keys(conn, search.others, expected)
    # What was estimated may read an index alone, which has no prompts.
    cost = max(cost, expected * _ONE_OF_MANY_COST)
    if _spread_cost(conn, search, prompts, limit, expected) <= (cost if keys is None else min(cost, keys)):
        return spread(conn, search, prompts, limit)
    return among(packed(conn, _OTHERS, others).reshape(-1, 3), prompts, limit)


def _spread_cost(conn: Connection, search: PromptSearch, prompts: Ordered, limit: int, expected: float) -> float:
    """Return about what it costs to spread prompts until there are enough images, in the planner's units.

    Args:
        expected: about how many images meet what else is asked.
    """
    images = count_images(conn)
    each = images / count_prompts(conn)
    wanted = int(limit / max(each * expected / images, 1e-9))
    if wanted >= len(prompts.groups):
        return len(prompts.groups) * each * _IMAGE_COST
    before, end = (int(number) for number in np.searchsorted(prompts.groups, prompts.groups[wanted] + np.array([0, 1])))
    equals = end - before
    if equals <= _MANY_EQUALS or search.others.asks_other_tables:
        return end * each * _IMAGE_COST
    window = window_of(limit, equals * each * expected / images, images)
    return before * each * _IMAGE_COST + min(equals * each * _ONE_OF_MANY_COST, window * WINDOW_COST)


def few_others(conn: Connection, search: PromptSearch) -> Ids | None:
    """Return the images that meet what else a search asks: id, prompt and time, int64 [n, 3]; None: of many."""
    expected, _ = estimate(conn, search.others)
    if expected > _FEW_OTHERS:
        return None
    return packed(conn, _OTHERS, by_keys(conn, search.others, expected)[0]).reshape(-1, 3)


def among(rows: Ids, prompts: Ordered, limit: int) -> Ordered:
    """Return the first ``limit`` of some images, as ``few_others`` has them, that have one of the prompts."""
    if not len(rows) or not len(prompts.ids):
        return Ordered(np.zeros(0, np.int64), np.zeros(0, np.int64))
    by_id = np.argsort(prompts.ids)
    ids = prompts.ids[by_id]
    place = np.searchsorted(ids, rows[:, 1]).clip(max=len(ids) - 1)
    is_of_prompts = ids[place] == rows[:, 1]
    rows, groups = rows[is_of_prompts], prompts.groups[by_id[place[is_of_prompts]]]
    order = np.lexsort((-rows[:, 0], -rows[:, 2], groups))[:limit]
    return Ordered(rows[order, 0], groups[order])


def spread(conn: Connection, search: PromptSearch, prompts: Ordered, limit: int, *, is_loose: bool = False) -> Ordered:
    """Return the first ``limit`` images of prompts in order, with the groups of these.

    With ``is_loose`` some prompts do not meet the condition of the search.
    """
    ids, groups = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    start, size, wanted = 0, _FIRST_PROMPTS, limit
    while start < len(prompts.ids) and wanted > 0:
        stop = _end(prompts.groups, start, size)
        batch = Ordered(prompts.ids[start:stop], prompts.groups[start:stop])
        if stop - start > _MANY_EQUALS and batch.groups[0] == batch.groups[-1]:
            found = _newest_of_equals(conn, search, batch, wanted, is_loose)
        else:
            found = _images(conn, search, batch, is_loose)
        ids.append(found.ids[:wanted])
        groups.append(found.groups[:wanted])
        start, size, wanted = stop, size * _GROWTH, wanted - len(found.ids)
        if wanted < limit:
            size = min(size, max(int(_SPARE * wanted * stop / (limit - wanted)), _FIRST_PROMPTS))
    return Ordered(np.concatenate(ids), np.concatenate(groups))


def _end(groups: Ids, start: int, size: int) -> int:
    """Return where a batch of whole groups ends, of about ``size``; a long group is a batch of its own."""
    last = groups[min(start + size, len(groups)) - 1]
    begin, end = (int(number) for number in np.searchsorted(groups, [last, last + 1]))
    return begin if start < begin and end - start > 2 * size else end


def _newest_of_equals(conn: Connection, search: PromptSearch, prompts: Ordered, limit: int, is_loose: bool) -> Ordered:
    """Return the newest images of many prompts of one group, at most ``limit``."""
    others, images = search.others, count_images(conn)
    count = len(prompts.ids) * images / count_prompts(conn)
    expected = count if search.is_alone else count * estimate(conn, others)[0] / images
    condition = _OF_MANY_PROMPTS.format(condition=others.condition)
    where = replace(others, condition=condition, values=others.values | {"prompts": Bigints(prompts.ids)})
    most = 2 * limit if is_loose else limit
    # Where other tables are asked about each image, an image of a window costs as much as one of the prompts.
    cost = 0 if others.asks_other_tables else count * _ONE_OF_MANY_COST
    found = newest_of(conn, where, most, expected, cost)
    if is_loose and len(found):
        each = conditions.Where(search.each, others.values)
        kept = found[np.isin(found, packed(conn, _MEETING, each, ids=Bigints(found)))]
        if len(kept) < limit and len(found) == most:
            met = _met_by(conn, search, prompts)
            return _newest_of_equals(conn, search, met, limit, is_loose=False) if len(met.ids) else met
        found = kept
    return Ordered(found, np.full(len(found), prompts.groups[0]))


def _met_by(conn: Connection, search: PromptSearch, prompts: Ordered) -> Ordered:
    """Return those of some prompts that meet the condition."""
    each = conditions.Where(search.each, search.others.values, "prompt")
    met = np.isin(prompts.ids, packed(conn, _MET, each, ids=Bigints(prompts.ids)))
    return Ordered(prompts.ids[met], prompts.groups[met])


def _images(conn: Connection, search: PromptSearch, prompts: Ordered, is_loose: bool) -> Ordered:
    """Return all images of some prompts by group, then the newest first."""
    template = _OF_PROMPTS_THAT_MEET.replace("{each}", search.each) if is_loose else _OF_PROMPTS
    rows = packed(conn, template, search.others, prompts=Bigints(prompts.ids)).reshape(-1, 2)
    by_id = np.argsort(prompts.ids)
    groups = prompts.groups[by_id[np.searchsorted(prompts.ids, rows[:, 1], sorter=by_id)]]
    order = np.argsort(groups, kind="stable")
    return Ordered(rows[order, 0], groups[order])

"""Facets of a result: how many of its images have each model, tag, folder, rating, month, dialect, or a caption.

Two statements, however many images and values there are; what is compared is what the query line compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.search.conditions import Where, midnight
from dtk_tui.store.text_codec import from_db

if TYPE_CHECKING:
    from dtk_tui.store.arrays import SomeIds

#: So many months, up to the newest, are told apart.
_MOST_MONTHS = 1200
#: From so many images on, tags are counted of the newest ones: each image has many, and finding them takes longest.
MOST_TAGGED = 100_000

_SPAN = "SELECT min(created_at), max(created_at) FROM image"
# Images that are alike in all of this are put together first, which several processes of the server do.
_FIELDS = """
WITH cell AS MATERIALIZED (
    SELECT model, dialect, rating, folder_id, month, captioned, count(*) AS number
      FROM (SELECT image.model, image.dialect, image.rating, image.folder_id,
                   width_bucket(image.created_at, %(months)s::timestamptz[]) AS month,
                   image.id IN (SELECT image_id FROM current_caption) AS captioned
              FROM {source} WHERE {condition}) AS found
     GROUP BY 1, 2, 3, 4, 5, 6
), named AS (
    SELECT 'model' AS facet, min(model) AS name, sum(number) AS number, NULL::bigint AS rank, NULL AS sort_key
      FROM cell WHERE model IS NOT NULL GROUP BY lower(dtk_nfc(model))
    UNION ALL
    SELECT 'dialect', min(dialect), sum(number), NULL, NULL FROM cell WHERE dialect IS NOT NULL
     GROUP BY lower(dtk_nfc(dialect))
    UNION ALL
    SELECT 'folder', min(folder.path), sum(number), NULL, min(folder.sort_key)
      FROM (SELECT folder_id, sum(number) AS number FROM cell GROUP BY folder_id) AS held
      JOIN folder ON folder.id = folder_id GROUP BY lower(dtk_nfc(folder.path))
    UNION ALL
    SELECT 'rating', coalesce(rating::text, 'none'), sum(number), coalesce(rating, -1), NULL FROM cell GROUP BY rating
    UNION ALL
    SELECT 'month', month::text, sum(number), month, NULL FROM cell WHERE month > 0 GROUP BY month
    UNION ALL
    SELECT 'caption', CASE WHEN captioned THEN 'yes' ELSE 'no' END, sum(number), captioned::int, NULL
      FROM cell GROUP BY captioned
)
SELECT facet, name, number::bigint, total
  FROM (SELECT *, count(*) OVER (PARTITION BY facet) AS total,
               row_number() OVER (PARTITION BY facet ORDER BY rank DESC, number DESC, sort_key, name) AS place
          FROM named) AS placed
 WHERE place <= %(most)s ORDER BY facet, place
"""
# Tags that the query line takes for one count each image once.
_TAGS = """
WITH alike AS MATERIALIZED (
    SELECT id, min(id) OVER (PARTITION BY replace(lower(dtk_nfc(name)), '_', ' ')) AS first_id FROM tag
), counted AS MATERIALIZED (
    SELECT tag_id, count(DISTINCT image_id) AS number FROM image_tag WHERE {tagged} GROUP BY tag_id
), named AS MATERIALIZED (
    SELECT first_id, array_agg(tag_id) AS ids, sum(number) AS number
      FROM counted JOIN alike ON alike.id = tag_id GROUP BY first_id
), first AS MATERIALIZED (SELECT * FROM named ORDER BY number DESC, first_id LIMIT %(most)s)
SELECT tag.name,
       CASE WHEN cardinality(ids) = 1 THEN first.number
            ELSE (SELECT count(DISTINCT image_id) FROM image_tag WHERE tag_id = ANY (ids) AND ({tagged})) END::bigint,
       (SELECT count(*) FROM named)
  FROM first JOIN tag ON tag.id = first_id ORDER BY 2 DESC, tag.name
"""
_TAGGED = "image_id IN (SELECT image.id FROM {source} WHERE {condition})"
_TAGGED_OF_NEWEST = """image_id IN (SELECT image.id FROM {source} WHERE {condition}
                     ORDER BY image.created_at DESC, image.id DESC LIMIT %(newest)s)"""


@dataclass(frozen=True, slots=True)
class Counted:
    """Values of a facet with their counts, in order, and how many values there are in all."""

    values: Sequence[tuple[str, int]]
    total: int


def of_images(ids: SomeIds) -> Where:
    """Return the condition that an image is one of some."""
    return Where("image.id = ANY (%(ids)s::bigint[])", {"ids": Bigints(ids)})


def fields(conn: Connection, where: Where, most: int) -> tuple[int, dict[str, Counted]]:
    """Return how many images meet a condition, and their facets but for tags, at most ``most`` values of each.

    A month is named by its first day, ``2025-11``, in the time zone of this host, as ``date:`` has it.
    """
    months = _months(conn)
    values: dict[str, Any] = {"months": [midnight(day) for day in months], "most": most}
    sql = _FIELDS.format(source=where.source, condition=where.condition)
    found: dict[str, list[tuple[str, int]]] = {}
    totals: dict[str, int] = {}
    for facet, name, number, total in conn.execute(sql, where.values | values, prepare=False):
        shown = f"{months[int(name) - 1]:%Y-%m}" if facet == "month" else from_db(name)
        found.setdefault(facet, []).append((shown, number))
        totals[facet] = total
    images = sum(number for _, number in found.get("caption", ()))
    return images, {facet: Counted(found[facet], totals[facet]) for facet in found}


def tags(conn: Connection, where: Where, most: int, newest: int | None) -> Counted:
    """Return the tags that most images have which meet a condition, at most ``most``.

    Args:
        newest: count only so many of the newest images; None: all.
    """
    if where.condition == "true" and newest is None:
        tagged = "true"  # the index of tags alone tells
    else:
        template = _TAGGED if newest is None else _TAGGED_OF_NEWEST
        tagged = template.format(source=where.source, condition=where.condition)
    values: dict[str, Any] = {"most": most, "newest": newest}
    rows = conn.execute(_TAGS.format(tagged=tagged), where.values | values, prepare=False).fetchall()
    return Counted([(from_db(name), number) for name, number, _ in rows], rows[0][2] if rows else 0)


def _months(conn: Connection) -> list[date]:
    """Return the first days of the months in which images were created, and of those between."""
    oldest, newest = row_of(conn, _SPAN)
    if newest is None:
        return [date(1970, 1, 1)]
    last = newest.astimezone()
    first = oldest.astimezone()
    end = last.year * 12 + last.month
    start = max(first.year * 12 + first.month - 1, end - _MOST_MONTHS)
    return [date(number // 12, number % 12 + 1, 1) for number in range(start, end)]

"""The models that are like a pattern: of a library's few models, not of its many images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from dtk_tui.store.database import Connection
from dtk_tui.store.search.texts import like_pattern
from dtk_tui.store.text_codec import to_nfc

#: Of a longer name the index has the beginning alone.
LONG = 200
#: With more models than that, each image is looked at.
_MOST = 1000
# From one to the next through their index. One more tells that there are too many.
_WALK: LiteralString = """
WITH RECURSIVE walk (name, step) AS (
    (SELECT lower(left(model, 255)), 1 FROM image WHERE model IS NOT NULL ORDER BY lower(left(model, 255)) LIMIT 1)
    UNION ALL
    SELECT (SELECT lower(left(model, 255)) FROM image WHERE model IS NOT NULL AND lower(left(model, 255)) > walk.name
             ORDER BY lower(left(model, 255)) LIMIT 1), step + 1
      FROM walk WHERE walk.name IS NOT NULL AND step <= %(most)s),
named AS MATERIALIZED (SELECT name, dtk_nfc(name) AS composed FROM walk WHERE name IS NOT NULL)
SELECT place, coalesce(array_agg(name) FILTER (WHERE composed ILIKE pattern OR length(name) >= %(long)s), '{}')
  FROM unnest(%(patterns)s::text[]) WITH ORDINALITY AS asked (pattern, place) LEFT JOIN named ON true
 GROUP BY place HAVING count(*) <= %(most)s
"""


def like(conn: Connection, globs: Sequence[str]) -> dict[str, list[str]]:
    """Return the models that are like each pattern: the beginning of each, in lower case, as it is indexed.

    Those of ``LONG`` characters and more are there in any case. A pattern is left out where there are too many models.
    """
    if not globs:
        return {}
    asked = sorted(set(globs))
    patterns = [to_nfc(like_pattern(glob, wild=True)) for glob in asked]
    found = conn.execute(_WALK, {"most": _MOST, "long": LONG, "patterns": patterns})
    return {asked[place - 1]: names for place, names in found}

"""What is left of tags that are made anew by other thresholds."""

from __future__ import annotations

from dtk_tui.domain.unfinished_tags import UnfinishedTags
from dtk_tui.store.database import Connection
from dtk_tui.store.text_codec import from_db

# New images come behind those that were there: they are gone through as well.
_ALL_UNFINISHED = """
SELECT derivation.tagger, count(*) FILTER (WHERE image_id > reached), count(*)
  FROM tag_derivation AS derivation
  JOIN tagger ON tagger.name = derivation.tagger
  JOIN tag_prediction ON tagger_id = tagger.id
 GROUP BY derivation.tagger ORDER BY derivation.tagger
"""


def all_unfinished(conn: Connection) -> list[UnfinishedTags]:
    """Return what of which taggers is left to be made anew."""
    return [UnfinishedTags(from_db(name), *numbers) for name, *numbers in conn.execute(_ALL_UNFINISHED)]

"""Sizes of the library."""

from __future__ import annotations

from dtk_tui.domain.stats import LibraryCounts
from dtk_tui.store.database import Connection, row_of

_LIBRARY = """
SELECT count(*), count(*) FILTER (WHERE is_embedding_representative), (SELECT count(*) FROM prompt) FROM image
"""
_VECTORS = """
SELECT name, CASE modality
           WHEN 'text' THEN (SELECT count(*) FROM prompt_vector WHERE space_id = space.id)
           ELSE (SELECT count(*) FROM image_vector WHERE space_id = space.id) END
  FROM embedding_space space ORDER BY name
"""


def library(conn: Connection) -> LibraryCounts:
    """Return how many images, representatives, prompts and vectors there are."""
    images, representatives, prompts = row_of(conn, _LIBRARY)
    return LibraryCounts(images, representatives, prompts, {str(v[0]): int(v[1]) for v in conn.execute(_VECTORS)})

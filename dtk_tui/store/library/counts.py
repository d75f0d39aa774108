"""Sizes of the library."""

from __future__ import annotations

from dtk_tui.domain.stats import LibraryCounts, LibraryMarks
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
# The transactions that last wrote the folders, or how far tags are made anew by which thresholds, add up to another
# number after any write; PostgreSQL keeps count of what happens to images, so that no table is read that may have a
# million rows.
_MARKS = """
SELECT count(*), coalesce(sum(xmin::text::bigint), 0)::bigint, pg_stat_get_tuples_inserted('image'::regclass),
       pg_stat_get_tuples_deleted('image'::regclass), pg_stat_get_tuples_updated('image'::regclass),
       (SELECT coalesce(sum(xmin::text::bigint), 0)::bigint FROM tag_threshold),
       (SELECT coalesce(sum(xmin::text::bigint), 0)::bigint FROM tag_derivation)
  FROM folder
"""


def marks(conn: Connection) -> LibraryMarks:
    """Return numbers that change with the library; those of images follow up to ten seconds late."""
    folders, written, added, deleted, changed, thresholds, derived = row_of(conn, _MARKS)
    return LibraryMarks((folders, written), added, deleted, changed, (thresholds, derived))


def library(conn: Connection) -> LibraryCounts:
    """Return how many images, representatives, prompts and vectors there are."""
    images, representatives, prompts = row_of(conn, _LIBRARY)
    return LibraryCounts(images, representatives, prompts, {str(v[0]): int(v[1]) for v in conn.execute(_VECTORS)})

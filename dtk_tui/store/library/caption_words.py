"""The words by which captions are found: those of many captions are computed after the edit that changed them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from dtk_tui.store.database import Connection, row_of

#: From so many captions on, which are written at once, their words wait.
_MANY = 500
#: So many images are taken at a time.
_SOME = 1000
_NOW: LiteralString = "(SELECT dtk_caption_words(version.text) FROM caption version WHERE version.id = {id})"
_WAIT = "INSERT INTO caption_waiting SELECT DISTINCT unnest(%s::bigint[]) ON CONFLICT DO NOTHING"
_COUNT = "SELECT count(*) FROM caption_waiting"
_TAKE = "SELECT image_id FROM caption_waiting ORDER BY image_id LIMIT %s FOR UPDATE SKIP LOCKED"
_LOCK = "SELECT FROM current_caption WHERE image_id = ANY (%s) ORDER BY image_id, source, type FOR UPDATE"
_COMPUTE = """
UPDATE current_caption SET search = dtk_caption_words(caption.text)
  FROM caption WHERE current_caption.image_id = ANY (%s) AND caption.id = current_caption.caption_id
"""
_DONE = "DELETE FROM caption_waiting WHERE image_id = ANY (%s)"
# PostgreSQL's own 4 MB are full after some thousand captions, and each time all words are looked up anew.
_LONG_LIST = "SET LOCAL gin_pending_list_limit = '256MB'"
# Left there, they would slow down searches, and be put in by whoever writes a caption next.
_PUT_IN = """
SELECT set_config('maintenance_work_mem', '256MB', true), gin_clean_pending_list(oid) FROM pg_class
 WHERE oid = 'current_caption_search'::regclass AND pg_has_role(relowner, 'USAGE')
"""


def words_of(count: int, caption_id: LiteralString) -> LiteralString:
    """Return SQL for the words of a caption, of ``count`` that are written at once; see ``let_wait``.

    Args:
        caption_id: SQL for its id.
    """
    if count >= _MANY:
        return "''::tsvector"
    return _NOW.replace("{id}", caption_id)


def let_wait(conn: Connection, count: int, image_ids: Sequence[int]) -> None:
    """Let the words of captions that were written at once, ``count`` of them, wait if they are many.

    Args:
        image_ids: those of the captions, whose rows are locked.
    """
    if count >= _MANY:
        conn.execute(_WAIT, (list(image_ids),))


def count_waiting(conn: Connection) -> int:
    """Return how many images have captions whose words wait."""
    return int(row_of(conn, _COUNT)[0])


def compute_some(conn: Connection) -> int:
    """Compute the words of some captions that wait; return of how many images, 0 at the end.

    Several may do so at once; belongs into a transaction of its own.
    """
    ids = [number for (number,) in conn.execute(_TAKE, (_SOME,))]
    if ids:
        conn.execute(_LONG_LIST)
        # In statements of their own, each of which sees what was committed while the one before waited.
        for statement in (_LOCK, _COMPUTE, _DONE):
            conn.execute(statement, (ids,))
    return len(ids)


def put_in(conn: Connection) -> None:
    """Put words that wait in front of their index into it, where this user may."""
    conn.execute(_PUT_IN)

"""What caption jobs were asked for, what their prompts may need to know, and the types of one that are left."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dtk_tui.store.database import Connection
from dtk_tui.store.text_codec import from_db, to_db

_ASKED = "SELECT id, caption_types, caption_when FROM job WHERE id = ANY (%s)"

# Whatever was asked for meanwhile, and whatever of it has no caption yet, is another turn of the same job.
_KEEP_REST = """
UPDATE job SET state = 'pending', worker_id = NULL, begun_at = NULL,
               caption_types = (SELECT array_agg(left_type ORDER BY place)
                                  FROM unnest(coalesce(caption_types, %(asked)s)) WITH ORDINALITY AS one (left_type,
                                                                                                          place)
                                 WHERE left_type <> ALL (%(done)s))
 WHERE id = %(id)s
   AND EXISTS (SELECT 1 FROM unnest(coalesce(caption_types, %(asked)s)) AS left_type WHERE left_type <> ALL (%(done)s))
"""

_TEXTS = """
SELECT image.id, image.file_name, left(prompt.text, %(limit)s), left(negative.text, %(limit)s)
  FROM image
  LEFT JOIN prompt ON prompt.id = image.prompt_id
  LEFT JOIN prompt negative ON negative.id = image.negative_prompt_id
 WHERE image.id = ANY (%(images)s)
"""
_TAGS = """
SELECT image_tag.image_id, tag.name, max(image_tag.confidence)
  FROM image_tag JOIN tag ON tag.id = image_tag.tag_id
 WHERE image_tag.image_id = ANY (%s)
 GROUP BY image_tag.image_id, tag.name ORDER BY 1, 3 DESC NULLS LAST, 2
"""


def asked(conn: Connection, ids: Sequence[int]) -> dict[int, tuple[tuple[str, ...] | None, str | None]]:
    """Return the types that jobs were asked for, and what happens where there is a caption; None: not said."""
    return {
        int(number): (None if types is None else tuple(from_db(name) for name in types), when)
        for number, types, when in conn.execute(_ASKED, (list(ids),))
    }


def keep_rest(conn: Connection, job_id: int, types: Sequence[str], done: Collection[str]) -> bool:
    """Let a job wait again for the types that are left of it; False when none is, and the job has not changed.

    Belongs into the transaction that stores what was done, which holds the job.

    Args:
        types: what it was asked for when it was claimed.
        done: those that need not be asked for again.
    """
    values = {"id": job_id, "asked": [to_db(name) for name in types], "done": [to_db(name) for name in done]}
    return conn.execute(_KEEP_REST, values).rowcount == 1


def texts(conn: Connection, image_ids: Sequence[int], limit: int) -> dict[int, tuple[str, str, str]]:
    """Return file name, prompt and negative prompt of images, as their first ``limit`` characters; empty where none."""
    rows = conn.execute(_TEXTS, {"images": list(image_ids), "limit": limit})
    return {row[0]: (from_db(row[1]), from_db(row[2] or ""), from_db(row[3] or "")) for row in rows}


def tags(conn: Connection, image_ids: Sequence[int]) -> dict[int, list[tuple[str, float]]]:
    """Return the tags of images with the confidence of the most certain tagger, the most certain tag first."""
    found: dict[int, list[tuple[str, float]]] = {}
    for image_id, name, confidence in conn.execute(_TAGS, (list(image_ids),)):
        found.setdefault(image_id, []).append((from_db(name), 1.0 if confidence is None else float(confidence)))
    return found

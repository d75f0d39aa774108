"""Edits of the same images, one after the other: what an undo in the middle means for those that came later."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from dtk_tui.domain.journal import CAPTION, Edit
from dtk_tui.store.database import Connection
from dtk_tui.store.library.images import ids_from

if TYPE_CHECKING:
    from dtk_tui.store.library.images import Ids

_EXISTS = "SELECT EXISTS (SELECT 1 FROM edit_journal WHERE kind = %s AND id > %s)"
#: Of captions, an image has one of each source and type; of all else it has one.
_SLOTS: dict[bool, LiteralString] = {
    True: "(SELECT row(source, type)::text FROM caption WHERE id = coalesce(before, after))",
    False: "NULL::text",
}
_REBASE: LiteralString = """
WITH mine AS MATERIALIZED (
    SELECT part.subject, change.*
      FROM edit_journal_part part,
           LATERAL (SELECT image_id, {slot} AS slot, {was} AS was, {becomes} AS becomes
                      FROM unnest(part.image_ids, part.before, part.after) AS one (image_id, before, after)) AS change
     WHERE part.journal_id = %(number)s),
theirs AS MATERIALIZED (
    SELECT edit.id AS journal_id, edit.undone_at IS NULL AS is_done, part.part, part.subject, change.*
      FROM edit_journal edit JOIN edit_journal_part part ON part.journal_id = edit.id,
           LATERAL (SELECT image_id, place, before, {slot} AS slot
                      FROM unnest(part.image_ids, part.before, part.after) WITH ORDINALITY
                           AS one (image_id, before, after, place)) AS change
     WHERE edit.kind = %(kind)s AND edit.id > %(number)s),
met AS MATERIALIZED (
    SELECT theirs.*, mine.was, mine.becomes,
           min(journal_id) FILTER (WHERE is_done)
               OVER (PARTITION BY theirs.subject, image_id, theirs.slot) AS first_done
      FROM theirs JOIN mine USING (image_id)
     WHERE theirs.subject IS NOT DISTINCT FROM mine.subject AND theirs.slot IS NOT DISTINCT FROM mine.slot),
altered AS MATERIALIZED (
    SELECT journal_id, part, place, becomes FROM met
     WHERE before IS NOT DISTINCT FROM was AND journal_id <= coalesce(first_done, journal_id)),
written AS (
    UPDATE edit_journal_part SET before = new.before
      FROM (SELECT journal_id, part, array_agg(CASE WHEN altered.place IS NULL THEN before ELSE becomes END
                                               ORDER BY place) AS before
              FROM theirs LEFT JOIN altered USING (journal_id, part, place)
             WHERE (journal_id, part) IN (SELECT journal_id, part FROM altered)
             GROUP BY journal_id, part) AS new
     WHERE edit_journal_part.journal_id = new.journal_id AND edit_journal_part.part = new.part)
SELECT subject, string_agg(int8send(image_id), ''::bytea ORDER BY image_id)
  FROM (SELECT DISTINCT subject, image_id FROM met WHERE first_done IS NOT NULL) AS covered GROUP BY subject
"""


def rebase(conn: Connection, edit: Edit, *, redo: bool) -> dict[int | None, Ids]:
    """Let later edits begin from what stands there without an edit, or with ``redo`` with it again.

    So edits of one image end the same in whatever order they are undone: the older one first leaves what the newer one
    made, and the newer one then gives back what stood there before both.

    Returns:
        By subject, in ascending order, the images that were changed by a later edit that is not undone: what that made
        is left alone.
    """
    if not conn.execute(_EXISTS, (edit.kind, edit.id)).fetchall()[0][0]:
        return {}
    sql = _REBASE.replace("{slot}", _SLOTS[edit.kind == CAPTION])
    was, becomes = ("before", "after") if redo else ("after", "before")
    sql = sql.replace("{was}", was).replace("{becomes}", becomes)
    rows = conn.execute(sql, {"number": edit.id, "kind": edit.kind})
    return {subject: ids_from(images) for subject, images in rows}

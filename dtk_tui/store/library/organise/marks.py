"""Ratings and flags of images: set for many at once, and given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from dtk_tui.domain.journal import Changes
from dtk_tui.domain.organise import Mark, MarkEdit
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.journal import Entry

if TYPE_CHECKING:
    from dtk_tui.store.arrays import SomeIds

#: What the journal keeps of an image, and how that is written back. The second bit of ``nsfw``: a person set it.
_CURRENT: dict[Mark, LiteralString] = {
    Mark.RATING: "image.rating::bigint",
    Mark.FAVORITE: "image.favorite::integer::bigint",
    Mark.NSFW: "(image.nsfw::integer + 2 * image.nsfw_by_hand::integer)::bigint",
    Mark.FOR_DELETION: "image.for_deletion::integer::bigint",
}
_SET: dict[Mark, LiteralString] = {
    Mark.RATING: "rating = {value}::smallint",
    Mark.FAVORITE: "favorite = {value} = 1",
    Mark.NSFW: "nsfw = {value} & 1 = 1, nsfw_by_hand = {value} & 2 = 2",
    Mark.FOR_DELETION: "for_deletion = {value} = 1",
}
_HAS: dict[Mark, LiteralString] = {
    Mark.RATING: "image.rating IS NOT NULL",
    Mark.FAVORITE: "image.favorite",
    Mark.NSFW: "image.nsfw",
    Mark.FOR_DELETION: "image.for_deletion",
}
_ONE_LACKS: LiteralString = "SELECT EXISTS (SELECT 1 FROM image WHERE image.id = ANY (%s::bigint[]) AND NOT ({has}))"
_COUNT: LiteralString = """
SELECT count(*) FROM image
 WHERE image.id = ANY (%(ids)s::bigint[]) AND {current} IS DISTINCT FROM %(value)s::bigint
"""
# Locked in one order by all who write many images. PostgreSQL 18 would parse the expression of metadata_hash for each
# row if nothing were set that it is made of.
_CHANGE: LiteralString = """
WITH former AS MATERIALIZED (
    SELECT image.id, {current} AS value FROM image
     WHERE image.id = ANY (%(ids)s::bigint[]) AND {current} IS DISTINCT FROM %(value)s::bigint
     ORDER BY image.id FOR NO KEY UPDATE),
changed AS (
    UPDATE image SET steps = image.steps, {set} FROM former WHERE image.id = former.id
    RETURNING image.id, former.value),
part AS (
    INSERT INTO edit_journal_part (journal_id, part, image_ids, before, after)
    SELECT %(journal)s, %(part)s, array_agg(id ORDER BY id), array_agg(value ORDER BY id),
           array_fill(%(value)s::bigint, ARRAY[count(*)::integer])
      FROM changed HAVING count(*) > 0)
SELECT count(*) FROM changed
"""
_RESTORE: LiteralString = """
WITH change AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS change (image_id, before, after)),
same AS MATERIALIZED (
    SELECT image.id, change.before FROM change JOIN image ON image.id = change.image_id
     WHERE {current} IS NOT DISTINCT FROM change.after ORDER BY image.id FOR NO KEY UPDATE OF image)
UPDATE image SET steps = image.steps, {set} FROM same WHERE image.id = same.id RETURNING image.id
"""


def stored(edit: MarkEdit) -> int | None:
    """Return the value of an edit as the journal has it: what a person sets of ``nsfw`` is a person's."""
    return edit.value | 2 if edit.mark is Mark.NSFW and edit.value is not None else edit.value


def all_have(conn: Connection, mark: Mark, image_ids: SomeIds) -> bool:
    """Say whether all of some images have a flag, or a rating."""
    return not row_of(conn, _ONE_LACKS.replace("{has}", _HAS[mark]), (Bigints(image_ids),))[0]


def count(conn: Connection, edit: MarkEdit, image_ids: SomeIds) -> int:
    """Return how many of some images an edit would change."""
    sql = _COUNT.replace("{current}", _CURRENT[edit.mark])
    return int(row_of(conn, sql, {"ids": Bigints(image_ids), "value": stored(edit)})[0])


def change(conn: Connection, entry: Entry, edit: MarkEdit, image_ids: SomeIds) -> None:
    """Edit some images, and write what they had into the journal; those that have the value already stay so."""
    number, part = entry.next_part()
    sql = _CHANGE.replace("{current}", _CURRENT[edit.mark]).replace("{set}", _SET[edit.mark])
    values = {"ids": Bigints(image_ids), "value": stored(edit), "journal": number, "part": part}
    entry.wrote(row_of(conn, sql.replace("{value}", "%(value)s::bigint"), values)[0])


def restore(conn: Connection, mark: Mark, changes: Changes) -> list[int]:
    """Give images back what they had before some changes, where they have still what these made.

    Returns:
        The images that were left alone, because they have something else now or are gone.
    """
    sql = _RESTORE.replace("{current}", _CURRENT[mark]).replace("{set}", _SET[mark]).replace("{value}", "same.before")
    done = {number for (number,) in conn.execute(sql, (changes.image_ids, changes.before, changes.after))}
    return [number for number in changes.image_ids if number not in done]

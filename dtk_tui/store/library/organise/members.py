"""Which images have a name that people give, a tag or an album: given and taken for many at once, and given back.

The journal keeps of a membership a number, which says of its kind what else there is to it, and when it came to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from dtk_tui.domain.journal import Changes
from dtk_tui.domain.organise import Collection
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.library.journal import Entry
from dtk_tui.store.text_codec import from_db

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dtk_tui.store.arrays import SomeIds

    Ids = npt.NDArray[np.int64]

_HAS: LiteralString = """
EXISTS (SELECT 1 FROM {table} own WHERE own.image_id = image.id AND own.{key} = %(subject)s AND {own})
"""
_PART: LiteralString = """
INSERT INTO edit_journal_part (journal_id, part, subject, image_ids, before, after, stamps)
SELECT %(journal)s, %(part)s, %(subject)s, array_agg(image_id ORDER BY image_id),
       array_agg(before ORDER BY image_id), array_agg(after ORDER BY image_id), array_agg(stamp ORDER BY image_id)
"""
_ADD: LiteralString = """
WITH added AS (
    INSERT INTO {table} ({key}, image_id, {column})
    SELECT %(subject)s, image.id, {new} FROM image
     WHERE image.id = ANY (%(ids)s::bigint[]) AND NOT {has}
     ORDER BY image.id
        ON CONFLICT DO NOTHING
    RETURNING image_id, NULL::bigint AS before, {number} AS after,
              (extract(epoch FROM {moment}) * 1000000)::bigint AS stamp),
part AS ({part} FROM added HAVING count(*) > 0)
SELECT count(*) FROM added
"""
_REMOVE: LiteralString = """
WITH removed AS (
    DELETE FROM {table} WHERE {key} = %(subject)s AND image_id = ANY (%(ids)s::bigint[]) AND {own}
    RETURNING image_id, {number} AS before, NULL::bigint AS after,
              (extract(epoch FROM {moment}) * 1000000)::bigint AS stamp),
part AS ({part} FROM removed HAVING count(*) > 0)
SELECT count(*) FROM removed
"""
_INSTANT: LiteralString = "timestamptz 'epoch' + change.stamp * interval '1 microsecond'"
_RESTORE: LiteralString = """
WITH change AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(before)s::bigint[], %(after)s::bigint[], %(stamps)s::bigint[])
                  AS change (image_id, before, after, stamp)),
taken AS (
    DELETE FROM {table} USING change
     WHERE change.before IS NULL AND change.after IS NOT NULL AND {table}.image_id = change.image_id
       AND {key} = %(subject)s AND {own} AND {number} = change.after AND {moment} = {instant}
    RETURNING change.image_id),
given AS (
    INSERT INTO {table} ({key}, image_id, {column}, {moment})
    SELECT %(subject)s, image.id, {value}, {instant}
      FROM change JOIN image ON image.id = change.image_id
     WHERE change.before IS NOT NULL AND change.after IS NULL AND NOT {has}
       AND EXISTS (SELECT 1 FROM {names} WHERE id = %(subject)s)
     ORDER BY image.id
        ON CONFLICT DO NOTHING
    RETURNING image_id)
SELECT image_id FROM taken UNION ALL SELECT image_id FROM given
 UNION ALL SELECT image_id FROM change WHERE (before IS NULL) = (after IS NULL)
"""
_COUNT: LiteralString = """
SELECT count(*) FROM image WHERE image.id = ANY (%(ids)s::bigint[]) AND {has} = %(has)s
"""
_IMAGES: LiteralString = "SELECT string_agg(int8send(image_id), ''::bytea) FROM {table} WHERE {key} = %s AND {own}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The images that have the names of one kind, as pieces of SQL.

    Attributes:
        names: the table of the names.
        table, key: the table of memberships, and its column that refers to a name.
        own: which of its rows are people's.
        moment: its column that says when a membership came to be.
        column, new: what else a membership has, and what that is for an ``image`` that gets a name.
        number: the number that the journal keeps of ``column``.
        value: ``column`` as ``change.before`` tells it, such a number.
        all_names, names_of_images: select (id, name, images, query) of all names, and of those that some images have,
            up to a limit.
    """

    names: LiteralString
    table: LiteralString
    key: LiteralString
    own: LiteralString
    moment: LiteralString
    column: LiteralString
    new: LiteralString
    number: LiteralString
    value: LiteralString
    all_names: LiteralString
    names_of_images: LiteralString

    def _made(self, sql: LiteralString) -> LiteralString:
        sql = sql.replace("{has}", _HAS).replace("{part}", _PART).replace("{instant}", _INSTANT)
        sql = sql.replace("{new}", self.new).replace("{number}", self.number).replace("{value}", self.value)
        sql = sql.replace("{names}", self.names).replace("{table}", self.table).replace("{key}", self.key)
        return sql.replace("{own}", self.own).replace("{moment}", self.moment).replace("{column}", self.column)

    def listed(self, conn: Connection) -> list[Collection]:
        """Return all names, with how many images have them."""
        return [_collection(*row) for row in conn.execute(self._made(self.all_names))]

    def of_images(self, conn: Connection, image_ids: SomeIds, limit: int) -> list[Collection]:
        """Return the names that some images have."""
        return [
            _collection(*row) for row in conn.execute(self._made(self.names_of_images), (Bigints(image_ids), limit))
        ]

    def images(self, conn: Connection, subject: int) -> Ids:
        """Return the images that have a name; int64, shape [n], in any order."""
        return ids_from(row_of(conn, self._made(_IMAGES), (subject,))[0])

    def count(self, conn: Connection, subject: int, image_ids: SomeIds, *, has: bool) -> int:
        """Return how many of some images have a name, or have it not."""
        return int(row_of(conn, self._made(_COUNT), {"ids": Bigints(image_ids), "subject": subject, "has": has})[0])

    def add(self, conn: Connection, entry: Entry, subject: int, image_ids: SomeIds) -> None:
        """Give images a name, and write that into the journal; those that have it stay as they are."""
        _write(conn, entry, self._made(_ADD), subject, image_ids)

    def remove(self, conn: Connection, entry: Entry, subject: int, image_ids: SomeIds) -> None:
        """Take a name from images, and write that into the journal."""
        _write(conn, entry, self._made(_REMOVE), subject, image_ids)

    def restore(self, conn: Connection, changes: Changes) -> list[int]:
        """Give and take a name so that it is as it was before some changes, where it is as these made it.

        Returns:
            The images that were left alone, because that was changed again or they are gone.
        """
        values = {
            "ids": changes.image_ids, "before": changes.before, "after": changes.after, "stamps": changes.stamps,
            "subject": changes.subject,
        }  # fmt: skip
        done = {number for (number,) in conn.execute(self._made(_RESTORE), values)}
        return [number for number in changes.image_ids if number not in done]


def _collection(number: int, name: str, images: int, query: str | None) -> Collection:
    return Collection(number, from_db(name), images, None if query is None else from_db(query))


def _write(conn: Connection, entry: Entry, sql: LiteralString, subject: int, image_ids: SomeIds) -> None:
    number, part = entry.next_part()
    values = {"ids": Bigints(image_ids), "subject": subject, "journal": number, "part": part}
    entry.wrote(row_of(conn, sql, values)[0])

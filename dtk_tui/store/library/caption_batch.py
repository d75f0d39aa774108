"""Edits of many captions in one transaction: reading them, and writing the new versions at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import LiteralString

from dtk_tui.domain.caption_edit import confidence_in
from dtk_tui.domain.journal import CAPTION
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.captions import lock_rows
from dtk_tui.store.text_codec import from_db, to_db

_CHUNK = 1000
#: Facts by the names of the placeholders of a template, and how they are read.
_FACTS: dict[str, LiteralString] = {
    "prompt": "(SELECT prompt.text FROM prompt WHERE prompt.id = image.prompt_id)",
    "negative_prompt": "(SELECT prompt.text FROM prompt WHERE prompt.id = image.negative_prompt_id)",
    "file_name": "image.file_name",
    "folder": "(SELECT folder.path FROM folder WHERE folder.id = image.folder_id)",
    "tags": """(SELECT string_agg(name, ', ' ORDER BY confidence DESC NULLS FIRST, name)
                  FROM (SELECT tag.name, max(image_tag.confidence) AS confidence
                          FROM image_tag JOIN tag ON tag.id = image_tag.tag_id
                         WHERE image_tag.image_id = image.id AND coalesce(image_tag.confidence, 1) >= %s::real
                         GROUP BY tag.name) AS named)""",
}
_READ: LiteralString = """
SELECT caption.id, caption.image_id, caption.source, caption.type, caption.text, {facts}
  FROM current_caption
  JOIN caption ON caption.id = current_caption.caption_id
  JOIN image ON image.id = current_caption.image_id
 WHERE current_caption.image_id = ANY (%s::bigint[]) AND (%s::text IS NULL OR current_caption.type = %s)
 ORDER BY current_caption.image_id, current_caption.source, current_caption.type
"""
_STAGING = """
CREATE TEMP TABLE caption_edit (caption_id bigint, image_id bigint, source text, type text, text text) ON COMMIT DROP
"""
_COPY = "COPY caption_edit FROM STDIN"
_ADD_EDIT = "INSERT INTO edit_journal (kind, title, changed) SELECT %s, %s, count(*) FROM caption_edit RETURNING id"
# In one statement, as each step needs the ids that the one before gave. The journal is in the order of the images, in
# which an undo locks them. Images that went away meanwhile are left out.
_WRITE: LiteralString = """
WITH made AS (
    INSERT INTO caption (image_id, parent_id, is_user_edited, source, type, text)
    SELECT edit.image_id, edit.caption_id, %(by_person)s, edit.source, edit.type, edit.text
      FROM caption_edit edit JOIN image ON image.id = edit.image_id
     ORDER BY edit.image_id, edit.source, edit.type
    RETURNING id, image_id, parent_id, source, type, text),
moved AS (
    INSERT INTO current_caption (image_id, source, type, caption_id, search)
    SELECT image_id, source, type, id, dtk_caption_words(text) FROM made
        ON CONFLICT (image_id, source, type) DO UPDATE SET caption_id = excluded.caption_id, search = excluded.search)
INSERT INTO edit_journal_part (journal_id, part, image_ids, before, after)
SELECT %(journal)s, place / 1000, array_agg(image_id ORDER BY place), array_agg(parent_id ORDER BY place),
       array_agg(id ORDER BY place)
  FROM (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM made) AS placed
 GROUP BY 2
"""
_REMOVE: LiteralString = """
WITH removed AS (
    DELETE FROM current_caption USING caption_edit edit
     WHERE current_caption.image_id = edit.image_id AND current_caption.source = edit.source
       AND current_caption.type = edit.type
    RETURNING current_caption.image_id, current_caption.caption_id)
INSERT INTO edit_journal_part (journal_id, part, image_ids, before, after)
SELECT %(journal)s, place / 1000, array_agg(image_id ORDER BY place), array_agg(caption_id ORDER BY place),
       array_agg(NULL::bigint ORDER BY place)
  FROM (SELECT *, row_number() OVER (ORDER BY image_id, caption_id) - 1 AS place FROM removed) AS placed
 GROUP BY 2
"""


@dataclass(frozen=True, slots=True)
class CurrentText:
    """A current caption with what a template may say of its image."""

    caption_id: int
    image_id: int
    source: str
    type: str
    text: str
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StagedText:
    """A text that is to be current in place of a version; None: there is none of its source and type."""

    replaced_id: int | None
    image_id: int
    source: str
    type: str
    text: str


def read(
    conn: Connection, image_ids: Sequence[int], kind: str | None, facts: Collection[str], lock: bool
) -> Iterator[list[CurrentText]]:
    """Yield the current captions of images, some at a time, by their images' ids.

    Args:
        kind: only captions of this type; None: of all.
        facts: placeholders of a template that are read too, see ``domain.caption_edit``.
        lock: let nobody else change them until the transaction ends.
    """
    if lock:
        lock_rows(conn, image_ids)
    names = sorted(facts)
    sql = _READ.replace("{facts}", ", ".join(_FACTS[name.partition(":")[0]] for name in names) or "NULL")
    sure = [value for name in names if (value := confidence_in(name)) is not None]
    wanted = None if kind is None else to_db(kind)
    with conn.cursor(name="captions") as cursor:
        cursor.execute(sql, (*sure, image_ids, wanted, wanted))
        while rows := cursor.fetchmany(_CHUNK):
            yield [
                CurrentText(
                    caption_id=row[0],
                    image_id=row[1],
                    source=from_db(row[2]),
                    type=from_db(row[3]),
                    text=from_db(row[4]),
                    facts={
                        name: "" if value is None else from_db(value)
                        for name, value in zip(names, row[5:], strict=False)
                    },
                )
                for row in rows
            ]


def begin(conn: Connection) -> None:
    """Make the table that takes the edited texts up to the end of the transaction."""
    conn.execute(_STAGING)


def stage(conn: Connection, texts: Sequence[StagedText]) -> None:
    """Take texts that are to be current; the captions that they replace are locked."""
    with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
        for new in texts:
            copy.write_row((new.replaced_id, new.image_id, to_db(new.source), to_db(new.type), to_db(new.text)))


def write(conn: Connection, title: str, *, by_person: bool = True) -> int:
    """Make the staged texts current as new versions; return the number of the edit in the journal.

    Args:
        by_person: whether they are a person's words, which no model replaces.
    """
    return _done(conn, title, _WRITE, by_person)


def remove(conn: Connection, title: str) -> int:
    """Take the staged captions away; return the number of the edit in the journal."""
    return _done(conn, title, _REMOVE, True)


def _done(conn: Connection, title: str, sql: LiteralString, by_person: bool) -> int:
    conn.execute("ANALYZE caption_edit")
    number = int(row_of(conn, _ADD_EDIT, (CAPTION, to_db(title)))[0])
    conn.execute(sql, {"journal": number, "by_person": by_person})
    return number

"""Edits of many captions in one transaction: which there are, reading them, and writing new versions some at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, LiteralString

from dtk_tui.domain.caption_edit import confidence_in
from dtk_tui.domain.journal import CAPTION, Changes
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of, skip_checks
from dtk_tui.store.library import caption_words, journal
from dtk_tui.store.library.captions import lock_images
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.text_codec import from_db, to_db

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dtk_tui.store.arrays import SomeIds

    Ids = npt.NDArray[np.int64]

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
# One value a column instead of a row a caption: of a million captions that is 24 MB.
_LIST: LiteralString = """
SELECT string_agg(int8send(image_id), ''::bytea), string_agg(int8send(caption_id), ''::bytea),
       string_agg(int8send(size), ''::bytea)
  FROM (SELECT image_id, caption_id,
               coalesce((SELECT octet_length(text) FROM caption WHERE id = caption_id), 0)::bigint AS size
          FROM current_caption
         WHERE image_id = ANY (%s::bigint[]) AND (%s::text IS NULL OR type = %s)
         ORDER BY image_id, source, type {lock}) AS listed
"""
_READ: LiteralString = """
SELECT caption.id, caption.image_id, caption.source, caption.type, caption.text, {facts}
  FROM caption {images} WHERE caption.id = ANY (%s::bigint[])
"""
_NEW_IDS = "SELECT array_agg(nextval('caption_id_seq')) FROM generate_series(1, %s)"
_COPY = "COPY caption (id, image_id, parent_id, is_user_edited, source, type, text) FROM STDIN"
_MOVE: LiteralString = """
UPDATE current_caption SET caption_id = new.id, search = {words}
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS new (image_id, replaced_id, id)
 WHERE current_caption.image_id = new.image_id AND current_caption.caption_id = new.replaced_id
"""
_ADD: LiteralString = """
INSERT INTO current_caption (image_id, source, type, caption_id, search)
SELECT caption.image_id, caption.source, caption.type, caption.id, {words}
  FROM caption
 WHERE caption.id = ANY (%s::bigint[])
    ON CONFLICT (image_id, source, type) DO UPDATE SET caption_id = excluded.caption_id, search = excluded.search
"""
_REMOVE = """
DELETE FROM current_caption USING unnest(%s::bigint[], %s::bigint[]) AS old (image_id, caption_id)
 WHERE current_caption.image_id = old.image_id AND current_caption.caption_id = old.caption_id
"""


@dataclass(frozen=True, slots=True)
class CurrentTexts:
    """The current captions of images, by the ids of the images; each array has the shape [n].

    ``sizes`` are those of the texts in bytes.
    """

    image_ids: Ids
    caption_ids: Ids
    sizes: Ids


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
class NewText:
    """A text that is to be current in place of a version; None: there is none of its source and type."""

    replaced_id: int | None
    image_id: int
    source: str
    type: str
    text: str


def listed(conn: Connection, image_ids: SomeIds, kind: str | None, *, lock: bool) -> CurrentTexts:
    """Return the current captions of images.

    Args:
        kind: only captions of this type; None: of all.
        lock: let nobody else change them, or delete their images, until the transaction ends.
    """
    if lock:
        lock_images(conn, image_ids)
    wanted = None if kind is None else to_db(kind)
    sql = _LIST.replace("{lock}", "FOR UPDATE OF current_caption" if lock else "")
    columns = row_of(conn, sql, (Bigints(image_ids), wanted, wanted), binary=True)
    return CurrentTexts(*(ids_from(column) for column in columns))


def read(conn: Connection, caption_ids: Sequence[int], facts: Collection[str]) -> list[CurrentText]:
    """Return captions in the order of their ids as given; those that are gone are left out.

    Args:
        facts: placeholders of a template that are read too, see ``domain.caption_edit``.
    """
    names = sorted(facts)
    sql = _READ.replace("{facts}", ", ".join(_FACTS[name.partition(":")[0]] for name in names) or "NULL")
    sql = sql.replace("{images}", "JOIN image ON image.id = caption.image_id" if names else "")
    sure = [value for name in names if (value := confidence_in(name)) is not None]
    found = {
        row[0]: CurrentText(
            caption_id=row[0],
            image_id=row[1],
            source=from_db(row[2]),
            type=from_db(row[3]),
            text=from_db(row[4]),
            facts={name: "" if value is None else from_db(value) for name, value in zip(names, row[5:], strict=False)},
        )
        for row in conn.execute(sql, (*sure, list(caption_ids)))
    }
    return [found[number] for number in caption_ids if number in found]


class CaptionBatch:
    """One edit of many captions: writes it some captions at a time, in one transaction, and into the journal.

    Args:
        title: what the edit does, in words.
        by_person: whether the new texts are a person's words, which no model replaces.
    """

    def __init__(self, conn: Connection, title: str, *, by_person: bool = True) -> None:
        self._conn = conn
        self._entry = journal.Entry(conn, CAPTION, title)
        self._by_person = by_person

    def write(self, texts: Sequence[NewText]) -> None:
        """Make texts current as new versions; their images and the captions that they replace are locked."""
        if not texts:
            return
        conn = self._conn
        ids: list[int] = row_of(conn, _NEW_IDS, (len(texts),))[0]
        skip_checks(conn, True)
        with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
            for number, new in zip(ids, texts, strict=True):
                copy.write_row(
                    (
                        number,
                        new.image_id,
                        new.replaced_id,
                        self._by_person,
                        to_db(new.source),
                        to_db(new.type),
                        to_db(new.text),
                    )
                )
        skip_checks(conn, False)
        moved = [(new.image_id, new.replaced_id, number) for number, new in zip(ids, texts, strict=True)]
        images, replaced, after = map(list, zip(*moved, strict=True))
        words = caption_words.words_of(len(texts), "new.id")
        conn.execute(_MOVE.replace("{words}", words), (images, replaced, after))
        caption_words.let_wait(conn, len(texts), images)
        added = [number for _, old, number in moved if old is None]
        if added:
            conn.execute(_ADD.replace("{words}", caption_words.words_of(len(texts), "caption.id")), (added,))
        self._entry.add(Changes(images, replaced, after))

    def remove(self, image_ids: Sequence[int], caption_ids: Sequence[int]) -> None:
        """Take captions away; they are locked, and their versions stay."""
        self._conn.execute(_REMOVE, (list(image_ids), list(caption_ids)))
        self._entry.add(Changes(image_ids, caption_ids, [None] * len(caption_ids)))

    def finish(self) -> int | None:
        """Return the number of the edit in the journal; None when nothing was written."""
        return self._entry.finish()

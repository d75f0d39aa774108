"""Captions of images: versions, which are never changed, and which of them is current."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, LiteralString

from dtk_tui.domain.captions import Caption, in_order
from dtk_tui.domain.journal import Changes
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library import caption_words
from dtk_tui.store.text_codec import from_db, to_db

if TYPE_CHECKING:
    from dtk_tui.store.arrays import SomeIds

_COLUMNS = """caption.id, caption.image_id, caption.text, caption.source, caption.type, caption.is_user_edited,
       caption.created_at, caption.model, caption.prompt_used, caption.parameters, caption.parent_id"""
_CURRENT = f"""
SELECT {_COLUMNS}, true FROM current_caption JOIN caption ON caption.id = current_caption.caption_id
 WHERE current_caption.image_id = ANY (%s)
"""  # noqa: S608 (constants)
# Before their captions, as whoever deletes an image comes to its captions by the image, too.
_LOCK_IMAGES = """
SELECT count(*) FROM (SELECT FROM image WHERE id = ANY (%s::bigint[]) ORDER BY id FOR KEY SHARE) AS locked
"""
# In one order for all writers, so that they wait for each other instead of blocking each other.
_LOCK = """
SELECT FROM current_caption WHERE image_id = ANY (%s) ORDER BY image_id, source, type FOR UPDATE
"""
_VERSIONS = f"""
SELECT {_COLUMNS}, EXISTS (SELECT 1 FROM current_caption WHERE current_caption.image_id = caption.image_id
                              AND current_caption.caption_id = caption.id)
  FROM caption WHERE image_id = %s ORDER BY caption.id DESC
"""  # noqa: S608 (constants)
# What one program wrote may be of any size; whoever looks at many versions at once takes the beginnings.
_LATEST = """
SELECT caption.id, caption.image_id, left(caption.text, %(longest)s), caption.source, caption.type,
       caption.is_user_edited, caption.created_at, caption.model, left(caption.prompt_used, %(longest)s), NULL,
       caption.parent_id, current_caption.caption_id IS NOT NULL
  FROM caption
  LEFT JOIN current_caption ON current_caption.image_id = caption.image_id AND current_caption.caption_id = caption.id
 WHERE caption.image_id = %(image_id)s AND caption.type = %(type)s
 ORDER BY caption.id DESC LIMIT %(limit)s
"""
_COUNT_TYPES = """
SELECT type, count(*) FROM current_caption WHERE image_id = ANY (%s::bigint[]) GROUP BY type ORDER BY 2 DESC, 1
"""
_ADD = """
INSERT INTO caption (image_id, parent_id, is_user_edited, source, type, text, model, prompt_used, parameters)
SELECT id, %(parent_id)s::bigint, %(is_user_edited)s, %(source)s, %(type)s, %(text)s, %(model)s, %(prompt_used)s,
       %(parameters)s::jsonb
  FROM image WHERE id = %(image_id)s FOR KEY SHARE
RETURNING id
"""
_MAKE_CURRENT = """
INSERT INTO current_caption (image_id, source, type, caption_id, search)
SELECT image_id, source, type, id, dtk_caption_words(text) FROM caption WHERE id = %(id)s
    ON CONFLICT (image_id, source, type) DO UPDATE SET caption_id = excluded.caption_id, search = excluded.search
 WHERE current_caption.caption_id = %(replaced)s
RETURNING caption_id
"""
_WITHDRAW = """
DELETE FROM current_caption USING caption
 WHERE current_caption.image_id = ANY (%s) AND caption.id = current_caption.caption_id AND NOT caption.is_user_edited
"""
_RESTORE: LiteralString = """
WITH change AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS change (image_id, before, after)),
taken AS (
    DELETE FROM current_caption USING change
     WHERE change.before IS NULL AND current_caption.image_id = change.image_id
       AND current_caption.caption_id = change.after
    RETURNING change.image_id, change.before, change.after),
moved AS (
    UPDATE current_caption SET caption_id = former.id, search = {words}
      FROM change JOIN caption former ON former.id = change.before
     WHERE current_caption.image_id = change.image_id AND current_caption.caption_id = change.after
    RETURNING change.image_id, change.before, change.after),
returned AS (
    INSERT INTO current_caption (image_id, source, type, caption_id, search)
    SELECT former.image_id, former.source, former.type, former.id, {words}
      FROM change JOIN caption former ON former.id = change.before
     WHERE change.after IS NULL
        ON CONFLICT DO NOTHING
    RETURNING image_id, caption_id, NULL::bigint)
SELECT * FROM taken UNION ALL SELECT * FROM moved UNION ALL SELECT * FROM returned
"""
_SEARCH_ANEW = """
UPDATE current_caption SET search = dtk_caption_words(caption.text)
  FROM caption WHERE caption.id = current_caption.caption_id
"""


def current(conn: Connection, image_ids: Sequence[int]) -> dict[int, list[Caption]]:
    """Return the current captions of images that have any, in the order in which they are shown."""
    found: dict[int, list[Caption]] = {}
    for row in conn.execute(_CURRENT, (list(image_ids),)):
        found.setdefault(row[1], []).append(_caption(row))
    return {image_id: in_order(captions) for image_id, captions in found.items()}


def count_types(conn: Connection, image_ids: SomeIds) -> list[tuple[str, int]]:
    """Return the types of the current captions of images with their number, the most first."""
    return [(from_db(name), count) for name, count in conn.execute(_COUNT_TYPES, (Bigints(image_ids),))]


def lock(conn: Connection, image_ids: Iterable[int]) -> dict[int, list[Caption]]:
    """Return ``current``, and let nobody else change those captions until the transaction ends."""
    ids = sorted(set(image_ids))
    lock_rows(conn, ids)
    return current(conn, ids)


def lock_rows(conn: Connection, image_ids: Sequence[int]) -> None:
    """Let nobody else change the current captions of images until the transaction ends."""
    conn.execute(_LOCK, (image_ids,))


def lock_images(conn: Connection, image_ids: SomeIds) -> None:
    """Let nobody delete images until the transaction ends."""
    conn.execute(_LOCK_IMAGES, (Bigints(image_ids),))


def versions(conn: Connection, image_id: int) -> list[Caption]:
    """Return all versions of the captions of an image, the newest first."""
    return [_caption(row) for row in conn.execute(_VERSIONS, (image_id,))]


def latest_versions(conn: Connection, image_id: int, kind: str, *, limit: int, longest: int) -> list[Caption]:
    """Return the newest versions of one type of caption, without parameters, and their texts as far as ``longest``."""
    values = {"image_id": image_id, "type": to_db(kind), "limit": limit, "longest": longest}
    return [_caption(row) for row in conn.execute(_LATEST, values)]


def add_version(
    conn: Connection,
    image_id: int,
    *,
    source: str,
    kind: str,
    text: str,
    is_user_edited: bool,
    parent_id: int | None = None,
    model: str | None = None,
    prompt_used: str | None = None,
    parameters: Mapping[str, object] | None = None,
) -> int | None:
    """Store a version, which is not current yet, and return its id; None when the image is gone."""
    values: dict[str, Any] = {
        "image_id": image_id,
        "parent_id": parent_id,
        "is_user_edited": is_user_edited,
        "source": to_db(source),
        "type": to_db(kind),
        "text": to_db(text),
        "model": None if model is None else to_db(model),
        "prompt_used": None if prompt_used is None else to_db(prompt_used),
        "parameters": None if parameters is None else json.dumps(_stored(parameters)),
    }
    row = conn.execute(_ADD, values).fetchone()
    return None if row is None else int(row[0])


def make_current(conn: Connection, version_id: int, replaced_id: int | None) -> bool:
    """Make a version current in place of another one, or, with None, where none is; False when that is not so."""
    return conn.execute(_MAKE_CURRENT, {"id": version_id, "replaced": replaced_id}).fetchone() is not None


def drop_version(conn: Connection, version_id: int) -> None:
    """Delete a version that was added in this transaction and did not become current."""
    conn.execute("DELETE FROM caption WHERE id = %s", (version_id,))


def withdraw_models(conn: Connection, image_ids: Sequence[int]) -> None:
    """Let what models said of images, whose content is another now, be current no more; the versions stay."""
    conn.execute(_WITHDRAW, (list(image_ids),))


def _stored(value: Any) -> Any:
    if isinstance(value, str):
        return to_db(value)
    if isinstance(value, Mapping):
        return {to_db(str(key)): _stored(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(item) for item in value]
    return value


def _read(value: Any) -> Any:
    if isinstance(value, str):
        return from_db(value)
    if isinstance(value, dict):
        return {from_db(key): _read(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_read(item) for item in value]
    return value


def _caption(row: tuple[Any, ...]) -> Caption:
    return Caption(
        id=row[0],
        image_id=row[1],
        text=from_db(row[2]),
        source=from_db(row[3]),
        type=from_db(row[4]),
        is_user_edited=row[5],
        created_at=row[6],
        model=_read(row[7]),
        prompt_used=_read(row[8]),
        parameters=_read(row[9]),
        parent_id=row[10],
        is_current=row[11],
    )


def restore(conn: Connection, changes: Changes) -> list[int]:
    """Make current again what was so before some changes, where what they made is so still.

    Returns:
        The images of those that were left alone, because they were changed again or are gone.
    """
    same = [place for place, number in enumerate(changes.before) if number == changes.after[place]]
    ids, before, after = list(changes.image_ids), list(changes.before), list(changes.after)
    lock_images(conn, ids)
    lock_rows(conn, ids)
    sql = _RESTORE.replace("{words}", caption_words.words_of(len(ids), "change.before"))
    done = {(row[0], row[1], row[2]) for row in conn.execute(sql, (ids, before, after))}
    caption_words.let_wait(conn, len(ids), [image_id for image_id, _, _ in done])
    done.update((ids[place], before[place], after[place]) for place in same)
    return [change[0] for change in zip(ids, before, after, strict=True) if change not in done]


def language(conn: Connection) -> str:
    """Return the language whose words are found in captions."""
    return str(row_of(conn, "SELECT name FROM caption_language")[0])


def set_language(conn: Connection, name: str) -> bool:
    """Find words of another language in all captions from now on; False when PostgreSQL knows none of this name."""
    known = "SELECT 1 FROM pg_ts_config WHERE cfgname = %s AND pg_ts_config_is_visible(oid)"
    if conn.execute(known, (name,)).fetchone() is None:
        return False
    conn.execute("UPDATE caption_language SET name = %s", (name,))
    conn.execute(_SEARCH_ANEW)
    return True


def is_empty(conn: Connection) -> bool:
    """Whether no image has a caption."""
    return not row_of(conn, "SELECT EXISTS (SELECT 1 FROM current_caption)")[0]

"""Images as lists and details show them."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dtk_tui.domain.library import ImageDetail, ImageRow, ImageTag, PictureFile
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library import captions, folders
from dtk_tui.store.text_codec import from_db, to_db, to_nfc

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

# One value instead of a million rows: the event loop of an app never stalls on it.
_ALL_IDS = "SELECT string_agg(int8send(id), ''::bytea ORDER BY created_at DESC, id DESC) FROM image"
_FIRST_IDS = "SELECT id FROM image ORDER BY created_at DESC, id DESC LIMIT %s"
_FOLDERS_IDS = _ALL_IDS + " WHERE folder_id = ANY (%s::bigint[])"

_ROWS = """
SELECT image.id, image.folder_id, image.file_name, image.file_size, image.created_at, image.width, image.height,
       image.model, image.dialect, left(prompt.text, 300), image.rating, image.favorite,
       (SELECT count(*) FROM image_tag WHERE image_tag.image_id = image.id),
       EXISTS (SELECT 1 FROM image_vector
                WHERE image_vector.image_id = coalesce(image.embedding_source_id, image.id)),
       waiting.priority, coalesce(waiting.running, false), image.unavailable, image.scan_phase = 0, image.error,
       EXISTS (SELECT 1 FROM current_caption WHERE current_caption.image_id = image.id), image.nsfw, image.for_deletion,
       image.steps, image.seed, image.aesthetic_score, folder.path
  FROM image
  JOIN folder ON folder.id = image.folder_id
  LEFT JOIN prompt ON prompt.id = image.prompt_id
  LEFT JOIN LATERAL (
      SELECT max(priority) FILTER (WHERE state = 'pending') AS priority, bool_or(state = 'running') AS running
        FROM job WHERE job.image_id = image.id) AS waiting ON true
 WHERE image.id = ANY (%s)
"""

_DETAIL = """
SELECT image.id, image.folder_id, folder.path, image.file_name, image.file_size, image.created_at, image.dialect,
       positive.text, negative.text, image.steps, image.sampler, image.scheduler, image.cfg_scale, image.seed,
       image.width, image.height, image.model, image.model_hash, image.rating, image.favorite, image.nsfw,
       image.for_deletion, image.unavailable, image.scan_phase, image.error,
       coalesce(image.embedding_source_id, image.id),
       CASE WHEN image.metadata_hash IS NULL THEN 1
            ELSE (SELECT count(*) FROM image other
                   WHERE other.metadata_hash = image.metadata_hash
                     AND coalesce(other.embedding_source_id, other.id) = coalesce(image.embedding_source_id, image.id))
        END,
       image.extra
  FROM image
  JOIN folder ON folder.id = image.folder_id
  LEFT JOIN prompt positive ON positive.id = image.prompt_id
  LEFT JOIN prompt negative ON negative.id = image.negative_prompt_id
 WHERE image.id = %s
"""
_TAGS = """
SELECT tag.name, tag.category, image_tag.confidence, image_tag.source
  FROM image_tag JOIN tag ON tag.id = image_tag.tag_id
 WHERE image_tag.image_id = %s
 ORDER BY image_tag.confidence DESC NULLS FIRST, tag.name
"""
_ALBUMS = """
SELECT album.name FROM album_image JOIN album ON album.id = album_image.album_id
 WHERE album_image.image_id = %s ORDER BY album.position, album.name
"""
_SPACES = """
SELECT name FROM embedding_space space
 WHERE EXISTS (SELECT 1 FROM image_vector WHERE space_id = space.id AND image_id = %(source)s)
    OR EXISTS (SELECT 1 FROM image JOIN prompt_vector USING (prompt_id)
                WHERE image.id = %(source)s AND prompt_vector.space_id = space.id)
 ORDER BY name
"""
_PATH = "SELECT folder.path, image.file_name FROM image JOIN folder ON folder.id = image.folder_id WHERE image.id = %s"
_PATHS = """
SELECT image.id, folder.path, image.file_name
  FROM image JOIN folder ON folder.id = image.folder_id WHERE image.id = ANY (%s)
"""
_FILES = """
SELECT image.id, folder.path, image.file_name, image.fingerprint, image.file_size, image.mtime_ns
  FROM image JOIN folder ON folder.id = image.folder_id WHERE image.id = ANY (%s)
"""
_BY_PATH = """
SELECT image.id FROM image JOIN folder ON folder.id = image.folder_id
 WHERE sha256(dtk_utf8(folder.path)) = sha256(dtk_utf8(%s)) AND image.file_name = %s
"""

# By the form in which searches compare, where no file has that very name.
_BY_COMPOSED_PATH = """
SELECT image.id FROM image JOIN folder ON folder.id = image.folder_id
 WHERE dtk_nfc(folder.path) = %s AND dtk_nfc(image.file_name) = %s LIMIT 2
"""


def join_path(folder: str, name: str) -> str:
    """Return the absolute path of a file, both parts as stored; in a folder of Windows as Windows writes it."""
    path = from_db(folder)
    if not path.startswith("/") and ("\\" in path or path[1:2] == ":"):
        return path + ("" if path.endswith(("\\", "/")) else "\\") + from_db(name)
    return os.path.join(path, from_db(name))  # noqa: PTH118 (surrogates must survive)


def ids_from(value: bytes | None) -> Ids:
    """Return the int64 ids of a ``string_agg(int8send(id), ...)`` value, in its order."""
    import numpy as np

    return np.frombuffer(value or b"", dtype=">i8").astype(np.int64)


def newest_ids(conn: Connection, folder_id: int | None = None, recursive: bool = True) -> Ids:
    """Return the ids of all images, or of one folder's, newest first; int64, shape [n]."""
    if folder_id is None:
        return ids_from(row_of(conn, _ALL_IDS, binary=True)[0])
    below: Sequence[int] = folders.subtree(conn, folder_id) if recursive else [folder_id]
    if len(below) == row_of(conn, "SELECT count(*) FROM folder")[0]:
        return ids_from(row_of(conn, _ALL_IDS, binary=True)[0])  # the only root: read in order instead of sorted
    return ids_from(row_of(conn, _FOLDERS_IDS, (Bigints(below),), binary=True)[0])


def first_ids(conn: Connection, limit: int) -> array[int]:
    """Return the ids of the newest images, newest first, int64; loads no numpy."""
    return array("q", [number for (number,) in conn.execute(_FIRST_IDS, (limit,))])


def count(conn: Connection, folder_id: int | None = None) -> int:
    """Return how many images ``newest_ids`` returns."""
    if folder_id is None:
        return int(row_of(conn, "SELECT count(*) FROM image")[0])
    below = folders.subtree(conn, folder_id)
    return int(row_of(conn, "SELECT count(*) FROM image WHERE folder_id = ANY (%s::bigint[])", (Bigints(below),))[0])


def _text(value: Any) -> str | None:
    return None if value is None else from_db(value)


def rows(conn: Connection, ids: Sequence[int]) -> list[ImageRow]:
    """Return table lines in the order of ``ids``; images that are gone are left out."""
    found: dict[int, ImageRow] = {}
    for v in conn.execute(_ROWS, ([int(number) for number in ids],)):
        found[v[0]] = ImageRow(
            id=v[0],
            folder_id=v[1],
            file_name=from_db(v[2]),
            file_size=v[3],
            created_at=v[4],
            width=v[5],
            height=v[6],
            model=_text(v[7]),
            dialect=v[8],
            prompt=_text(v[9]),
            rating=v[10],
            favorite=v[11],
            tags=v[12],
            embedded=v[13],
            queued=v[14],
            running=v[15],
            unavailable=v[16],
            unread=v[17],
            error=_text(v[18]),
            captioned=v[19],
            nsfw=v[20],
            for_deletion=v[21],
            steps=v[22],
            seed=None if v[23] is None else int(v[23]),
            aesthetic_score=v[24],
            folder=from_db(v[25]),
        )
    return [found[int(number)] for number in ids if int(number) in found]


def detail(conn: Connection, image_id: int) -> ImageDetail | None:
    """Return all that is known about one image, or None when it is not in the library."""
    v = conn.execute(_DETAIL, (image_id,)).fetchone()
    if v is None:
        return None
    tags = tuple(
        ImageTag(from_db(name), category, confidence, source)
        for name, category, confidence, source in conn.execute(_TAGS, (image_id,))
    )
    albums = tuple(from_db(name) for (name,) in conn.execute(_ALBUMS, (image_id,)))
    spaces = tuple(name for (name,) in conn.execute(_SPACES, {"source": v[25]}))
    return ImageDetail(
        id=v[0],
        folder_id=v[1],
        path=join_path(v[2], v[3]),
        file_name=from_db(v[3]),
        file_size=v[4],
        created_at=v[5],
        dialect=v[6],
        prompt=_text(v[7]),
        negative_prompt=_text(v[8]),
        steps=v[9],
        sampler=_text(v[10]),
        scheduler=_text(v[11]),
        cfg_scale=v[12],
        seed=int(v[13]) if isinstance(v[13], Decimal) else None,
        width=v[14],
        height=v[15],
        model=_text(v[16]),
        model_hash=_text(v[17]),
        rating=v[18],
        favorite=v[19],
        nsfw=v[20],
        for_deletion=v[21],
        unavailable=v[22],
        scan_phase=v[23],
        error=_text(v[24]),
        representative=v[25],
        members=v[26],
        extra=_unescaped(v[27] or {}),
        tags=tags,
        embedded=spaces,
        albums=albums,
        captions=tuple(captions.current(conn, [image_id]).get(image_id, ())),
    )


def _unescaped(value: Any) -> Any:
    if isinstance(value, str):
        return from_db(value)
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    if isinstance(value, dict):
        return {key: _unescaped(item) for key, item in value.items()}
    return value


def path_of(conn: Connection, image_id: int) -> str | None:
    """Return the absolute path of an image, or None when it is not in the library."""
    values = conn.execute(_PATH, (image_id,)).fetchone()
    return join_path(*values) if values else None


def paths_of(conn: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return the absolute paths of images by id."""
    return {v[0]: join_path(v[1], v[2]) for v in conn.execute(_PATHS, ([int(number) for number in ids],))}


def files_of(conn: Connection, ids: Sequence[int]) -> dict[int, PictureFile]:
    """Return the files of images by id, with absolute paths as stored."""
    return {
        v[0]: PictureFile(join_path(v[1], v[2]), v[3], v[4], v[5])
        for v in conn.execute(_FILES, ([int(number) for number in ids],))
    }


def find(conn: Connection, path: str) -> int | None:
    """Return the id of the image at an absolute path, or None.

    A path that a person typed may have another Unicode form than the files: the one image that fits is meant.
    """
    at = path.rfind("\\")
    is_windows = at >= 0 and not path.startswith("/")
    # The root of a drive keeps its separator, as / does.
    root = at + 1 if is_windows and path[:at].endswith(":") else at
    folder, name = (path[:root], path[at + 1 :]) if is_windows else os.path.split(path)
    values = conn.execute(_BY_PATH, (to_db(folder), to_db(name))).fetchone()
    if values is None and not path.isascii():
        found = conn.execute(_BY_COMPOSED_PATH, (to_nfc(folder), to_nfc(name))).fetchall()
        values = found[0] if len(found) == 1 else None
    return int(values[0]) if values else None

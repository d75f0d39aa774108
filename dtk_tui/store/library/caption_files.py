"""Tags of images for caption files, and the record of the files that an export wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dtk_tui.store.database import Connection
from dtk_tui.store.text_codec import from_db

# What a person set comes first; of several taggers the surest one counts.
_TAGS = """
SELECT image_tag.image_id, tag.name, bool_or(confidence IS NULL) AS is_persons, max(confidence) AS sure
  FROM image_tag JOIN tag ON tag.id = image_tag.tag_id
 WHERE image_tag.image_id = ANY (%s::bigint[]) AND coalesce(confidence, 1) >= %s::real
 GROUP BY image_tag.image_id, tag.name
 ORDER BY image_tag.image_id, is_persons DESC, sure DESC, tag.name
"""
_RECORDS = "SELECT path_sha256, content_sha256 FROM exported_file WHERE path_sha256 = ANY (%s)"
_RECORD = """
INSERT INTO exported_file (path_sha256, content_sha256) SELECT * FROM unnest(%s::bytea[], %s::bytea[])
    ON CONFLICT (path_sha256) DO UPDATE SET content_sha256 = excluded.content_sha256
"""


def tags_of(conn: Connection, image_ids: Sequence[int], confidence: float) -> dict[int, list[str]]:
    """Return the names of the tags of images that are at least so sure (0 to 1), the surest first."""
    found: dict[int, list[str]] = {}
    for image_id, name, _, _ in conn.execute(_TAGS, (list(image_ids), confidence)):
        found.setdefault(image_id, []).append(from_db(name))
    return found


def exported(conn: Connection, paths: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the SHA-256 of what an export wrote into files, by the SHA-256 of their paths."""
    return {bytes(path): bytes(content) for path, content in conn.execute(_RECORDS, (list(paths),))}


def record(conn: Connection, contents: Mapping[bytes, bytes]) -> None:
    """Note what an export wrote: the SHA-256 of contents by that of paths."""
    conn.execute(_RECORD, (list(contents), list(contents.values())))

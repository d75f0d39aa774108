"""What decoded pictures look like, and the groups that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dtk_tui.domain.looks import GroupMember, ImageLook
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import join_path

#: One transaction regroups so many images at most.
_AT_ONCE = 5000

# Only what has company has to be compared. What holds for another content than the image has by now is left out.
_SAVE = """
INSERT INTO image_hash (image_id, bits, colours, is_decodable, is_compared, fingerprint)
SELECT image.id, look.bits, look.colours, look.is_decodable,
       NOT EXISTS (SELECT 1 FROM image other WHERE other.metadata_hash = image.metadata_hash AND other.id <> image.id),
       look.fingerprint
  FROM unnest(%(ids)s::bigint[], %(bits)s::bigint[], %(colours)s::bigint[], %(decodable)s::boolean[],
              %(fingerprints)s::bytea[]) AS look (id, bits, colours, is_decodable, fingerprint)
  JOIN image ON image.id = look.id AND coalesce(image.fingerprint, ''::bytea) = look.fingerprint
 ORDER BY image.id
    ON CONFLICT (image_id) DO UPDATE
   SET bits = excluded.bits, colours = excluded.colours, is_decodable = excluded.is_decodable,
       is_compared = excluded.is_compared, fingerprint = excluded.fingerprint
RETURNING is_compared
"""
# Of copies one is enough.
_UNDECODED_MEMBERS = """
SELECT DISTINCT ON (chosen.id, coalesce(member.fingerprint, int8send(member.id)))
       chosen.id, member.id, folder.path, member.file_name, coalesce(member.fingerprint, ''::bytea)
  FROM image chosen
  JOIN image member ON member.embedding_source_id = chosen.id
  JOIN folder ON folder.id = member.folder_id
 WHERE chosen.id = ANY (%s::bigint[]) AND NOT member.unavailable
   AND member.fingerprint IS DISTINCT FROM chosen.fingerprint
   AND NOT EXISTS (SELECT 1 FROM image_hash hash
                    WHERE hash.image_id = member.id AND hash.fingerprint = coalesce(member.fingerprint, ''::bytea))
"""
_FINGERPRINTS = "SELECT id, coalesce(fingerprint, ''::bytea) FROM image WHERE id = ANY (%s::bigint[])"


def fingerprints(conn: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """Return the fingerprints of images by id, empty where the file was not read yet."""
    return {v[0]: bytes(v[1]) for v in conn.execute(_FINGERPRINTS, (list(ids),))}


def undecoded_members(conn: Connection, ids: Sequence[int]) -> dict[int, list[GroupMember]]:
    """Return, by the id of their representative, the members of groups that nobody has decoded yet; of copies one."""
    found: dict[int, list[GroupMember]] = {}
    for v in conn.execute(_UNDECODED_MEMBERS, (list(ids),)):
        found.setdefault(v[0], []).append(GroupMember(v[1], join_path(v[2], v[3]), bytes(v[4])))
    return found


def save(conn: Connection, looks: Iterable[ImageLook]) -> bool:
    """Note what images look like; return whether ``compare`` has something to do."""
    by_id = {look.image_id: look for look in looks}
    if not by_id:
        return False
    rows = [by_id[number] for number in sorted(by_id)]
    parameters = {
        "ids": [look.image_id for look in rows],
        "bits": [look.hash.bits if look.hash else None for look in rows],
        "colours": [look.hash.colours if look.hash else None for look in rows],
        "decodable": [look.hash is not None for look in rows],
        "fingerprints": [look.fingerprint for look in rows],
    }
    return not all(is_compared for (is_compared,) in conn.execute(_SAVE, parameters))


def compare(conn: Connection) -> int:
    """Regroup images that were decoded since the last time, as many as one transaction should; return how many."""
    return int(row_of(conn, "SELECT compared FROM dtk_compare_hashes(%s)", (_AT_ONCE,))[0])

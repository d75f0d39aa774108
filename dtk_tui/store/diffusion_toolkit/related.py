"""What stands around the images: folders, albums, tags, saved queries, nodes; each from the stage into the library."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, LiteralString

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.text_codec import from_db, to_db

# Where each staged image is in the library.
_WHERE: LiteralString = """
CREATE TEMP TABLE migration_where ON COMMIT DROP AS
SELECT source_id, coalesce(target.image_id, %(base)s + source_id) AS image_id
  FROM migration_stage_image LEFT JOIN migration_target target USING (source_id)
"""

# The same where images went beside an empty library: every image there is one of the source.
_WHERE_BESIDE: LiteralString = """
CREATE TEMP VIEW migration_where AS
SELECT image.id - migration.image_base AS source_id, image.id AS image_id
  FROM image, migration WHERE migration.state = 'loading'
 UNION ALL SELECT source_id, image_id FROM migration_target
"""

_ALBUMS: LiteralString = """
WITH wanted AS (
    SELECT DISTINCT ON (coalesce(name, '(no name)')) source_id, coalesce(name, '(no name)') AS name,
           coalesce(position, 0) AS position,
           CASE WHEN updated_ticks BETWEEN 1728000000000 AND 3155376383999999999 THEN updated_ticks END AS updated
      FROM migration_stage_album ORDER BY 2, 1
)
INSERT INTO album (name, position, updated_at)
SELECT name, position, coalesce(dtk_instant(updated, %(zone)s), now()) FROM wanted ORDER BY source_id
    ON CONFLICT (name) DO NOTHING
RETURNING id
"""
_ALBUM_BOOKS: LiteralString = """
INSERT INTO migrated_row (migration_id, kind, row_id, source_id, is_new, original)
SELECT %(id)s, 'album', album.id, source_id, album.id = ANY (%(new)s),
       jsonb_build_object('LastUpdated', updated_ticks, 'Order', stage.position)
  FROM migration_stage_album stage JOIN album ON album.name = coalesce(stage.name, '(no name)')
"""
_ALBUM_NOTES: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'Album', source_id, 'repaired', rule.reason, rule.original
  FROM (SELECT *, min(source_id) OVER (PARTITION BY coalesce(name, '(no name)')) AS first
          FROM migration_stage_album) AS album,
       LATERAL (VALUES
           (name IS NULL, 'Name: is missing, written as (no name)', jsonb_build_object('Name', name)),
           (first <> source_id, 'the same name as row ' || first || ', made one',
            jsonb_build_object('Name', name, 'Order', position, 'LastUpdated', updated_ticks)),
           (updated_ticks <> 0 AND updated_ticks NOT BETWEEN 1728000000000 AND 3155376383999999999,
            'LastUpdated: is no date, left out', jsonb_build_object('LastUpdated', updated_ticks))
       ) AS rule (applies, reason, original)
 WHERE rule.applies
"""
_MEMBERS: LiteralString = """
WITH placed AS (
    SELECT stage.source_id, stage.album_id AS old_album, stage.image_id AS old_image, book.row_id AS album_id,
           spot.image_id, min(stage.source_id) OVER (PARTITION BY book.row_id, spot.image_id) AS first
      FROM migration_stage_albumimage stage
      LEFT JOIN migrated_row book
             ON book.migration_id = %(id)s AND book.kind = 'album' AND book.source_id = stage.album_id
      LEFT JOIN migration_where spot ON spot.source_id = stage.image_id
), written AS (
    INSERT INTO album_image (album_id, image_id, position)
    SELECT album_id, image_id, min(source_id) FROM placed
     WHERE album_id IS NOT NULL AND image_id IS NOT NULL GROUP BY 1, 2
        ON CONFLICT DO NOTHING
)
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'AlbumImage', source_id,
       CASE WHEN album_id IS NULL OR image_id IS NULL THEN 'refused' ELSE 'repaired' END,
       CASE WHEN album_id IS NULL THEN 'its album is not there'
            WHEN image_id IS NULL THEN 'its image is not there'
            ELSE 'the same album and image as row ' || first || ', made one' END,
       jsonb_build_object('AlbumId', old_album, 'ImageId', old_image)
  FROM placed WHERE album_id IS NULL OR image_id IS NULL OR first <> source_id
"""

_TAGS: LiteralString = """
INSERT INTO tag (name, category)
SELECT name, 'general' FROM (SELECT name, min(source_id) AS first FROM migration_stage_tag
                              WHERE name IS NOT NULL GROUP BY name) AS wanted
 ORDER BY first
    ON CONFLICT (name, category) DO NOTHING
RETURNING id
"""
_TAG_BOOKS: LiteralString = """
INSERT INTO migrated_row (migration_id, kind, row_id, source_id, is_new)
SELECT %(id)s, 'tag', tag.id, source_id, tag.id = ANY (%(new)s)
  FROM migration_stage_tag stage JOIN tag ON tag.name = stage.name AND tag.category = 'general'
"""
_TAG_NOTES: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'Tag', source_id, CASE WHEN name IS NULL THEN 'refused' ELSE 'repaired' END,
       CASE WHEN name IS NULL THEN 'has no name' ELSE 'the same name as row ' || first || ', made one' END,
       jsonb_build_object('Name', name)
  FROM (SELECT source_id, name, min(source_id) OVER (PARTITION BY name) AS first FROM migration_stage_tag) AS tags
 WHERE name IS NULL OR first <> source_id
"""
_IMAGE_TAGS: LiteralString = """
WITH placed AS (
    SELECT stage.source_id, stage.tag_id AS old_tag, stage.image_id AS old_image, book.row_id AS tag_id, spot.image_id,
           min(stage.source_id) OVER (PARTITION BY book.row_id, spot.image_id) AS first
      FROM migration_stage_imagetag stage
      LEFT JOIN migrated_row book
             ON book.migration_id = %(id)s AND book.kind = 'tag' AND book.source_id = stage.tag_id
      LEFT JOIN migration_where spot ON spot.source_id = stage.image_id
), written AS (
    INSERT INTO image_tag (image_id, tag_id, source)
    SELECT DISTINCT image_id, tag_id, 'diffusion-toolkit' FROM placed WHERE tag_id IS NOT NULL AND image_id IS NOT NULL
        ON CONFLICT DO NOTHING
)
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'ImageTag', source_id,
       CASE WHEN tag_id IS NULL OR image_id IS NULL THEN 'refused' ELSE 'repaired' END,
       CASE WHEN tag_id IS NULL THEN 'its tag is not there'
            WHEN image_id IS NULL THEN 'its image is not there'
            ELSE 'the same image and tag as row ' || first || ', made one' END,
       jsonb_build_object('TagId', old_tag, 'ImageId', old_image)
  FROM placed WHERE tag_id IS NULL OR image_id IS NULL OR first <> source_id
"""

# An image that has nodes already keeps those.
_NODES: LiteralString = """
INSERT INTO node (id, image_id, node_id, name)
OVERRIDING SYSTEM VALUE
SELECT %(node_base)s + stage.source_id, spot.image_id, stage.node_id, stage.name
  FROM migration_stage_node stage JOIN migration_where spot ON spot.source_id = stage.image_id
 WHERE NOT EXISTS (SELECT 1 FROM node WHERE node.image_id = spot.image_id)
"""
_NODE_NOTES: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'Node', source_id, 'refused', 'its image is not there',
       jsonb_build_object('ImageId', image_id, 'NodeId', node_id, 'Name', name)
  FROM migration_stage_node stage
 WHERE NOT EXISTS (SELECT 1 FROM migration_where spot WHERE spot.source_id = stage.image_id)
"""
# Of a node that the image has already under this name, nothing is lost.
_NODES_KEPT: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'Node', stage.source_id, 'refused', 'its image has other nodes already, which stay',
       jsonb_build_object('ImageId', stage.image_id, 'NodeId', stage.node_id, 'Name', stage.name)
  FROM migration_stage_node stage JOIN migration_where spot ON spot.source_id = stage.image_id
 WHERE NOT EXISTS (SELECT 1 FROM node WHERE node.id = %(node_base)s + stage.source_id)
   AND NOT EXISTS (SELECT 1 FROM node WHERE node.image_id = spot.image_id
                      AND (node.node_id, node.name) IS NOT DISTINCT FROM (stage.node_id, stage.name))
"""
# Only nodes that were read are looked for: a NodeId may be any number, and the base is not to be added to that.
_PROPERTIES: LiteralString = """
INSERT INTO node_property (node_id, position, name, value)
SELECT node.id, stage.source_id, stage.name, stage.value
  FROM migration_stage_nodeproperty stage
  JOIN migration_stage_node read ON read.source_id = stage.node_id
  JOIN node ON node.id = %(node_base)s + read.source_id
"""
_PROPERTY_NOTES: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'NodeProperty', source_id, 'refused', 'its node is not there',
       jsonb_build_object('NodeId', node_id, 'Name', name, 'Value', left(value, 1000))
  FROM migration_stage_nodeproperty stage
 WHERE NOT EXISTS (SELECT 1 FROM migration_stage_node node JOIN migration_where spot ON spot.source_id = node.image_id
                    WHERE node.source_id = stage.node_id)
    OR stage.node_id IN (SELECT note.source_id FROM migration_note note
                          WHERE note.migration_id = %(id)s AND table_name = 'Node' AND outcome = 'refused')
"""


#: Ticks between which every time zone of the world has a date that clients can show.
_DATES = range(1728000000000, 3155376384000000000)


def is_date(ticks: int) -> bool:
    """Whether ticks are a date that can be written."""
    return ticks in _DATES


@dataclass(frozen=True, slots=True)
class StagedFolder:
    """A row of the source's Folder table; flags are None where the source does not know them."""

    source_id: int
    parent_id: int | None
    path: str | None
    image_count: int | None
    scanned_ticks: int | None
    unavailable: int | None
    archived: int | None
    excluded: int | None
    is_root: int | None
    recursive: int | None
    watched: int | None


def staged_folders(conn: Connection) -> list[StagedFolder]:
    """Return the source's folders in their order."""
    rows = conn.execute("SELECT * FROM migration_stage_folder ORDER BY source_id")
    found = [StagedFolder(*values) for values in rows]
    return [folder if folder.path is None else replace(folder, path=from_db(folder.path)) for folder in found]


def staged_paths(conn: Connection) -> list[tuple[int, str, str]]:
    """Return (key, path, what stands before a file's name in the source) of the folders that images lie in."""
    rows = conn.execute('SELECT key, path, source_path FROM migration_stage_path ORDER BY key, source_path COLLATE "C"')
    return [(key, from_db(path), from_db(source)) for key, path, source in rows]


def library_folders(conn: Connection) -> dict[str, tuple[int, int | None]]:
    """Return (id, parent id) of every folder of the library, by path."""
    return {
        from_db(path): (number, parent)
        for number, parent, path in conn.execute("SELECT id, parent_id, path FROM folder")
    }


def add_folders(conn: Connection, folders: Sequence[tuple[str, str, int | None, int | None]]) -> dict[str, int]:
    """Insert folders given as (path, name, parent id, own id or None) and return their ids by path."""
    sql: LiteralString = """
        INSERT INTO folder (id, path, name, parent_id) OVERRIDING SYSTEM VALUE
        SELECT coalesce(id, nextval(pg_get_serial_sequence('folder', 'id')::regclass)), path, name, parent_id
          FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[]) AS new (path, name, parent_id, id)
        RETURNING id, path"""
    paths, names = [to_db(f[0]) for f in folders], [to_db(f[1]) for f in folders]
    rows = conn.execute(sql, (paths, names, [f[2] for f in folders], [f[3] for f in folders]))
    return {from_db(path): number for number, path in rows}


def reparent_folders(conn: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    """Put folders, given as (id, parent id), below a folder that is new above them."""
    sql: LiteralString = """
        UPDATE folder SET parent_id = new.parent_id
          FROM unnest(%s::bigint[], %s::bigint[]) AS new (id, parent_id) WHERE folder.id = new.id"""
    conn.execute(sql, ([pair[0] for pair in pairs], [pair[1] for pair in pairs]))


def set_folder_attributes(conn: Connection, zone: str, rows: Sequence[tuple[int, StagedFolder]]) -> None:
    """Write what the source says of folders, given as (folder id, row), that are new in the library."""
    sql: LiteralString = """
        UPDATE folder SET is_root = coalesce(new.is_root <> 0, parent_id IS NULL),
               recursive = coalesce(new.recursive <> 0, true), watched = coalesce(new.watched <> 0, false),
               excluded = coalesce(new.excluded <> 0, false), archived = coalesce(new.archived <> 0, false),
               unavailable = coalesce(new.unavailable <> 0, false),
               scanned_at = dtk_instant(CASE WHEN new.scanned BETWEEN 1728000000000 AND 3155376383999999999
                                             THEN new.scanned END, %s)
          FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                      %s::bigint[]) AS new (id, is_root, recursive, watched, excluded, archived, unavailable, scanned)
         WHERE folder.id = new.id"""
    columns = ("is_root", "recursive", "watched", "excluded", "archived", "unavailable", "scanned_ticks")
    values = [[getattr(row, column) for _, row in rows] for column in columns]
    conn.execute(sql, (zone, [number for number, _ in rows], *values))


def write_folder_keys(conn: Connection, places: Iterable[tuple[int, int]]) -> None:
    """Note which folder each key of the stage stands for, given as (key, folder id)."""
    conn.execute("CREATE TEMP TABLE migration_place (key bigint, folder_id bigint) ON COMMIT DROP")
    with conn.cursor().copy("COPY migration_place FROM STDIN") as copy:
        for row in places:
            copy.write_row(row)
    conn.execute("ANALYZE migration_place")


def write_row_records(
    conn: Connection, migration_id: int, kind: str, rows: Sequence[tuple[int, int | None, bool, dict[str, Any]]]
) -> None:
    """Note rows that a migration wrote or met, given as (row id, source id, is new, original)."""
    sql: LiteralString = """
        INSERT INTO migrated_row (migration_id, kind, row_id, source_id, is_new, original)
        SELECT %s, %s, * FROM unnest(%s::bigint[], %s::bigint[], %s::boolean[], %s::jsonb[])"""
    columns = [[row[i] for row in rows] for i in range(3)]
    conn.execute(sql, (migration_id, kind, *columns, [json.dumps(row[3]) for row in rows]))


def write_notes(
    conn: Connection, migration_id: int, table: str, notes: Sequence[tuple[int | None, str, str, dict[str, Any]]]
) -> None:
    """Note repaired and refused rows, given as (source id, outcome, reason, original)."""
    sql: LiteralString = """
        INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
        SELECT %s, %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::jsonb[])"""
    columns = [[row[i] for row in notes] for i in range(3)]
    conn.execute(sql, (migration_id, table, *columns, [json.dumps(row[3]) for row in notes]))


def write_albums_and_tags(conn: Connection, values: dict[str, Any], is_shadow: bool) -> None:
    """Write albums with their members, and tags with their images; ``values`` as for ``write_images``.

    Args:
        is_shadow: whether the images went beside an empty library.
    """
    if is_shadow:
        conn.execute(_WHERE_BESIDE)
    else:
        conn.execute(_WHERE, values)
        conn.execute("ANALYZE migration_where")
    new = [number for (number,) in conn.execute(_ALBUMS, values)]
    conn.execute(_ALBUM_BOOKS, {**values, "new": new})
    conn.execute(_ALBUM_NOTES, values)
    conn.execute(_MEMBERS, values)
    new = [number for (number,) in conn.execute(_TAGS, values)]
    conn.execute(_TAG_BOOKS, {**values, "new": new})
    conn.execute(_TAG_NOTES, values)
    conn.execute(_IMAGE_TAGS, values)


def write_nodes(conn: Connection, values: dict[str, Any]) -> None:
    """Write ComfyUI nodes and their properties; ``values`` as for ``write_images``, and node_base."""
    written = conn.execute(_NODES, values).rowcount
    refused = conn.execute(_NODE_NOTES, values).rowcount
    if written + refused < row_of(conn, "SELECT count(*) FROM migration_stage_node")[0]:
        conn.execute(_NODES_KEPT, values)
    for statement in (_PROPERTIES, _PROPERTY_NOTES):
        conn.execute(statement, values)


def staged_queries(conn: Connection) -> list[tuple[int, str | None, str | None, int | None, int | None]]:
    """Return (source id, name, JSON, created, modified) of the saved queries; dates in ticks."""
    rows = conn.execute("SELECT * FROM migration_stage_query ORDER BY source_id")
    return [
        (v[0], None if v[1] is None else from_db(v[1]), None if v[2] is None else from_db(v[2]), *v[3:]) for v in rows
    ]


def add_query(
    conn: Connection, name: str, query: str | None, original: str | None, problem: str | None,
    dates: tuple[int | None, int | None], zone: str,
) -> int | None:  # fmt: skip
    """Write a saved query and return its id; None when the library has one of this name."""
    sql: LiteralString = """
        INSERT INTO saved_query (name, query, original, problem, created_at, modified_at)
        SELECT %s, %s, %s, %s, coalesce(dtk_instant(created, zone), now()),
               coalesce(dtk_instant(modified, zone), dtk_instant(created, zone), now())
          FROM (SELECT %s::text AS zone,
                       CASE WHEN c BETWEEN 1728000000000 AND 3155376383999999999 THEN c END AS created,
                       CASE WHEN m BETWEEN 1728000000000 AND 3155376383999999999 THEN m END AS modified
                  FROM (SELECT %s::bigint AS c, %s::bigint AS m) AS given) AS dates
            ON CONFLICT (name) DO NOTHING RETURNING id"""
    texts = tuple(None if text is None else to_db(text) for text in (name, query, original, problem))
    row = conn.execute(sql, (*texts, zone, *dates)).fetchone()
    return row[0] if row else None


def find_same_query(conn: Connection, name: str, query: str | None, original: str | None) -> int | None:
    """Return the saved query of this name, where it says the same."""
    sql: LiteralString = """
        SELECT id FROM saved_query
         WHERE name = %s AND (query, original) IS NOT DISTINCT FROM (%s::text, %s::text)"""
    row = conn.execute(sql, tuple(None if text is None else to_db(text) for text in (name, query, original))).fetchone()
    return row[0] if row else None


def staged_schema(conn: Connection) -> list[str]:
    """Return the names of the schema changes that Diffusion Toolkit had made to the source."""
    rows = conn.execute("SELECT name FROM migration_stage_migration WHERE name IS NOT NULL ORDER BY source_id")
    return [from_db(name) for (name,) in rows]

"""The library as rows of Diffusion Toolkit's tables.

Rows that came from there keep their Ids while only one import is in the library; others get Ids behind those.
Dates that came from there are the very ticks; others are the local time of a zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

from dtk_tui.store.database import Connection, row_of

_EPOCH: LiteralString = "621355968000000000"
_IDS: LiteralString = """
CREATE TEMP TABLE export_{kind} ON COMMIT DROP AS
SELECT {table}.id, coalesce(record.source_id, %(last)s + row_number() OVER (ORDER BY {table}.id)) AS export_id
  FROM {table} LEFT JOIN ({records}) AS record ON record.id = {table}.id
"""
_LAST: LiteralString = "SELECT coalesce(max(source_id), 0) FROM ({records}) AS records"
_IMAGE_RECORDS: LiteralString = (
    "SELECT image_id AS id, source_id FROM dtk_migrated_images() WHERE migration_id = %(only)s"
)
_ROW_RECORDS: LiteralString = """SELECT row_id AS id, min(source_id) AS source_id FROM migrated_row
 WHERE migration_id = %(only)s AND kind = '{kind}' GROUP BY row_id"""
_KINDS: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("image", "image"), ("folder", "folder"), ("album", "album"), ("tag", "tag"), ("query", "saved_query"),
)  # fmt: skip

_IMAGES: LiteralString = """
SELECT ids.export_id, CASE WHEN record.image_id IS NULL THEN 0 ELSE record.root_folder_id END,
       place.export_id, folder_record.original ->> 'Path', folder_record.original ->> 'Start', folder.path,
       image.file_name, positive.text, negative.text, image.steps, image.sampler, image.cfg_scale,
       CASE WHEN image.seed BETWEEN -9223372036854775808 AND 9223372036854775807 THEN image.seed::bigint END,
       image.width, image.height, image.model_hash, image.model, record.batch_size, record.batch_pos,
       coalesce(record.created_ticks, CASE WHEN record.image_id IS NULL THEN
           (date_part('epoch', timezone(%(zone)s, image.created_at)) * 1e6)::bigint * 10 + {epoch} END),
       coalesce(record.modified_ticks, CASE WHEN record.image_id IS NULL AND image.mtime_ns > 0 THEN
           (date_part('epoch', timezone(%(zone)s, to_timestamp(image.mtime_ns / 1e9))) * 1e6)::bigint * 10
           + {epoch} END),
       image.custom_tags, image.rating, image.favorite::integer, image.for_deletion::integer, image.nsfw::integer,
       image.unavailable::integer, image.aesthetic_score, image.hypernetwork, image.hypernetwork_strength,
       coalesce(record.clip_skip,
                CASE WHEN image.extra ->> 'clip_skip' ~ '^-?[0-9]{1,9}$'
                     THEN (image.extra ->> 'clip_skip')::integer END),
       record.ensd, image.file_size,
       CASE WHEN record.image_id IS NULL THEN image.prompt_id IS NULL AND image.dialect IS NULL
            ELSE record.no_metadata END::integer,
       image_raw.chunks, record.workflow_id,
       CASE WHEN record.image_id IS NULL THEN image.error IS NOT NULL ELSE record.has_error END::integer, record.hash,
       record.viewed_ticks, record.touched_ticks, image.is_video::integer, blank.original ->> 'Prompt'
  FROM image
  JOIN export_image ids ON ids.id = image.id
  JOIN export_folder place ON place.id = image.folder_id
  JOIN folder ON folder.id = image.folder_id
  LEFT JOIN export_folder_record folder_record ON folder_record.row_id = image.folder_id
  LEFT JOIN export_image_record record ON record.image_id = image.id
  LEFT JOIN prompt positive ON positive.id = image.prompt_id
  LEFT JOIN prompt negative ON negative.id = image.negative_prompt_id
  LEFT JOIN image_raw ON image_raw.image_id = image.id
  LEFT JOIN migration_note blank ON blank.migration_id = record.migration_id AND blank.table_name = 'Image'
        AND blank.source_id = record.source_id AND blank.original ? 'Prompt' AND blank.reason LIKE 'Prompt: is blank%%'
 ORDER BY ids.export_id
""".replace("{epoch}", _EPOCH)
_FOLDERS: LiteralString = """
SELECT ids.export_id, coalesce(above.export_id, 0), record.original ->> 'Path', folder.path,
       CASE WHEN record.original ? 'ImageCount' THEN (record.original ->> 'ImageCount')::bigint ELSE 0 END,
       (record.original ->> 'ScannedDate')::bigint,
       CASE WHEN folder.unavailable OR NOT record.original @> '{"Unavailable": null}'
            THEN folder.unavailable::integer END,
       CASE WHEN folder.archived OR NOT record.original @> '{"Archived": null}' THEN folder.archived::integer END,
       CASE WHEN folder.excluded OR NOT record.original @> '{"Excluded": null}' THEN folder.excluded::integer END,
       CASE WHEN NOT record.original @> '{"IsRoot": null}' THEN folder.is_root::integer END,
       CASE WHEN NOT folder.recursive OR NOT record.original @> '{"Recursive": null}'
            THEN folder.recursive::integer END,
       CASE WHEN folder.watched OR NOT record.original @> '{"Watched": null}' THEN folder.watched::integer END
  FROM folder
  JOIN export_folder ids ON ids.id = folder.id
  LEFT JOIN export_folder above ON above.id = folder.parent_id
  LEFT JOIN LATERAL (SELECT coalesce((SELECT original FROM export_folder_record own WHERE own.row_id = folder.id), '{}')
                            AS original) AS record ON true
 ORDER BY ids.export_id
"""
_ALBUMS: LiteralString = """
SELECT ids.export_id, album.name, album.position,
       CASE WHEN record.row_id IS NOT NULL THEN (record.original ->> 'LastUpdated')::bigint
            ELSE (date_part('epoch', timezone(%(zone)s, album.updated_at)) * 1e6)::bigint * 10 + {epoch} END
  FROM album JOIN export_album ids ON ids.id = album.id
  LEFT JOIN (SELECT DISTINCT ON (row_id) row_id, original FROM migrated_row WHERE kind = 'album'
              ORDER BY row_id, migration_id DESC, source_id) AS record ON record.row_id = album.id
 ORDER BY ids.export_id
""".replace("{epoch}", _EPOCH)
_QUERIES: LiteralString = """
SELECT ids.export_id, query.name, query.query, query.original,
       CASE WHEN record.row_id IS NULL THEN 0 ELSE (record.original ->> 'CreatedDate')::bigint END,
       (record.original ->> 'ModifiedDate')::bigint
  FROM saved_query query JOIN export_query ids ON ids.id = query.id
  LEFT JOIN (SELECT DISTINCT ON (row_id) row_id, original FROM migrated_row WHERE kind = 'query'
              ORDER BY row_id, migration_id DESC, source_id) AS record ON record.row_id = query.id
 ORDER BY ids.export_id
"""
_OTHERS: dict[str, LiteralString] = {
    "AlbumImage": """SELECT a.export_id, i.export_id FROM album_image
        JOIN export_album a ON a.id = album_id JOIN export_image i ON i.id = image_id ORDER BY position, 1, 2""",
    "Tag": "SELECT ids.export_id, name FROM tag JOIN export_tag ids USING (id) ORDER BY 1",
    # Tags that a person set; what a tagger guessed is not Diffusion Toolkit's.
    "ImageTag": """SELECT DISTINCT i.export_id, t.export_id FROM image_tag JOIN export_tag t ON t.id = tag_id
        JOIN export_image i ON i.id = image_id WHERE confidence IS NULL ORDER BY 1, 2""",
    "Node": """SELECT node.id, i.export_id, node.node_id, node.name FROM node
        JOIN export_image i ON i.id = image_id ORDER BY node.id""",
    "NodeProperty": "SELECT node_id, name, value FROM node_property ORDER BY position, node_id",
}


@dataclass(frozen=True, slots=True)
class Tables:
    """Rows by table, as they come from the database: text is in stored form."""

    conn: Connection
    zone: str

    def rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        """Return the rows of one table."""
        sql = {"Image": _IMAGES, "Folder": _FOLDERS, "Album": _ALBUMS, "Query": _QUERIES, **_OTHERS}[table]
        with self.conn.cursor(name=f"export_{table.lower()}") as cursor:
            cursor.itersize = 2000
            yield from cursor.execute(sql, {"zone": self.zone})


def prepare(conn: Connection) -> str | None:
    """Number all rows; return the zone of the last import, None without one."""
    done = conn.execute("SELECT id, zone FROM migration WHERE state = 'done' ORDER BY id").fetchall()
    only = done[0][0] if len(done) == 1 else None
    values: dict[str, Any] = {"only": only}
    for kind, table in _KINDS:
        found = _IMAGE_RECORDS if kind == "image" else _ROW_RECORDS.replace("{kind}", kind)
        values["last"] = row_of(conn, _LAST.replace("{records}", found), values)[0]
        sql = _IDS.replace("{kind}", kind).replace("{table}", table).replace("{records}", found)
        conn.execute(sql, values)
        conn.execute("ANALYZE export_" + kind)
    conn.execute("""
        CREATE TEMP TABLE export_image_record ON COMMIT DROP AS
        SELECT DISTINCT ON (image_id) * FROM dtk_migrated_images() ORDER BY image_id, migration_id DESC""")
    conn.execute("""
        CREATE TEMP TABLE export_folder_record ON COMMIT DROP AS
        SELECT DISTINCT ON (row_id) row_id, original FROM migrated_row
         WHERE kind = 'folder' AND original ? 'Path' ORDER BY row_id, migration_id DESC, source_id""")
    conn.execute("ANALYZE export_image_record, export_folder_record")
    return done[-1][1] if done else None

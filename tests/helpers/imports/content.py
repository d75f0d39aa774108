"""What a library holds, without the ids and times that differ from run to run: for comparing two of them."""

from __future__ import annotations

import hashlib
from typing import LiteralString

from psycopg import sql

from dtk_tui.store.database import Connection

_CONTENT: dict[str, LiteralString] = {
    "folder": """SELECT f.path, p.path, f.name, f.is_root, f.recursive, f.watched, f.excluded, f.archived,
        f.unavailable, f.scanned_at FROM folder f LEFT JOIN folder p ON p.id = f.parent_id""",
    "image": """SELECT f.path, i.file_name, positive.text, negative.text, i.file_size, i.mtime_ns, i.created_at,
        i.width, i.height, i.steps, i.cfg_scale, i.scan_phase, i.rating, i.favorite, i.nsfw, i.for_deletion,
        i.unavailable, i.is_video, i.has_workflow, i.seed, i.dialect, i.sampler, i.scheduler, i.model, i.model_hash,
        i.custom_tags, i.error, i.extra::text, i.aesthetic_score, i.hypernetwork, i.hypernetwork_strength,
        i.viewed_at, i.touched_at, raw.chunks, representative_folder.path, representative.file_name
        FROM image i JOIN folder f ON f.id = i.folder_id
        LEFT JOIN prompt positive ON positive.id = i.prompt_id
        LEFT JOIN prompt negative ON negative.id = i.negative_prompt_id
        LEFT JOIN image_raw raw ON raw.image_id = i.id
        LEFT JOIN image representative ON representative.id = i.embedding_source_id
        LEFT JOIN folder representative_folder ON representative_folder.id = representative.folder_id""",
    "record": """SELECT f.path, i.file_name, b.created_ticks, b.modified_ticks, b.viewed_ticks, b.touched_ticks,
        b.marks, b.batch_size, b.batch_pos, b.clip_skip, b.ensd, b.no_metadata, b.workflow_id, b.hash, b.root_folder_id
        FROM dtk_migrated_images() b JOIN image i ON i.id = b.image_id JOIN folder f ON f.id = i.folder_id""",
    "album": """SELECT a.name, a.position, f.path, i.file_name,
        row_number() OVER (PARTITION BY a.id ORDER BY m.position)
        FROM album a LEFT JOIN album_image m ON m.album_id = a.id LEFT JOIN image i ON i.id = m.image_id
        LEFT JOIN folder f ON f.id = i.folder_id""",
    "tag": """SELECT t.name, t.category, m.source, m.confidence, f.path, i.file_name
        FROM tag t LEFT JOIN image_tag m ON m.tag_id = t.id LEFT JOIN image i ON i.id = m.image_id
        LEFT JOIN folder f ON f.id = i.folder_id""",
    "query": "SELECT name, query, original, problem, created_at FROM saved_query",
    "node": """SELECT f.path, i.file_name, n.node_id, n.name, p.name, p.value
        FROM node n JOIN image i ON i.id = n.image_id JOIN folder f ON f.id = i.folder_id
        LEFT JOIN node_property p ON p.node_id = n.id""",
}

# What only the records of an import say: the way there and back need not keep it, an interrupted one must.
_RECORDS: dict[str, LiteralString] = {
    "prompt": """SELECT encode(sha256, 'hex'), text, (SELECT count(*) FROM image WHERE prompt_id = prompt.id),
        (SELECT count(*) FROM image WHERE negative_prompt_id = prompt.id) FROM prompt""",
    "migration": """SELECT state, source, zone, policy, maps::text, (facts - 'mtime_ns')::text,
        (report - '{seconds,steps,migration}'::text[])::text FROM migration""",
    "note": "SELECT table_name, source_id, outcome, reason, original::text FROM migration_note",
    "image record": """SELECT f.path, i.file_name, b.source_id, i.id - m.image_base - b.source_id, b.is_new,
        b.has_error, b.custom_tags, b.before::text, i.metadata_hash IS NULL, i.is_embedding_representative
        FROM dtk_migrated_images() b JOIN image i ON i.id = b.image_id JOIN folder f ON f.id = i.folder_id
        JOIN migration m ON m.id = b.migration_id""",
    "row record": """SELECT kind, source_id, is_new, original::text,
        CASE kind WHEN 'folder' THEN (SELECT path FROM folder WHERE id = row_id)
                  WHEN 'album' THEN (SELECT name FROM album WHERE id = row_id)
                  WHEN 'tag' THEN (SELECT name FROM tag WHERE id = row_id)
                  ELSE (SELECT name FROM saved_query WHERE id = row_id) END FROM migrated_row""",
}
#: Tables whose rows are part of ``everything``; any other must be empty, or is none of the library's.
_TOLD = {
    "folder", "prompt", "image", "image_raw", "album", "album_image", "tag", "image_tag", "saved_query", "node",
    "node_property", "migration", "migrated_image", "migrated_batch", "migrated_row", "migration_note",
}  # fmt: skip
_TABLES: LiteralString = """
SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
 WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition
   AND relname NOT LIKE '%yoyo%'
   AND relname NOT IN ('worker', 'worker_control', 'caption_language', 'reader_version', 'posting_state')
"""


def content(conn: Connection) -> dict[str, list[str]]:
    """Return every row as text, in one order, by subject."""
    return {name: sorted(repr(row) for row in conn.execute(sql)) for name, sql in _CONTENT.items()}


def everything(conn: Connection) -> dict[str, list[str]]:
    """Return every row of every table as text, in one order, by subject; the records of imports too."""
    for (table,) in conn.execute(_TABLES).fetchall():
        if table not in _TOLD:
            found = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
            assert found == (0,), f"{table} has rows that are not compared"
    subjects = {**_CONTENT, **_RECORDS}
    return {name: sorted(repr(row) for row in conn.execute(query)) for name, query in subjects.items()}


def digest(conn: Connection) -> str:
    """Return one digest of everything."""
    return hashlib.sha256(repr(everything(conn)).encode("utf-8", "surrogatepass")).hexdigest()

"""What a library holds, without the ids and times that differ from run to run: for comparing two of them."""

from __future__ import annotations

import hashlib
from typing import LiteralString

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
    "book": """SELECT f.path, i.file_name, b.created_ticks, b.modified_ticks, b.viewed_ticks, b.touched_ticks, b.marks,
        b.batch_size, b.batch_pos, b.clip_skip, b.ensd, b.no_metadata, b.workflow_id, b.hash, b.root_folder_id
        FROM migrated_image b JOIN image i ON i.id = b.image_id JOIN folder f ON f.id = i.folder_id""",
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


def content(conn: Connection) -> dict[str, list[str]]:
    """Return every row as text, in one order, by subject."""
    return {name: sorted(repr(row) for row in conn.execute(sql)) for name, sql in _CONTENT.items()}


def digest(conn: Connection) -> str:
    """Return one digest of everything."""
    return hashlib.sha256(repr(content(conn)).encode("utf-8", "surrogatepass")).hexdigest()

"""The whole library as rows that do not depend on ids, to compare two libraries row by row."""

from __future__ import annotations

from typing import Any

from dtk_tui.store.database import Connection

_IMAGES = """
SELECT folder.path, image.file_name, image.file_size, image.mtime_ns, image.created_at, image.scan_phase,
       image.unavailable, image.width, image.height, image.steps, image.cfg_scale, image.seed, image.sampler,
       image.scheduler, image.model, image.model_hash, image.dialect, image.is_video, image.has_workflow,
       image.fingerprint, image.error, image.extra, image.rating, image.favorite, positive.text, negative.text,
       image.is_embedding_representative, source.file_name, image_raw.chunks
  FROM image JOIN folder ON folder.id = image.folder_id
  LEFT JOIN prompt positive ON positive.id = image.prompt_id
  LEFT JOIN prompt negative ON negative.id = image.negative_prompt_id
  LEFT JOIN image source ON source.id = image.embedding_source_id
  LEFT JOIN image_raw ON image_raw.image_id = image.id
 ORDER BY folder.path, image.file_name
"""
_FOLDERS = """
SELECT folder.path, above.path, folder.is_root, folder.unavailable, folder.error
  FROM folder LEFT JOIN folder above ON above.id = folder.parent_id ORDER BY folder.path
"""


def state(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return folders, images with all that was read, and prompts."""
    return {
        "folders": list(conn.execute(_FOLDERS)),
        "images": list(conn.execute(_IMAGES)),
        "prompts": list(conn.execute("SELECT text FROM prompt ORDER BY sha256")),
    }

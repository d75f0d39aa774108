"""The workflow that is kept with an image."""

from __future__ import annotations

from dtk_tui.metadata.workflow_tree import WorkflowTree, workflow_tree
from dtk_tui.store.database import Database
from dtk_tui.store.scan import raw_metadata


def workflow(db: Database, image_id: int) -> WorkflowTree | None:
    """Return the ComfyUI workflow of an image as a tree; None where none is kept with it."""
    with db.connection() as conn:
        found = raw_metadata.chunks(conn, [image_id])
    return workflow_tree(found[0][-1]) if found else None

"""Which program made a picture: the dialects in order, the surest sign first."""

from __future__ import annotations

from collections.abc import Callable

from dtk_tui.metadata.dialects import automatic1111, comfyui
from dtk_tui.metadata.evidence import Evidence, Found

DIALECTS: tuple[Callable[[Evidence], Found | None], ...] = (
    comfyui.read,
    automatic1111.read,
)


def recognise(evidence: Evidence) -> Found | None:
    """Return what the first dialect that knows the evidence has read, or None when no dialect does."""
    for read in DIALECTS:
        found = read(evidence)
        if found is not None:
            return found
    return None

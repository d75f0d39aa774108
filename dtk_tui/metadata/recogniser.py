"""Which program made a picture: the dialects in order, the surest sign first."""

from __future__ import annotations

from collections.abc import Callable

from dtk_tui.metadata.dialects import (
    automatic1111,
    civitai,
    comfyui,
    drawthings,
    easydiffusion,
    fooocus,
    huggingface,
    invokeai,
    mflux,
    novelai,
    sdcpp,
    stabilitymatrix,
    swarmui,
    tensorart,
)
from dtk_tui.metadata.evidence import Evidence, Found

# Programs that embed another's format come before that other: a SwarmUI picture holds a ComfyUI graph as well.
DIALECTS: tuple[Callable[[Evidence], Found | None], ...] = (
    swarmui.read,
    stabilitymatrix.read,
    invokeai.read,
    tensorart.read,
    easydiffusion.read,
    drawthings.read,
    mflux.read,
    civitai.read,
    novelai.read,
    fooocus.read,
    comfyui.read,
    sdcpp.read,
    automatic1111.read,
    huggingface.read,
)


def recognise(evidence: Evidence) -> Found | None:
    """Return what the first dialect that knows the evidence has read, or None when no dialect does."""
    for read in DIALECTS:
        found = read(evidence)
        if found is not None:
            return found
    return None

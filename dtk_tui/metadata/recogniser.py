"""Which program made a picture: the dialects in order, the surest sign first."""

from __future__ import annotations

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
    midjourney,
    mochi,
    novelai,
    sdcpp,
    stabilitymatrix,
    swarmui,
    tensorart,
    wangp,
)
from dtk_tui.metadata.dialects.base import DialectReader, DialectReading
from dtk_tui.metadata.fields import MetadataFields

# Programs that embed another's format come before that other: a SwarmUI picture holds a ComfyUI graph as well.
DIALECTS: tuple[DialectReader, ...] = (
    swarmui.read,
    stabilitymatrix.read,
    invokeai.read,
    tensorart.read,
    easydiffusion.read,
    drawthings.read,
    mflux.read,
    midjourney.read,
    mochi.read,
    wangp.read,
    civitai.read,
    novelai.read,
    fooocus.read,
    comfyui.read,
    sdcpp.read,
    automatic1111.read,
    huggingface.read,
)

# Nothing else tells anything from one plain text under the name that AUTOMATIC1111 gave to it.
_PLAIN_TEXT_DIALECTS = (fooocus.read, sdcpp.read, automatic1111.read)


def recognise(fields: MetadataFields) -> DialectReading | None:
    """Return what the first dialect that recognises the fields has read, or None when no dialect does."""
    for read in _PLAIN_TEXT_DIALECTS if _is_plain_text(fields) else DIALECTS:
        found = read(fields)
        if found is not None:
            return found
    return None


def _is_plain_text(fields: MetadataFields) -> bool:
    """Return whether ``parameters``, no JSON, is all there is: so it is in most of the pictures there are."""
    texts = fields.texts
    return len(texts) == 1 and texts.get("parameters", "")[:1].isalnum() and not fields.is_sidecar

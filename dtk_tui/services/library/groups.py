"""Groups of images that share a vector: what their pictures look like, and checking a library that is there."""

from __future__ import annotations

from dtk_tui.domain.looks import GroupMember, ImageLook
from dtk_tui.errors import DtkError, MissingFileError, UnreadableFileError
from dtk_tui.inference.image_decoder import decode_and_hash
from dtk_tui.metadata.bounded_file import fingerprint_of


def look_at(member: GroupMember) -> ImageLook | None:
    """Return what an image looks like; None when it cannot be read just now, or another file is in its place."""
    try:
        look = decode_and_hash(member.path)[1]
    except MissingFileError:
        return None
    except UnreadableFileError:
        look = None
    except DtkError:
        return None
    try:
        same = not member.fingerprint or fingerprint_of(member.path) == member.fingerprint
    except OSError:
        return None
    return ImageLook(member.image_id, member.fingerprint, look) if same else None

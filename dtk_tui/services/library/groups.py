"""Groups of images that share a vector: what their pictures look like, and checking a library that is there."""

from __future__ import annotations

from dtk_tui.domain.looks import GroupMember, ImageLook
from dtk_tui.errors import DtkError, MissingFileError, UnreadableFileError
from dtk_tui.inference.image_decoder import decode_and_hash


def look_at(member: GroupMember) -> ImageLook | None:
    """Return what an image looks like; None when it cannot be read just now."""
    try:
        return ImageLook(member.image_id, member.fingerprint, decode_and_hash(member.path)[1])
    except MissingFileError:
        return None
    except UnreadableFileError:
        return ImageLook(member.image_id, member.fingerprint, None)
    except DtkError:
        return None

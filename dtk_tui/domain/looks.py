"""What pictures look like, so that those that look alike share their work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PerceptualHash:
    """What a picture looks like.

    Attributes:
        bits: as a signed 64-bit number; None when the picture holds too little to tell it from others.
        colours: the mean red, green and blue of its quarters, row by row, 5 bits each.
    """

    bits: int | None
    colours: int


@dataclass(frozen=True, slots=True)
class GroupMember:
    """An image of a group that nobody has decoded yet; ``fingerprint`` is that of its content, empty when not read."""

    image_id: int
    path: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class ImageLook:
    """What an image with a content of this fingerprint looks like; ``hash`` is None when it cannot be decoded."""

    image_id: int
    fingerprint: bytes
    hash: PerceptualHash | None

"""Captions: versions of texts about an image, and what becomes of a model's text where there is one already.

Captions of one image are told apart by their type (what was asked for, e.g. ``descriptive``) and their source (who
said it: the name of a model, ``user``, or ``file`` for what came from a file). Wherever several are given, they are in
the order in which they are shown: what a person wrote first, then the newest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: The source of what a person wrote where no caption was.
USER = "user"
#: The source of captions that were read from files beside the images.
FILE = "file"
#: A longer text, in characters, is refused.
MAX_LENGTH = 4_000_000


class WhenThere(StrEnum):
    """What a model's text does where a caption of its type is there already."""

    KEEP = "keep"
    OVERWRITE = "overwrite"
    APPEND = "append"
    REFINE = "refine"


class Outcome(StrEnum):
    """What became of a model's text.

    ``kept``: what was there stays, and the text is not stored. ``set aside``: it is stored as a version that is not
    current, because a person edited the caption meanwhile. ``gone``: the image is no longer in the library.
    """

    WRITTEN = "written"
    APPENDED = "appended"
    KEPT = "kept"
    SET_ASIDE = "set aside"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Caption:
    """One version of a caption. ``model``, ``prompt_used`` and ``parameters`` are those of the model that made it."""

    id: int
    image_id: int
    text: str
    source: str
    type: str
    is_user_edited: bool
    created_at: datetime
    model: str | None = None
    prompt_used: str | None = None
    parameters: Mapping[str, object] | None = None
    parent_id: int | None = None
    is_current: bool = True


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that a person typed and did not save; ``base_id`` is the version that was current when it was begun."""

    type: str
    text: str
    saved_at: datetime
    base_id: int | None = None


@dataclass(frozen=True, slots=True)
class ModelText:
    """What a model said of an image.

    ``base_id`` is the caption that was there when the work began (``Wanted.base_id``).
    """

    image_id: int
    type: str
    source: str
    text: str
    base_id: int | None = None
    model: str | None = None
    prompt_used: str | None = None
    parameters: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whether a caption has to be made, from which caption the work begins, and, for refine, its text."""

    is_wanted: bool
    base_id: int | None = None
    old_text: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be stored of a model's text: where, in place of which version, and with which text."""

    outcome: Outcome
    source: str = ""
    text: str = ""
    replaced: Caption | None = None
    is_user_edited: bool = False


def in_order(captions: Iterable[Caption]) -> list[Caption]:
    """Return captions in the order in which they are shown."""
    return sorted(captions, key=lambda one: (not one.is_user_edited, -one.created_at.timestamp(), -one.id))


def joined(old: str, new: str) -> str:
    """Return a text with another one appended in a line of its own; the old one as it is, byte by byte."""
    return f"{old}{'' if not old or old.endswith(chr(10)) else chr(10)}{new}"


def wanted(captions: Sequence[Caption], source: str, kind: str, when_there: WhenThere) -> Wanted:
    """Return whether a model has anything to do for the current captions of an image, before it is asked.

    Args:
        source: the name under which the model's captions are kept.
        kind: the type of caption that is asked for.
    """
    base = _base(captions, source, kind)
    if base is None:
        return Wanted(True)
    if when_there is WhenThere.KEEP:
        return Wanted(False, base.id)
    if when_there is not WhenThere.APPEND and _protected(captions, kind):
        return Wanted(False, base.id)
    return Wanted(True, base.id, base.text if when_there is WhenThere.REFINE else None)


def decide(captions: Sequence[Caption], said: ModelText, when_there: WhenThere) -> Decision:
    """Return what becomes of a model's text, by the current captions of its image at the end of the work.

    A person's text is never replaced: it is kept, or what the model said is appended to it. Where another worker was
    quicker, what that one wrote is kept.
    """
    base = _base(captions, said.source, said.type)
    own = _own(captions, said.source, said.type)
    if base is None:
        # A caption that a person took away meanwhile does not come back.
        return Decision(Outcome.WRITTEN, said.source, said.text) if said.base_id is None else Decision(Outcome.KEPT)
    if when_there is WhenThere.KEEP:
        return Decision(Outcome.KEPT)
    if when_there is WhenThere.APPEND:
        if base.id != said.base_id and base.model is not None:
            return Decision(Outcome.KEPT)
        text = joined(base.text, said.text)
        return Decision(Outcome.APPENDED, base.source, text, base, base.is_user_edited)
    if persons := _protected(captions, said.type):
        if said.base_id in [one.id for one in persons]:
            return Decision(Outcome.KEPT)
        return Decision(Outcome.SET_ASIDE, said.source, said.text, own)
    if own is not None and own.id != said.base_id:
        return Decision(Outcome.KEPT)
    return Decision(Outcome.WRITTEN, said.source, said.text, own)


def _own(captions: Sequence[Caption], source: str, kind: str) -> Caption | None:
    """Return the caption that is kept under a model's own name."""
    return next((one for one in captions if one.type == kind and one.source == source), None)


def _base(captions: Sequence[Caption], source: str, kind: str) -> Caption | None:
    """Return the caption that a model's text meets: its own, else the first of its type."""
    same = in_order(one for one in captions if one.type == kind)
    return _own(captions, source, kind) or next(iter(same), None)


def _protected(captions: Sequence[Caption], kind: str) -> list[Caption]:
    return [one for one in captions if one.type == kind and one.is_user_edited]

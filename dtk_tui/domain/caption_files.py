"""What a caption file for a trainer holds: tags, a caption or both, as trainers read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Part = Literal["tags", "caption"]
PARTS: tuple[Part, ...] = ("tags", "caption")
ENDINGS = (".txt", ".caption")

_SPACE = re.compile(r"\s+")
_BRACKET = re.compile(r"(?<!\\)([()])")
#: Shorter ones are faces such as ^_^ and >_<: their underscores stay, as kohya's sd-scripts has it.
_SHORTEST_WORDS = 4


@dataclass(frozen=True, slots=True)
class CaptionFormat:
    """How a caption file is put together.

    Attributes:
        parts: what it holds, in this order.
        trigger: words that stand before everything.
        underscores: tags keep theirs instead of blanks.
        escape: brackets in tags get a backslash, so that they are no emphasis.
        by_name: tags are in alphabetical order instead of the surest first.
        keep_lines: the lines of a caption stay; kohya's sd-scripts read only the first one.
    """

    parts: Sequence[Part] = ("caption",)
    trigger: str = ""
    underscores: bool = False
    escape: bool = False
    by_name: bool = False
    keep_lines: bool = False


def compose(form: CaptionFormat, caption: str | None, tags: Sequence[str]) -> str | None:
    """Return the content of a file, or None when there is nothing to write but the trigger.

    Args:
        tags: the surest first.
    """
    texts: list[str] = []
    for part in form.parts:
        if part == "caption":
            lines = (caption or "").strip()
            text = lines if form.keep_lines else _SPACE.sub(" ", lines)
        else:
            named = [_tag(form, tag) for tag in (sorted(tags, key=str.lower) if form.by_name else tags)]
            text = ", ".join(tag for tag in dict.fromkeys(named) if tag and tag != form.trigger.strip())
        if text:
            texts.append(text)
    if not texts:
        return None
    trigger = form.trigger.strip().rstrip(",")
    return ", ".join([trigger, *texts] if trigger else texts)


def _tag(form: CaptionFormat, name: str) -> str:
    text = _SPACE.sub(" ", name).strip()
    if not form.underscores and len(text) >= _SHORTEST_WORDS:
        text = text.replace("_", " ")
    return _BRACKET.sub(r"\\\1", text) if form.escape else text

"""What a captioner is asked: JoyCaption's types with their lengths and options, and templates from the config."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from dtk_tui.errors import UsageError
from dtk_tui.settings import CaptionSettings
from dtk_tui.shipped import shipped

#: The lengths that JoyCaption knows beside a number of words.
LENGTHS = ("any", "very short", "short", "medium-length", "long", "very long")

_PLACE = re.compile(r"\{([a-z_]+)(?::([0-9.]+))?\}")
#: What stands in a template for facts about the picture, and what for words of the config.
PLACES = ("prompt", "negative_prompt", "tags", "file_name", "caption")
_OF_CONFIG = ("length", "word_count", "name")
#: No model reads further into what a stranger's file says of its picture.
_LONGEST_FACT = 4_000


@dataclass(frozen=True, slots=True)
class CaptionType:
    """A way to ask for a caption.

    Attributes:
        name: as people type it; ``title`` as JoyCaption calls it.
        plain, words, length: without a length, with a number of words, with a length in words; equal in own templates.
    """

    name: str
    title: str
    plain: str
    words: str
    length: str
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of a picture that a template may ask for; ``tags`` with their confidence, most certain first."""

    prompt: str = ""
    negative_prompt: str = ""
    file_name: str = ""
    caption: str = ""
    tags: Sequence[tuple[str, float]] = ()


@cache
def _shipped() -> tuple[tuple[CaptionType, ...], Mapping[str, str]]:
    known = tomllib.loads((shipped("models") / "data" / "joycaption.toml").read_text(encoding="utf-8"))
    types = tuple(CaptionType(t["name"], t["title"], t["plain"], t["words"], t["length"]) for t in known["type"])
    return types, {option["name"]: option["text"] for option in known["option"]}


def options() -> Mapping[str, str]:
    """Return JoyCaption's extra options: what each adds to a prompt, by name."""
    return _shipped()[1]


def caption_types(settings: CaptionSettings) -> list[CaptionType]:
    """Return every type that can be asked for: JoyCaption's, and the templates of the config, which go first."""
    own = [CaptionType(name, name, text, text, text, is_own=True) for name, text in settings.templates.items()]
    names = {kind.name for kind in own}
    return [*own, *(kind for kind in _shipped()[0] if kind.name not in names)]


def find_type(settings: CaptionSettings, name: str) -> CaptionType:
    """Return the type with a name or a title, whatever its case.

    Raises:
        UsageError: there is none; lists the known ones.
    """
    wanted = name.strip().casefold()
    known = caption_types(settings)
    for kind in known:
        if wanted in (kind.name.casefold(), kind.title.casefold()):
            return kind
    names = ", ".join(kind.name for kind in known)
    raise UsageError(f"Unknown caption type {name!r}.", f"Known are: {names}. See: dtk caption types")


def places_of(text: str) -> set[str]:
    """Return the facts about the picture that a template asks for."""
    return {found.group(1) for found in _PLACE.finditer(text)} & set(PLACES)


def unknown_places(text: str) -> list[str]:
    """Return the placeholders in a template that stand for nothing."""
    known = {*PLACES, *_OF_CONFIG}
    return [found.group() for found in _PLACE.finditer(text) if found.group(1) not in known]


def prompt_for(kind: CaptionType, settings: CaptionSettings, facts: PictureFacts, old_text: str | None = None) -> str:
    """Return the prompt that asks for a caption of a type, with the length and options of the config.

    A picture's facts are put in as they are: nothing in them is read as a template.

    Args:
        old_text: a caption that the model is to make better.
    """
    facts = facts if old_text is None else replace(facts, caption=old_text)
    length = settings.length
    text = kind.plain if length == "any" else kind.words if length.isdigit() else kind.length
    if not kind.is_own and settings.options:
        known = options()
        text = " ".join([text, *(known.get(option, option) for option in settings.options)])

    def fill(found: re.Match[str]) -> str:
        place, number = found.group(1), found.group(2)
        if place in ("length", "word_count"):
            return length
        if place == "name":
            return settings.name
        if place == "tags":
            least = float(number) if number else 0.0
            return _cut(", ".join(tag for tag, confidence in facts.tags if confidence >= least))
        return _cut(str(getattr(facts, place))) if place in PLACES else found.group()

    prompt = _PLACE.sub(fill, text).strip()
    if old_text is None or "caption" in places_of(text):
        return prompt
    return f"{prompt} This is the caption so far; keep what is right in it, and correct the rest:\n{_cut(old_text)}"


def _cut(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_FACT]

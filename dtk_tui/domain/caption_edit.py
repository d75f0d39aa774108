"""Edits of many captions at once: what is done to each text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dtk_tui.domain.captions import MAX_LENGTH

Operation = Literal["prefix", "suffix", "replace", "regex", "template", "trim", "case", "remove"]

#: What a template may name: the caption itself, and what is known of its image.
PLACEHOLDERS = ("caption", "prompt", "negative_prompt", "tags", "file_name", "folder")
CASES = ("lower", "upper", "sentence")
#: A longer pattern, replacement or template is refused, in characters.
MAX_ARGUMENT = 100_000

_TAGS = re.compile(r"tags(?::(0|1|0?\.[0-9]{1,9}|1\.0{1,9}))?")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class CaptionEdit:
    """One operation on texts; ``text`` is what it adds, finds, or the template, ``new`` what replaces what it finds."""

    operation: Operation
    text: str = ""
    new: str = ""

    def title(self) -> str:
        """Return what it does, in words."""
        texts = {
            "prefix": f'prefix "{self.text}"',
            "suffix": f'suffix "{self.text}"',
            "replace": f'replace "{self.text}" by "{self.new}"',
            "regex": f'replace "{self.text}" (regular expression) by "{self.new}"',
            "template": f'template "{self.text}"',
            "trim": "trim",
            "case": f"{self.text} case",
            "remove": "remove",
        }
        return f"Captions: {texts[self.operation]}"


@dataclass(frozen=True, slots=True)
class Example:
    """One caption before and after an edit; None: there is none."""

    image_id: int
    before: str
    after: str | None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What an edit of many captions changed, or would change.

    ``blank`` counts captions that would have been left without a word: they stay as they are. ``journal`` is the
    number of the edit in the journal; None: nothing was done.
    """

    changed: int
    blank: int
    examples: tuple[Example, ...] = ()
    journal: int | None = None


class TooLongError(Exception):
    """A text would become longer than captions may be."""


def fault(edit: CaptionEdit) -> str | None:
    """Return what is wrong with an edit, as a sentence, or None; a regular expression is not looked at."""
    if max(len(edit.text), len(edit.new)) > MAX_ARGUMENT:
        return f"A text to put into captions has at most {MAX_ARGUMENT:,} characters."
    if edit.operation in ("replace", "regex") and not edit.text:
        return "The text to find cannot be empty."
    if edit.operation == "case" and edit.text not in CASES:
        return f"The case is one of {', '.join(CASES)}, not {edit.text!r}."
    if edit.operation == "template":
        unknown = [name for name in _named(edit.text) if name not in PLACEHOLDERS and confidence_in(name) is None]
        if unknown:
            return f"A template cannot name {unknown[0]!r}; it may name {', '.join(PLACEHOLDERS)}, tags:0.5."
        alone = set("{}").intersection(_PLACEHOLDER.sub("", edit.text))
        if alone:
            return f"A brace has no partner in the template; {min(alone) * 2} puts one into the caption."
    return None


def confidence_in(placeholder: str) -> float | None:
    """Return how sure tags must be (0 to 1) by a placeholder such as ``tags`` or ``tags:0.5``; None for any other."""
    found = _TAGS.fullmatch(placeholder)
    return None if found is None else float(found[1] or 0)


def needs(edit: CaptionEdit) -> frozenset[str]:
    """Return the placeholders that a template names, the caption itself left out."""
    return frozenset(_named(edit.text)) - {"caption"} if edit.operation == "template" else frozenset()


def edited(edit: CaptionEdit, text: str, facts: Mapping[str, str]) -> str:
    """Return a text after an edit that is no regular expression.

    Args:
        facts: what is known of the image, by the names of the placeholders.

    Raises:
        TooLongError: it would be too long.
    """
    match edit.operation:
        case "prefix":
            result = edit.text + text
        case "suffix":
            result = text + edit.text
        case "replace":
            if len(text) + text.count(edit.text) * (len(edit.new) - len(edit.text)) > MAX_LENGTH:
                raise TooLongError
            result = text.replace(edit.text, edit.new)
        case "template":
            result = _filled(edit.text, {**facts, "caption": text})
        case "trim":
            result = text.strip()
        case "case":
            result = {"lower": str.lower, "upper": str.upper, "sentence": _sentence}[edit.text](text)
        case _:
            raise ValueError(f"{edit.operation} gives no text")
    if len(result) > MAX_LENGTH:
        raise TooLongError
    return result


def _named(template: str) -> list[str]:
    return [match[1] for match in _PLACEHOLDER.finditer(template) if match[1] is not None]


def _filled(template: str, facts: Mapping[str, str]) -> str:
    """Fill a template; doubled braces are single ones, and what stands in a fact is never read as a placeholder."""
    size = len(template)
    parts: list[str] = []
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        parts.append(template[end : match.start()])
        parts.append(match[0][0] if match[1] is None else facts.get(match[1], ""))
        size += len(parts[-1])
        if size > 2 * MAX_LENGTH:
            raise TooLongError
        end = match.end()
    return "".join((*parts, template[end:]))


def _sentence(text: str) -> str:
    """Return a text with a capital at its begin; the rest stays, as it may hold names."""
    start = len(text) - len(text.lstrip())
    return text[:start] + text[start : start + 1].upper() + text[start + 1 :]

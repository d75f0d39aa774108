"""Parsing an infotext, as AUTOMATIC1111 introduced it: prompt, negative prompt, one line of settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from dtk_tui.metadata import values

# The settings line as modules/infotext_utils.py of stable-diffusion-webui writes it: bare values end at a comma,
# others are quoted as JSON strings; Civitai and SD.Next add bare JSON.
_BARE = re.compile(r"[ \t]*(\w[\w \-/.+()]{0,80}):[ \t]*([^,\n]*)")
_SHORT_PART_CHARS = 100
#: Longer lines are not worth keeping.
_CACHED_LINE_CHARS = 600
#: Stands for any seed in a line that is kept.
_ANY_SEED = "\0"
_PAIR = re.compile(
    r'[ \t,]*(\w[\w \-/.+()]{0,80}):[ \t]*(?:("(?:\\.|[^"\\])*")(?=[ \t]*(?:,|\n|$))|([^,\n]*))', re.DOTALL
)
_STEPS_LINE = re.compile(r"^[ \t]*Steps:[ \t]*\d+(?:\.\d+)?[ \t]*(?:,|$)", re.MULTILINE)
_NEGATIVE = re.compile(r"^[ \t]*Negative [Pp]rompt:[ \t]*", re.MULTILINE)
# sd-dynamic-prompts writes the templates of its prompts behind the settings, SD.Next between both.
_TEMPLATES = re.compile(r"^(?:Negative )?[Tt]emplate:", re.MULTILINE)
_KNOWN = frozenset(
    {
        "Steps", "Sampler", "Schedule type", "CFG scale", "Seed", "Size", "Model hash", "Model", "Clip skip", "VAE",
        "Denoising strength", "Version", "Hires upscaler", "Hires upscale", "Guidance Scale", "App", "Hashes", "RNG",
        "Distilled CFG Scale", "VAE hash", "Scheduler", "Eta", "Civitai resources",
    }
)  # fmt: skip
# Other texts have a size, a model or a version as well, but none of these.
_UNAMBIGUOUS = frozenset({"Steps", "Sampler", "CFG scale", "Guidance Scale", "Model hash", "Schedule type"})
# Where the settings go on behind a value that has line breaks and no quotes: web UI 1.5 and older quoted commas alone.
_NEXT_KNOWN = re.compile(r",[ \t\n]*(?=(?:" + "|".join(map(re.escape, sorted(_KNOWN, reverse=True))) + r"):[ \t])")
_SETTINGS_LIMIT = 400
_LIMIT_CHARS = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Infotext:
    """An infotext in its three parts; ``settings`` keeps the first value of every key."""

    prompt: str
    negative_prompt: str
    settings: dict[str, str]


def parse_infotext(source: str) -> Infotext | None:
    """Return the parts of an infotext, or None when ``source`` is not one; its settings may have been left out."""
    if ":" not in source or len(source) > _LIMIT_CHARS:
        return None
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    text = source.strip("\0 \t\n\ufeff")
    found = _settings(text)
    if found is None:
        match = _negative_prompt(text)
        if match is None:
            return None
        told = text[match.end() :].partition("\nSteps:")[0]
        return Infotext(text[: match.start()].strip(), told.strip(), {})
    start, settings = found
    head = text[:start]
    match = _negative_prompt(head)
    if match is None:
        return Infotext(head.strip(), "", settings)
    negative = head[match.end() :]
    if "emplate:" in negative and settings.get("App") == "SD.Next":
        negative = _TEMPLATES.split(negative, maxsplit=1)[0]
    return Infotext(head[: match.start()].strip(), negative.strip(), settings)


def _negative_prompt(head: str) -> re.Match[str] | None:
    """Find the first line that begins with ``Negative prompt:``; a text is searched for a word faster than by lines."""
    place = head.find("Negative ")
    while place >= 0:
        if match := _NEGATIVE.match(head, head.rfind("\n", 0, place) + 1):
            return match
        end = head.find("\n", place)
        place = head.find("Negative ", end) if end >= 0 else -1
    return None


def _settings_start(text: str) -> int:
    """Return where the last line that begins with ``Steps:`` begins, or -1."""
    place = text.rfind("Steps:")
    while place >= 0:
        begin = text.rfind("\n", 0, place) + 1
        if _STEPS_LINE.match(text, begin):
            return begin
        place = text.rfind("Steps:", 0, begin)
    return -1


def _settings(text: str) -> tuple[int, dict[str, str]] | None:
    """Return where the settings begin and what they say; they begin with Steps, or are the last line of known keys."""
    begin = _settings_start(text)
    if begin >= 0:
        settings = pairs(text, begin)
        if len(_KNOWN.intersection(settings)) >= 2 or text.count("\n", begin) == 0:
            return begin, settings
    begin = text.rfind("\n") + 1
    settings = pairs(text, begin)
    is_one = len(_KNOWN.intersection(settings)) >= 3 and not _UNAMBIGUOUS.isdisjoint(settings)
    return (begin, settings) if is_one else None


def pairs(text: str, begin: int = 0) -> dict[str, str]:
    """Return the ``key: value`` pairs of the settings at ``begin``; on later lines only ones that continue them."""
    return _plain_pairs(text, begin) or _all_pairs(text, begin)


def _plain_pairs(text: str, begin: int) -> dict[str, str] | None:
    """Return the pairs of a last line of bare values, as most are; None: it has to be read with more care."""
    line = text[begin:]
    # Pictures of one series differ in the seed alone.
    start = line.find("Seed: ") + len("Seed: ")
    end = line.find(",", start)
    seed = line[start:end] if end > start else ""
    if seed.isdecimal() and len(line) <= _CACHED_LINE_CHARS and _ANY_SEED not in line:
        cached = _cached_line_pairs(line[:start] + _ANY_SEED + line[end:])
        if cached is None or cached.get("Seed") == _ANY_SEED:
            return cached and {**cached, "Seed": seed}
    return _line_pairs(line)


def _line_pairs(line: str) -> dict[str, str] | None:
    if "\n" in line or '"' in line or "{" in line or "[" in line:
        return None
    parts = line.split(",", _SETTINGS_LIMIT)
    if len(parts) > _SETTINGS_LIMIT:
        return None
    settings: dict[str, str] = {}
    for part in parts:
        pair = _cached_pair(part) if len(part) <= _SHORT_PART_CHARS else _pair(part)
        if pair is None:
            return None
        settings.setdefault(*pair)
    return settings


_cached_line_pairs = lru_cache(maxsize=1024)(_line_pairs)


def _pair(part: str) -> tuple[str, str] | None:
    """Return key and bare value of one setting, or None where there is none."""
    match = _BARE.fullmatch(part)
    return None if match is None else (match[1].rstrip(), match[2].rstrip())


# Most settings are those of many other pictures as well.
_cached_pair = lru_cache(maxsize=2048)(_pair)


def _all_pairs(text: str, begin: int) -> dict[str, str]:
    settings: dict[str, str] = {}
    position = begin
    for _ in range(_SETTINGS_LIMIT):
        match = _PAIR.match(text, position)
        if match is None:
            # A switch is written as its name alone, and a text with quotes of its own may end early: go on after it.
            comma = text.find(",", position + 1)
            if comma < 0 or text.find("\n", position, comma) >= 0:
                break
            position = comma
            continue
        key, quoted, value = match.groups()
        position = match.end()
        if quoted is not None:
            value = _unquote(quoted)
        elif value[:1] in ("{", "[") and (end := values.json_end(text, match.start(3))) is not None:
            value, position = text[match.start(3) : end], end
        key = key.rstrip()
        if text.startswith("\n", position):
            following = _PAIR.match(text, position + 1)
            if following is not None and following[1].rstrip() in _KNOWN:
                settings.setdefault(key, value.rstrip())
                position += 1
                continue
            is_bare = quoted is None and value[:1] not in ("{", "[")
            end = _end_of_broken_value(text, position) if is_bare and key not in _KNOWN else None
            if end is None:
                settings.setdefault(key, value.rstrip())
                break
            value, position = value + text[position:end], end
        settings.setdefault(key, value.rstrip())
    return settings


def _end_of_broken_value(text: str, position: int) -> int | None:
    """Return where a bare value that has a line break at ``position`` ends, or None when the settings end there."""
    if _TEMPLATES.match(text, position + 1):
        return None
    following = _NEXT_KNOWN.search(text, position)
    return None if following is None else following.start()


def _unquote(quoted: str) -> str:
    """Return what a quoted value stands for."""
    unquoted = values.json_string(quoted)
    return quoted[1:-1] if unquoted is None else unquoted

"""The tokens of the query line: one table, one row a token.

The syntax is that of Diffusion Toolkit (its SearchHelp.md and QueryBuilder.cs) and what this program adds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dtk_tui.domain.query.nodes import (
    About,
    Album,
    Compared,
    Created,
    Flag,
    Folder,
    Group,
    Has,
    Like,
    Named,
    Negative,
    Node,
    Numbers,
    Or,
    Orientation,
    Path,
    Queued,
    Rating,
    Ratio,
    SeedLike,
    Size,
    Tag,
)
from dtk_tui.domain.query.scanner import Scanner

Reader = Callable[[Scanner], Node | None]


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its names, how its value is read (None: the value is not understood), and what is expected."""

    names: tuple[str, ...]
    read: Reader
    expected: str


_PIPE = re.compile(r"\s*\|\s*")
_OPERATOR = re.compile(r"\s*(<=|>=|<>|<|>|=)\s*")
_INTEGER = re.compile(r"[0-9]{1,20}(?![\w.*?])")
_DECIMAL = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?(?![\w.])")
_DASH = re.compile(r"\s*-\s*")
_DIGITS_GLOB = re.compile(r"[0-9*?]{1,64}(?!\w)")
_SMALL_INTEGER = re.compile(r"[0-9]{1,9}(?!\w)")
_NONE = re.compile(r"none(?!\w)", re.IGNORECASE | re.ASCII)
_CONFIDENCE = re.compile(r"(?:0|1|0?\.[0-9]{1,9}|1\.0{1,9})(?![\w.])")
_TAG_COMPARISON = re.compile(r"(<=|>=|<>|[<>=](?=[0-9.]+$))")
_SIZE = re.compile(r"([0-9]{1,9}|\?)\s*([x:])\s*([0-9]{1,9}|\?)(?!\w)", re.IGNORECASE | re.ASCII)
_WHERE = re.compile(r"(starts\s+with|contains|ends\s+with)\s+", re.IGNORECASE | re.ASCII)
_DAY = re.compile(
    r"(?:(?P<word>today|yesterday)|(?P<count>[0-9]{1,6}|an?)\s+(?P<unit>day|week|month)s?\s+ago"
    r"|(?P<year>[0-9]{4})[-/](?P<month>[0-9]{1,2})[-/](?P<day>[0-9]{1,2}))(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_BEFORE = re.compile(r"(between|from|before|since)\s+", re.IGNORECASE | re.ASCII)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE | re.ASCII)
_UP_TO = re.compile(r"\s+(?:up\s+)?to\s+", re.IGNORECASE | re.ASCII)
_DASH_OR_TO = re.compile(r"\s*-\s*|\s+(?:up\s+)?to\s+", re.IGNORECASE | re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1900, 9000
_A_DAY = "a day: today, yesterday, YYYY-MM-DD or N days/weeks/months ago"


def _text(scanner: Scanner, stops: str = "") -> str | None:
    """Read a quoted text or one word; None when there is none."""
    quoted = scanner.quoted()
    return (scanner.word(stops) if quoted is None else quoted.strip()) or None


def _alternatives(scanner: Scanner, read: Callable[[], str | None]) -> tuple[str, ...] | None:
    values: list[str] = []
    while True:
        value = read()
        if not value:
            return None
        values.append(value)
        if not scanner.accept(_PIPE):
            return tuple(values)


def _after(scanner: Scanner, link: re.Pattern[str], wanted: re.Pattern[str]) -> re.Match[str] | None:
    """Move past ``link`` and ``wanted`` when both stand here, else stay: a dash may also negate what follows."""
    linked = link.match(scanner.line, scanner.pos)
    match = wanted.match(scanner.line, linked.end()) if linked else None
    if match:
        scanner.pos = match.end()
    return match


def _numbers(field: str, number: re.Pattern[str]) -> Reader:
    def read(scanner: Scanner) -> Node | None:
        ranges: list[tuple[Decimal, Decimal]] = []
        while True:
            first = scanner.accept(number)
            if not first:
                return None
            low = high = Decimal(first.group())
            if last := _after(scanner, _DASH, number):
                high = Decimal(last.group())
            ranges.append((min(low, high), max(low, high)))
            if not scanner.accept(_PIPE):
                return Numbers(field, tuple(ranges))

    return read


def _seed(scanner: Scanner) -> Node | None:
    if _INTEGER.match(scanner.line, scanner.pos):
        return _numbers("seed", _INTEGER)(scanner)
    glob = scanner.accept(_DIGITS_GLOB)
    return SeedLike(glob.group()) if glob and not glob.group().isdecimal() else None


def _path(scanner: Scanner) -> Node | None:
    where = scanner.accept(_WHERE)
    value = _text(scanner)
    if value is None:
        return None
    kind = where.group(1).lower()[0] if where else ""
    return Path({"": value, "s": f"{value}*", "c": f"*{value}*", "e": f"*{value}"}[kind])


def _day(scanner: Scanner) -> date:
    at = scanner.pos
    match = scanner.accept(_DAY)
    if not match:
        raise scanner.error(f"expected {_A_DAY}")
    try:
        day = _day_of(match, scanner.today)
    except (ValueError, OverflowError):
        day = date.min
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise scanner.error(f"expected a day of the calendar from {_FIRST_YEAR} to {_LAST_YEAR}", at)
    return day


def _day_of(match: re.Match[str], today: date) -> date:
    if match["word"]:
        return today - timedelta(days=match["word"].lower() == "yesterday")
    if not match["unit"]:
        return date(int(match["year"]), int(match["month"]), int(match["day"]))
    count = int(match["count"]) if match["count"].isdecimal() else 1
    unit = match["unit"].lower()
    if unit != "month":
        return today - timedelta(days=count * (7 if unit == "week" else 1))
    months = today.year * 12 + today.month - 1 - count
    first = date(months // 12, months % 12 + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(today.day, last.day))


def _date(scanner: Scanner) -> Node | None:
    match = scanner.accept(_BEFORE)
    word = match.group(1).lower() if match else ""
    first = _day(scanner)
    if word == "before":
        return Created(None, first)
    if word == "since":
        return Created(first, None)
    if word == "between" and not scanner.accept(_AND):
        raise scanner.error('expected "and" and the second day')
    if word == "from" and not scanner.accept(_UP_TO):
        raise scanner.error('expected "to" and the second day')
    start = scanner.pos
    if not word and _after(scanner, _DASH_OR_TO, _DAY):
        scanner.pos = start
        scanner.accept(_DASH_OR_TO)
        word = "to"
    last = _day(scanner) if word else first
    return Created(min(first, last), max(first, last))


def _sampler(scanner: Scanner) -> Node | None:
    names = _alternatives(scanner, lambda: scanner.phrase(",|"))
    return Named("sampler", names) if names else None


def _named(field: str) -> Reader:
    def read(scanner: Scanner) -> Node | None:
        names = _alternatives(scanner, lambda: _text(scanner, ",|"))
        return Named(field, names) if names else None

    return read


def _model_hash(scanner: Scanner) -> Node | None:
    names = _alternatives(scanner, lambda: _text(scanner, ",|"))
    return Named("model_hash", names) if names and all(re.fullmatch("[0-9a-fA-F]+", name) for name in names) else None


def _model(scanner: Scanner) -> Node | None:
    names = tuple(name for part in (_text(scanner) or "").split(",") if (name := part.strip()))
    return Named("model", names) if names else None


def _model_or_hash(scanner: Scanner) -> Node | None:
    name = scanner.quoted()
    if name is None or not scanner.accept(_PIPE):
        return None
    value = scanner.word(",")
    parts = [Named(field, (text.strip(),)) for field, text in (("model", name), ("model_hash", value)) if text.strip()]
    return Or(tuple(parts)) if len(parts) > 1 else (parts[0] if parts else None)


def _size(scanner: Scanner) -> Node | None:
    match = scanner.accept(_SIZE)
    if not match:
        word = scanner.word(",").lower()
        return Orientation(word) if word in ("portrait", "landscape", "square") else None
    width, height = (None if text == "?" else int(text) for text in match.group(1, 3))
    if match.group(2) == ":" and width is not None and height is not None:
        return Ratio(width, height) if width and height else None
    return Size(width, height)


def _rating(scanner: Scanner) -> Node | None:
    if scanner.accept(_NONE):
        return Rating("=", None)
    operator = scanner.accept(_OPERATOR)
    value = scanner.accept(_SMALL_INTEGER)
    return Rating(operator.group(1) if operator else "=", int(value.group())) if value else None


def _compared(field: str) -> Reader:
    def read(scanner: Scanner) -> Node | None:
        operator = scanner.accept(_OPERATOR)
        value = scanner.accept(_DECIMAL)
        return Compared(field, operator.group(1) if operator else "=", Decimal(value.group())) if value else None

    return read


def _flag(name: str) -> Reader:
    def read(scanner: Scanner) -> Node | None:
        start = scanner.pos
        word = scanner.word(",").lower()
        if word in ("true", "false"):
            return Flag(name, word == "true")
        if word and scanner.line[start - 1] == ":":
            return None
        scanner.pos = start - (scanner.line[start - 1] != ":")
        return Flag(name, True)

    return read


def _choice(nodes: dict[str, Node]) -> Reader:
    def read(scanner: Scanner) -> Node | None:
        return nodes.get(scanner.word(",").lower())

    return read


def _has(scanner: Scanner) -> Node | None:
    at = scanner.pos
    word = scanner.word(",").lower()
    if word == "caption":
        raise scanner.error("has:caption cannot be asked: this library keeps no captions", at)
    return Has(word) if word in ("tags", "embedding", "workflow") else None


def _tag(scanner: Scanner) -> Node | None:
    at = scanner.pos
    name = scanner.quoted()
    if name is None:
        name = scanner.word(",")
        comparison = _TAG_COMPARISON.search(name, 1)
        if comparison:
            name = name[: comparison.start()]
            scanner.pos = at + len(name)
    if not name.strip():
        return None
    operator = scanner.accept(_OPERATOR)
    if not operator:
        return Tag(name.strip())
    confidence = scanner.accept(_CONFIDENCE)
    if not confidence:
        raise scanner.error("expected a confidence from 0 to 1, such as 0.8")
    return Tag(name.strip(), operator.group(1), float(confidence.group()))


def _negative(scanner: Scanner) -> Node | None:
    scanner.text = Negative
    return scanner.factor()


def _about(scanner: Scanner) -> Node | None:
    at = scanner.pos
    text = scanner.phrase()
    return About(text, at) if text else None


def _like(scanner: Scanner) -> Node | None:
    at = scanner.pos
    image = _text(scanner)
    return Like(image, at) if image else None


def _folder(scanner: Scanner) -> Node | None:
    value = _text(scanner)
    return Folder(value) if value else None


def _album(scanner: Scanner) -> Node | None:
    value = _text(scanner)
    return Album(value) if value else None


def _absent(what: str) -> Reader:
    def read(scanner: Scanner) -> Node | None:
        raise scanner.error(f"this cannot be asked: this library keeps no {what}")

    return read


_BOOLEAN = "true or false"
_COMPARISON = "a number, which may follow one of < > <= >= <>"

TOKENS: tuple[Token, ...] = (
    Token(("album",), _album, "the name of an album"),
    Token(("in_album",), _flag("in_album"), _BOOLEAN),
    Token(("folder",), _folder, "the name or path of a folder"),
    Token(("path",), _path, '[starts with|contains|ends with] a path, quoted if it holds spaces; "*" is a wildcard'),
    Token(("date",), _date, _A_DAY),
    Token(("seed",), _seed, "a seed, a range such as 100-200, or digits with * or ?"),
    Token(("steps",), _numbers("steps", _INTEGER), "a number, several such as 20|30, or a range such as 20-30"),
    Token(
        ("cfg", "cfg_scale", "cfg scale"),
        _numbers("cfg", _DECIMAL),
        "a number, several such as 7|9.5, or a range such as 5-7.5",
    ),
    Token(("sampler",), _sampler, "the name of a sampler, or several such as euler a | ddim"),
    Token(("model_hash", "model hash"), _model_hash, "hexadecimal digits, or several such as aabbccdd|deadbeef"),
    Token(("model",), _model, "the name of a model, or several with commas between; * and ? are wildcards"),
    Token(("model_or_hash",), _model_or_hash, 'a quoted name and a hash, such as "sdxl base"|aabbccdd'),
    Token(("size",), _size, "a size such as 512x768 or 512x?, a ratio such as 16:9, portrait, landscape or square"),
    Token(("rating",), _rating, f"none or {_COMPARISON}"),
    Token(("aesthetic_score",), _compared("aesthetic_score"), _COMPARISON),
    Token(("hypernet",), _named("hypernet"), "the name of a hypernetwork, or several such as a | b"),
    Token(("hypernet strength",), _compared("hypernet_strength"), _COMPARISON),
    Token(("favorite", "fave"), _flag("favorite"), _BOOLEAN),
    Token(("delete", "to delete", "for deletion"), _flag("for_deletion"), _BOOLEAN),
    Token(("nsfw",), _flag("nsfw"), _BOOLEAN),
    Token(("nometa", "nometadata"), _flag("nometa"), _BOOLEAN),
    Token(("type",), _choice({"image": Flag("is_video", False), "video": Flag("is_video", True)}), "image or video"),
    Token(("negative", "negative prompt", "negative_prompt"), _negative, "a text to find in the negative prompt"),
    Token(("tag",), _tag, 'the name of a tag, such as blue_hair, "blue hair" or blue_hair>=0.8'),
    Token(("about",), _about, "a text whose meaning is looked for"),
    Token(("like",), _like, "the id or the path of an image"),
    Token(("has",), _has, "tags, embedding or workflow"),
    Token(
        ("group",),
        _choice({role: Group(role) for role in ("representative", "duplicates")}),
        "representative or duplicates",
    ),
    Token(("dialect",), _named("dialect"), "the name of a metadata dialect"),
    Token(("queue",), _choice({state: Queued(state) for state in ("pending", "failed")}), "pending or failed"),
    Token(("caption",), _absent("captions"), ""),
)

BY_NAME: dict[str, Token] = {name: token for token in TOKENS for name in token.names}

#: The name of a token and its colon, longest name first; ASCII, as a long s must not pass for an s.
TOKEN_START = re.compile(
    f"({'|'.join(re.escape(name) for name in sorted(BY_NAME, key=len, reverse=True))}):", re.IGNORECASE | re.ASCII
)


def read_value(scanner: Scanner, name: str) -> Node:
    """Read the value of the token called ``name`` (lower case), or raise UsageError where it cannot be read."""
    token = BY_NAME[name]
    scanner.skip_space()
    at = scanner.pos
    node = token.read(scanner)
    if node is None:
        raise scanner.error(f"after {name}: expected {token.expected}", at)
    if not scanner.at_end_of_value() and token.read is not _negative:
        raise scanner.error(f"after {name}: expected {token.expected}")
    return node

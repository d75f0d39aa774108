"""Reading the values of tokens: texts, numbers, names, comparisons, words of a list."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from dtk_tui.domain.query.nodes import (
    SORT_COLUMNS,
    About,
    Album,
    CaptionText,
    CaptionWords,
    Compared,
    Flag,
    Folder,
    Has,
    Like,
    Looks,
    Named,
    Negative,
    Node,
    Numbers,
    Or,
    Orientation,
    Path,
    Rating,
    Ratio,
    SeedLike,
    Size,
    Sort,
    Tag,
)
from dtk_tui.domain.query.scanner import Scanner

#: Reads the value of a token at the scanner's place; None when it is not understood.
Reader = Callable[[Scanner], Node | None]

_PIPE = re.compile(r"\s*\|\s*")
_OPERATOR = re.compile(r"\s*(<=|>=|<>|<|>|=)\s*")
INTEGER = re.compile(r"[0-9]{1,20}(?![\w.*?])")
DECIMAL = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?(?![\w.])")
_MINUS = re.compile(r"-(?=\S)")
_DASH = re.compile(r"\s*-\s*")
_DIGITS_GLOB = re.compile(r"[0-9*?]{1,64}(?!\w)")
_SMALL_INTEGER = re.compile(r"[0-9]{1,9}(?!\w)")
_NONE = re.compile(r"none(?!\w)", re.IGNORECASE | re.ASCII)
_CONFIDENCE = re.compile(r"(?:0|1|0?\.[0-9]{1,9}|1\.0{1,9})(?![\w.])")
_TAG_COMPARISON = re.compile(r"(<=|>=|<>|[<>=](?=[0-9.]+$))")
_SIZE = re.compile(r"([0-9]{1,9}|\?)\s*([x:])\s*([0-9]{1,9}|\?)(?!\w)", re.IGNORECASE | re.ASCII)
_WHERE = re.compile(r"(starts\s+with|contains|ends\s+with)\s+", re.IGNORECASE | re.ASCII)


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


def ranges_reader(field: str, number: re.Pattern[str]) -> Reader:
    """Return a reader of numbers and ranges, such as ``20|30-40``, for ``field``."""

    def read(scanner: Scanner) -> Node | None:
        ranges: list[tuple[Decimal, Decimal]] = []
        while True:
            first = scanner.accept(number)
            if not first:
                return None
            low = high = Decimal(first.group())
            if last := scanner.accept_linked(_DASH, number):
                high = Decimal(last.group())
            ranges.append((min(low, high), max(low, high)))
            if not scanner.accept(_PIPE):
                return Numbers(field, tuple(ranges))

    return read


def read_seed(scanner: Scanner) -> Node | None:
    """Read a seed, ranges of seeds, or digits with wildcards."""
    if INTEGER.match(scanner.line, scanner.pos):
        return ranges_reader("seed", INTEGER)(scanner)
    glob = scanner.accept(_DIGITS_GLOB)
    return SeedLike(glob.group()) if glob and not glob.group().isdecimal() else None


def read_path(scanner: Scanner) -> Node | None:
    """Read where in the path a text stands, and the text."""
    where = scanner.accept(_WHERE)
    value = _text(scanner)
    if value is None:
        return None
    kind = where.group(1).lower()[0] if where else ""
    return Path({"": value, "s": f"{value}*", "c": f"*{value}*", "e": f"*{value}"}[kind])


def read_sampler(scanner: Scanner) -> Node | None:
    """Read names of samplers, which may hold spaces."""
    names = _alternatives(scanner, lambda: scanner.phrase(",|"))
    return Named("sampler", names) if names else None


def names_reader(field: str) -> Reader:
    """Return a reader of names, several with a bar between, for ``field``."""

    def read(scanner: Scanner) -> Node | None:
        names = _alternatives(scanner, lambda: _text(scanner, ",|"))
        return Named(field, names) if names else None

    return read


def read_model_hash(scanner: Scanner) -> Node | None:
    """Read hashes of models."""
    names = _alternatives(scanner, lambda: _text(scanner, ",|"))
    return Named("model_hash", names) if names and all(re.fullmatch("[0-9a-fA-F]+", name) for name in names) else None


def read_model(scanner: Scanner) -> Node | None:
    """Read names of models with commas between."""
    names = tuple(name for part in (_text(scanner) or "").split(",") if (name := part.strip()))
    return Named("model", names) if names else None


def read_model_or_hash(scanner: Scanner) -> Node | None:
    """Read a quoted name and a hash, of which one has to fit."""
    name = scanner.quoted()
    if name is None or not scanner.accept(_PIPE):
        return None
    value = scanner.word(",")
    parts = [Named(field, (text.strip(),)) for field, text in (("model", name), ("model_hash", value)) if text.strip()]
    return Or(tuple(parts)) if len(parts) > 1 else (parts[0] if parts else None)


def read_size(scanner: Scanner) -> Node | None:
    """Read pixels, a ratio, or an orientation."""
    match = scanner.accept(_SIZE)
    if not match:
        word = scanner.word(",").lower()
        return Orientation(word) if word in ("portrait", "landscape", "square") else None
    width, height = (None if text == "?" else int(text) for text in match.group(1, 3))
    if match.group(2) == ":" and width is not None and height is not None:
        return Ratio(width, height) if width and height else None
    return Size(width, height)


def read_rating(scanner: Scanner) -> Node | None:
    """Read ``none`` or a rating with an operator."""
    if scanner.accept(_NONE):
        return Rating("=", None)
    operator = scanner.accept(_OPERATOR)
    value = scanner.accept(_SMALL_INTEGER)
    return Rating(operator.group(1) if operator else "=", int(value.group())) if value else None


def comparison_reader(field: str) -> Reader:
    """Return a reader of a number with an operator, for ``field``."""

    def read(scanner: Scanner) -> Node | None:
        operator = scanner.accept(_OPERATOR)
        value = scanner.accept(DECIMAL)
        return Compared(field, operator.group(1) if operator else "=", Decimal(value.group())) if value else None

    return read


def flag_reader(name: str) -> Reader:
    """Return a reader of true or false; the name alone means true."""

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


def choice_reader(nodes: dict[str, Node]) -> Reader:
    """Return a reader of one word out of the keys of ``nodes``."""

    def read(scanner: Scanner) -> Node | None:
        return nodes.get(scanner.word(",").lower())

    return read


def read_sort(scanner: Scanner) -> Node | None:
    """Read the name of a column, with ``_asc`` or ``_desc`` behind it or without."""
    at = scanner.pos
    word = scanner.word(",").lower()
    if word in SORT_COLUMNS:
        return Sort(word, SORT_COLUMNS[word], at)
    name, _, way = word.rpartition("_")
    return Sort(name, way == "desc", at) if name in SORT_COLUMNS and way in ("asc", "desc") else None


def read_has(scanner: Scanner) -> Node | None:
    """Read what an image must have."""
    word = scanner.word(",").lower()
    return Has(word) if word in ("caption", "tags", "embedding", "workflow", "error") else None


def read_caption(scanner: Scanner) -> Node | None:
    """Read words, quoted phrases, and either of them with a minus sign, up to a comma, a token or a bracket."""
    parts: list[CaptionWords] = []
    end = scanner.pos
    while not scanner.starts_condition(("quote", "minus")):
        negated = scanner.accept(_MINUS) is not None
        if negated and scanner.starts_condition(("quote",)):
            break
        quoted = scanner.quoted()
        text = scanner.word(",") if quoted is None else quoted.strip()
        if text:
            parts.append(CaptionWords(text, quoted is not None, negated))
        elif quoted is None:
            break
        end = scanner.pos
        scanner.skip_space()
    scanner.pos = end
    return CaptionText(tuple(parts)) if parts else None


def read_tag(scanner: Scanner) -> Node | None:
    """Read a tag, between quotes as it stands, with a bound for its confidence or without."""
    at = scanner.pos
    name = scanner.quoted()
    if name is None:
        name = scanner.word(",")
        if not name:
            return None
        comparison = _TAG_COMPARISON.search(name, 1)
        if comparison:
            name = name[: comparison.start()]
            scanner.pos = at + len(name)
    operator = scanner.accept(_OPERATOR)
    if not operator:
        return Tag(name)
    confidence = scanner.accept(_CONFIDENCE)
    if not confidence:
        raise scanner.error("expected a confidence from 0 to 1, such as 0.8")
    return Tag(name, operator.group(1), float(confidence.group()))


def read_negative(scanner: Scanner) -> Node | None:
    """Read a condition whose texts are those of the negative prompt."""
    scanner.text = Negative
    return scanner.factor()


def read_about(scanner: Scanner) -> Node | None:
    """Read a text whose meaning ranks."""
    at = scanner.pos
    text = scanner.phrase()
    return About(text, at) if text else None


def read_like(scanner: Scanner) -> Node | None:
    """Read the image whose looks rank."""
    at = scanner.pos
    image = _text(scanner)
    return Like(image, at) if image else None


def read_looks(scanner: Scanner) -> Node | None:
    """Read a text that says what the picture shows."""
    at = scanner.pos
    text = scanner.phrase()
    return Looks(text, at) if text else None


def read_folder(scanner: Scanner) -> Node | None:
    """Read the name or path of a folder."""
    quoted = scanner.quoted()
    value = scanner.word() if quoted is None else quoted
    return Folder(value) if value.strip() else None


def read_album(scanner: Scanner) -> Node | None:
    """Read the name of an album; between quotes as it stands, as imported ones may be empty or begin with a blank."""
    quoted = scanner.quoted()
    name = quoted if quoted is not None else scanner.word() or None
    return None if name is None else Album(name)

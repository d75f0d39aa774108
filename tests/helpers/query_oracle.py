"""Queries and what they mean, independent of the program: a text of each token, and the Python function that it is."""

from __future__ import annotations

import operator
import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import strategies as st

from tests.helpers.query_rows import ALBUMS, CAPTION_WORDS, MODELS, SAMPLERS, SEEDS, STEMS, TAGS, WORDS, Row

TODAY = date(2025, 3, 1)
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "": operator.eq, "=": operator.eq, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
    "<>": operator.ne,
}  # fmt: skip
#: Sorted by: the value of a row, and whether the largest comes first.
SORTS: dict[str, tuple[Callable[[Row], object], bool]] = {
    "date": (lambda row: row.created_at, True),
    "name": (lambda row: row.file_name.lower(), False),
    "size": (lambda row: row.file_size, True),
    "rating": (lambda row: row.rating, True),
    "aesthetic_score": (lambda row: row.aesthetic_score, True),
    "seed": (lambda row: row.seed, False),
    "model": (lambda row: row.model and row.model.lower(), False),
    "steps": (lambda row: row.steps, False),
}


@dataclass(frozen=True)
class Asked:
    """A text of the query line, and whether an image meets it."""

    text: str
    meets: Callable[[Row], bool]


def _leaf(text: str, meets: Callable[[Row], bool]) -> Asked:
    return Asked(text, meets)


def _token(names: str) -> st.SearchStrategy[str]:
    """Return one of some names, a space behind its colon or none, in any case."""
    spelled = [name for one in names.split("|") for name in (f"{one}:", f"{one}: ", f"{one.upper()}:")]
    return st.sampled_from(spelled)


def _flag(names: str, field: Callable[[Row], bool]) -> st.SearchStrategy[Asked]:
    def make(name: str, value: str) -> Asked:
        wanted = value.strip().lower() != "false"
        return _leaf(name + value, lambda row: field(row) is wanted)

    return st.builds(make, _token(names), st.sampled_from(["true", "false", "False"]))


def _ranges(names: str, field: str, values: list[float]) -> st.SearchStrategy[Asked]:
    one = st.sampled_from(values)
    part = st.one_of(one.map(lambda v: (v, v)), st.tuples(one, one).map(lambda pair: (min(pair), max(pair))))

    def make(name: str, parts: list[tuple[float, float]], bar: str) -> Asked:
        text = bar.join(f"{low:g}" if low == high else f"{low:g}-{high:g}" for low, high in parts)

        def meets(row: Row) -> bool:
            value = row.values[field]
            return value is not None and any(low <= value <= high for low, high in parts)

        return _leaf(name + text, meets)

    return st.builds(make, _token(names), st.lists(part, min_size=1, max_size=10), st.sampled_from(["|", " | "]))


def _compared(names: str, field: str, values: list[str]) -> st.SearchStrategy[Asked]:
    def make(name: str, sign: str, value: str) -> Asked:
        def meets(row: Row) -> bool:
            return row.values[field] is not None and COMPARE[sign.strip()](row.values[field], float(value))

        return _leaf(name + sign + value, meets)

    return st.builds(make, _token(names), st.sampled_from([*COMPARE, " >= "]), st.sampled_from(values))


def _named(names: str, field: str, values: list[str], *, quotes: bool = True) -> st.SearchStrategy[Asked]:
    def make(name: str, chosen: list[str]) -> Asked:
        text = " | ".join(f'"{one}"' if quotes else one for one in chosen)
        lowered = {one.lower() for one in chosen}
        return _leaf(name + text, lambda row: (row.values[field] or "").lower() in lowered)

    return st.builds(make, _token(names), st.lists(st.sampled_from(values), min_size=1, max_size=10))


def _glob(pattern: str, text: str) -> bool:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), text, re.IGNORECASE | re.DOTALL) is not None


def _text(names: str, of: Callable[[Row], str | None]) -> st.SearchStrategy[Asked]:
    """Return terms that are found in a prompt."""
    term = st.sampled_from([*WORDS, "cast", "ed f", "oil", "no such", "%", "_", "SOIR\u00c9E", "night"])

    def make(word: str) -> Asked:
        return _leaf(f'"{word}"', lambda row: word.lower() in (of(row) or "").lower())

    if not names:
        return term.map(make)
    return st.builds(lambda name, one: _leaf(f"({name}{one.text})", one.meets), _token(names), term.map(make))


def _folder(name: str) -> Callable[[Row], bool]:
    wanted = name.lower().rstrip("/")
    return lambda row: wanted in (row.folder.lower(), row.folder.lower().rsplit("/", 1)[1])


def _dates() -> st.SearchStrategy[Asked]:
    def said(ago: int, unit: str) -> tuple[str, date, date]:
        """Return a date as it is written, its first and its last day."""
        day = TODAY - timedelta(days=ago)
        if unit == "month":
            return f"{day:%Y-%m}", day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
        if unit == "year":
            return f"{day:%Y}", date(day.year, 1, 1), date(day.year, 12, 31)
        if ago < 2:
            return ["today", "Yesterday"][ago], day, day
        return f"{ago} days ago" if ago % 3 else day.isoformat(), day, day

    def make(name: str, form: str, one: tuple[str, date, date], two: tuple[str, date, date]) -> Asked:
        bounds = {
            "": (one[1], one[2]),
            "since ": (one[1], date.max),
            "before ": (date.min, one[2] if one[1] == one[2] else one[1] - timedelta(days=1)),
        }
        early, late = (one, two) if one[1] <= two[2] else (two, one)
        low, high = bounds.get(form, (early[1], late[2]))
        text = form + one[0] if form in bounds else form.format(one[0], two[0])
        return _leaf(name + text, lambda row: low <= row.created_at.astimezone().date() <= high)

    forms = ["", "since ", "before ", "between {} and {}", "from {} to {}", "{} - {}"]
    dates = st.builds(said, st.integers(0, 70), st.sampled_from(["day", "day", "month", "year"]))
    return st.builds(make, _token("date"), st.sampled_from(forms), dates, dates)


def _words(text: str) -> list[str | None]:
    return [STEMS.get(word, word) for word in text.lower().split()]


def _says(caption: str, part: str, is_phrase: bool) -> bool:
    """Return whether a caption has words, or those of a phrase in a row; what is not searched may be any."""
    found, wanted = _words(caption), _words(part)
    if not is_phrase:
        return all(word in found for word in wanted if word)
    places = [(place, word) for place, word in enumerate(wanted) if word]
    first = places[0][0]
    return any(
        all(start + place - first < len(found) and found[start + place - first] == word for place, word in places)
        for start in range(len(found))
    )


def _captions() -> st.SearchStrategy[Asked]:
    word = st.sampled_from(CAPTION_WORDS)
    part = st.tuples(st.booleans(), st.one_of(word, st.lists(word, min_size=2, max_size=3).map(" ".join)))

    def make(name: str, parts: list[tuple[bool, str]]) -> Asked:
        text = " ".join(("-" if negated else "") + (f'"{said}"' if " " in said else said) for negated, said in parts)
        searched = [(negated, said) for negated, said in parts if any(_words(said))]

        def meets(row: Row) -> bool:
            return bool(searched) and any(
                all(_says(caption, said, " " in said) is not negated for negated, said in searched)
                for caption in row.captions
            )

        return _leaf(name + text, meets)

    return st.builds(make, _token("caption"), st.lists(part, min_size=1, max_size=3))


def _tags() -> st.SearchStrategy[Asked]:
    def make(name: str, tag: str, quote: bool, sign: str, bound: float) -> Asked:
        wanted = tag.lower().replace("_", " ")
        spelled = f'"{tag}"' if quote or " " in tag else tag

        def meets(row: Row) -> bool:
            found = [conf for one, conf in row.tags if one.lower().replace("_", " ") == wanted]
            return any(not sign or COMPARE[sign](1.0 if conf is None else conf, bound) for conf in found)

        return _leaf(f"{name}{spelled}" + (f"{sign}{bound:g}" if sign else ""), meets)

    signs = st.sampled_from(["", "", "=", "<", ">", "<=", ">=", "<>"])
    names = st.sampled_from([*TAGS, "BLUE_HAIR", "none such"])
    return st.builds(make, _token("tag"), names, st.booleans(), signs, st.sampled_from([0.0, 0.5, 0.875, 1.0]))


def _models() -> st.SearchStrategy[Asked]:
    def make(name: str, chosen: list[str]) -> Asked:
        def meets(row: Row) -> bool:
            return row.model is not None and any(_glob(one, row.model) for one in chosen)

        return _leaf(name + ",".join(chosen), meets)

    some = [*(one for one in MODELS if one), "sd*", "*X*", "d?eam*", "no-such", "?lux", "SDXL?BASE"]
    return st.builds(make, _token("model"), st.lists(st.sampled_from(some), min_size=1, max_size=3))


def _sizes() -> st.SearchStrategy[Asked]:
    sizes: dict[str, Callable[[int, int], bool]] = {
        "512x768": lambda w, h: (w, h) == (512, 768),
        "512x?": lambda w, h: w == 512,
        "?x720": lambda w, h: h == 720,
        "?x?": lambda w, h: True,
        "16:9": lambda w, h: w * 9 == h * 16,
        "2:3": lambda w, h: w * 3 == h * 2,
        "portrait": lambda w, h: w < h,
        "Landscape": lambda w, h: w > h,
        "square": lambda w, h: w == h,
    }

    def make(name: str, text: str) -> Asked:
        return _leaf(name + text, lambda row: row.width is not None and sizes[text](row.width, row.height))

    return st.builds(make, _token("size"), st.sampled_from(sorted(sizes)))


def _choice(names: str, choices: dict[str, Callable[[Row], bool]]) -> st.SearchStrategy[Asked]:
    return st.builds(lambda name, text: _leaf(name + text, choices[text]), _token(names), st.sampled_from([*choices]))


def _has_metadata(row: Row) -> bool:
    return row.dialect is not None or row.prompt is not None


def _has_no_metadata(row: Row) -> bool:
    return row.scan_phase > 0 and not _has_metadata(row)


#: The rows of the page about the query line.
LEAVES: dict[str, st.SearchStrategy[Asked]] = {
    "": _text("", lambda row: row.prompt),
    "album": st.builds(
        lambda token, name: _leaf(f'{token}"{name}"', lambda row: any(a.lower() == name.lower() for a in row.albums)),
        _token("album"), st.sampled_from([*ALBUMS, "BEST", "none"]),
    ),
    "folder": st.builds(
        lambda token, name: _leaf(f'{token}"{name}"', _folder(name)),
        _token("folder"), st.sampled_from(["out", "/PICTURES/out/", "sub_dir", "subXdir", "Holiday 100%", "a (b)"]),
    ),
    "path": st.builds(
        lambda token, pair: _leaf(f'{token}{pair[0]}', lambda row: _glob(pair[1], row.path)),
        _token("path"), st.sampled_from([
            ("starts with /pictures/out", "/pictures/out*"), ('contains "100%"', "*100%*"), ("ends with .PNG", "*.png"),
            ("/pictures/out*", "/pictures/out*"), ('"*/a?.png"', "*/a?.png"), ("contains b_d", "*b_d*"),
            ("/pictures/out/a1.png", "/pictures/out/a1.png"), ("contains S/OUT/a", "*s/out/a*"),
            ('"*out?a*.png"', "*out?a*.png"), ('"/*/*b*/a?*"', "/*/*b*/a?*"), ("ends with t/a1.png", "*t/a1.png"),
            ("contains caf\u00e9", "*caf\u00e9*"),
        ]),
    ),
    "date": _dates(),
    "seed": st.one_of(
        _ranges("seed", "seed", [0, 7, 123, 999, 12345]),
        st.builds(
            lambda token, glob: _leaf(token + glob, lambda row: row.seed is not None and _glob(glob, str(row.seed))),
            _token("seed"), st.sampled_from(["123*", "?", "12???", "*9*", "*"]),
        ),
        st.builds(
            lambda token, seed: _leaf(f"{token}{seed}", lambda row: row.seed == seed),
            _token("seed"), st.sampled_from([seed for seed in SEEDS if seed is not None]),
        ),
    ),
    "steps": _ranges("steps", "steps", [19, 20, 25, 30, 40]),
    "cfg": _ranges("cfg|cfg_scale|cfg scale", "cfg_scale", [5, 6.5, 7, 7.5]),
    "sampler": st.one_of(
        _named("sampler", "sampler", [*(one for one in SAMPLERS if one), "none such"]),
        _named("sampler", "sampler", ["euler a", "ddim", "dpm++ 2m karras"], quotes=False),
    ),
    "model_hash": _named("model_hash|model hash", "model_hash", ["aabbcc", "DDEEFF", "12", "99"], quotes=False),
    "model": _models(),
    "model_or_hash": st.builds(
        lambda token, name, number: _leaf(
            f'{token}"{name}"|{number}',
            lambda row: (row.model or "").lower() == name.lower() or (row.model_hash or "").lower() == number,
        ),
        _token("model_or_hash"), st.sampled_from(["flux", "sdxl_base", "nothing"]), st.sampled_from(["ddeeff", "12"]),
    ),
    "size": _sizes(),
    "rating": st.one_of(
        _compared("rating", "rating", ["0", "2", "3", "5"]),
        _choice("rating", {"none": lambda row: row.rating is None}),
    ),
    "aesthetic_score": _compared("aesthetic_score", "aesthetic_score", ["4.5", "5.5", "7"]),
    "hypernet strength": _compared("hypernet strength", "hypernetwork_strength", ["0.5", "0.75", "1"]),
    "hypernet": _named("hypernet", "hypernetwork", ["anime", "other"]),
    "favorite": _flag("favorite|fave", lambda row: row.favorite),
    "delete": _flag("delete|to delete|for deletion", lambda row: row.for_deletion),
    "nsfw": _flag("nsfw", lambda row: row.nsfw),
    "nometa": _choice("nometa|nometadata", {"true": _has_no_metadata, "false": _has_metadata}),
    "in_album": _flag("in_album", lambda row: bool(row.albums)),
    "type": _choice("type", {"image": lambda row: not row.is_video, "video": lambda row: row.is_video}),
    "negative": _text("negative|negative prompt|negative_prompt", lambda row: row.negative),
    "tag": _tags(),
    "caption": _captions(),
    "has": _choice("has", {
        "caption": lambda row: bool(row.captions), "tags": lambda row: bool(row.tags),
        "embedding": lambda row: row.has_vector, "workflow": lambda row: row.has_workflow,
    }),
    "group": _choice("group", {
        "representative": lambda row: row.is_embedding_representative,
        "duplicates": lambda row: not row.is_embedding_representative,
    }),
    "dialect": _named("dialect", "dialect", ["comfyui", "automatic1111", "other"]),
    "queue": _choice("queue", {
        "pending": lambda row: "pending" in row.jobs, "failed": lambda row: "failed" in row.jobs,
    }),
}  # fmt: skip


def _both(parts: list[Asked]) -> Asked:
    return Asked(", ".join(one.text for one in parts), lambda row: all(one.meets(row) for one in parts))


def _either(parts: list[Asked]) -> Asked:
    return Asked("(" + " OR ".join(one.text for one in parts) + ")", lambda row: any(one.meets(row) for one in parts))


def _negated(sign: str, part: Asked) -> Asked:
    return Asked(f"{sign}({part.text})", lambda row: not part.meets(row))


def queries() -> st.SearchStrategy[Asked]:
    """Return combinations of all tokens."""
    leaf = st.sampled_from(sorted(LEAVES)).flatmap(LEAVES.__getitem__)
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(_both),
            st.lists(inner, min_size=2, max_size=3).map(_either),
            st.builds(_negated, st.sampled_from(["NOT ", "-"]), inner),
        ),
        max_leaves=6,
    )


def sorts() -> st.SearchStrategy[tuple[str, bool]]:
    """Return columns, and whether the largest comes first."""
    return st.tuples(st.sampled_from(sorted(SORTS)), st.booleans())


def in_order(rows: list[Row], column: str, descending: bool) -> list[Row]:
    """Return rows, the newest first, sorted by a column; those without a value last."""
    value = SORTS[column][0]
    there = [row for row in rows if value(row) is not None]
    there.sort(key=value, reverse=descending)  # type: ignore[arg-type]
    return there + [row for row in rows if value(row) is None]

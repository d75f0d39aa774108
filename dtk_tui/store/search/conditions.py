"""The conditions of a query as SQL. Values are always bound; only constants of this module become SQL text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dtk_tui.domain.query import nodes
from dtk_tui.store.search import models, negatives, texts
from dtk_tui.store.search.texts import like_pattern
from dtk_tui.store.text_codec import to_db, to_nfc


@dataclass(frozen=True, slots=True)
class CaptionQuery:
    """Queries of the full-text search: one that the index of words answers well, and one that has phrases in it.

    ``pairs`` has the numbers of all pairs of words that the phrases have. One of the two may be empty.
    """

    words: str
    phrases: str
    pairs: Sequence[int]


@dataclass(frozen=True, slots=True)
class NameIds:
    """Ids by the names that a query says; looked up before, so that the planner knows how many images they have."""

    tags: Mapping[str, Sequence[int]]
    folders: Mapping[str, Sequence[int]]
    albums: Mapping[str, Sequence[int]]
    #: Queries of the full-text search; none for one without a word that is searched.
    captions: Mapping[nodes.CaptionText, CaptionQuery]
    #: The models that are like a pattern, as ``models.like`` tells them; none for a pattern that it does not tell of.
    models: Mapping[str, Sequence[str]]
    #: The prompts that hold a text of a negative prompt, as ``negatives.holding`` tells them.
    negatives: negatives.Holding = field(default_factory=dict)


#: Field of the query -> column, and how its numbers are bound.
_NUMBERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "seed": ("image.seed", lambda number: number),
    "steps": ("image.steps", int),
    "cfg": ("image.cfg_scale", float),
}
_NAMES: dict[str, str] = {
    "sampler": "image.sampler",
    "model": "image.model",
    "model_hash": "image.model_hash",
    "dialect": "image.dialect",
    "hypernet": "image.hypernetwork",
}
_COMPARED: dict[str, str] = {
    "aesthetic_score": "image.aesthetic_score",
    "hypernet_strength": "image.hypernetwork_strength",
}
_OPERATORS = frozenset({"=", "<", ">", "<=", ">=", "<>"})
_HAS_METADATA: str = "(image.dialect IS NOT NULL OR image.prompt_id IS NOT NULL)"
#: A file that was not read yet is neither with nor without metadata.
_FLAGS: dict[tuple[str, bool], str] = {
    ("favorite", True): "image.favorite",
    ("favorite", False): "NOT image.favorite",
    ("for_deletion", True): "image.for_deletion",
    ("for_deletion", False): "NOT image.for_deletion",
    ("nsfw", True): "image.nsfw",
    ("nsfw", False): "NOT image.nsfw",
    ("is_video", True): "image.is_video",
    ("is_video", False): "NOT image.is_video",
    ("in_album", True): "image.id IN (SELECT image_id FROM album_image)",
    ("in_album", False): "NOT EXISTS (SELECT 1 FROM album_image WHERE album_image.image_id = image.id)",
    ("nometa", True): "image.scan_phase > 0 AND NOT " + _HAS_METADATA,
    ("nometa", False): _HAS_METADATA,
}
_HAS: dict[str, str] = {
    "caption": "EXISTS (SELECT 1 FROM current_caption WHERE current_caption.image_id = image.id)",
    "tags": "EXISTS (SELECT 1 FROM image_tag WHERE image_tag.image_id = image.id)",
    "workflow": "image.has_workflow",
    "error": "image.error IS NOT NULL",
    "embedding": "EXISTS (SELECT 1 FROM image_vector"
    " WHERE image_vector.image_id = coalesce(image.embedding_source_id, image.id))",
}
_ORIENTATIONS: dict[str, str] = {
    "portrait": "image.width < image.height",
    "landscape": "image.width > image.height",
    "square": "image.width = image.height",
}
#: The digits of the largest number of the column.
_SEED_DIGITS = 20
#: So many subqueries are joined; the time to plan a join grows much faster than their number.
_MOST_JOINS = 6
#: From so many ranges or names on they are looked up, in place of a comparison with each.
_MANY = 8
_IN_RANGES = "{column}::numeric <@ {ranges}::nummultirange"
_IS_ONE_OF = "lower({column}) IN (SELECT lower(name) FROM unnest({names}::text[]) AS name)"
_IS_NAMED = "lower({column}) = lower({name}){short}"
# What the indexes of names hold; a name is at most three times as long as in lower case.
_INDEXED_NAMES = ("image.sampler", "image.model_hash", "image.hypernetwork")
_SHORT, _SHORT_NAME = " AND octet_length({column}) < 800", 250
# By the index that sorts models: it has the newest of each in order. A longer model is not equal to a short one.
_IS_MODEL = "lower(left(image.model, 255)) = lower({name})"
_IS_ONE_MODEL = "lower(left(image.model, 255)) = ANY ({names}::text[])"
_LIKE_MODEL = "dtk_nfc(image.model) ILIKE {pattern}"
#: As the index on it has it.
_RATIO = "CASE WHEN image.height = 0 THEN 0 ELSE image.width::float8 / image.height END"
_IN_FOLDER = "image.folder_id = ANY ({ids}::bigint[])"
_IN_ALBUM = "image.id IN (SELECT image_id FROM album_image WHERE album_id = ANY ({ids}::bigint[]))"
# Nearly all paths are ASCII, and need no look at each character.
_LIKE_PATH = """CASE WHEN octet_length(folder.path) = length(folder.path)
 AND octet_length(image.file_name) = length(image.file_name)
THEN rtrim(folder.path, '/') || '/' || image.file_name
ELSE normalize(rtrim(folder.path, '/') || '/' || image.file_name, NFC) END ILIKE {pattern}"""
# Folders in which no path can be like this are left out before any file name is looked at.
_IN_FOLDERS = """image.folder_id IN (
SELECT id FROM folder WHERE dtk_nfc(rtrim(path, '/')) || '/' ILIKE ANY ({patterns}::text[]))"""
# The index is on this very expression. What is not ASCII may be composed or not.
_NAME_ENDS = """reverse(lower(right(image.file_name, 255))) COLLATE "C" LIKE lower({pattern})"""
_NAME_END = re.compile(r"[^/*?\x80-\U0010ffff]{1,200}\Z")
_HAS_JOB = "image.id IN (SELECT image_id FROM job WHERE state = {state})"
_HAS_TAG = "image.id IN (SELECT image_id FROM image_tag WHERE tag_id = ANY ({ids}::bigint[]){compared})"
# A tag that a person set has no confidence: it is certain.
# Not as coalesce(confidence, 1), of which the planner knows nothing.
_CONFIDENT = " AND (confidence {operator} {confidence}::real OR confidence IS NULL AND 1 {operator} {confidence}::real)"
_HAS_CAPTION_TEXT = "image.id IN (SELECT image_id FROM current_caption WHERE {condition})"
_HAS_WORDS = "search @@ {query}::tsquery"
# The function of the operator @@, which no index answers: that of words would give whatever has the words anywhere.
_HAS_PHRASES = "pairs @> {pairs}::integer[] AND ts_match_vq(search, {query}::tsquery)"
_HAS_NONE = "NOT EXISTS (SELECT 1 FROM {table} WHERE image_id = image.id AND ({rest}))"
_MEMBER = re.compile(r"image\.id IN \(SELECT image_id FROM (?P<table>[a-z_]+) WHERE (?P<rest>.*)\)", re.DOTALL)
_GROUPS: dict[str, str] = {
    "representative": "image.is_embedding_representative",
    "duplicates": "NOT image.is_embedding_representative",
}


@dataclass
class Where:
    """A condition on ``image`` as SQL, its bound values, and the FROM clause that it needs.

    ``members`` are those parts of the condition, which all images meet, that are ``image.id IN (SELECT ...)``.
    """

    condition: str = "true"
    values: dict[str, Any] = field(default_factory=dict)
    source: str = "image"
    members: Sequence[str] = ()

    @property
    def asks_other_tables(self) -> bool:
        """Whether to look at an image is to ask other tables about it, which costs many times as much."""
        return "SELECT" in self.condition

    def bind(self, value: Any) -> str:
        """Bind a value and return its placeholder."""
        name = f"v{len(self.values)}"
        self.values[name] = to_db(value) if isinstance(value, str) else value
        return f"%({name})s"

    def bind_text(self, text: str) -> str:
        """Bind a text that is compared in its composed form, and return its placeholder."""
        name = f"v{len(self.values)}"
        self.values[name] = to_nfc(text)
        return f"%({name})s"


def where(node: nodes.Node | None, name_ids: NameIds) -> Where:
    """Return the condition for ``node``; ``name_ids`` has the ids for every name in it (a name without any: no ids)."""
    result = Where()
    if node is not None:
        compiler = _Compiler(result, name_ids)
        result.condition = compiler.sql(node)
        parts = node.parts if isinstance(node, nodes.And) else (node,)
        result.members = [compiler.members[part] for part in parts if part in compiler.members]
    return result


def on_captions(query: CaptionQuery, bind: Callable[[Any], str]) -> str:
    """Return the condition on ``current_caption`` for a query."""
    parts = [_HAS_WORDS.format(query=bind(query.words))] if query.words else []
    if query.phrases:
        parts.append(_HAS_PHRASES.format(pairs=bind(list(query.pairs)), query=bind(query.phrases)))
    return " AND ".join(parts)


def both_forms(text: str) -> list[str]:
    """Return a text as it is, composed and decomposed; each form once."""
    if text.isascii():
        return [text]
    return list(dict.fromkeys((text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))))


def _folder_globs(glob: str) -> list[str]:
    """Return what the path of a folder, with a ``/`` behind it, is like if that of a file in it is like ``glob``.

    One for each place where the path of the folder may end: a name has no ``/``.
    """
    last = glob.rfind("/")
    globs = [glob[: last + 1]] if last >= 0 else []
    for place in range(last + 1, len(glob)):
        if glob[place] == "*":
            globs.append(glob[: place + 1])
        elif glob[place] == "?":
            globs.append(glob[:place] + "/")
    return globs


def seed_ranges(glob: str) -> list[tuple[int, int]]:
    """Return the ranges, both ends included, that hold all seeds like ``glob``; none where it begins with no digits."""
    begin = re.match(r"[0-9]+", glob)
    if begin is None:
        return []
    rest = glob[begin.end() :]
    fewest = len(rest.replace("*", ""))
    most = fewest if "*" not in rest else _SEED_DIGITS - len(begin[0])
    first = int(begin[0])
    return [(first * 10**more, (first + 1) * 10**more - 1) for more in range(fewest, most + 1)]


def midnight(day: date) -> datetime:
    """Return the beginning of a local day."""
    # By its timestamp: astimezone() goes an hour back where the clocks skip midnight (America/Asuncion, 2023-10-01).
    return datetime.fromtimestamp(datetime.combine(day, time.min).timestamp(), UTC)


class _Compiler:
    def __init__(self, target: Where, name_ids: NameIds) -> None:
        self._target = target
        self._bind = target.bind
        self._bind_text = target.bind_text
        self._name_ids = name_ids
        self._joins = 0
        self.members: dict[nodes.Node, str] = {}
        self._leaves: dict[type, Callable[[Any], str]] = {
            nodes.And: self._combined,
            nodes.Or: self._combined,
            # A leaf about a column that is NULL is neither true nor false: its negation must be true.
            nodes.Not: self._not,
            nodes.Folder: self._folder,
            nodes.Album: self._album,
            nodes.Path: self._path,
            nodes.Created: self._created,
            nodes.Numbers: self._numbers,
            nodes.SeedLike: self._seed_like,
            nodes.Named: self._named,
            nodes.Size: self._size,
            nodes.Ratio: self._ratio,
            nodes.Orientation: lambda node: _ORIENTATIONS[node.name],
            nodes.Rating: self._rating,
            nodes.Compared: self._compared,
            nodes.Flag: lambda node: _FLAGS[node.name, node.value],
            nodes.Tag: self._tag,
            nodes.CaptionText: self._caption,
            nodes.Has: lambda node: _HAS[node.what],
            nodes.Group: lambda node: _GROUPS[node.role],
            nodes.Queued: lambda node: self._member(_HAS_JOB.format(state=self._bind(node.state))),
        }

    def sql(self, node: nodes.Node) -> str:
        """Return the condition for a node."""
        column = texts.column_of(node)
        if column is not None:
            held = negatives.sql(node, self._name_ids.negatives, self._bind)
            return held or self._member(texts.sql(node, column, self._bind_text))
        return self._leaves[type(node)](node)

    def _not(self, node: nodes.Not) -> str:
        """Let the planner look for what must not stand in another table image by image, or gather all of it first."""
        inner = self.sql(node.part)
        if isinstance(node.part, nodes.Has):
            return f"NOT ({inner})"  # never unknown; as IS NOT TRUE all that have it would be gathered first
        found = _MEMBER.fullmatch(inner)
        if found and isinstance(node.part, nodes.Tag | nodes.Album | nodes.CaptionText | nodes.Queued):
            return _HAS_NONE.format(table=found["table"], rest=found["rest"])
        return "(" + inner + ") IS NOT TRUE"

    def _joined(self, operator: str, parts: Sequence[str]) -> str:
        return "(" + operator.join("(" + part + ")" for part in parts) + ")"

    def _combined(self, node: nodes.And | nodes.Or) -> str:
        """All terms about one text share one subquery; only what is about something else has one of its own."""
        operator = " AND " if isinstance(node, nodes.And) else " OR "
        return self._joined(operator, [self.sql(part) for part in texts.merged(node.parts, type(node))])

    def _member(self, condition: str) -> str:
        """Return a condition ``id IN (SELECT ...)``, which only the first ones may be planned as joins."""
        self._joins += 1
        return condition if self._joins <= _MOST_JOINS else f"({condition}) IS TRUE"

    def _folder(self, node: nodes.Folder) -> str:
        return _IN_FOLDER.format(ids=self._bind(list(self._name_ids.folders.get(node.value, ()))))

    def _album(self, node: nodes.Album) -> str:
        self.members[node] = _IN_ALBUM.format(ids=self._bind(list(self._name_ids.albums.get(node.name, ()))))
        return self._member(self.members[node])

    def _path(self, node: nodes.Path) -> str:
        self._target.source = "image JOIN folder ON folder.id = image.folder_id"
        exact = _LIKE_PATH.format(pattern=self._bind_text(like_pattern(node.glob, wild=True)))
        parts, folders = [exact], _folder_globs(node.glob)
        if all(glob.strip("*") for glob in folders):
            patterns = self._bind([to_nfc(like_pattern(glob, wild=True)) for glob in folders])
            parts.append(_IN_FOLDERS.format(patterns=patterns))
        end = _NAME_END.search(node.glob)
        if end:
            parts.append(_NAME_ENDS.format(pattern=self._bind_text(like_pattern(end[0][::-1]) + "%")))
        return self._joined(" AND ", parts)

    def _created(self, node: nodes.Created) -> str:
        parts: list[str] = []
        if node.first:
            parts.append("image.created_at >= " + self._bind(midnight(node.first)))
        if node.last:
            parts.append("image.created_at < " + self._bind(midnight(node.last + timedelta(days=1))))
        return self._joined(" AND ", parts)

    def _numbers(self, node: nodes.Numbers) -> str:
        column, number = _NUMBERS[node.field]
        if len(node.ranges) > _MANY:
            ranges = ",".join(f"[{low:f},{high:f}]" for low, high in node.ranges)
            return _IN_RANGES.format(column=column, ranges=self._bind(f"{{{ranges}}}"))
        parts: list[str] = []
        for low, high in node.ranges:
            if low == high:
                parts.append(column + " = " + self._bind(number(low)))
            else:
                parts.append(column + " BETWEEN " + self._bind(number(low)) + " AND " + self._bind(number(high)))
        return self._joined(" OR ", parts)

    def _seed_like(self, node: nodes.SeedLike) -> str:
        parts = ["image.seed::text LIKE " + self._bind(like_pattern(node.glob, wild=True))]
        if ranges := seed_ranges(node.glob):
            between = "image.seed BETWEEN {}::numeric AND {}::numeric"
            parts.append(self._joined(" OR ", [between.format(*map(self._bind, one)) for one in ranges]))
        return self._joined(" AND ", parts)

    def _named(self, node: nodes.Named) -> str:
        column = _NAMES[node.field]
        globs = node.globs()
        # Comparing with both forms costs less than composing the name of each image.
        names = [form for name in node.names if name not in globs for form in both_forms(name)]
        parts = [self._like_model(name) for name in globs]
        if len(names) > _MANY:
            parts.append(_IS_ONE_OF.format(column=column, names=self._bind([to_db(name) for name in names])))
        else:
            parts += [self._is_named(column, name) for name in names]
        return self._joined(" OR ", parts)

    def _is_named(self, column: str, name: str) -> str:
        is_short = len(name.lower().encode("utf-8", "replace")) < _SHORT_NAME
        if column == "image.model" and is_short:
            return _IS_MODEL.format(name=self._bind(name))
        short = _SHORT.format(column=column) if column in _INDEXED_NAMES and is_short else ""
        return _IS_NAMED.format(column=column, name=self._bind(name), short=short)

    def _like_model(self, glob: str) -> str:
        names = self._name_ids.models.get(glob)
        parts = [] if names is None else [_IS_ONE_MODEL.format(names=self._bind(list(names)))]
        if names is None or any(len(name) >= models.LONG for name in names):
            parts.append(_LIKE_MODEL.format(pattern=self._bind_text(like_pattern(glob, wild=True))))
        return self._joined(" AND ", parts)

    def _size(self, node: nodes.Size) -> str:
        parts: list[str] = ["image.width IS NOT NULL"]
        if node.width is not None:
            parts.append("image.width = " + self._bind(node.width))
        if node.height is not None:
            parts.append("image.height = " + self._bind(node.height))
        return self._joined(" AND ", parts)

    def _ratio(self, node: nodes.Ratio) -> str:
        height, width = self._bind(node.height), self._bind(node.width)
        exact = "image.width::bigint * " + height + "::bigint = image.height::bigint * " + width + "::bigint"
        return f"{_RATIO} = ANY ({self._bind([node.width / node.height, 0.0])}::float8[]) AND {exact}"

    def _rating(self, node: nodes.Rating) -> str:
        if node.value is None or node.operator not in _OPERATORS:
            return "image.rating IS NULL"
        return f"image.rating {node.operator} {self._bind(node.value)}"

    def _compared(self, node: nodes.Compared) -> str:
        operator = node.operator if node.operator in _OPERATORS else "="
        return f"{_COMPARED[node.field]} {operator} {self._bind(float(node.value))}"

    def _tag(self, node: nodes.Tag) -> str:
        ids, compared = self._bind(list(self._name_ids.tags.get(node.name, ()))), ""
        if node.operator in _OPERATORS:
            compared = _CONFIDENT.format(operator=node.operator, confidence=self._bind(node.confidence))
        self.members[node] = _HAS_TAG.format(ids=ids, compared=compared)
        return self._member(self.members[node])

    def _caption(self, node: nodes.CaptionText) -> str:
        query = self._name_ids.captions.get(node)
        if query is None:
            return "false"
        self.members[node] = _HAS_CAPTION_TEXT.format(condition=on_captions(query, self._bind))
        return self._member(self.members[node])

"""The tokens of the query line: one table, one row a token.

The syntax is that of Diffusion Toolkit (its SearchHelp.md and QueryBuilder.cs) and what this program adds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from dtk_tui.domain.query import values
from dtk_tui.domain.query.dates import A_DATE, read_date
from dtk_tui.domain.query.nodes import SORT_COLUMNS, About, Flag, Group, Like, Looks, Node, Queued
from dtk_tui.domain.query.scanner import Scanner


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its names, how its value is read (None: the value is not understood), and what is expected."""

    names: tuple[str, ...]
    read: values.Reader
    expected: str


_BOOLEAN = "true or false"
_COMPARISON = "a number, which may follow one of < > <= >= <>"

TOKENS: tuple[Token, ...] = (
    Token(("album",), values.read_album, "the name of an album"),
    Token(("in_album",), values.flag_reader("in_album"), _BOOLEAN),
    Token(("folder",), values.read_folder, "the name or path of a folder"),
    Token(
        ("path",),
        values.read_path,
        '[starts with|contains|ends with] a path, quoted if it holds spaces; "*" is a wildcard',
    ),
    Token(("date",), read_date, A_DATE),
    Token(("seed",), values.read_seed, "a seed, a range such as 100-200, or digits with * or ?"),
    Token(
        ("steps",),
        values.ranges_reader("steps", values.INTEGER),
        "a number, several such as 20|30, or a range such as 20-30",
    ),
    Token(
        ("cfg", "cfg_scale", "cfg scale"),
        values.ranges_reader("cfg", values.DECIMAL),
        "a number, several such as 7|9.5, or a range such as 5-7.5",
    ),
    Token(("sampler",), values.read_sampler, "the name of a sampler, or several such as euler a | ddim"),
    Token(
        ("model_hash", "model hash"), values.read_model_hash, "hexadecimal digits, or several such as aabbccdd|deadbeef"
    ),
    Token(("model",), values.read_model, "the name of a model, or several with commas between; * and ? are wildcards"),
    Token(("model_or_hash",), values.read_model_or_hash, 'a quoted name and a hash, such as "sdxl base"|aabbccdd'),
    Token(
        ("size",),
        values.read_size,
        "a size such as 512x768 or 512x?, a ratio such as 16:9, portrait, landscape or square",
    ),
    Token(("rating",), values.read_rating, f"none or {_COMPARISON}"),
    Token(("aesthetic_score",), values.comparison_reader("aesthetic_score"), _COMPARISON),
    Token(("hypernet",), values.names_reader("hypernet"), "the name of a hypernetwork, or several such as a | b"),
    Token(("hypernet strength",), values.comparison_reader("hypernet_strength"), _COMPARISON),
    Token(("favorite", "fave"), values.flag_reader("favorite"), _BOOLEAN),
    Token(("delete", "to delete", "for deletion"), values.flag_reader("for_deletion"), _BOOLEAN),
    Token(("nsfw",), values.flag_reader("nsfw"), _BOOLEAN),
    Token(("nometa", "nometadata"), values.flag_reader("nometa"), _BOOLEAN),
    Token(
        ("type",),
        values.choice_reader({"image": Flag("is_video", False), "video": Flag("is_video", True)}),
        "image or video",
    ),
    Token(
        ("negative", "negative prompt", "negative_prompt"),
        values.read_negative,
        "a text to find in the negative prompt",
    ),
    Token(("tag",), values.read_tag, 'the name of a tag, such as blue_hair, "blue hair" or blue_hair>=0.8'),
    Token(("caption",), values.read_caption, 'words of a caption, "a phrase", or either with a minus sign'),
    Token(("about",), values.read_about, "a text whose meaning is looked for"),
    Token(("like",), values.read_like, "the id or the path of an image"),
    Token(("looks",), values.read_looks, "a text that says what the picture shows"),
    Token(
        ("sort",), values.read_sort, f"{', '.join(SORT_COLUMNS)}, or one of these with _asc or _desc, such as size_asc"
    ),
    Token(("has",), values.read_has, "caption, tags, embedding, workflow or error"),
    Token(
        ("group",),
        values.choice_reader({role: Group(role) for role in ("representative", "duplicates")}),
        "representative or duplicates",
    ),
    Token(("dialect",), values.names_reader("dialect"), "the name of a metadata dialect"),
    Token(
        ("queue",), values.choice_reader({state: Queued(state) for state in ("pending", "failed")}), "pending or failed"
    ),
)

BY_NAME: dict[str, Token] = {name: token for token in TOKENS for name in token.names}

#: The name of a token and its colon, longest name first; ASCII, as a long s must not pass for an s. What compares
#: vectors may name the model between the two: ``about@clip-l-text:``.
TOKEN_START = re.compile(
    f"({'|'.join(re.escape(name) for name in sorted(BY_NAME, key=len, reverse=True))}"
    r"|(?:about|like|looks)@[a-z0-9][a-z0-9.\-]*):",
    re.IGNORECASE | re.ASCII,
)


def read_value(scanner: Scanner, name: str) -> Node:
    """Read the value of the token called ``name`` (lower case), or raise UsageError where it cannot be read."""
    name, _, space = name.partition("@")
    token = BY_NAME[name]
    scanner.skip_space()
    at = scanner.pos
    node = token.read(scanner)
    if node is None:
        raise scanner.error(f"after {name}: expected {token.expected}", at)
    if not scanner.at_end_of_value() and token.read is not values.read_negative:
        raise scanner.error(f"after {name}: expected {token.expected}")
    return replace(node, space=space) if space and isinstance(node, About | Like | Looks) else node

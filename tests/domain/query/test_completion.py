"""What is being typed at a place of a query line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.domain.query.completion import CHOICES, NAMED, Place, choices, place_at, quoted, tokens, value_of
from dtk_tui.domain.query.nodes import Album, And, Folder, Named, Tag
from dtk_tui.domain.query.parser import parse


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("", None),
        ("castle ", None),
        ("ca", Place("token", "ca", 0, is_first=True)),
        ("castle, ra", Place("token", "ra", 8)),
        ("castle -ta", Place("token", "ta", 8)),
        ("(ra", Place("token", "ra", 1)),
        ("tag:", Place("tag", "", 4)),
        ("castle Tag: blu", Place("tag", "blu", 12)),
        ('tag:"blue ha', Place("tag", "blue ha", 4)),
        ('tag:"say ""hi', Place("tag", 'say "hi', 4)),
        ('tag:"blue hair" ste', Place("token", "ste", 16)),
        ("-tag:x album:be", Place("album", "be", 13)),
        ("folder:/pic", Place("folder", "/pic", 7)),
        ("model:sdxl,fl", Place("model", "fl", 11)),
        ("sampler: euler a | dd", Place("sampler", "dd", 19)),
        ("sampler: dpm++ 2m k", Place("sampler", "dpm++ 2m k", 9)),
        ("sampler: euler a rating:", Place("rating", "", 24)),
        ("has:em", Place("has", "em", 4)),
        ("fave:t", Place("favorite", "t", 5)),
        ("sort:si", Place("sort", "si", 5)),
        ("about: a dark", Place("token", "dark", 9)),
        ('"a quote that is op', None),
        ('"a, b" ra', Place("token", "ra", 7)),
        ("like@clip-h-vision:4", None),
    ],
)
def test_the_place_is_found(line: str, place: Place | None) -> None:
    assert place_at(line, len(line)) == place
    assert place_at(f"{line} behind", len(line)) == place


def test_tokens_are_offered_with_what_they_expect() -> None:
    assert [name for name, _ in tokens("ra")] == ["rating"]
    assert [name for name, _ in tokens("fav")] == ["favorite"]
    assert dict(tokens("HAS"))["has"] == "caption, tags, embedding, workflow or error"
    assert choices("has", "t") == ["tags"]
    assert choices("sort", "size") == ["size", "size_asc"]


def test_every_choice_is_understood() -> None:
    for token, values in CHOICES.items():
        for value in values:
            rest = {"between ": "today and today", "from ": "today to today"}.get(
                value, "today" if token == "date" else "x"
            )
            parse(f"{token}:{value}" + (rest if value.endswith(" ") else ""))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_a_quoted_name_is_read_as_that_name(name: str) -> None:
    wanted = name.strip()
    if wanted:
        assert parse(f"album:{quoted(wanted)}").filter == Album(wanted)


@given(st.text(max_size=60), st.integers(0, 60))
def test_any_line_has_a_place_or_none(line: str, cursor: int) -> None:
    place = place_at(line, cursor)
    assert place is None or 0 <= place.start <= cursor


_NAMES = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(list('|,"*?()-:><= \\')),
    min_size=1,
    max_size=20,
)


@given(_NAMES, st.sampled_from(sorted(NAMED)))
def test_a_name_that_is_offered_is_read_as_that_name(name: str, kind: str) -> None:
    text = value_of(kind, name)
    assert (text is None) == (not name or name != name.strip())
    if text is None:
        return
    node = parse(f"{kind}:{text} steps:20").filter
    assert isinstance(node, And)
    first = node.parts[0]
    if isinstance(first, Named):
        assert (first.field, first.names) == (kind, (name.replace(",", "?") if kind == "model" else name,))
    else:
        assert first == {"tag": Tag, "album": Album, "folder": Folder}[kind](name)
    place = place_at(f"{kind}:{text}", len(f"{kind}:{text}") - text.endswith('"'))
    assert place is not None
    assert place.start == len(kind) + 1

"""What a query line means, and what it says when it means nothing."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtk_tui.domain.query.nodes import (
    Album,
    And,
    CaptionText,
    CaptionWords,
    Created,
    Flag,
    Folder,
    Group,
    Has,
    Named,
    Negative,
    Node,
    Not,
    Numbers,
    Or,
    Orientation,
    Path,
    Prompt,
    Query,
    Queued,
    Rating,
    Ratio,
    SeedLike,
    Size,
    Tag,
)
from dtk_tui.domain.query.parser import MAX_LENGTH, parse
from dtk_tui.domain.query.tokens import TOKENS
from dtk_tui.errors import UsageError

TODAY = date(2025, 3, 31)


def one(*numbers: str) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(n), Decimal(n)) for n in numbers)


def span(low: str, high: str) -> tuple[tuple[Decimal, Decimal], ...]:
    return ((Decimal(low), Decimal(high)),)


FOX = CaptionWords("fox")
CASES: list[tuple[str, Node | None]] = [
    ("caption:fox", CaptionText((FOX,))),
    ("Caption: red fox", CaptionText((CaptionWords("red"), FOX))),
    (
        'caption: fox "in the snow" -dog -"at night"',
        CaptionText(
            (
                FOX,
                CaptionWords("in the snow", True),
                CaptionWords("dog", False, True),
                CaptionWords("at night", True, True),
            )
        ),
    ),
    ("caption:fox, snow", And((CaptionText((FOX,)), Prompt("snow")))),
    ('caption:fox, "oil, canvas"', And((CaptionText((FOX,)), Prompt("oil, canvas")))),
    ("caption:fox -rating:3", And((CaptionText((FOX,)), Not(Rating("=", 3))))),
    ("caption:fox -(dog OR cat)", And((CaptionText((FOX,)), Not(Or((Prompt("dog"), Prompt("cat"))))))),
    ("caption:fox rating:3", And((CaptionText((FOX,)), Rating("=", 3)))),
    ("caption:fox OR caption:-dog", Or((CaptionText((FOX,)), CaptionText((CaptionWords("dog", negated=True),))))),
    ("-caption:fox", Not(CaptionText((FOX,)))),
    ("(caption:fox dog)", CaptionText((FOX, CaptionWords("dog")))),
    (
        "caption:blue-haired fox's - snow",
        CaptionText(
            (
                CaptionWords("blue-haired"),
                CaptionWords("fox's"),
                CaptionWords("-"),
                CaptionWords("snow"),
            )
        ),
    ),
    ("has:caption", Has("caption")),
    ("has:error", Has("error")),
    ("", None),
    ("  , ,", None),
    ("castle", Prompt("castle")),
    ("  A man,  by Van Gogh ", And((Prompt("A man"), Prompt("by Van Gogh")))),
    ('castle, "oil, canvas"', And((Prompt("castle"), Prompt("oil, canvas")))),
    ('"say ""hi"", friend"', Prompt('say "hi", friend')),
    ('5" screen', Prompt('5" screen')),
    ("castle - ruin", Prompt("castle - ruin")),
    ("--ar 16:9", Prompt("--ar 16:9")),
    ("well-known, up:down", And((Prompt("well-known"), Prompt("up:down")))),
    ("50%_off", Prompt("50%_off")),
    ("castle OR tower", Or((Prompt("castle"), Prompt("tower")))),
    ("castle or tower", Prompt("castle or tower")),
    ("a, b OR c", Or((And((Prompt("a"), Prompt("b"))), Prompt("c")))),
    ("a, (b OR c)", And((Prompt("a"), Or((Prompt("b"), Prompt("c")))))),
    ("castle NOT tower", And((Prompt("castle"), Not(Prompt("tower"))))),
    ("castle -ruined tower, sea", And((Prompt("castle"), Not(Prompt("ruined tower")), Prompt("sea")))),
    ("-tag:nude", Not(Tag("nude"))),
    ("NOT -castle", Prompt("castle")),
    ("NOT (a OR b)", Not(Or((Prompt("a"), Prompt("b"))))),
    ("(masterpiece:1.2)", Prompt("masterpiece:1.2")),
    ("miku \\(vocaloid\\)", Prompt("miku \\(vocaloid\\)")),
    ("castle steps:20 by night", And((Prompt("castle"), Numbers("steps", one("20")), Prompt("by night")))),
    ("folder:outputs", Folder("outputs")),
    ('folder:" a "', Folder(" a ")),
    ('album:"" tag:""', And((Album(""), Tag("")))),
    ('album:" a " tag:"  ">=0.5', And((Album(" a "), Tag("  ", ">=", 0.5)))),
    ('Folder: "/a/b c"', Folder("/a/b c")),
    ("path: /a/*.png", Path("/a/*.png")),
    ("path: starts with /a/b", Path("/a/b*")),
    ('path:contains "funny cats"', Path("*funny cats*")),
    ("path: ends with .jpg, castle", And((Path("*.jpg"), Prompt("castle")))),
    ("date:2024-02-29", Created(date(2024, 2, 29), date(2024, 2, 29))),
    ("seed:18446744073709551615", Numbers("seed", one("18446744073709551615"))),
    ("seed: 200-100", Numbers("seed", span("100", "200"))),
    ("seed:123*", SeedLike("123*")),
    ("seed:12???3", SeedLike("12???3")),
    ("steps:20|30|40", Numbers("steps", one("20", "30", "40"))),
    ("steps: 20-30", Numbers("steps", span("20", "30"))),
    ("steps:20 -3d", And((Numbers("steps", one("20")), Not(Prompt("3d"))))),
    ("cfg: 4.5 | 7 | 9 | 12", Numbers("cfg", one("4.5", "7", "9", "12"))),
    ("cfg scale: 5-7.5", Numbers("cfg", span("5", "7.5"))),
    ("cfg_scale:7", Numbers("cfg", one("7"))),
    ("sampler: euler a | ddim|plms", Named("sampler", ("euler a", "ddim", "plms"))),
    ('sampler:"Euler a" | "x\'); DROP"', Named("sampler", ("Euler a", "x'); DROP"))),
    ("sampler: dpm++ 2m karras, castle", And((Named("sampler", ("dpm++ 2m karras",)), Prompt("castle")))),
    ("model_hash: AABB | deadbeef", Named("model_hash", ("AABB", "deadbeef"))),
    ("model hash:e3", Named("model_hash", ("e3",))),
    ("model: sdxl*,dream?", Named("model", ("sdxl*", "dream?"))),
    ('model:"sd xl, other"', Named("model", ("sd xl", "other"))),
    ('model_or_hash:"sd xl"|aabb', Or((Named("model", ("sd xl",)), Named("model_hash", ("aabb",))))),
    ("size:512x768", Size(512, 768)),
    ("size: 512 x ?", Size(512, None)),
    ("size:16:9", Ratio(16, 9)),
    ("size:Portrait", Orientation("portrait")),
    ("rating:none", Rating("=", None)),
    ("rating:4", Rating("=", 4)),
    ("rating: >= 4", Rating(">=", 4)),
    ("rating:<>3", Rating("<>", 3)),
    ("favorite:true", Flag("favorite", True)),
    ("fave: FALSE", Flag("favorite", False)),
    ("favorite:", Flag("favorite", True)),
    ("nsfw: castle", And((Flag("nsfw", True), Prompt("castle")))),
    ("to delete:true", Flag("for_deletion", True)),
    ("for deletion:false", Flag("for_deletion", False)),
    ("nometadata:true", Flag("nometa", True)),
    ("type:video", Flag("is_video", True)),
    ("type:image", Flag("is_video", False)),
    ("negative: blurry, bad hands", And((Negative("blurry"), Negative("bad hands")))),
    ("negative prompt: a steps:20 b", And((Negative("a"), Numbers("steps", one("20")), Negative("b")))),
    ("(negative: a), b", And((Negative("a"), Prompt("b")))),
    ("-negative:a", Not(Negative("a"))),
    ("tag:blue_hair", Tag("blue_hair")),
    ('tag:"blue hair">=0.8', Tag("blue hair", ">=", 0.8)),
    ("tag:blue_hair >= .8", Tag("blue_hair", ">=", 0.8)),
    ("tag:1girl tag:saber_(fate)", And((Tag("1girl"), Tag("saber_(fate)")))),
    ("(tag:a_(b) OR tag:>_<)", Or((Tag("a_(b)"), Tag(">_<")))),
    ("has:tags has:workflow", And((Has("tags"), Has("workflow")))),
    ("group:duplicates", Group("duplicates")),
    ("dialect:comfyui", Named("dialect", ("comfyui",))),
    ("queue:failed", Queued("failed")),
    (
        'castle, "oil, canvas" steps:20|30 sampler: euler a | ddim rating:>=4 negative: blurry',
        And(
            (
                Prompt("castle"),
                Prompt("oil, canvas"),
                Numbers("steps", one("20", "30")),
                Named("sampler", ("euler a", "ddim")),
                Rating(">=", 4),
                Negative("blurry"),
            )
        ),
    ),
]


@pytest.mark.parametrize(("line", "tree"), CASES)
def test_a_line_is_understood(line: str, tree: Node | None) -> None:
    assert parse(line, TODAY).filter == tree


def test_vector_terms_are_not_conditions() -> None:
    query = parse('about: a dark, "wood" about:"sea, at night" like:42 like: "/a b/c.png" steps:20', TODAY)
    assert [term.text for term in query.about] == ["a dark", "sea, at night"]
    assert [term.image for term in query.like] == ["42", "/a b/c.png"]
    assert query.filter == And((Prompt("wood"), Numbers("steps", one("20"))))
    assert query.terms == ("wood",)
    assert parse("about:sea").filter is None


def test_a_vector_term_may_name_the_model_that_compares() -> None:
    query = parse("about@clip-l-text: a dark sea, Like@clip-h-vision:42 about:sky", TODAY)
    assert [(term.text, term.space) for term in query.about] == [("a dark sea", "clip-l-text"), ("sky", None)]
    assert [(term.image, term.space) for term in query.like] == [("42", "clip-h-vision")]
    query = parse('looks: "a red fox, in snow" looks@siglip-base: fog at night -rain', TODAY)
    assert [(term.text, term.space) for term in query.looks] == [
        ("a red fox, in snow", None),
        ("fog at night", "siglip-base"),
    ]
    assert query.filter == Not(Prompt("rain")) and query.terms == ()
    assert parse("about@:x steps@a:20", TODAY).about == (), "what no token begins is free text"


def test_what_results_shall_not_be_like_is_a_vector_term_too() -> None:
    query = parse('like:4711 -like:12 NOT about: a dark sea, castle -(like: "/a b.png")', TODAY)
    assert [(term.image, term.negated) for term in query.like] == [("4711", False), ("12", True), ("/a b.png", True)]
    assert [(term.text, term.negated) for term in query.about] == [("a dark sea", True)]
    assert query.filter == Prompt("castle")
    assert not parse("-(-like:5)").like[0].negated


def test_a_query_may_sort_its_result() -> None:
    query = parse("sort:size castle Sort: rating_ASC, sort:aesthetic_score steps:20", TODAY)
    keys = [(key.column, key.descending) for key in query.sort]
    assert keys == [("size", True), ("rating", False), ("aesthetic_score", True)]
    assert query.filter == And((Prompt("castle"), Numbers("steps", one("20"))))
    assert parse("sort:name_desc").sort[0].descending


def test_only_wanted_terms_rank() -> None:
    assert parse("castle -ruin (moat OR tower), castle").terms == ("castle", "moat", "tower")


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("castle steps:many", 14, "a number"),
        ("castle steps:20abc", 14, "a number"),
        ("seed:123456789012345678901", 6, "a seed"),
        ("date: 2023-02-30", 7, "calendar"),
        ("rating:high", 8, "none or a number"),
        ("size:wide", 6, "portrait"),
        ("size:0:9", 6, "ratio"),
        ("favorite:yes", 10, "true or false"),
        ("type:song", 6, "image or video"),
        ("model_hash:xyz", 12, "hexadecimal"),
        ("tag:x>=2", 8, "0 to 1"),
        ("tag:x>=high", 8, "0 to 1"),
        ("tag:", 5, "tag"),
        ("tag: , x", 6, "tag"),
        ('castle "oil', 8, "closing"),
        ("a, (b OR c", 4, "closing bracket"),
        ("a) b", 2, "closing bracket"),
        ("a OR", 5, "words, or a condition"),
        ("OR a", 1, "words, or a condition"),
        ("a NOT", 6, "words, or a condition"),
        ("()", 2, "words, or a condition"),
        ("negative:", 10, "words, or a condition"),
        ("a OR about:b", 12, "outside of OR"),
        ("-(like:5 castle)", 8, "brackets behind NOT"),
        ("a -sort:size", 9, "outside of OR and NOT"),
        ("a OR sort:size", 11, "outside of OR and NOT"),
        ("sort:colour", 6, "date, name, size"),
        ("sort:size_up", 6, "size_asc"),
        ("sort:", 6, "date, name, size"),
        ("a OR looks:b", 12, "looks: outside of OR"),
        ("looks: ,", 8, "what the picture shows"),
        ("album:", 7, "the name of an album"),
        ("in_album:maybe", 10, "true or false"),
        ("caption:", 9, "words of a caption"),
        ("caption: , fox", 10, "words of a caption"),
        ('caption:"fox', 9, "closing"),
        ("has:tag", 5, "tags, embedding, workflow or error"),
        ("hypernet:", 10, "the name of a hypernetwork"),
        ("hypernet strength:>much", 19, "a number"),
        ("aesthetic_score:high", 17, "a number"),
        ("queue:", 7, "pending or failed"),
        ("(" * 100 + "a" + ")" * 100, 51, "at most 50"),
        ("negative:" * 200 + "a", 451, "at most 50"),
        ("a" * (MAX_LENGTH + 1), MAX_LENGTH + 1, "10,000"),
    ],
)
def test_an_error_says_where_and_what(line: str, column: int, expected: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(line, TODAY)
    assert f"column {column}:" in raised.value.title
    assert expected in raised.value.title
    shown, caret = raised.value.detail.split("\n")
    assert caret.endswith("^")
    if column <= 40:
        assert caret.index("^") == column - 1
        assert shown.startswith(line[:column])


def test_the_caret_stands_under_the_place_also_behind_wide_and_hidden_characters() -> None:
    with pytest.raises(UsageError) as raised:
        parse("城\x1b[2J steps:x")
    shown, caret = raised.value.detail.split("\n")
    assert "\x1b" not in shown
    assert caret.index("^") == len("城␛[2J steps:") + 1


def test_every_token_says_what_it_expects() -> None:
    for token in TOKENS:
        for name in token.names:
            try:
                parse(f'{name}:"\x01"')
            except UsageError as error:
                assert "expected" in error.title or "cannot be asked" in error.title


pieces = st.sampled_from(
    [f"{name}:" for token in TOKENS for name in token.names]
    + [
        "OR",
        "NOT",
        "-",
        "(",
        ")",
        '"',
        ",",
        " ",
        "|",
        ">=",
        "<",
        "*",
        "?",
        "20",
        "0.8",
        "16:9",
        "today",
        "to",
        "a week ago",
        "2024",
        "2024-02",
    ]
    + ["\\(", "ſteps:", "\x00", "\ud800", "none", "true", "9" * 30, "٣", "\u2028"]
)


@settings(max_examples=600, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.one_of(pieces, st.text(max_size=4)), max_size=40).map("".join)))
def test_any_text_is_a_query_or_a_usage_error(line: str) -> None:
    try:
        query = parse(line, TODAY)
    except UsageError as error:
        assert "\x1b" not in error.detail
        assert error.detail.count("\n") == 1
    else:
        assert isinstance(query, Query)


REPEATED = ["x", "(", ")", '"', '""', "-", "NOT ", "OR ", "a OR ", "a,", "steps:1|", "tag:>1", "tag:>", "\\(", "a("]
REPEATED += [
    "date:today ",
    "date:2024-",
    "2024-02 - ",
    "negative:",
    "sampler:a|",
    " ",
    "(a OR ",
    "like:,",
    "9",
    "a ",
    "path:contains ",
]


@pytest.mark.parametrize("piece", REPEATED)
def test_long_lines_take_no_longer_than_a_blink(piece: str) -> None:
    line = (piece * MAX_LENGTH)[:MAX_LENGTH]
    for prefix in ("", "tag:", "steps:", "date:", "about:"):
        start = time.process_time()
        try:
            parse((prefix + line)[:MAX_LENGTH], TODAY)
        except UsageError:
            pass
        assert time.process_time() - start < 2

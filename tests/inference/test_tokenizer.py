"""Token ids against lists that the reference tokenizer of bert-base-uncased gives."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    rules = load_manifest().get("minilm-l6-v2").text
    assert rules is not None
    return Tokenizer(rules, Path())


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("hello world", [7592, 2088]),
        ("Hello, World!", [7592, 1010, 2088, 999]),
        ("HELLO\tWORLD\r\n", [7592, 2088]),
        ("unaffable", [14477, 20961, 3468]),
        ("don't", [2123, 1005, 1056]),
        ("Café", [7668]),
        ("Cafe\u0301", [7668]),
        ("日本語", [1864, 1876, 1950]),
        ("a日b", [1037, 1864, 1038]),
        ("blue_eyes", [2630, 1035, 2159]),
        ("(masterpiece:1.2), 1girl", [1006, 17743, 1024, 1015, 1012, 1016, 1007, 1010, 1015, 15239]),
        ("😀 smile", [100, 2868]),
        ("x" * 101, [100]),
        ("a\x00b\u200bc", [5925]),
        ("he\ufffdllo", [7592]),
        ("", []),
        (" \n ", []),
    ],
)
def test_ids_are_those_of_the_reference(tokenizer: Tokenizer, text: str, ids: list[int]) -> None:
    assert tokenizer.encode([text]) == [[101, *ids, 102]]


def test_a_lone_surrogate_is_dropped_and_not_refused(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode(["he\udcffllo"]) == [[101, 7592, 102]]


def test_long_texts_end_at_the_limit_with_the_separator(tokenizer: Tokenizer) -> None:
    (ids,) = tokenizer.encode(["hello " * 1000])
    assert len(ids) == 256
    assert ids[-2:] == [7592, 102]


def test_what_is_cut_off_before_tokenising_never_counts(tokenizer: Tokenizer) -> None:
    rules = load_manifest().get("minilm-l6-v2").text
    assert rules is not None
    unbounded = Tokenizer(replace(rules, max_tokens=256), Path())
    unbounded._longest = 10_000_000
    for text in ("ab " * 3000, ("y" * 100 + " ") * 400, "  \n word" * 2000, "日" * 600, "a,b" * 500):
        assert tokenizer.encode([text]) == unbounded.encode([text])


@pytest.mark.parametrize("piece", ["word ", "x", " ", "日", "a,", "\u0301", "<lora:x:1>"])
def test_a_megabyte_takes_no_longer_than_what_counts(tokenizer: Tokenizer, piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    begun = time.process_time()
    (ids,) = tokenizer.encode([text])
    assert time.process_time() - begun < 0.5
    assert len(ids) <= 256

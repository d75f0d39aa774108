"""Token ids against lists that the reference tokenizers give: bert-base-uncased's, and open_clip's."""

from __future__ import annotations

import lzma
import sys
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from tokenizers import Tokenizer as Backend
from tokenizers import models

from dtk_tui.errors import ModelError
from dtk_tui.inference import tokenizer as tokenizer_module
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import TextInput
from dtk_tui.inference.tokenizer import Tokenizer
from tests.helpers.architectures.families import REFERENCES
from tests.helpers.architectures.inputs import MOJIBAKE, TEXTS


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
        ("a[SEP]b [cls]", [1037, 102, 1038, 1031, 18856, 2015, 1033]),
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


def test_what_is_not_looked_at_never_counts(tokenizer: Tokenizer) -> None:
    rules = load_manifest().get("minilm-l6-v2").text
    assert rules is not None
    unbounded, narrow = Tokenizer(rules, Path()), Tokenizer(rules, Path())
    unbounded._first_look, narrow._first_look = 10_000_000, 3_001
    for text in (
        "ab " * 3000,
        ("y" * 100 + " ") * 400,
        "  \n word" * 2000,
        "日" * 3600,
        "a,b" * 5000,
        "e\u0301x " * 3000,
    ):
        whole = unbounded.encode([text])
        assert tokenizer.encode([text]) == whole
        assert narrow.encode([text]) == whole


@pytest.mark.parametrize(
    "filler",
    ["", "x" * 60_000 + " ", " " * 250_000, "\n" * 100_000, "\x00" * 200_000, "\u0301" * 90_000, "\u3000" * 70_000],
    ids=["nothing", "a word", "blanks", "lines", "controls", "accents", "wide blanks"],
)
def test_a_token_stands_for_any_number_of_characters(tokenizer: Tokenizer, filler: str) -> None:
    unknown = [100] if "x" in filler else []
    assert tokenizer.encode(["hello " + filler + "world"]) == [[101, 7592, *unknown, 2088, 102]]


def test_a_long_word_of_many_tokens_is_cut_at_the_limit(tmp_path: Path) -> None:
    vocabulary = {"[UNK]": 0, "a": 1, "b": 2, "aa": 3, "aab": 4, " ": 5}
    backend = Backend(models.BPE(vocabulary, [("a", "a"), ("aa", "b")], unk_token="[UNK]"))
    backend.save(str(tmp_path / "tokenizer.json"))
    rules = TextInput(tokenizer="file", vocabulary="tokenizer.json", max_tokens=3, pooling="mean")
    one_word = Tokenizer(rules, tmp_path)
    assert one_word.encode(["aab" * 1000, "a" * 1001 + "b"]) == [[4, 4, 4], [3, 3, 3]]
    assert one_word.is_filled_by("aab aab" * 1000) is False, "it does not split words, so the end may change all"


@pytest.mark.parametrize("limit", [1, 2])
def test_a_limit_that_leaves_no_room_for_a_text_is_refused(limit: int) -> None:
    rules = load_manifest().get("minilm-l6-v2").text
    assert rules is not None
    with pytest.raises(ModelError, match=f"max_tokens is {limit}, and the tokenizer alone adds 2"):
        Tokenizer(replace(rules, max_tokens=limit), Path())
    assert Tokenizer(replace(rules, max_tokens=3), Path()).encode(["hello world"]) == [[101, 7592, 102]]


@pytest.mark.parametrize(
    ("piece", "most"),
    [
        ("word ", 50_000),
        ("日", 50_000),
        ("a,", 50_000),
        ("<lora:x:1>", 50_000),
        # What may be one token, or none, has to be looked at to its end: once as a whole and in beginnings of it.
        ("x", 2_500_000),
        (" ", 2_500_000),
        ("\u0301", 2_500_000),
    ],
)
def test_of_a_megabyte_no_more_is_looked_at_than_what_counts(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, piece: str, most: int
) -> None:
    looked_at: list[int] = []
    encodable = tokenizer_module._encodable

    def counted(text: str) -> str:
        looked_at.append(len(text))
        return encodable(text)

    monkeypatch.setattr(tokenizer_module, "_encodable", counted)
    (ids,) = tokenizer.encode([piece * (1_000_000 // len(piece))])
    assert len(ids) <= 256
    assert sum(looked_at) <= most


@pytest.fixture
def open_clip(tmp_path: Path) -> Tokenizer:
    """A tokenizer as open_clip's; skips where the extra ``open-clip`` is not installed."""
    pytest.importorskip("ftfy")
    (tmp_path / "tokenizer.json").write_bytes(lzma.decompress((REFERENCES / "clip-tokenizer.json.xz").read_bytes()))
    rules = load_manifest().get("clip-bigg-text").text
    assert rules is not None
    return Tokenizer(replace(rules, clean="open-clip"), tmp_path)


def test_texts_repaired_as_open_clip_does_have_its_ids(open_clip: Tokenizer, tmp_path: Path) -> None:
    with np.load(REFERENCES / "open_clip_ids.npz") as kept:
        expected = [[int(n) for n in row if n >= 0] for row in kept["ids"]]
    texts = TEXTS + MOJIBAKE
    found = open_clip.encode(texts)
    assert [text[:60] for text, ids, wanted in zip(texts, found, expected, strict=True) if ids != wanted] == []
    rules = load_manifest().get("clip-bigg-text").text
    assert rules is not None
    plain = Tokenizer(rules, tmp_path).encode(texts)
    assert sum(ids != wanted for ids, wanted in zip(plain, expected, strict=True)) >= 10, "SDXL's are others"


def test_a_long_text_is_repaired_only_as_far_as_it_counts(open_clip: Tokenizer) -> None:
    word = open_clip.encode(["café"])[0][1:-1]
    (ids,) = open_clip.encode(["cafÃ© " * 50_000])
    assert ids[1:-1] == (word * 77)[:75]
    assert open_clip.is_filled_by("cafÃ© " * 2_000)
    assert not open_clip.is_filled_by("cafÃ© ")
    assert open_clip.count("cafÃ©") == len(word)


def test_without_ftfy_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = load_manifest().get("clip-bigg-text").text
    assert rules is not None
    monkeypatch.setitem(sys.modules, "ftfy", None)
    with pytest.raises(ModelError, match=r"needs ftfy.*dtk-tui\[open-clip\]"):
        Tokenizer(replace(rules, clean="open-clip"), tmp_path)

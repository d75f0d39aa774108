"""Differences word by word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.domain.text_diff import word_diff

_TEXT = st.text(alphabet=st.sampled_from("ab \n\r\t,.\x00\u2028\udce9\u0301"), max_size=60)


def shown(old: str, new: str, *, are_cut: bool = False) -> str:
    signs = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
    return "".join(signs[span.kind].format(span.text) for span in word_diff(old, new, are_cut=are_cut))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a red fox", "a red fox", "a red fox"),
        ("a red fox", "a blue fox", "a [-red-]{+blue+} fox"),
        ("a red fox runs", "a blue cat runs", "a [-red fox-]{+blue cat+} runs"),
        ("a fox", "a red fox", "a {+red +}fox"),
        ("a red fox.", "a red fox", "a red fox[-.-]"),
        ("", "fox", "{+fox+}"),
        ("one\r\ntwo", "one\ntwo", "one[-\r-]\ntwo"),
        ("x " * 5000, "y " * 5000, f"[-{'x ' * 4999}x-]{{+{'y ' * 4999}y+}} "),
    ],
)
def test_words_that_differ(old: str, new: str, expected: str) -> None:
    assert shown(old, new) == expected


@given(_TEXT, _TEXT)
def test_the_spans_are_both_texts(old: str, new: str) -> None:
    spans = word_diff(old, new)
    assert "".join(span.text for span in spans if span.kind != "new") == old
    assert "".join(span.text for span in spans if span.kind != "gone") == new
    assert all(span.text for span in spans)


_WORDS = " ".join(map(str, range(6000)))
_EVEN = " ".join(f"{number:04}" for number in range(2000))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            _WORDS,
            f"{_WORDS[:9]}X{_WORDS[9:-7]}Y{_WORDS[-7:]}",
            f"0 1 2 3 [-4-]{{+4X+}}{_WORDS[9:-9]}[-5998-]{{+59Y98+}} 5999",
        ),
        (f"a b {_WORDS} c", f"a {_WORDS} c", f"a [-b -]{_WORDS} c"),
    ],
)
def test_changes_that_are_far_apart_are_told_apart(old: str, new: str, expected: str) -> None:
    assert shown(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (_EVEN[:5000], f"ohwx {_EVEN}"[:5000], f"{{+ohwx +}}{_EVEN[:4995]}"),
        (f"red {_EVEN}"[:5000], _EVEN[:5000], f"[-red -]{_EVEN[:4995]}"),
        ("a red fox", "a red", "a red"),
        ("a " + "x" * 400, "a " + "y" * 400, f"a [-{'x' * 400}-]{{+{'y' * 400}+}}"),
        ("x " * 400, "y " * 400, f"[-{'x ' * 400}-]{{+{'y ' * 400}+}}"),
    ],
)
def test_how_texts_go_on_behind_their_cut_is_no_difference(old: str, new: str, expected: str) -> None:
    assert shown(old, new, are_cut=True) == expected

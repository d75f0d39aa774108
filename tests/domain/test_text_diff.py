"""Differences word by word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.domain.text_diff import word_diff

_TEXT = st.text(alphabet=st.sampled_from("ab \n\r\t,.\x00\u2028\udce9\u0301"), max_size=60)


def shown(old: str, new: str) -> str:
    signs = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
    return "".join(signs[span.kind].format(span.text) for span in word_diff(old, new))


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

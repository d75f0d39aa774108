"""Texts looked for a column at a time: a text gets its own key or none, whatever stands around it."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.services.diffusion_toolkit.read.text_index import TextIndex

#: Short ones that begin, end or go on alike, and ones that differ in the middle only.
TEXTS = st.one_of(
    st.text("ab\0\u00e9", max_size=20),
    st.integers(0, 30).map(lambda at: "x" * at + "y" + "x" * (30 - at)),
    st.integers(0, 20).map(lambda count: "a fox, " * count),
)


@given(
    known=st.lists(TEXTS, unique=True, max_size=30),
    asked=st.lists(st.one_of(st.none(), TEXTS), max_size=60),
    left_out=st.integers(0, 5),
)
def test_a_text_gets_its_own_key_or_none(known: list[str], asked: list[str | None], left_out: int) -> None:
    keys = {text: number for number, text in enumerate(known, start=1)}
    index = TextIndex([text.encode() for text in keys], list(keys.values()), len(keys))
    column = pa.array([*known, *asked], pa.string())[left_out:]
    found = index.find(column).tolist()
    for text, key in zip([*known, *asked][left_out:], found, strict=True):
        if text is None:
            assert key == 0
        else:
            assert key in (keys.get(text, -1), -1)


def test_every_text_on_the_shelf_is_found() -> None:
    texts = [f"{number} " + "a castle on a cliff, oil on canvas, " * (number % 7) for number in range(5000)]
    index = TextIndex([text.encode() for text in texts], list(range(1, 5001)), 5000)
    asked = [*reversed(texts), "a castle nobody knows", "", None]
    assert index.find(pa.array(asked)).tolist() == [*range(5000, 0, -1), -1, -1, 0]


def test_an_empty_shelf_and_an_empty_column() -> None:
    assert TextIndex([], [], 0).find(pa.array(["a", None])).tolist() == [-1, 0]
    assert TextIndex([b"a"], [1], 1).find(pa.array([], pa.string())).tolist() == []

"""Text that PostgreSQL refuses comes back as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.store.database import Database
from dtk_tui.store.text_codec import from_db, to_db

_NASTY = st.text(st.one_of(st.sampled_from("\x00\ud800\udcff\udfff\U0010fffeAF09"), st.characters()), max_size=40)


@given(_NASTY)
def test_every_text_comes_back(text: str) -> None:
    stored = to_db(text)
    assert from_db(stored) == text
    assert "\x00" not in stored
    stored.encode()  # no lone surrogate is left


@given(_NASTY, _NASTY)
def test_different_texts_stay_different(one: str, other: str) -> None:
    assert (to_db(one) == to_db(other)) == (one == other)


def test_postgresql_takes_what_was_escaped(db: Database) -> None:
    text = "a\x00b\udcffc\U0010fffe0000d"
    with db.connection() as conn:
        row = conn.execute("SELECT %s::text", (to_db(text),)).fetchone()
    assert row is not None and from_db(row[0]) == text

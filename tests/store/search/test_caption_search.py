"""Search in captions: words, phrases, what they lack, and the language whose words they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec import structs

from dtk_tui.config import Config
from dtk_tui.domain.captions import ModelText, WhenThere
from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Target
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.library.caption_language import adopt_language, require_language, set_language
from dtk_tui.services.library.search import search
from dtk_tui.services.queue import enqueue
from dtk_tui.store.database import Database
from dtk_tui.store.library import captions as store
from tests.helpers.search_library import Library

TEXTS = {
    "fox.png": ["A red fox runs through the deep snow.", "1fox, red fur"],
    "dog.png": ["A dog runs; a red ball, no snow."],
    "cafe.png": ["Un cafe\u0301 \x00 [red]at night[/] \x1b[31m"],
    "big.png": ["house " * 200_000 + "needle"],
    "none.png": [],
}


@pytest.fixture
def library(db: Database) -> Iterator[Library]:
    """Images with the captions above, each of a type of its own."""
    with db.connection() as conn:
        library = Library(conn)
        for name, texts in TEXTS.items():
            number = library.image(name, "A red thing")
            said = [ModelText(number, f"type {n}", "joy", text) for n, text in enumerate(texts)]
            captions.save(conn, said, WhenThere.KEEP)
        yield library


LINES = [
    ("caption:fox", "fox"),
    ("caption:FOXES", "fox"),
    ("caption: running red", "fox dog"),
    ("caption: red -ball", "fox cafe"),
    ('caption:"deep snow"', "fox"),
    ('caption:"snow deep"', ""),
    ('caption: runs -"deep snow"', "dog"),
    ("caption:-snow", "fox cafe big"),
    ("-caption:snow", "cafe big none"),
    ("NOT caption:snow has:caption", "cafe big"),
    ("caption:fox OR caption:ball", "fox dog"),
    ("caption:fox caption:fur", "fox"),
    ("caption: fox snow fur", ""),
    ("caption:caf\u00e9", "cafe"),
    ("caption:cafe\u0301 red", "cafe"),
    ("caption:the", ""),
    ("-caption:the", "fox dog cafe big none"),
    ("caption: the fox", "fox"),
    ('caption:"\'& !x | ("', ""),
    ("caption:house", "big"),
    ("caption:needle", ""),
    ("has:caption", "fox dog cafe big"),
    ("-has:caption", "none"),
    ("caption:fox, red", "fox"),
    ("caption:fox thing", ""),
]


def test_words_in_captions(library: Library) -> None:
    for line, found in LINES:
        assert library.find(line) == [f"{name}.png" for name in found.split()], line


def test_only_current_captions_are_searched(library: Library) -> None:
    captions.set_text(library.conn, 1, "a wolf", "type 0")
    assert library.find("caption:wolf") == ["fox.png"]
    assert library.find("caption:deep") == []
    assert library.find("caption:fur") == ["fox.png"]


def test_the_language_is_one_for_the_library(library: Library, config: Config) -> None:
    conn = library.conn
    captions.set_text(conn, 5, "Die H\u00e4user im Schnee", "type 0")
    assert library.find("caption:haus") == []
    with pytest.raises(DtkError, match="searched in english"):
        require_language(conn, "german")
    adopt_language(conn, "german")
    assert store.language(conn) == "english"
    assert set_language(conn, "german") and not set_language(conn, "german")
    assert library.find("caption:haus") == ["none.png"]
    require_language(conn, "german")
    with pytest.raises(UsageError, match="no language 'klingon'"):
        set_language(conn, "klingon")
    conn.execute("DELETE FROM image")
    require_language(conn, "simple")
    assert store.language(conn) == "simple"


def test_a_library_without_captions_takes_the_language_of_the_config(db: Database, config: Config) -> None:
    """Before the first caption is made, so that its words are those of that language."""
    german = structs.replace(config.settings.captions, language="german")
    there = Config(config.paths, structs.replace(config.settings, captions=german))
    with db.connection() as conn:
        number = Library(conn).image("a.png")
    enqueue(db, there, Target(everything=True), [Kind.CAPTION])
    with db.connection() as conn:
        captions.save(conn, [ModelText(number, "descriptive", "joy", "zwei H\u00e4user")], WhenThere.KEEP)
    assert [hit.image_id for hit in search(db, there, "caption:haus")] == [number]
    with pytest.raises(DtkError, match="searched in german"):
        search(db, config, "caption:haus")

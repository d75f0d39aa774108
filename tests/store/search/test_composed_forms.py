"""Texts in composed and in decomposed form find each other, whichever of the two a query has."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Literal

import psycopg
import pytest

from dtk_tui.services.library.folder_rules import known_path
from dtk_tui.store.library import folders, images
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.search_library import Library

Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, Form] = ("NFC", "NFD")


@pytest.fixture(scope="module")
def library(server: EmbeddedServer) -> Iterator[Library]:
    """Two images that say the same, the older one composed, the newer one decomposed."""
    with database(server) as url, psycopg.connect(url) as conn:
        filled = Library(conn)
        for name, form in (("new", FORMS[1]), ("old", FORMS[0])):

            def text(words: str, form: Form = form, name: str = name) -> str:
                return unicodedata.normalize(form, words.replace("NAME", name))

            number = filled.image(
                text("NAME, été.png"), text("une soirée d'été, NAME, 강아지"), negative=text("flou, naïf, NAME"),
                folder=text("/photos/Noël NAME"), tags=[(text("señorita"), None)], model=text("modèle"),
            )  # fmt: skip
            conn.execute("INSERT INTO album (name) VALUES (%s)", (text("Å NAME"),))
            conn.execute("INSERT INTO album_image (album_id, image_id) SELECT max(id), %s FROM album", (number,))
        yield filled


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("soirée", "new old"),
        ("SOIRÉE, d'été", "new old"),
        ("강아", "new old"),
        ("negative: naïf", "new old"),
        ("tag:señorita", "new old"),
        ("model: MODÈLE", "new old"),
        ("model: mod?le", "new old"),
        ("path: contains Noël", "new old"),
        ('path:"*/???, été.png"', "new old"),
        ('path:"/photos/Noël old/*"', "old"),
        ('folder:"noël new"', "new"),
        ('folder:"/photos/Noël old"', "old"),
        ('album:"å new"', "new"),
        ("NOT soirée", ""),
        ("soiree", ""),
    ],
)
def test_both_forms_are_found(library: Library, form: Form, line: str, found: str) -> None:
    names = library.find(unicodedata.normalize(form, line))
    assert [name[:3] for name in names] == found.split()


@pytest.mark.parametrize("form", FORMS)
def test_both_forms_name_an_image_and_its_folder(library: Library, form: Form) -> None:
    for name in ("new", "old"):
        folder = unicodedata.normalize(form, f"/photos/Noël {name}")
        number = images.find(library.conn, unicodedata.normalize(form, f"{folder}/{name}, été.png"))
        assert number is not None and library.names([number])[0].startswith(name)
        assert unicodedata.normalize(form, known_path(library.conn, folder)) == folder
        assert folders.find(library.conn, known_path(library.conn, folder)) is not None
    assert images.find(library.conn, unicodedata.normalize(form, "/photos/Noël new/été.png")) is None


@pytest.mark.parametrize("form", FORMS)
def test_both_forms_are_ranked_as_words(library: Library, form: Form) -> None:
    filled = library.find(unicodedata.normalize(form, "soirée"))
    assert [name[:3] for name in filled] == ["new", "old"]
    library.conn.execute("SAVEPOINT before")
    library.image("the.png", "soiréelle", created_at="2030-01-01")
    assert [name[:3] for name in library.find(unicodedata.normalize(form, "soirée"))] == ["new", "old", "the"]
    library.conn.execute("ROLLBACK TO before")

"""What is wrong with a query is said with its place in the line, also where only the library can tell."""

from __future__ import annotations

import pytest

from dtk_tui.config import Config
from dtk_tui.errors import UsageError
from dtk_tui.services.library.organise import albums
from dtk_tui.services.library.search import find
from dtk_tui.store.database import Database
from tests.helpers.search_library import Library, unit


@pytest.mark.parametrize(
    ("line", "title", "detail"),
    [
        (
            "castle like:/no/such.png",
            "Query, column 13: There is no image '/no/such.png'.",
            "castle like:/no/such.png\n            ^\nName the id of an image, or the path of a file.",
        ),
        (
            "-like:4711",
            "Query, column 7: There is no image '4711'.",
            "-like:4711\n      ^\nName the id of an image, or the path of a file.",
        ),
        (
            'castle about@dinov2-small:"a fort"',
            "Query, column 27: about: compares vectors of a text-embedder, and dinov2-small is none.",
            'castle about@dinov2-small:"a fort"\n                          ^\nSee: dtk models list',
        ),
    ],
)
def test_a_name_that_is_not_there_is_shown_where_it_stands(
    db: Database, config: Config, line: str, title: str, detail: str
) -> None:
    with db.connection() as conn:
        known = Library(conn)
        known.image("a.png", "castle")
        known.vector(known.space("image", model=config.settings.models.image_embedder), "a.png", unit(1, 0))
    with pytest.raises(UsageError) as caught:
        find(db, config, line)
    assert (caught.value.title, caught.value.detail) == (title, detail)


def test_a_fault_in_a_smart_album_is_not_shown_in_the_line_that_names_it(db: Database, config: Config) -> None:
    albums.create(db, "mine", (), "rating:5")
    with db.connection() as conn:
        conn.execute("UPDATE album SET query = 'castle steps:many'")
    with pytest.raises(UsageError, match="The query of the smart album \u201cmine\u201d is not understood") as caught:
        find(db, config, "castle, sea, album:mine")
    assert "column 14" in caught.value.detail

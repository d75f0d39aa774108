"""Examples, wanted and not, as one vector a space."""

from __future__ import annotations

import numpy as np
import pytest

from dtk_tui.domain.query.parser import parse
from dtk_tui.errors import UsageError
from dtk_tui.services.library.queries.examples import Example, combined
from dtk_tui.store.database import Database
from dtk_tui.store.search.search import find_images
from tests.helpers.search_library import Library, unit


def test_one_example_is_its_own_vector() -> None:
    ((space, vector),) = combined([Example(3, unit(1, 2), image=5)])
    assert (space, vector.dtype) == (3, np.float32)
    assert np.allclose(vector, unit(1, 2))


def test_examples_of_one_space_become_one_vector() -> None:
    found = dict(
        combined([Example(1, unit(1)), Example(2, unit(0, 1)), Example(1, unit(0, 1)), Example(1, unit(0, 0, 1), True)])
    )
    assert list(found) == [1, 2]
    assert np.allclose(found[1], unit(1, 1, -1))
    assert np.allclose(found[2], unit(0, 1))
    assert np.allclose(combined([Example(1, unit(0, 1), True)])[0][1], -unit(0, 1))


def test_examples_that_cancel_each_other_out_are_refused() -> None:
    with pytest.raises(UsageError, match="cancel"):
        combined([Example(1, unit(1)), Example(1, -unit(1))])


def test_what_is_not_wanted_pushes_away(db: Database) -> None:
    with db.connection() as conn:
        library = Library(conn)
        space = library.space("image")
        ids = {}
        for name, vector in {
            "query.png": unit(1, 1, 0.1),
            "bad.png": unit(0, 1, 0.2),
            "a.png": unit(1, 0.4, 0.3),
            "b.png": unit(0.4, 1, 0.3),
            "both.png": unit(1, 0.9, 0.3),
        }.items():
            ids[name] = library.image(name)
            library.vector(space, name, vector)

        def asked(*examples: Example) -> list[str]:
            terms = [(number, vector, None) for number, vector in combined(examples)]
            left_out = [one.image for one in examples if one.image is not None]
            found = find_images(conn, parse("like:1 type:image"), about=(), like=terms, limit=9, left_out=left_out)
            assert found.scores is not None
            assert found.scores[0] <= 1.001
            return library.names(found.ids)

        wanted = Example(space, unit(1, 1, 0.1), image=ids["query.png"])
        assert asked(wanted)[0] == "both.png"
        assert asked(wanted, Example(space, unit(0, 1, 0.2), True, ids["bad.png"])) == ["a.png", "both.png", "b.png"]
        assert asked(Example(space, unit(0, 1, 0.2), True, ids["bad.png"]))[-1] == "b.png"

"""What is imported in threads does not get into the way of what another thread imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tests.helpers.paths import REPOSITORY

#: Its parts import each other. Who imports one while another thread imports the whole does not wait for it; each has a
#: part that the other waits for, Python gives out half a module, and numpy is broken for as long as the process lives.
_WHOLE = "numpy"


def _parts_before_the_whole(body: Iterable[ast.stmt], *, is_whole: bool = False) -> Iterator[int]:
    """Yield the lines of statements that import a part where the whole was not imported before."""
    for statement in body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            continue
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            names = [statement.module or ""]
        else:
            inside = [getattr(statement, name, []) for name in ("body", "orelse", "handlers", "finalbody")]
            for part in inside:
                yield from _parts_before_the_whole(part, is_whole=is_whole)
            continue
        for name in names:
            if name == _WHOLE:
                is_whole = True
            elif name.startswith(f"{_WHOLE}.") and not is_whole:
                yield statement.lineno


def test_a_part_before_the_whole_is_found() -> None:
    for wrong in ("import numpy.typing as npt", "def f():\n  from numpy.typing import NDArray\nimport numpy as np"):
        assert [*_parts_before_the_whole(ast.parse(wrong).body)]
    for right in ("import numpy as np\nimport numpy.typing as npt", "if TYPE_CHECKING:\n  import numpy.typing as npt"):
        assert not [*_parts_before_the_whole(ast.parse(right).body)]


def test_no_part_of_numpy_is_imported_before_numpy() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in sorted((REPOSITORY / "dtk_tui").rglob("*.py"))
        for number in _parts_before_the_whole(ast.parse(path.read_text(encoding="utf-8")).body)
    ]
    assert not found, f"import {_WHOLE} first, as another thread may be importing it: {', '.join(found)}"

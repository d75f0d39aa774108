"""Folders come in natural order wherever they are listed, whatever they are called: 1, 2, 10, 100."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import folder_rules, folder_tree, folders, unreadable
from dtk_tui.store.search import facets
from dtk_tui.store.text_codec import to_db

_ORDERED = {
    "numbers": ["1", "2", "10", "100", "1000000000", "9" * 40, "1" + "0" * 40],
    "in the middle": ["New folder", "New folder (2)", "New folder (10)", "New folder (10) - Copy", "New folder (11)"],
    "dates": ["2025-1-2", "2025-1-10", "2025-02-01", "2025-11-30", "20250101"],
    "several": ["v1.2 take 9", "v1.2 take 10", "v1.10 take 1", "v2"],
    "cases": ["A1", "a2", "A10", "b1"],
    "leading zeros": ["day 0", "day 00", "day 001", "day 01", "day 1", "day 002", "day 2", "day 0010"],
    "nothing before a number": ["a", "a1", "a1b", "a1b2", "aa"],
    "hostile": ["\x01 2", "\x1b[31m2", "\x1b[31m10", "2\x00", "10\x00", "a\n2", "a\n10", "\udcff2", "\udcff10"],
    "other digits are letters": ["a9", "a10", "a\u0662", "a\u0661\u0660", "a\uff12"],
}
_HARD = st.text(st.sampled_from("019 ab.-(\u0661\u00e9\udcff\x01\n\\"), min_size=1, max_size=12)


def _names(conn: Connection, top: int) -> list[str]:
    return [row.name for row in folder_tree.children(conn, top)]


def _key(path: str) -> tuple[object, ...]:
    """Return what a path is sorted by, as Python compares it: its parts, the numbers in them as numbers."""
    parts = re.split("([0-9]+)", to_db(path).translate({ord("/"): 1, ord("\\"): 1}).lower())
    texts, numbers = parts[::2], [*map(int, parts[1::2])]
    # Where one text has a number and another one goes on, the number stands where the sign 0 to 9 does.
    signs = [(sign,) for sign in texts[0]]
    key: list[tuple[object, ...]] = list(signs)
    for number, text in zip(numbers, texts[1:], strict=True):
        key += [("5", number), *((sign,) for sign in text)]
    return (key, to_db(path))


@pytest.mark.parametrize("kind", [kind for kind in _ORDERED if kind not in ("hostile", "other digits are letters")])
def test_numbers_in_names_count_as_numbers(db: Database, kind: str) -> None:
    names = _ORDERED[kind]
    mixed = Random(1).sample(names, len(names))
    with db.connection() as conn:
        top = folders.add_root(conn, "/out")
        folders.add(conn, [(top, f"/out/{name}") for name in mixed])
        assert _names(conn, top) == names


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])  # each is rolled back
@given(st.lists(_HARD, unique=True, max_size=60))
def test_any_names_have_one_order_in_which_numbers_are_numbers(db: Database, names: list[str]) -> None:
    hard = [*names, *_ORDERED["hostile"], *_ORDERED["other digits are letters"]]
    with db.connection() as conn:
        top = folders.add_root(conn, "/out")
        folders.add(conn, [(top, f"/out/{name}") for name in set(hard)])
        assert _names(conn, top) == sorted(set(hard), key=lambda name: _key(f"/out/{name}"))
        conn.rollback()


def test_every_list_of_folders_has_this_order(db: Database) -> None:
    expected = ["/out 2", "/out 2/b", "/out 2/b/c", "/out 2 ", "/out 10", "/out 10/2", "/out 10/10"]
    with db.connection() as conn:
        for path in ("/out 10", "/out 2 ", "/out 2"):
            folders.add_root(conn, path)
        top = {path: folders.find(conn, path) for path in ("/out 10", "/out 2")}
        made = folders.add(
            conn, [(top["/out 10"], "/out 10/10"), (top["/out 10"], "/out 10/2"), (top["/out 2"], "/out 2/b")]
        )
        folders.add(conn, [(made["/out 2/b"], "/out 2/b/c")])
        conn.execute("UPDATE folder SET error = 'cannot be read', archived = true")
        conn.execute("""INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)
                        SELECT id, 'a.png', 1, 1, now() FROM folder""")
        roots = ["/out 2", "/out 2 ", "/out 10"]
        assert [row.path for row in folder_tree.roots(conn)] == roots
        assert list(folder_rules.of_roots(conn)) == roots
        assert [row.path for row in folders.list_roots(conn)] == expected
        assert [failure.path for failure in unreadable.listed(conn, 100, files=False)[0]] == expected
        _, counted = facets.fields(conn, facets.Where("true", {}), 100)
        assert [path for path, _ in counted["folder"].values] == expected
        assert [row.name for row in folders.named(conn, ["out"], 3)] == ["out 2", "out 2 ", "out 10"]

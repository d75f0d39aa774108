"""The lines of the tree of folders against a list that is built line by line."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.domain.library import FolderRow, FolderRows
from dtk_tui.ui.widgets.folder_lines import EVERYTHING, FolderLines, places_of
from tests.helpers.folder_rows import folder_rows

Children = dict[int | None, list[int]]


@st.composite
def trees(draw: st.DrawFn) -> tuple[Children, set[int]]:
    """Folders by what they lie in, and those that are open."""
    children: Children = {None: []}
    for number in range(1, draw(st.integers(0, 25)) + 1):
        parent = draw(st.sampled_from([*children]))
        children[parent].append(number)
        children[number] = []
    return children, draw(st.sets(st.sampled_from([*range(1, 30)])))


def _rows(children: Children, parent: int | None) -> FolderRows:
    return folder_rows(*(FolderRow(one, parent, str(one), f"/{one}", None, True) for one in children[parent]))


def _lines(children: Children, opened: set[int]) -> FolderLines:
    return FolderLines(_rows(children, None), {one: _rows(children, one) for one in opened if one in children})


def _listed(children: Children, opened: set[int], parent: int | None = None, depth: int = 0) -> list[tuple[int, int]]:
    found = []
    for one in children[parent]:
        found.append((one, depth))
        if one in opened:
            found += _listed(children, opened, one, depth + 1)
    return found


@given(trees())
def test_lines_are_those_of_a_list(tree: tuple[Children, set[int]]) -> None:
    children, opened = tree
    lines, listed = _lines(children, opened), [(EVERYTHING, 0), *_listed(children, opened)]
    assert [(lines.key(line), lines.depth(line)) for line in range(lines.count)] == listed
    assert [lines.line_of(key) for key, _ in listed] == list(range(lines.count))
    assert lines.line_of(99) is None
    for line, (key, depth) in list(enumerate(listed))[1:]:
        row = lines.row(line)
        assert row is not None and row.id == key
        assert lines.is_open(line) == (key in opened)
        above = [place for place in range(1, line) if listed[place][1] < depth]
        assert lines.parent(line) == (above[-1] if above else None)
        end = next((place for place in range(line + 1, lines.count) if listed[place][1] <= depth), lines.count)
        assert lines.end(line) == end
        assert set(lines.open_between(line, end)) == {one for one, _ in listed[line:end] if one in opened}


@given(trees(), st.sets(st.integers(1, 25)), st.integers(0, 30))
def test_the_nearest_above_that_is_left(tree: tuple[Children, set[int]], gone: set[int], place: int) -> None:
    children, opened = tree
    old = _lines(children, opened)
    left = {parent: [one for one in some if one not in gone] for parent, some in children.items()}
    new = _lines(left, opened)
    line = min(place, old.count - 1)
    keys = [key for key, _ in [(EVERYTHING, 0), *_listed(left, opened)]]
    above = [old.key(one) for one in range(line, -1, -1) if old.key(one) in keys]
    assert new.nearest(old, line) == keys.index(above[0])


def test_as_many_objects_as_open_folders() -> None:
    many = folder_rows(*(FolderRow(n, 0, str(n), f"/{n}", None, n == 5_000) for n in range(1, 10_001)))
    inside = folder_rows(*(FolderRow(n, 5_000, str(n), f"/x/{n}", None, False) for n in range(20_001, 20_011)))
    lines = FolderLines(many, {5_000: inside})
    assert len(lines._runs) == 3 and lines.count == 10_011
    assert all(one.last + 1 == other.first for one, other in pairwise(lines._runs))
    assert places_of(many, {7, 9_000, 10_500}) == [6, 8_999]


def test_nothing_is_shown_before_folders_are_there() -> None:
    lines = FolderLines()
    assert lines.count == 0 and lines.row(0) is None and not lines.is_open(0) and lines.parent(0) is None
    assert FolderLines(folder_rows()).count == 1 and FolderLines(folder_rows()) != lines
    assert FolderLines(folder_rows(FolderRow(1, None, "a", "/a", None, False))).nearest(lines, 0) == 0

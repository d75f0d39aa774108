"""What is alike is one fold: by groups and by copies, and by both in turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtk_tui.services.library import folding
from dtk_tui.services.library.folding import _joined, _numbered, fold_labels
from dtk_tui.store.database import Database
from tests.helpers.search_library import Library


def sets_of(labels: list[int], names: list[int]) -> set[frozenset[int]]:
    found: dict[int, set[int]] = {}
    for label, name in zip(labels, names, strict=True):
        found.setdefault(label, set()).add(name)
    return {frozenset(one) for one in found.values()}


def test_generations_and_copies_are_one_fold(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    content, other = b"12345678" + bytes(8), b"87654321" + bytes(8)
    with db.connection() as conn:
        library = Library(conn)
        plain = [library.image(f"{n}.png", fingerprint=None) for n in range(2)]
        copies = [library.image(f"copy{n}.png", fingerprint=content, file_size=5) for n in range(2)]
        longer = library.image("longer.png", fingerprint=content, file_size=6)
        group = {"is_embedding_representative": False, "embedding_source_id": longer}
        member = library.image("member.png", "a castle", fingerprint=other, file_size=7, **group)
        copy = library.image("copy of member.png", fingerprint=other, file_size=7)
    ids = [copy, *plain, *copies, longer, member]
    expected = {frozenset(copies), frozenset({longer, member, copy}), *(frozenset({one}) for one in plain)}
    for at_once in (100, 2):
        monkeypatch.setattr(folding, "_AT_ONCE", at_once)
        labels = fold_labels(db, np.array([*ids, 10_000, 10_001], np.int64)).tolist()
        assert sets_of(labels, [*ids, 10_000, 10_001]) == expected | {frozenset({10_000}), frozenset({10_001})}
    # What is not listed joins nothing.
    assert sets_of(fold_labels(db, np.array([longer, copy], np.int64)).tolist(), [longer, copy]) == {
        frozenset({longer}), frozenset({copy}),
    }  # fmt: skip
    assert fold_labels(db, np.zeros(0, np.int64)).tolist() == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=30))
def test_sets_are_those_that_lead_to_each_other(rows: list[tuple[int, int]]) -> None:
    folds: list[set[int]] = []
    for place, (group, copy) in enumerate(rows):
        touched = [one for one in folds if any(rows[n][0] == group or rows[n][1] == copy for n in one)]
        folds = [one for one in folds if one not in touched] + [set().union({place}, *touched)]
    table = np.array(rows, np.int64)
    labels = _joined(_numbered(table[:, :1]), _numbered(table[:, 1:])).tolist()
    assert sets_of(labels, list(range(len(rows)))) == {frozenset(one) for one in folds}

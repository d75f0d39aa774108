"""One name a class, each once, as people would say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.errors import ModelError
from dtk_tui.inference.conversion.class_names import class_names

_LEMMAS = """n1\tcrane
n2\ttench, Tinca tinca
n3\tcrane
n4\tCardigan, Cardigan Welsh corgi
n5\tcardigan
n9\tanother, that is no class
"""


def test_names_that_two_classes_share_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "synsets").write_text("n2\nn1\nn3\nn4\nn5\n")
    (tmp_path / "lemmas").write_text(_LEMMAS)
    names = class_names(tmp_path / "synsets", tmp_path / "lemmas")
    assert names == ["tench", "crane", "crane 2", "Cardigan Welsh corgi", "cardigan"]


@pytest.mark.parametrize(("synsets", "lemmas"), [("n1\nn7\n", _LEMMAS), ("n1\n", "n1 crane\n"), ("n1\n", "n1\t , \n")])
def test_lists_without_a_name_for_each_class_are_refused(synsets: str, lemmas: str, tmp_path: Path) -> None:
    (tmp_path / "synsets").write_text(synsets)
    (tmp_path / "lemmas").write_text(lemmas)
    with pytest.raises(ModelError, match="has no names for the classes"):
        class_names(tmp_path / "synsets", tmp_path / "lemmas")

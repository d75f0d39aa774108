"""By which path the library knows a folder that a link leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.errors import UsageError
from dtk_tui.services.rules import as_known


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """``real/pics/sub``, ``other``, and links: ``link`` to real, ``deep`` to sub."""
    (tmp_path / "real/pics/sub").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "deep").symlink_to(tmp_path / "real/pics/sub")
    return tmp_path


@pytest.mark.parametrize(
    ("named", "roots", "known"),
    [
        ("link", ["real"], "real"),
        ("deep", ["real"], "real/pics/sub"),
        ("deep", ["real", "real/pics"], "real/pics/sub"),
        ("real/pics", ["link/pics"], "link/pics"),
        ("real/pics/sub", ["link/pics"], "link/pics/sub"),
        ("real", ["link/pics"], "link"),
        ("link", [], "link"),
        ("link/pics", ["other"], "link/pics"),
        ("link/pics", ["link"], "link/pics"),
        ("link", ["link", "real"], "link"),
        ("other", ["real", "link"], "other"),
        ("missing/x", ["real"], "missing/x"),
    ],
)
def test_a_folder_has_one_path_in_the_library(disk: Path, named: str, roots: list[str], known: str) -> None:
    assert as_known(str(disk / named), [str(disk / root) for root in roots]) == str(disk / known)


def test_a_folder_around_a_root_with_another_name_is_refused(disk: Path) -> None:
    with pytest.raises(UsageError, match="in the library as"):
        as_known(str(disk / "real"), [str(disk / "deep")])

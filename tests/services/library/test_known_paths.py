"""By which path the library knows a folder that a link leads to."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from dtk_tui.domain.library import WHOLE_FOLDER, FolderScope, Rule
from dtk_tui.errors import UsageError
from dtk_tui.services.library.folder_rules import Rules, absolute, resolve_known_path


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
    assert resolve_known_path(str(disk / named), [str(disk / root) for root in roots]) == str(disk / known)


def test_a_folder_that_a_link_in_the_library_shows(disk: Path) -> None:
    link = disk / "other/link"
    link.symlink_to(disk / "real")
    roots, links = [str(disk / "other")], [str(link)]
    assert resolve_known_path(str(disk / "real/pics"), roots, links) == str(link / "pics")
    assert resolve_known_path(str(disk), roots, links) == str(disk), "a link does not keep the folders around out"


def test_a_new_link_into_another_root_is_left_out(disk: Path) -> None:
    link = disk / "other/link"
    link.symlink_to(disk / "real/pics")
    assert Rules({}, [str(disk / "real")]).scope(str(link)) == FolderScope(files=False, folders=False)
    assert Rules({str(link): Rule()}, [str(disk / "real")]).scope(str(link)) == WHOLE_FOLDER, "what is known stays"
    assert Rules({}, [str(disk / "deep")]).scope(str(link)) == WHOLE_FOLDER


def test_a_folder_around_a_root_with_another_name_is_refused(disk: Path) -> None:
    with pytest.raises(UsageError, match="in the library as"):
        resolve_known_path(str(disk / "real"), [str(disk / "deep")])


def test_a_folder_is_found_in_the_unicode_form_that_the_disk_has(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Été à Noël") for form in ("NFC", "NFD"))
    (tmp_path / decomposed / "2024" / decomposed).mkdir(parents=True)
    there = f"{tmp_path}/{decomposed}"
    assert absolute(f"{tmp_path}/{composed}") == there
    assert absolute(f"{tmp_path}/{composed}/2024/{composed}/") == f"{there}/2024/{decomposed}"
    assert absolute(f"{tmp_path}/{composed}/none") == f"{tmp_path}/{composed}/none", "what is not there stays as typed"
    (tmp_path / composed).mkdir()
    assert absolute(f"{tmp_path}/{composed}") == f"{tmp_path}/{composed}", "a form that is there is what is meant"
    assert absolute(there) == there

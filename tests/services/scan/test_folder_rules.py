"""Which folders a scan looks into, what it would do, and understanding again what was read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.library import ImageDetail, Rule
from dtk_tui.errors import UsageError
from dtk_tui.services.scan.dry_run import dry_run
from dtk_tui.services.scan.reparse import reparse
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from dtk_tui.store.library import folder_rules, folder_tree, folders, images
from tests.helpers.library_state import state
from tests.helpers.pictures import write_png


def _detail(db: Database, path: Path) -> ImageDetail | None:
    with db.connection() as conn:
        number = images.find(conn, str(path))
        return None if number is None else images.detail(conn, number)


def _there(db: Database, path: Path) -> bool:
    detail = _detail(db, path)
    return detail is not None and not detail.unavailable


@pytest.fixture
def library(tmp_path: Path) -> Path:
    root = tmp_path / "library"
    for number, folder in enumerate((".", "kept", "out", "out/deep", "far", "far/deep")):
        write_png(root / folder / "a.png", f"subject {number}", seed=number)
    return root


def _rule(db: Database, path: Path, rule: Rule) -> None:
    with db.connection() as conn:
        number = folders.place(conn, str(path))
        assert number is not None
        folder_rules.set_rule(conn, number, rule)


def test_excluded_folders_are_not_looked_into(db: Database, config: Config, library: Path) -> None:
    scan(db, config, [str(library)])
    _rule(db, library / "out", Rule(excluded=True))
    assert scan(db, config, [])["seen"] == 4
    assert not _there(db, library / "out/a.png") and not _there(db, library / "out/deep/a.png")
    _rule(db, library / "out", Rule(excluded=True, recursive=False))
    scan(db, config, [])
    assert not _there(db, library / "out/a.png") and _there(db, library / "out/deep/a.png")
    with pytest.raises(UsageError, match="excluded"):
        scan(db, config, [str(library / "out")])
    _rule(db, library / "out", Rule())
    assert scan(db, config, [])["added"] == 0
    assert _there(db, library / "out/a.png")


def test_archived_folders_stay_as_they_are(db: Database, config: Config, library: Path) -> None:
    scan(db, config, [str(library)])
    _rule(db, library / "far", Rule(archived=True))
    (library / "far").rename(library.parent / "on the shelf")
    scan(db, config, [])
    assert _there(db, library / "far/a.png") and _there(db, library / "far/deep/a.png")


def test_a_root_without_its_subfolders(db: Database, config: Config, library: Path) -> None:
    with db.connection() as conn:
        folder_rules.set_rule(conn, folders.add_root(conn, str(library)), Rule(recursive=False))
    assert scan(db, config, [])["seen"] == 1
    assert _there(db, library / "a.png")


def test_a_rule_may_be_set_before_the_first_scan(db: Database, config: Config, library: Path) -> None:
    with db.connection() as conn:
        folders.add_root(conn, str(library))
    _rule(db, library / "far", Rule(excluded=True))
    assert scan(db, config, [])["seen"] == 4


def test_an_unreadable_folder_hides_nothing(db: Database, config: Config, library: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    scan(db, config, [str(library)])
    (library / "out").chmod(0)
    try:
        scan(db, config, [])
        assert _there(db, library / "out/a.png") and _there(db, library / "out/deep/a.png")
    finally:
        (library / "out").chmod(0o755)


def test_a_dry_run_writes_nothing(db: Database, config: Config, library: Path) -> None:
    foreseen = dry_run(db, config, [str(library)])
    assert (foreseen["seen"], foreseen["added"]) == (6, 6)
    with db.connection() as conn:
        assert not folder_tree.roots(conn)
    scan(db, config, [str(library)])
    (library / "kept/a.png").rename(library / "out/moved.png")
    (library / "far/a.png").unlink()
    write_png(library / "a.png", "changed", seed=77, size=(80, 80))
    write_png(library / "new/b.png", "new", seed=78)
    with db.connection() as conn:
        before = state(conn)
    foreseen = dry_run(db, config, [])
    with db.connection() as conn:
        assert state(conn) == before
    counts = scan(db, config, [])
    assert {key: foreseen[key] for key in counts if key != "seconds"} == {
        key: counts[key] for key in counts if key != "seconds"
    }
    assert (counts["added"], counts["moved"], counts["updated"], foreseen["gone"]) == (1, 1, 1, 1)


def test_parameters_are_derived_again_without_the_files(db: Database, config: Config, library: Path) -> None:
    scan(db, config, [str(library)])
    with db.connection() as conn:
        right = state(conn)
        conn.execute(
            "UPDATE image SET prompt_id = NULL, steps = 1, seed = NULL, extra = NULL WHERE file_name = 'a.png'"
        )
        conn.execute("UPDATE image SET rating = 4")
    for path in library.rglob("*.png"):
        path.unlink()
    assert reparse(db, config, [str(library / "out")], write=False)["updated"] == 2
    assert _detail(db, library / "out/a.png").steps == 1  # type: ignore[union-attr]
    assert reparse(db, config)["updated"] == 6
    assert reparse(db, config)["updated"] == 0
    with db.connection() as conn:
        conn.execute("UPDATE image SET rating = NULL")
        assert state(conn) == right


def test_a_library_without_folders_says_so(db: Database, config: Config) -> None:
    with pytest.raises(UsageError, match="no folders yet"):
        scan(db, config, [])

"""Patterns that leave files and folders out, by the rules of gitignore."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config, load
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.exclusion import Exclusion
from dtk_tui.services.library.thumbnails.thumbnails import thumbnails_of
from dtk_tui.services.scan.dry_run import dry_run
from dtk_tui.services.scan.scanner import Scan, scan
from dtk_tui.settings import ScanSettings
from dtk_tui.store.database import Database
from tests.helpers.pictures import write_png

LITTER = (
    "._a.png", "@eaDir/a.png/SYNOPHOTO_THUMB_M.png", ".stversions/a~20250101.png", ".thumbnails/normal/a.png",
    "#recycle/a.png", "$RECYCLE.BIN/S-1-5/a.png", "deep/@eaDir/b.png", "deep/._b.png", ".Trash-1000/files/a.png",
)  # fmt: skip


def listed(db: Database) -> set[str]:
    """Return the paths of what is there."""
    with db.connection() as conn:
        sql = (
            "SELECT folder.path || '/' || file_name FROM image JOIN folder ON folder.id = folder_id"
            " WHERE NOT image.unavailable"
        )
        return {path for (path,) in conn.execute(sql)}


def with_patterns(config: Config, *patterns: str) -> Config:
    config.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    config.paths.config_file.write_text(f"[scan]\nexclude = {list(patterns)!r}\n")
    return load(config.paths._environ)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with two pictures and what other programs leave beside such."""
    for number, name in enumerate(("a.png", "deep/b.png", *LITTER)):
        write_png(tmp_path / "root" / name, f"subject {number}", seed=number)
    return tmp_path / "root"


def test_litter_is_left_out_by_default(db: Database, config: Config, root: Path) -> None:
    assert dry_run(db, config, [str(root)])["added"] == 2
    assert scan(db, config, [str(root)])["added"] == 2
    assert listed(db) == {f"{root}/a.png", f"{root}/deep/b.png"}
    with db.connection() as conn:
        assert {path for (path,) in conn.execute("SELECT path FROM folder")} == {str(root), f"{root}/deep"}
    counts = Scan(db, config).refresh([str(root), f"{root}/@eaDir", f"{root}/@eaDir/a.png"])
    assert (counts["seen"], counts["added"]) == (1, 0)


def test_what_is_in_the_trash_of_a_user_is_no_image(db: Database, config: Config, root: Path) -> None:
    """What the app moves there would come back with the next scan, where a folder above is a root."""
    for home in (root, root / "home" / "ada"):
        write_png(home / ".local" / "share" / "Trash" / "files" / "a.png", str(home), seed=7)
    assert scan(db, config, [str(root)])["added"] == 2


def test_thumbnails_are_no_images_whatever_the_patterns(db: Database, config: Config, root: Path) -> None:
    """A library may lie in a folder that is scanned: thumbnails of thumbnails would have no end."""
    thumbnail = root / "library" / "cache" / config.paths.thumbnails.name / "00" / "00ff-128.jpg"
    write_png(thumbnail, "made of a.png", seed=99)
    everything = with_patterns(config)
    assert scan(db, everything, [str(root)])["added"] == 2 + len(LITTER)
    assert Scan(db, everything).refresh([str(thumbnail.parent.parent), str(thumbnail.parent)])["added"] == 0
    assert str(thumbnail) not in listed(db)
    assert thumbnails_of(load({"DTK_HOME": str(root / "library")}))._cache._folder == thumbnail.parent.parent


def test_thumbnails_of_the_older_name_are_taken_over_before_a_scan(db: Database, config: Config, root: Path) -> None:
    within = load({"DTK_HOME": str(root / "home")})
    older = within.paths.cache / "thumbnails"
    write_png(older / "ab" / "ab-256.png", "small", seed=77)
    assert scan(db, within, [str(root)])["added"] == 2
    assert not older.exists() and (within.paths.thumbnails / "ab" / "ab-256.png").is_file()
    write_png(older / "cd" / "cd-256.png", "small", seed=78)
    thumbnails_of(within)
    assert not (within.paths.thumbnails / "cd").exists(), "what is there is not written over"


def test_what_a_new_pattern_hides_counts_as_gone_and_comes_back(db: Database, config: Config, root: Path) -> None:
    everything = with_patterns(config)
    assert scan(db, everything, [str(root)])["added"] == 2 + len(LITTER)
    counts = scan(db, with_patterns(config, *ScanSettings().exclude), [])
    assert (counts["gone"], counts["added"], counts["moved"]) == (len(LITTER), 0, 0)
    assert listed(db) == {f"{root}/a.png", f"{root}/deep/b.png"}
    default = with_patterns(config, *ScanSettings().exclude)
    assert Scan(db, default).refresh([f"{root}/@eaDir"])["seen"] == 0
    with pytest.raises(UsageError, match="exclude"):
        scan(db, default, [f"{root}/@eaDir/a.png"])
    assert scan(db, with_patterns(config), [])["added"] == 0
    assert len(listed(db)) == 2 + len(LITTER)


@pytest.mark.parametrize(
    ("patterns", "hidden", "shown"),
    [
        (["*.jpg"], ["a.jpg", "x/b.jpg"], ["a.png"]),
        (["/top/"], ["top/"], ["x/top/", "top"]),
        (["drafts/*.png"], ["drafts/a.png"], ["drafts/x/a.png", "x/drafts/a.png"]),
        (["**/drafts/*.png"], ["drafts/a.png", "x/drafts/a.png"], ["drafts/a.jpg"]),
        (["x/**"], ["x/a.png", "x/y/"], ["y/x.png"]),
        (["*", "!*.png", "!*/"], ["a.jpg", "x/a.jpg"], ["a.png", "x/", "x/a.png"]),
        (["#recycle", "\\!important"], ["#recycle/", "!important/", "x/#recycle/"], ["recycle/", "important/"]),
        (["tmp[0-9]", "a?c"], ["tmp1/", "abc/", "x/abc"], ["tmp/", "ac/"]),
        (["# spaced name", ""], ["# spaced name/"], ["a.png"]),
        ([], [], ["a.png", "@eaDir/"]),
        (["/drafts", "!/drafts"], [], ["drafts/"]),
        (["x/**", "!x/keep.png"], ["x/a.png", "x/y/keep.png"], ["x/", "x/keep.png"]),
        (["x/", "!x/keep.png"], ["x/"], ["y/"]),
    ],
)
def test_patterns_follow_the_rules_of_gitignore(patterns: list[str], hidden: list[str], shown: list[str]) -> None:
    exclusion = Exclusion(patterns, "/pictures")
    for name in hidden + shown:
        folder, _, last = f"/pictures/{name}".rstrip("/").rpartition("/")
        if name.endswith("/"):
            found = exclusion.hides_folder(f"{folder}/{last}")
        else:
            firsts = exclusion.first_characters
            found = (firsts is None or last[0] in firsts) and exclusion.hides_file(folder, last)
        assert found == (name in hidden), name
    assert not Exclusion(patterns, "/").hides_folder("/")


@pytest.mark.parametrize("pattern", ["!", "[z-a]"])
def test_a_pattern_that_is_none_is_named(config: Config, pattern: str) -> None:
    with pytest.raises(DtkError, match="setting that cannot be used") as caught:
        with_patterns(config, pattern)
    assert f"{pattern!r} is no pattern of gitignore" in caught.value.detail

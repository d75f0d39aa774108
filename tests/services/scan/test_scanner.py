"""Scanning real folders into a real database."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.library import ImageDetail
from dtk_tui.errors import UsageError
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from dtk_tui.store.library import folder_tree, folders, images
from tests.helpers.pictures import write_many, write_png


def _detail(db: Database, path: Path | str) -> ImageDetail:
    with db.connection() as conn:
        number = images.find(conn, str(path))
        assert number is not None, f"{path} is not in the library"
        detail = images.detail(conn, number)
    assert detail is not None
    return detail


def _scan(db: Database, config: Config, *paths: Path) -> dict[str, float]:
    counts = scan(db, config, [str(path) for path in paths])
    del counts["seconds"]
    return counts


def test_a_scan_reads_parameters_and_groups(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    write_png(library / "a" / "orig.png", "a red barn", seed=7)
    write_png(library / "final" / "big.png", "a red barn", seed=7, size=(256, 256))
    write_png(library / "none.png")

    counts = _scan(db, config, library)

    assert counts == {"seen": 3, "added": 3, "updated": 0, "moved": 0, "unchanged": 0, "failed": 0, "gone": 0}
    orig, final = _detail(db, library / "a" / "orig.png"), _detail(db, library / "final" / "big.png")
    assert (orig.prompt, orig.negative_prompt, orig.steps, orig.sampler) == ("a red barn", "blurry", 20, "Euler a")
    assert (orig.cfg_scale, orig.seed, orig.model, orig.dialect) == (7.0, 7, "tiny", "a1111")
    assert orig.representative == final.representative == final.id, "the larger file stands for the group"
    assert orig.members == 2
    assert _detail(db, library / "none.png").prompt is None


def test_a_second_scan_does_only_what_changed(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    paths = write_many(library, 12)
    _scan(db, config, library)
    assert _scan(db, config, library)["unchanged"] == 12

    write_png(paths[3], "something else", seed=99, size=(80, 80))
    write_png(library / "new.png", "new", seed=5)
    paths[5].unlink()
    counts = _scan(db, config, library)

    assert counts == {"seen": 12, "added": 1, "updated": 1, "moved": 0, "unchanged": 10, "failed": 0, "gone": 1}
    assert _detail(db, paths[3]).prompt == "something else"
    assert _detail(db, paths[5]).unavailable, "what is known of a vanished file is kept"


def test_a_moved_file_keeps_its_row(db: Database, config: Config, tmp_path: Path) -> None:
    library, other = tmp_path / "library", tmp_path / "other"
    paths = write_many(library, 3)
    other.mkdir()
    _scan(db, config, library, other)
    before = _detail(db, paths[0])
    with db.connection() as conn:
        conn.execute("UPDATE image SET rating = 5 WHERE id = %s", (before.id,))
    paths[0].rename(other / "renamed.png")

    counts = _scan(db, config, other)  # only the new place is scanned: the old one is not there any more

    assert counts["moved"] == 1 and counts["added"] == 0
    after = _detail(db, other / "renamed.png")
    assert (after.id, after.rating, after.unavailable) == (before.id, 5, False)


def test_two_true_copies_are_two_images(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    original = write_png(library / "one.png", "a copy", seed=3)
    (library / "two.png").write_bytes(original.read_bytes())
    assert _scan(db, config, library)["added"] == 2
    assert _detail(db, library / "one.png").id != _detail(db, library / "two.png").id


def test_bad_files_fail_alone_with_their_reason(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    write_png(library / "good.png", "good")
    (library / "empty.png").write_bytes(b"")
    (library / "text.png").write_text("not a picture")
    (library / "cut.png").write_bytes((library / "good.png").read_bytes()[:40])
    counts = _scan(db, config, library)
    assert counts["seen"] == 4 and counts["failed"] == 3
    assert "empty" in (_detail(db, library / "empty.png").error or "")
    assert _detail(db, library / "text.png").error
    assert _detail(db, library / "good.png").error is None


def test_names_that_are_not_utf8_come_back_byte_for_byte(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    good = write_png(library / "good.png", "odd names")
    names = [b"caf\xe9.png", b"new\nline.png", b"\xff\xfe.png", b"esc\x1b[31m.png", "\U0010fffe.png".encode()]
    for name in names:
        with open(os.fsencode(library) + b"/" + name, "wb") as file:
            file.write(good.read_bytes())
    assert _scan(db, config, library)["seen"] == len(names) + 1
    with db.connection() as conn:
        stored = images.paths_of(conn, images.newest_ids(conn).tolist()).values()
    assert {os.fsencode(path) for path in stored} == {os.fsencode(library) + b"/" + n for n in [*names, b"good.png"]}
    assert all(Path(path).exists() for path in stored)


def test_link_loops_and_unreadable_folders(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    write_png(library / "deep" / "a.png", "x")
    (library / "deep" / "loop").symlink_to(library, target_is_directory=True)
    (library / "nowhere.png").symlink_to(tmp_path / "missing.png")
    assert _scan(db, config, library)["seen"] == 1


def test_a_root_above_an_older_root_takes_it_in(db: Database, config: Config, tmp_path: Path) -> None:
    inner = tmp_path / "library" / "2025" / "inner"
    write_png(inner / "a.png", "x")
    _scan(db, config, inner)
    counts = _scan(db, config, tmp_path / "library")
    assert counts["added"] == 0, "no image is in the library twice"
    with db.connection() as conn:
        (root,) = folder_tree.roots(conn)
        (year,) = folder_tree.children(conn, root.id)
        assert [child.name for child in folder_tree.children(conn, year.id)] == ["inner"]


def test_a_folder_that_is_not_there_changes_nothing(db: Database, config: Config, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        scan(db, config, [str(tmp_path / "missing")])
    with db.connection() as conn:
        assert not folder_tree.roots(conn)


def test_a_vanished_folder_is_marked_and_comes_back(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    write_many(library / "sub", 2)
    _scan(db, config, library)
    (library / "sub").rename(tmp_path / "away")
    _scan(db, config, library)
    assert _detail(db, library / "sub" / "00000.png").unavailable
    (tmp_path / "away").rename(library / "sub")
    counts = _scan(db, config, library)
    assert counts["added"] == 0
    assert not _detail(db, library / "sub" / "00000.png").unavailable


def test_prompts_are_stored_once(db: Database, config: Config, tmp_path: Path) -> None:
    write_many(tmp_path / "library", 20, prompts=4)
    _scan(db, config, tmp_path / "library")
    with db.connection() as conn:
        rows = conn.execute("SELECT count(*), count(DISTINCT text) FROM prompt").fetchone()
    assert rows == (5, 5), "four prompts and one negative prompt"


def test_hostile_text_is_kept_as_read(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    nasty = "[/x] [@click=app.quit]a[/] \x1b]52;c;aGk=\x07 \u202e reversed"
    write_png(library / "nasty.png", nasty)
    write_png(library / "long.png", "word " * 200_000, seed=2)
    _scan(db, config, library)
    assert _detail(db, library / "nasty.png").prompt == nasty
    assert len(_detail(db, library / "long.png").prompt or "") >= 999_999


def test_raw_metadata_of_a_migration_gives_way_to_what_the_file_says(
    db: Database, config: Config, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    telling, silent = write_png(library / "telling.png", "a prompt"), write_png(library / "silent.png")
    _scan(db, config, library)
    with db.connection() as conn:
        conn.execute("UPDATE image SET scan_phase = 0, fingerprint = NULL, prompt_id = NULL, negative_prompt_id = NULL")
        conn.execute("DELETE FROM image_raw")
        conn.execute("INSERT INTO image_raw (image_id, chunks) SELECT id, '[]' FROM image")

    _scan(db, config, library)

    assert (_detail(db, telling).prompt, _detail(db, silent).prompt) == ("a prompt", None)
    with db.connection() as conn:
        rows = conn.execute("SELECT file_name, chunks FROM image_raw JOIN image ON image.id = image_id").fetchall()
    assert [name for name, _ in rows] == ["telling.png"]
    assert "a prompt" in rows[0][1]


def test_a_folder_typed_in_another_unicode_form_is_scanned(db: Database, config: Config, tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Été") for form in ("NFC", "NFD"))
    picture = write_png(tmp_path / decomposed / "1.png", "a fox", seed=1)
    assert _scan(db, config, tmp_path / composed)["added"] == 1
    assert _scan(db, config, tmp_path / decomposed)["unchanged"] == 1
    assert _detail(db, picture).prompt == "a fox"
    with db.connection() as conn:
        assert folders.paths(conn) == [f"{tmp_path}/{decomposed}"]

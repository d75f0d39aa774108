"""Files that are for deletion go to the trash, and nowhere else; what has no trash stays."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.organise import Mark, MarkEdit
from dtk_tui.services.library.organise import marks, trash
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from dtk_tui.store.library import folders
from dtk_tui.store.library.organise import deletion
from tests.helpers.running_app import write_picture


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trash of this user, in a folder of the test."""
    from send2trash import plat_other

    folder = tmp_path / "data" / "Trash"
    monkeypatch.setattr(plat_other, "XDG_DATA_HOME", os.fsencode(folder.parent))
    monkeypatch.setattr(plat_other, "HOMETRASH_B", os.fsencode(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    return folder


def flag(db: Database, *names: str) -> None:
    with db.connection() as conn:
        ids = [n for (n,) in conn.execute("SELECT id FROM image WHERE file_name = ANY (%s)", (list(names),))]
    marks.apply(db, ids, MarkEdit(Mark.FOR_DELETION, 1))


@pytest.fixture
def pictures(db: Database, config: Config, tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for number in range(4):
        write_picture(folder / f"{number}.png", f"prompt {number}", seed=number)
    scanner.scan(db, config, [str(folder)])
    return folder


def test_what_is_for_deletion_is_moved_and_comes_back(
    db: Database, config: Config, pictures: Path, bin_folder: Path, tmp_path: Path
) -> None:
    flag(db, "1.png", "2.png")
    (pictures / "2.png").write_bytes(b"another picture by now")
    content = (pictures / "1.png").read_bytes()
    files = trash.flagged(db)
    assert [Path(file.path).name for file in files] == ["1.png", "2.png"]
    result = trash.to_trash(db, config, files)
    assert (result.deleted, result.size) == (1, len(content))
    assert [(Path(path).name, reason) for path, reason in result.failed] == [
        ("2.png", "it was changed since it was scanned; scan its folder first")
    ]
    assert (bin_folder / "files" / "1.png").read_bytes() == content
    assert f"Path={pictures}/1.png" in (bin_folder / "info" / "1.png.trashinfo").read_text() or (
        "1.png" in (bin_folder / "info" / "1.png.trashinfo").read_text()
    )
    assert sorted(path.name for path in pictures.iterdir()) == ["0.png", "2.png", "3.png"]
    with db.connection() as conn:
        sql = "SELECT file_name FROM image WHERE unavailable AND for_deletion"
        assert conn.execute(sql).fetchall() == [("1.png",)], "the image counts as gone, and keeps what is known of it"
    (bin_folder / "files" / "1.png").rename(pictures / "1.png")
    scanner.scan(db, config, [str(pictures)])
    assert [Path(file.path).name for file in trash.flagged(db)] == ["1.png", "2.png"]


def test_without_a_trash_nothing_is_deleted(
    db: Database, config: Config, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import send2trash

    def refuse(path: str) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link", path)

    monkeypatch.setattr(send2trash, "send2trash", refuse)
    flag(db, "0.png", "3.png")
    (pictures / "3.png").unlink()
    result = trash.to_trash(db, config, trash.flagged(db))
    assert result.deleted == 0
    assert [reason for _, reason in result.failed] == [
        "its file system has no trash that could take it (Invalid cross-device link)",
        "it is not there",
    ]
    assert stat.S_ISREG((pictures / "0.png").stat().st_mode)
    assert len(trash.flagged(db)) == 2


def test_whether_any_is_flagged_is_told_by_an_index_also_before_the_table_is_analyzed_again(db: Database) -> None:
    """Whoever takes all flags away, or imports, is not followed by the statistics at once."""
    with db.connection() as conn:
        folder = folders.add_root(conn, "/out")
        sql = """INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, for_deletion)
                 SELECT %s, n || '.png', 1, 1, now(), true FROM generate_series(1, 3000) n"""
        conn.execute(sql, (folder,))
        conn.execute("ANALYZE image")
        conn.execute("UPDATE image SET for_deletion = false")
        conn.execute("LOAD 'auto_explain'")
        conn.execute("SET auto_explain.log_min_duration = 0; SET client_min_messages = log")
        plans: list[str] = []
        conn.add_notice_handler(lambda notice: plans.append(notice.message_primary or ""))
        assert not deletion.is_any_flagged(conn)
        (plan,) = [plan for plan in plans if "for_deletion" in plan]
        assert "image_for_deletion" in plan and "Seq Scan" not in plan

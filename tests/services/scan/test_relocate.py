"""Files that moved as they were: their images get new places, and nothing of them is read but the fingerprint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.parameters import FileReading, GenerationParameters
from dtk_tui.metadata.reader import read_file
from dtk_tui.services.scan import read, relocate
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.copy.rows import reading_row
from dtk_tui.store.database import Database
from dtk_tui.store.scan import staging
from tests.helpers.pictures import write_png


def images(db: Database) -> dict[str, tuple[int, bool, str | None]]:
    """Return (id, whether it counts as gone, model) of all images by path."""
    with db.connection() as conn:
        rows = conn.execute(
            "SELECT folder.path || '/' || file_name, image.id, image.unavailable, model"
            " FROM image JOIN folder ON folder.id = folder_id"
        )
        return {path: (number, gone, model) for path, number, gone, model in rows}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the files that are read whole."""
    paths: list[str] = []
    original = read.read_file

    def read_file(path: str, *others: Any) -> FileReading:
        paths.append(path)
        return original(path, *others)

    monkeypatch.setattr(read, "read_file", read_file)
    return paths


def test_moved_files_are_not_read_again(db: Database, config: Config, tmp_path: Path, opened: list[str]) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    second.mkdir()
    files = [write_png(first / f"{number}.png", f"subject {number}", seed=number) for number in range(6)]
    write_png(first / "bare.png", seed=7)
    scan(db, config, [str(first), str(second)])
    before = images(db)
    opened.clear()
    (first / "below").mkdir()
    for number, file in enumerate(files):
        file.rename((second if number < 3 else first / "below") / f"renamed {number}.png")
    (first / "bare.png").rename(first / "below" / "bare.png")
    counts = scan(db, config, [str(first), str(second)])
    assert (counts["moved"], counts["added"], counts["gone"], counts["unchanged"]) == (7, 0, 0, 0)
    assert opened == []
    after = images(db)
    for number in range(6):
        place = f"{second if number < 3 else first / 'below'}/renamed {number}.png"
        assert after[place] == before[f"{first}/{number}.png"]
    assert len(after) == 7
    assert scan(db, config, [str(first), str(second)])["unchanged"] == 7


def test_files_of_one_size_and_time_go_by_their_names(
    db: Database, config: Config, tmp_path: Path, opened: list[str]
) -> None:
    files = [write_png(tmp_path / "a" / f"{name}.png", f"number {name}", seed=1) for name in "123"]
    for file in files:
        os.utime(file, ns=(10**18, 10**18))
    assert len({file.stat().st_size for file in files}) == 1
    scan(db, config, [str(tmp_path)])
    before = images(db)
    opened.clear()
    (tmp_path / "b").mkdir()
    for file in files:
        file.rename(tmp_path / "b" / file.name)
    assert scan(db, config, [str(tmp_path)])["moved"] == 3
    assert opened == []
    assert [images(db)[f"{tmp_path}/b/{n}.png"] for n in "123"] == [before[f"{tmp_path}/a/{n}.png"] for n in "123"]


def test_another_content_of_one_size_and_time_is_new(db: Database, config: Config, tmp_path: Path) -> None:
    old = write_png(tmp_path / "a" / "1.png", "number 1", seed=1)
    os.utime(old, ns=(10**18, 10**18))
    scan(db, config, [str(tmp_path)])
    old.unlink()
    new = write_png(tmp_path / "b" / "1.png", "number 2", seed=1)
    os.utime(new, ns=(10**18, 10**18))
    counts = scan(db, config, [str(tmp_path)])
    assert (counts["moved"], counts["added"], counts["gone"]) == (0, 1, 1)
    assert {path: gone for path, (_, gone, _) in images(db).items()} == {str(old): True, str(new): False}


def test_what_a_sidecar_tells_in_the_new_place_is_read(
    db: Database, config: Config, tmp_path: Path, opened: list[str]
) -> None:
    bare = write_png(tmp_path / "a" / "1.png")
    scan(db, config, [str(tmp_path)])
    (tmp_path / "b").mkdir()
    bare.rename(tmp_path / "b" / "1.png")
    (tmp_path / "b" / "1.txt").write_text("a fox\nSteps: 5, Sampler: Euler, Seed: 3, Size: 64x64, Model: mm")
    opened.clear()
    assert scan(db, config, [str(tmp_path)])["moved"] == 1
    assert opened == [f"{tmp_path}/b/1.png"]
    assert images(db)[f"{tmp_path}/b/1.png"][1:] == (False, "mm")


def test_what_was_copied_keeps_its_row_and_is_not_read_again(
    db: Database, config: Config, tmp_path: Path, opened: list[str]
) -> None:
    files = [write_png(tmp_path / "a" / f"{name}.png", f"number {name}", seed=1) for name in "123"]
    other = write_png(tmp_path / "a" / "4.png", "number 4", seed=1)
    scan(db, config, [str(tmp_path)])
    before, dates = images(db), _dates(db)
    opened.clear()
    for file in [*files, other]:
        copy = tmp_path / "b" / file.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes() if file != other else file.read_bytes().replace(b"number 4", b"number 5"))
        os.utime(copy, ns=(10**18, 10**18))
        file.unlink()
    counts = scan(db, config, [str(tmp_path)])
    assert (counts["moved"], counts["added"], counts["gone"]) == (3, 1, 1)
    assert opened == [f"{tmp_path}/b/4.png"]
    after = images(db)
    assert [after[f"{tmp_path}/b/{n}.png"] for n in "123"] == [before[f"{tmp_path}/a/{n}.png"] for n in "123"]
    assert after[str(other)] == (before[str(other)][0], True, before[str(other)][2]), "its content is nowhere"
    moved = {number for number, gone, _ in before.values() if not gone and number != before[str(other)][0]}
    assert {number: date for number, date in _dates(db).items() if number in moved} == {
        number: date for number, date in dates.items() if number in moved
    }
    assert scan(db, config, [str(tmp_path)])["unchanged"] == 4


def test_of_two_copies_one_keeps_its_row_in_many_small_transactions(
    db: Database, config: Config, tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relocate, "_FEWEST_ROWS", 1)
    files = [write_png(tmp_path / "a" / f"{name}.png", f"number {name}", seed=1) for name in "123456"]
    twin = tmp_path / "a" / "twin.png"
    twin.write_bytes(files[0].read_bytes())
    for file in [*files, twin]:
        os.utime(file, ns=(10**18, 10**18))
    scan(db, config, [str(tmp_path)])
    before = images(db)
    opened.clear()
    (tmp_path / "b").mkdir()
    for file in files:
        file.rename(tmp_path / "b" / file.name)
    twin.unlink()
    counts = scan(db, config, [str(tmp_path)])
    assert (counts["moved"], counts["added"], counts["gone"]) == (6, 0, 1)
    assert opened == []
    assert [images(db)[f"{tmp_path}/b/{n}.png"] for n in "123456"] == [
        before[f"{tmp_path}/a/{n}.png"] for n in "123456"
    ]
    assert images(db)[str(twin)][:2] == (before[str(twin)][0], True)


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 40_000, 65_536, 65_537, 150_000])
def test_a_fingerprint_alone_is_that_of_a_reading(tmp_path: Path, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(number * number % 251 for number in range(size)))
    assert read.fingerprint_chunk([str(file), str(tmp_path), f"{tmp_path}/none"]) == [
        read_file(str(file)).fingerprint,
        None,
        None,
    ]


def _dates(db: Database) -> dict[int, object]:
    with db.connection() as conn:
        return dict(conn.execute("SELECT id, created_at FROM image").fetchall())


def test_readings_of_a_large_batch_are_renumbered_by_a_hash(db: Database) -> None:
    reading = FileReading("PNG", 8, 8, None, GenerationParameters(), (), bytes(16), 1, 1)
    ids = list(range(1, 3001))
    with db.connection() as conn:
        staging.stage(conn, [reading_row(number, reading) for number in ids], {})
        conn.execute("SET LOCAL enable_hashjoin = on")
        for statement in staging._RENUMBER:
            plan = "\n".join(line for (line,) in conn.execute("EXPLAIN (COSTS OFF) " + statement, (ids, ids)))
            assert "Hash Join" in plan and "Nested Loop" not in plan
        staging.renumber(conn, ids, [number + 5000 for number in ids])
        assert conn.execute("SELECT min(id), max(id) FROM scan_reading").fetchone() == (5001, 8000)

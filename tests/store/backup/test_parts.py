"""Backups in parts: what did not change is not written again, and each backup is a whole one."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.services.database import backups as service
from dtk_tui.store.backup import parts
from dtk_tui.store.backup.digests import Digests, digests
from dtk_tui.store.backup.dump import ignore
from dtk_tui.store.database import Database


class _Pieces(io.RawIOBase):
    """A stream that gives as much at once as it likes."""

    def __init__(self, data: bytes, seed: int) -> None:
        self._data, self._at, self._random = data, 0, random.Random(seed)

    def read(self, size: int = -1) -> bytes:
        end = self._at + self._random.randint(1, max(size, 1))
        piece, self._at = self._data[self._at : end], end
        return piece


def _rows(first: int, last: int) -> bytes:
    rng = random.Random(7)
    values = ((n, rng.randbytes(300).hex().encode()) for n in range(first, last))
    return b"".join(b"\x00\x1f\x00\x00\x00%d\t%s\n" % one for one in values)


def test_a_dump_is_cut_alike_however_it_is_read_and_whatever_stands_before() -> None:
    rows = _rows(1, 9000)
    cuts = [list(parts.cut(_Pieces(rows, seed))) for seed in (1, 2)]  # type: ignore[arg-type]
    assert b"".join(cuts[0]) == rows and cuts[0] == cuts[1] and len(cuts[0]) == 9
    shifted = list(parts.cut(io.BytesIO(b"something new\n" * 40_000 + rows)))
    assert len(set(shifted) & set(cuts[0])) >= 8


def test_what_has_no_lines_is_cut_by_its_size() -> None:
    data = bytes(40_000_000)
    found = list(parts.cut(io.BytesIO(data)))
    assert b"".join(found) == data and max(map(len, found)) == 1 << 24


def _digests(db: Database) -> Digests:
    with db.connection() as conn:
        return digests(conn, ignore)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The second at which a backup is made, which is in its name."""
    second = [0]
    real = service.datetime

    class _Clock:
        @staticmethod
        def now(zone: object) -> object:
            second[0] += 1
            return real(2026, 1, 1, 0, 0, second[0])

    monkeypatch.setattr(service, "datetime", _Clock)
    yield second


@pytest.mark.usefixtures("at")
def test_a_second_backup_writes_what_is_new_and_each_can_be_restored(
    db: Database, config: Config, tmp_path: Path
) -> None:
    with db.connection() as conn:
        conn.execute("INSERT INTO prompt (text) SELECT repeat(md5(n::text), 60) FROM generate_series(1, 5000) n")
    before = _digests(db)
    first = service.backup_in_parts(db, tmp_path, 2, ignore)
    with db.connection() as conn:
        conn.execute("INSERT INTO prompt (text) VALUES ('one more')")
    second = service.backup_in_parts(db, tmp_path, 2, ignore)
    assert first.whole_bytes and second.whole_bytes and second.whole_bytes > 9_000_000
    assert 0 < second.bytes < first.bytes / 3

    after = _digests(db)
    assert parts.assemble(second.file, tmp_path / "second.dump").tables == after
    assert service.restore(db, config, first.file) == len(before), "each table was compared"
    assert _digests(db) == before
    assert not (config.paths.cache / "whole").exists()


@pytest.mark.usefixtures("at")
def test_a_number_of_backups_stays_with_the_parts_that_they_need(db: Database, config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    stray = folder / "parts" / "ab" / f"ab{'0' * 62}.new"  # of one that was killed
    stray.parent.mkdir(parents=True)
    stray.touch()
    (folder / "parts" / "notes.txt").touch()
    made = []
    for number in range(3):
        with db.connection() as conn:
            conn.execute("UPDATE prompt SET text = text || 'x'")
            conn.execute("INSERT INTO prompt (text) VALUES (%s)", (f"prompt {number}",))
        made.append(service.backup_in_parts(db, folder, 2, ignore))
    assert made[2].removed == (made[0].file,)
    lists = sorted(folder.glob("*.parts"))
    assert lists == [made[1].file, made[2].file]
    there = {path.name for path in (folder / "parts").glob("??/*")}
    assert there == {part.digest for file in lists for part in parts.read_list(file)[1]}
    assert (folder / "parts" / "notes.txt").exists()
    for path in (folder / "parts").glob("??/*"):
        assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(DtkError, match="exists already"):
        parts.write(db, made[2].file, ignore)


@pytest.mark.usefixtures("at")
def test_a_part_that_is_missing_or_damaged_is_named(db: Database, config: Config, tmp_path: Path) -> None:
    made = service.backup_in_parts(db, tmp_path, 2, ignore)
    before = _digests(db)
    _, listed = parts.read_list(made.file)
    place = parts.place_of(tmp_path, listed[-1].digest)
    for damage, word in ((b"no zlib", "damaged"), (place.read_bytes()[:-30], "damaged"), (None, "missing")):
        place.unlink()
        if damage is not None:
            place.write_bytes(damage)
        with pytest.raises(DtkError, match=f"{word}.*{place.name}"):
            service.restore(db, config, made.file)
    assert _digests(db) == before


@pytest.mark.usefixtures("at")
@pytest.mark.parametrize("damage", [b"", b"no zlib", b"cut"])
def test_a_damaged_part_is_written_again_by_the_next_backup(
    db: Database, config: Config, tmp_path: Path, damage: bytes
) -> None:
    with db.connection() as conn:
        conn.execute("INSERT INTO prompt (text) SELECT repeat(md5(n::text), 60) FROM generate_series(1, 2500) n")
    made = service.backup_in_parts(db, tmp_path, 2, ignore)
    before = _digests(db)
    _, listed = parts.read_list(made.file)
    place = parts.place_of(tmp_path, listed[1].digest)  # the first holds the time of the backup
    place.write_bytes(place.read_bytes()[:-30] if damage == b"cut" else damage)
    service.backup_in_parts(db, tmp_path, 2, ignore)
    assert service.restore(db, config, made.file) == len(before), "the earlier one is whole again, too"


@pytest.mark.parametrize(
    "change",
    [
        {"parts": [["../../etc/passwd", 10]]}, {"parts": [["a" * 64, 10**12]]}, {"parts": [["a" * 64, -1]]},
        {"format": 9}, {"parts": 3}, {"tables": []},
    ],
)  # fmt: skip
def test_a_list_of_a_stranger_leads_nowhere(change: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "library-x.parts"
    listed = {"format": 1, "schema": "V001", "made_at": "", "tables": {}, "parts": []}
    file.write_text(json.dumps(listed | change))
    with pytest.raises(DtkError, match="no list of the parts"):
        parts.assemble(file, tmp_path / "whole.dump")
    assert not (tmp_path / "whole.dump").exists()

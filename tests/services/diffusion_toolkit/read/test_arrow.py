"""Ranges of images as columns: what is not of its column's kind, or is no text that can be sent, is unexpected."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.imports import ImportReport
from dtk_tui.services.diffusion_toolkit import paths, schema
from dtk_tui.services.diffusion_toolkit.read.arrow import ColumnReader, UnexpectedValueError
from dtk_tui.services.diffusion_toolkit.report import equality_message
from dtk_tui.services.diffusion_toolkit.source.database import open_source
from dtk_tui.store.database import Database
from tests.helpers.imports.content import content
from tests.helpers.imports.runs import fetch_one, run_import

PLACES = [
    "D:\\AI\\a.png", "D:/AI/b.png", "D:\\AI/c\\d.png", "/mnt/a/b.png", "/mnt/a\\b.png", "/root.png", "name.png",
    "D:\\new\nline\\e\n.png", "\\\\nas\\share\\f.png", "D:g.png", "/mnt//twice//h.png",
]  # fmt: skip
UNEXPECTED: dict[str, Any] = {
    "Steps": "twenty", "Seed": 1.5, "Rating": b"\x05", "CFGScale": "seven", "AestheticScore": 2.0**60,
    "Sampler": b"Euler", "Model": [b"bad\xff"], "Path": [b"D:\\AI\\nul\x00.png"], "CreatedDate": "2024-01-01",
    "Workflow": ["\U0010fffe".encode()], "Hash": [b"\xe2\x82"],
}  # fmt: skip


def write(path: Path, images: list[dict[str, Any]], journal: str = "delete") -> sqlite3.Connection:
    conn = sqlite3.connect(path)
    conn.execute(f"PRAGMA journal_mode = {journal}")
    for statement in schema.TABLES:
        conn.execute(statement)
    for number, values in enumerate(images, start=1):
        given = {
            "Id": number, "RootFolderId": 0, "FolderId": 1, "Path": f"D:\\AI\\{number:05d}.png", "Prompt": "a fox",
            "CreatedDate": 638085024001234567, "FileSize": 10, "Seed": number, **values,
        }  # fmt: skip
        marks = ", ".join("CAST(? AS TEXT)" if isinstance(value, list) else "?" for value in given.values())
        names = ", ".join(f'"{name}"' for name in given)
        bound = [value[0] if isinstance(value, list) else value for value in given.values()]
        conn.execute(f"INSERT INTO Image ({names}) VALUES ({marks})", bound)
    conn.commit()
    return conn


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Any]:
    opened: list[ColumnReader] = []

    def make(images: list[dict[str, Any]]) -> ColumnReader:
        write(tmp_path / "source.db", images).close()
        with open_source(str(tmp_path / "source.db"), tmp_path / "work") as source:
            opened.append(ColumnReader(source, "Image"))
        return opened[0]

    yield make
    for one_reader in opened:
        one_reader.close()


def test_places_are_parted_as_paths_are(reader: Any) -> None:
    read = reader([{"Path": place} for place in sorted(PLACES)]).read
    for low, high in ((1, len(PLACES)), *((number, number) for number in range(1, len(PLACES) + 1))):
        start, name = (column.to_pylist() for column in read(low, high).path_parts)
        for place, its_start, its_name in zip(sorted(PLACES)[low - 1 : high], start, name, strict=True):
            assert its_start + its_name == place
            assert its_name == paths.split(place)[1]


@pytest.mark.parametrize("column", UNEXPECTED)
def test_a_value_of_another_kind_surprises(reader: Any, column: str) -> None:
    read = reader([{}, {}, {column: UNEXPECTED[column]}, {}]).read
    with pytest.raises(UnexpectedValueError):
        read(1, 4)
    assert read(1, 2).count == 2
    assert read(4, 4).ids.tolist() == [4]


def test_two_texts_that_are_utf8_only_together_surprise(reader: Any) -> None:
    whole = "€".encode()
    with pytest.raises(UnexpectedValueError):
        reader([{"Sampler": [whole[:1]]}, {"Sampler": [whole[1:]]}]).read(1, 2)


def test_rows_beside_one_that_surprises_are_compared_too(db: Database, config: Config, tmp_path: Path) -> None:
    write(tmp_path / "source.db", [{"Steps": "twenty"} if n == 700 else {} for n in range(2000)]).close()
    report = run_import(db, config, tmp_path / "source.db", batch_size=500)
    assert report.verification.is_good
    assert report.verification.compared == 1999
    assert equality_message(report) == "1,999 images compared with the source, all equal; 1 more has a note."
    nothing = replace(report, verification=replace(report.verification, compared=0))
    assert equality_message(nothing) == "Each of 2,000 images has a note: none is compared with the source."
    assert fetch_one(db, "SELECT count(*) FROM image") == 2000


@pytest.mark.parametrize("batch_size", [3, 50, 5000])
def test_rows_far_apart_and_batches_of_any_size_give_the_same(
    db: Database, config: Config, tmp_path: Path, batch_size: int
) -> None:
    ids = [1, 2, 3, 700, 701, 2**40, 2**40 + 5, 2**61]
    images = [{"Id": number, "Steps": "x" if number == 701 else 20, "Rating": number % 10 + 1} for number in ids]
    write(tmp_path / "source.db", images).close()
    report: ImportReport = run_import(db, config, tmp_path / "source.db", batch_size=batch_size)
    assert report.verification.is_good
    with db.connection() as conn:
        found = conn.execute(
            "SELECT source_id, rating FROM image JOIN dtk_migrated_images() ON image_id = id ORDER BY 1"
        )
        assert found.fetchall() == [(number, number % 10 + 1) for number in ids]
        assert content(conn)


def test_a_log_beside_the_source_is_read_with_it(db: Database, config: Config, tmp_path: Path) -> None:
    conn = write(tmp_path / "source.db", [{} for _ in range(100)], journal="wal")
    try:
        assert (tmp_path / "source.db-wal").stat().st_size > 0
        report = run_import(db, config, tmp_path / "source.db")
    finally:
        conn.close()
    assert (report.tables["Image"].written, report.verification.compared) == (100, 100)

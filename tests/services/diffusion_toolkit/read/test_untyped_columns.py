"""Numbers in columns that SQLite does not keep as text come over digit by digit."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.services.diffusion_toolkit import schema
from dtk_tui.store.database import Database
from tests.helpers.imports.runs import run_import
from tests.helpers.imports.sources import USUAL, write_source

COLUMNS = ("Prompt", "Model", "ModelHash", "Hash")
NUMBERS = (2**62, -(2**53) - 1, 0.1, 7, 0)


def write(path: Path, declared: str) -> None:
    conn = sqlite3.connect(path)
    for statement in schema.TABLES:
        for column in COLUMNS:
            statement = statement.replace(f'"{column}" varchar', f'"{column}" {declared}')
        conn.execute(statement)
    for number, value in enumerate([*NUMBERS, "a name"], start=1):
        row = {**USUAL, "Path": f"D:\\AI\\{number}.png"} | dict.fromkeys(COLUMNS, value)
        names = ", ".join(f'"{name}"' for name in row)
        conn.execute(f"INSERT INTO Image ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    conn.commit()
    conn.close()


@pytest.mark.parametrize(("declared", "is_empty"), [("", True), ("", False), ("string", True), ("guid", True)])
def test_numbers_among_texts_keep_all_their_digits(
    db: Database, config: Config, tmp_path: Path, declared: str, is_empty: bool
) -> None:
    if not is_empty:
        write_source(tmp_path / "other.db", [{"Path": "D:\\other\\x.png"}])
        run_import(db, config, tmp_path / "other.db")
    write(tmp_path / "source.db", declared)
    report = run_import(db, config, tmp_path / "source.db")
    assert report.verification.is_good
    with db.connection() as found:
        sql = """SELECT prompt.text, model, model_hash, hash FROM image JOIN prompt ON prompt.id = prompt_id
                   JOIN dtk_migrated_images() ON image_id = image.id WHERE migration_id = %s ORDER BY source_id"""
        rows = found.execute(sql, (report.migration_id,)).fetchall()
    assert rows == [(text,) * len(COLUMNS) for text in [*map(str, NUMBERS), "a name"]]

"""Opening a source: copies, links, files that are none, tables that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.store.database import Database
from tests.helpers.imports.runs import Make, run_import
from tests.helpers.imports.sources import rebuild_image_table, write_source


def test_the_copy_of_a_program_that_was_killed_is_removed_by_the_next(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "20", "--wal", "hot")
    left = config.paths.cache / "migration" / "source-killed"
    left.mkdir(parents=True)
    (left / "source.db").write_bytes(b"much")
    run_import(db, config, source)
    assert not any((config.paths.cache / "migration").iterdir())


def test_what_is_no_file_is_said_and_not_waited_for(db: Database, config: Config, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.db")
    with pytest.raises(DtkError, match="is not a file"):
        run_import(db, config, tmp_path / "pipe.db")


def test_a_log_beside_the_file_is_read_through_a_link(db: Database, config: Config, make: Make, tmp_path: Path) -> None:
    source, summary = make("--n", "50", "--wal", "hot", name="real.db")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.symlink(source, elsewhere / "link.db")
    report = run_import(db, config, elsewhere / "link.db")
    assert report.tables["Image"].read == summary["counts"]["images"]


def test_a_table_without_rowids_is_said(db: Database, config: Config, tmp_path: Path) -> None:
    source = tmp_path / "without.db"
    write_source(source, [{"Path": "/ai/1.png"}])
    rebuild_image_table(source, "bigint PRIMARY KEY", "WITHOUT ROWID")
    with pytest.raises(DtkError, match="no database of Diffusion Toolkit") as caught:
        run_import(db, config, source)
    assert "WITHOUT ROWID" in caught.value.detail

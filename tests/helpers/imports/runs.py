"""Running an import in a test, and looking at its source and at the library."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dtk_tui.config import Config
from dtk_tui.domain.imports import ImportOptions, ImportReport
from dtk_tui.services.diffusion_toolkit.importer import import_database
from dtk_tui.store.database import Database

Make = Callable[..., tuple[Path, dict[str, Any]]]

ZONE = "Europe/Berlin"


def run_import(db: Database, config: Config, source: Path, **options: Any) -> ImportReport:
    return import_database(db, config, ImportOptions(str(source), **{"zone": ZONE, **options}), lambda news: None)


def rows(source: Path, sql: str) -> list[Any]:
    conn = sqlite3.connect(source)
    try:
        return conn.execute(sql).fetchall()
    finally:
        conn.close()


def fetch_one(db: Database, sql: str, *values: Any) -> Any:
    with db.connection() as conn:
        row = conn.execute(sql.encode(), values or None).fetchone()
    return row[0] if row and len(row) == 1 else row

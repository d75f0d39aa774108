"""The schema, as pg_dump tells it of a library that was just made."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.store.database import Database
from tests.helpers.golden import check
from tests.helpers.schema_dump import dump_schema


def test_the_schema_is_the_golden_one(db: Database) -> None:
    check(Path(__file__).parent / "__snapshots__" / "schema.sql", dump_schema(db.conninfo()))

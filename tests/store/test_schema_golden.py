"""The schema, as pg_dump tells it of a library that was just made."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from dtk_tui.store.database import Database
from dtk_tui.store.maintenance import environment
from dtk_tui.store.server.cluster import program
from tests.helpers.golden import check

#: What the version of the server and of pg_dump decides.
_VARYING = re.compile(r"-- Dumped (from|by) .*|\\(un)?restrict .*|SET .*;|SELECT pg_catalog\.set_config.*")


def test_the_schema_is_the_golden_one(db: Database) -> None:
    command = [str(program("pg_dump")), "--schema-only", "--no-owner", "--no-privileges"]
    dumped = subprocess.run(command, env=environment(db.conninfo()), check=True, capture_output=True, text=True).stdout
    lines = [line for line in dumped.splitlines() if not _VARYING.fullmatch(line)]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    check(Path(__file__).parent / "__snapshots__" / "schema.sql", text)

"""The schema of a library as pg_dump writes it, without what differs from run to run or by its version."""

from __future__ import annotations

import re
import subprocess

from dtk_tui.store.server.cluster import program
from dtk_tui.store.server.programs import environment

#: What the version of the server and of pg_dump decides.
_VARYING = re.compile(r"-- Dumped (from|by) .*|\\(un)?restrict .*|SET .*;|SELECT pg_catalog\.set_config.*")


def dump_schema(conninfo: str) -> str:
    """Return the statements that make the schema of a database."""
    command = [str(program("pg_dump")), "--schema-only", "--no-owner", "--no-privileges"]
    dumped = subprocess.run(command, env=environment(conninfo), check=True, capture_output=True, text=True).stdout
    lines = [line for line in dumped.splitlines() if not _VARYING.fullmatch(line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

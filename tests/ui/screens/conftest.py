"""The images of the small real library."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.store.database import Database
from dtk_tui.store.library import images


@pytest.fixture
def ids(db: Database, library: Path) -> list[int]:
    """The images, in the order of the table."""
    with db.connection() as conn:
        found: list[int] = images.newest_ids(conn).tolist()
        return found

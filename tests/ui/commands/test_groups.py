"""A library that was grouped before pictures were looked at: the app offers a check, once."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from tests.helpers.pictures import infotext, write_png
from tests.helpers.running_app import NARROW, library_app


def is_answered(db: Database) -> bool:
    """Whether the offer is noted as answered."""
    with db.connection() as conn:
        return conn.execute("SELECT is_offered FROM group_check").fetchone() == (True,)


async def test_a_check_of_the_groups_is_offered_once(db: Database, config: Config, tmp_path: Path) -> None:
    write_png(tmp_path / "library" / "first.png", "a grid", seed=5)
    write_png(tmp_path / "library" / "grid.png", seed=6, size=(128, 128), text=infotext("a grid", 5))
    scan(db, config, [str(tmp_path / "library")])
    with db.connection() as conn:
        conn.execute("INSERT INTO group_check VALUES (true)")
    async with library_app(db, config, NARROW) as run:
        await run.shows("Check who shares a vector?")
    async with library_app(db, config, NARROW) as run:
        await run.shows("Check who shares a vector?")
        await run.press("n")
        await run.shows("grid.png")
        await run.until(lambda: is_answered(db))
    async with library_app(db, config, NARROW) as run:
        await run.until(lambda: run.dtk.context.stats.current is not None)
        await run.shows("grid.png")
        assert "Check who" not in run.text()
    with db.connection() as conn:
        conn.execute("UPDATE group_check SET is_offered = false")
    async with library_app(db, config, NARROW) as run:
        await run.shows("Check who shares a vector?")
        await run.press("y")
        await run.shows("1 image shared a vector")
    with db.connection() as conn:
        assert conn.execute("SELECT count(*) FROM image WHERE NOT is_embedding_representative").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM group_check").fetchone() == (0,)

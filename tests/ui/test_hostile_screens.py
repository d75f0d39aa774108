"""Text from strangers on every screen and dialogue that there is, by the code: a new one is missed here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.events import ProblemReported
from dtk_tui.settings import CaptionSettings, PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.store.text_codec import to_db
from tests.helpers.every_screen import WAYS, go, screens, settle
from tests.helpers.running_app import NARROW, WIDE, library_app
from tests.helpers.tag_scores import give_scores
from tests.ui.test_hostile import HOSTILE, assert_clean, hostile_library

__all__ = ["hostile_library"]
_ALL = " ".join(HOSTILE)
#: Shown while there is no library: tests/ui/test_waiting.py.
_ELSEWHERE = {"WaitingScreen"}


def make_worse(db: Database) -> None:
    """Let strangers name what works, what was done together, edits, queries and taggers."""
    name = to_db(_ALL)
    stats = {"trouble": name, "provider": name, "output": {name: 1.0}, "kinds": ["tag"], "away": []}
    devices = [{"name": name, "utilisation": 45, "memory_used_gb": 12.3, "memory_total_gb": 80.0}]
    with db.connection() as conn:
        conn.execute(
            "INSERT INTO worker (host, pid, state, lease_until, devices, stats)"
            " VALUES (%s, 1, 'running', now() + '1 day', %s, %s)",
            (name, json.dumps(devices), json.dumps(stats)),
        )
        conn.execute("INSERT INTO work_run (priority, title) VALUES (0, %s)", (name,))
        conn.execute("INSERT INTO saved_query (name, query) VALUES (%s, %s)", (name[:500], name[:500]))
        conn.execute("INSERT INTO edit_journal (changed, kind, title) VALUES (1, 'caption', %s)", (name,))
        conn.execute("INSERT INTO job (kind, image_id) SELECT 1, id FROM image")
        ids = [number for (number,) in conn.execute("SELECT id FROM image ORDER BY id")]
    give_scores(db, {ids[0]: (("fox \x1b[31m", "cat [b]\u202e", 0.5),)}, tagger="[red]tagger\x1b[2J")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_no_screen_is_left_out(
    db: Database,
    config: Config,
    hostile_library: Path,
    size: tuple[int, int],
) -> None:
    make_worse(db)
    hostile = "".join(char for char in _ALL if char.isprintable())
    settings = Settings(
        captions=CaptionSettings(model=hostile, name=hostile), preview=PreviewSettings(protocol="halfblock")
    )
    seen = set()
    async with library_app(db, Config(config.paths, settings), size) as run:
        await run.shows("long.png")
        run.dtk.take(ProblemReported(_ALL, _ALL))
        for name in WAYS:
            screen = await go(run, name)
            seen.add(type(screen).__name__)
            await settle(run)
            assert_clean(run)
            await run.press("down")
            await settle(run)
            assert_clean(run)
    assert screens() - seen == _ELSEWHERE, "tests/helpers/every_screen.py has to know the way to each screen"

"""Names from strangers on the screens that sort and clean up a library: no control byte reaches the terminal."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from dtk_tui.store.text_codec import to_db
from dtk_tui.ui.dialogs import Confirm, InputDialog, Menu
from dtk_tui.ui.screens.collections import CollectionsScreen
from dtk_tui.ui.screens.duplicates import DuplicatesScreen
from dtk_tui.ui.screens.queries import QueriesScreen
from dtk_tui.ui.screens.thresholds import ThresholdsScreen
from tests.helpers.running_app import NARROW, WIDE, Running, library_app, write_picture
from tests.helpers.tag_scores import give_scores
from tests.ui.test_hostile import HOSTILE, as_file_name, assert_clean

_LONG = "[/b] \x1b[2J" + "word " * 200_000
#: What albums, tags and queries are called.
_NAMES = (*HOSTILE, _LONG)


@pytest.fixture
def hostile_names(db: Database, config: Config, tmp_path: Path) -> int:
    """Pictures with copies, for deletion, of hostile names and in such folders; albums, tags, queries and a tagger."""
    root = tmp_path / "outputs"
    for number, text in enumerate(HOSTILE):
        path = root / as_file_name(text) / f"{number:03d} {as_file_name(text)}"
        write_picture(path, "a castle", made_at=1_750_000_000 + number, seed=number)
        copy = shutil.copy(path, path.with_name(f"copy {path.name}"))
        os.utime(copy, (1_740_000_000, 1_740_000_000))
    scanner.scan(db, config, [str(root)])
    with db.connection() as conn:
        ids = [number for (number,) in conn.execute("SELECT id FROM image ORDER BY id")]
        captions.set_text(conn, ids[0], _LONG)
        conn.execute("UPDATE image SET for_deletion = true")
        for place, name in enumerate(to_db(text) for text in _NAMES):
            short = name[:2000]  # an index over names takes no more
            conn.execute("INSERT INTO album (name, query, position) VALUES (%s, %s, %s)", (short, None, place))
            conn.execute("INSERT INTO saved_query (name, query) VALUES (%s, %s)", (short, f"fox {short}"))
            conn.execute("INSERT INTO tag (name) VALUES (%s)", (short,))
        conn.execute("INSERT INTO album_image (album_id, image_id) SELECT id, %s FROM album", (ids[0],))
        conn.execute("INSERT INTO image_tag (image_id, tag_id, source) SELECT %s, id, 'user' FROM tag", (ids[0],))
    give_scores(db, {ids[0]: (("fox \x1b[31m", "cat [b]\u202e", 0.5),)}, tagger="[red]tagger\x1b[2J")
    return len(_NAMES)


def edits(db: Database) -> list[tuple[object, ...]]:
    """Return the journal."""
    with db.connection() as conn:
        return conn.execute("SELECT id, title FROM edit_journal ORDER BY id").fetchall()


async def clean(run: Running, *keys: str, kind: type, words: str = "") -> None:
    """Press keys, wait for what they open, and look at it."""
    await run.press(*keys)
    await run.until(lambda: isinstance(run.app.screen, kind))
    await run.shows(words)
    assert_clean(run)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_names_of_all_kinds(db: Database, config: Config, hostile_names: int, size: tuple[int, int]) -> None:
    async with library_app(db, config, size) as run:
        main = type(run.main)
        await run.until(lambda: run.main.table.count == 2 * len(HOSTILE))
        await clean(run, "L", kind=CollectionsScreen, words=f"{hostile_names} albums, {hostile_names} tags")
        for _ in range(hostile_names):
            await clean(run, "r", kind=InputDialog)
            await clean(run, "enter", kind=CollectionsScreen, words="albums")
            await clean(run, "d", kind=Confirm)
            await clean(run, "n", kind=CollectionsScreen, words="albums")
            await run.press("down")
        await clean(run, "escape", kind=main)
        await clean(run, "end", "A", kind=Menu)
        await clean(run, "escape", "a", "minus", kind=Menu, words="Take which tag away?")
        await clean(run, "escape", "O", kind=Menu, words="Take it out of which album?")
        await clean(run, "escape", "escape", "Q", kind=QueriesScreen)
        for _ in range(hostile_names):
            await run.press("down")
            assert_clean(run)
        await clean(run, "f8", kind=Confirm)
        await clean(run, "n", "f2", kind=InputDialog)
        await clean(run, "escape", "escape", "H", kind=ThresholdsScreen, words="with raw scores")
        await clean(run, "escape", "V", kind=main, words="delete:true")
        await clean(run, "R", kind=Confirm, words="into the trash?")
        await clean(run, "n", "slash", kind=main)
        await run.write("tag: f")
        await run.press("tab")
        assert_clean(run)
        await run.press("escape", "D")
        await clean(run, kind=DuplicatesScreen, words=f"{len(HOSTILE)} sets")
        for _ in range(len(HOSTILE)):
            await run.press("down")
            await run.pilot.pause()
            assert_clean(run)
        assert run.app.is_running


async def test_a_name_that_is_only_looked_at_stays(db: Database, config: Config, hostile_names: int) -> None:
    before = edits(db)
    async with library_app(db, config, NARROW) as run:
        await run.until(lambda: run.main.table.count == 2 * len(HOSTILE))
        await clean(run, "L", kind=CollectionsScreen, words="albums")
        await run.press(*["down"] * 5)
        await clean(run, "r", kind=InputDialog)
        await clean(run, "enter", kind=CollectionsScreen)
    assert edits(db) == before

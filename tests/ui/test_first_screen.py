"""What the first lines of the table need, and what waits for them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.widget import Widget

from dtk_tui.config import Config
from dtk_tui.domain.library import ImageRow
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.store.database import Database
from dtk_tui.ui import stats_feed
from dtk_tui.ui.app import DtkApp
from dtk_tui.ui.screens import browser
from tests.helpers.loaded_modules import HEAVY, modules_after, unwanted
from tests.helpers.running_app import NARROW, WIDE, running

_APP = """
import asyncio, json, sys
from dtk_tui.config import load
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.store.database import Database
from dtk_tui.ui.app import DtkApp
from dtk_tui.ui.screens import browser

async def main():
    app = DtkApp(LibraryBrowser(db, config), None)
    async with app.run_test(size=(80, 24)) as pilot:
        while app.browser.table.current_row is None:
            await pilot.pause(0.02)
        print(json.dumps(sorted(sys.modules)))

config = load()
db = Database.open(config)
asyncio.run(main())
db.close()
"""


@pytest.fixture
def many(db: Database) -> int:
    """A library of more images than are shown first."""
    with db.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('/away', 'away')")
        conn.execute(
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)"
            " SELECT 1, n || '.png', 1, 1, now() - n * interval '1 minute' FROM generate_series(1, 700) n"
        )
    return 700


class Slow(LibraryBrowser):
    """A library whose images take long to be put into their order, and that notes what is asked."""

    def __init__(self, db: Database, config: Config) -> None:
        super().__init__(db, config)
        self.goes_on = threading.Event()
        self.asked: list[str] = []

    def images(self, folder_id: int | None, *, recursive: bool = True) -> Any:
        """Wait, then return them."""
        self.asked.append("all")
        self.goes_on.wait(60)
        return super().images(folder_id, recursive=recursive)

    def image_rows(self, ids: Sequence[int]) -> list[ImageRow]:
        """Return lines."""
        self.asked.append(f"{len(ids)} lines")
        return super().image_rows(ids)


class Idle:
    """A watcher that does nothing."""

    def start(self) -> None:
        """Do nothing."""

    close = check_roots = start


@pytest.mark.usefixtures("library")
def test_the_first_screen_loads_nothing_that_it_does_not_need(database_url: str, tmp_path: Path) -> None:
    modules = modules_after(_APP, tmp_path, DTK_DATABASE_URL=database_url)
    assert unwanted(modules, (*HEAVY, "typer", "dtk_tui.domain.query.nodes")) == []
    screens = {module for module in modules if module.startswith("dtk_tui.ui.screens.")}
    assert screens == {f"dtk_tui.ui.screens.{name}" for name in ("base", "browser", "view")}


async def test_what_is_on_the_first_screen_is_styled_once(
    db: Database, config: Config, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    styled = Counter[DOMNode]()
    apply = Stylesheet.apply

    def counted(self: Stylesheet, node: DOMNode, **options: Any) -> None:
        styled[node] += isinstance(node, Widget)
        apply(self, node, **options)

    monkeypatch.setattr(Stylesheet, "apply", counted)
    app = DtkApp(LibraryBrowser(db, config), None)
    async with running(app, WIDE) as run:
        await run.until(lambda: app.browser.table.current_row is not None)
        widgets = list(app.screen.walk_children())
        assert len(widgets) > 30
        # What gets the focus, and what gets its lines, each once more.
        assert sum(styled.values()) <= len(widgets) + 10, styled.most_common(5)


async def test_the_first_lines_need_three_statements(
    db: Database, config: Config, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    at_first_lines: list[str] = []
    execute = psycopg.Cursor.execute

    def note(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        asked.append(" ".join(str(query).split()))
        return execute(cursor, query, *args, **options)

    class Noting(LibraryBrowser):
        def image_rows(self, ids: Sequence[int]) -> list[ImageRow]:
            rows = super().image_rows(ids)
            at_first_lines.extend(() if at_first_lines else asked)
            return rows

    monkeypatch.setattr(psycopg.Cursor, "execute", note)
    monkeypatch.setattr(stats_feed, "_FIRST_POLL_S", 1000.0)  # on a busy machine it would not wait for the lines
    async with running(DtkApp(Noting(db, config), None), NARROW) as run:
        await run.shows("1.png")
    statements = [one for one in at_first_lines if one]  # without those that look whether a connection lives
    tree = [one for one in statements if "FROM folder" in one]
    assert len(tree) <= 1
    others = [one.partition("FROM image")[0] for one in statements if one not in tree]
    assert len(others) == 2 and others[0] == "SELECT id ", "the newest images, and their lines"


async def test_a_million_is_put_into_order_behind_the_first_lines(
    db: Database, config: Config, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "_ROWS_S", 1000.0)  # on a busy machine the lines may take longer than it waits
    library = Slow(db, config)
    made: list[int] = []

    def make_watcher() -> Any:
        made.append(app.browser.table.count)
        return Idle()

    app = DtkApp(library, None, make_watcher)
    async with running(app, NARROW) as run:
        await run.shows("1.png")
        await run.shows("more follow")
        await run.until(lambda: "all" in library.asked)
        assert library.asked[0] == "128 lines", "the lines first"
        assert run.main.table.count == 512
        assert not made
        table = run.main.table
        await run.press("down", "space")
        await run.until(lambda: (table.cursor, table.selected_count) == (2, 1))
        marked = int(table.ids[1])
        assert list(table.chosen_ids()) == [marked]
        library.goes_on.set()
        await run.until(lambda: table.count == many)
        assert (table.cursor, list(table.chosen_ids())) == (2, [marked])
        await run.until(lambda: made)
        assert made == [many], "what works in the background begins when all are there"
        await run.press("end")
        await run.shows("700.png")


async def test_what_is_for_all_of_a_list_waits_for_its_rest(
    db: Database, config: Config, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "_ROWS_S", 1000.0)
    library = Slow(db, config)
    async with running(DtkApp(library, None), NARROW) as run:
        await run.shows("more follow")
        table = run.main.table
        await run.until(lambda: "all" in library.asked)
        await run.press("a")
        await run.until(lambda: table.selected_count == 512)
        for key in ("8", "t", "u", "d", "plus", "delete", "B", "v"):
            await run.press(key)
            await run.until(lambda: any("still on its way" in told for told in run.told))
        with db.connection() as conn:
            assert conn.execute("SELECT count(*) FROM edit_journal").fetchone() == (0,)
            assert conn.execute("SELECT count(*) FROM job").fetchone() == (0,)
        await run.press("g")
        await run.shows("a row from 1 to 512")
        await run.write("2025-11")
        await run.press("enter")
        await run.shows("The rest of this list is still on its way.")
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        first = int(table.ids[0])
        await run.press("space")
        library.goes_on.set()
        await run.until(lambda: table.count == many)
        await run.until(lambda: table.selected_count == many - 1)
        assert first not in table.chosen_ids()
        await run.press("8")
        await run.shows(f"{many - 1} images changed")


async def test_what_is_marked_in_a_search_stays_marked_when_it_is_asked_again(
    db: Database, config: Config, many: int
) -> None:
    class Noting(LibraryBrowser):
        asked = 0

        def search(self, line: str) -> Any:
            found = super().search(line)
            self.asked += 1
            return found

    library = Noting(db, config)
    async with running(DtkApp(library, None), NARROW) as run:
        await run.shows("1.png")
        await run.press("slash")
        await run.write("sort:name")
        await run.press("enter")
        table = run.main.table
        await run.until(lambda: library.asked == 1 and table.count == many and not run.main.is_part)
        table.focus()
        await run.press("a")
        await run.until(lambda: table.selected_count == many)
        await run.press("r")
        await run.until(lambda: library.asked == 2)
        await run.until(lambda: "searching" not in run.text())
        assert table.selected_count == many


async def test_who_quits_while_it_is_put_together_sees_no_fault(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount = DtkApp.on_mount

    def mount_and_quit(app: DtkApp) -> None:
        mount(app)
        app.exit()

    monkeypatch.setattr(DtkApp, "on_mount", mount_and_quit)
    app = DtkApp(LibraryBrowser(db, config), None)
    await app.run_async(headless=True)
    assert (app._exception, app.return_code) == (None, 0)

"""Every command, by its key, in every pane that can have the focus: it acts, or it says why it does not."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen

from dtk_tui.config import Config
from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Target
from dtk_tui.services import queue as queue_service
from dtk_tui.services.library.organise import albums
from dtk_tui.services.library.organise.tags import TAGS
from dtk_tui.services.scan import scanner
from dtk_tui.settings import PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui.commands import facets
from dtk_tui.ui.commands.registry import COMMANDS, offered
from dtk_tui.ui.context import ContextScreen
from dtk_tui.ui.widgets.facet_list import FacetList
from dtk_tui.ui.widgets.folder_tree import FolderTree
from dtk_tui.ui.widgets.tables.cursor_list import CursorList
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable
from tests.helpers.running_app import Running, library_app
from tests.helpers.snapshots import execute, fill

#: Folders, images and preview stand side by side from here on.
_SIZE = (120, 30)
#: What changes nothing in sight where nothing has changed; and what ends the app.
_UNSEEN = frozenset({
    "main.refresh", "main.back", "queue.refresh", "runs.refresh", "journal.refresh", "duplicates.refresh", "app.quit",
})  # fmt: skip
#: Tried last: what is shown at first, and what goes on beside the others.
_LAST = ("preview.prompt", "app.scan_again")
_RUN = """
INSERT INTO work_run (priority, title) VALUES (0, 'outputs');
INSERT INTO work_run_kind (run_id, kind, queued, already_done, waiting, undecodable) VALUES (1, 1, 1, 0, 0, 0);
"""
_IMAGES = ("main", "work", "preview")


@dataclass(frozen=True)
class Pane:
    """A widget that can have the focus, and what is tried in it.

    Attributes:
        key: opens its screen from the first one; empty: it is on that.
        areas: the first parts of the ids of the commands to try.
    """

    key: str
    selector: str
    areas: tuple[str, ...]


_PANES = {
    "images": Pane("", "#images", (*_IMAGES, "list", "table", "app")),
    "preview": Pane("", "#facts", _IMAGES),
    "facets": Pane("", "#facets", _IMAGES),
    "image": Pane("enter", "#facts", ("detail", "work", "preview")),
    "caption": Pane("d", "#editor-text", ("caption",)),
    "batch": Pane("B", "#batch-form", ("batch",)),
    "import": Pane("I", "#import-form", ("import",)),
    "queue": Pane("q", "#jobs", ("queue", "table")),
    "runs": Pane("P", "#runs", ("runs",)),
    "sets": Pane("D", "#sets", ("duplicates", "table")),
    "members": Pane("D", "#members", ("duplicates",)),
    "journal": Pane("J", "#edits", ("journal", "table")),
    "collections": Pane("L", "#collections", ("collections", "table")),
    "folders": Pane("", "#folders", (*_IMAGES, "folders")),
}


@pytest.fixture
def tidied(store: Database, settings: Config, place: Path) -> Database:
    """Thirty images, of which one has a copy; two albums, a tag, two edits, jobs and a run."""
    fill(store, settings, place)
    copy = shutil.copy(place / "outputs" / "2025-11" / "000.png", place / "outputs" / "final" / "copy.png")
    os.utime(copy, (1_749_000_000, 1_749_000_000))
    scanner.scan(store, settings, [str(place / "outputs")])
    albums.create(store, "others", [3])
    TAGS.add(store, [1, 2], ["fox"])
    queue_service.enqueue(store, settings, Target(image_ids=(1, 2, 3)), (Kind.EMBED,), title="some")
    execute(store, _RUN)
    return store


def seen(run: Running) -> tuple[object, ...]:
    """Return what a person sees and is told, colours aside."""
    screen = run.app.screen
    lists = [
        (one.cursor, one.scroll_offset.y, one.selected_count if isinstance(one, VirtualTable) else 0)
        for one in screen.query(CursorList)
    ]
    return screen, run.app.focused, lists, tuple(run.told), run.text()


async def arrive(run: Running, pane: Pane, there: Screen[Any] | None) -> ContextScreen[Any]:
    """Give a pane the focus, with all that lay over it closed, nothing marked and the cursor off the ends."""
    app, main = run.app, run.main
    goal = there if there in app.screen_stack else main
    while app.screen is not goal:
        await app.pop_screen()
    if app.screen is main:
        main.go_back()
        if not main.has_class("with-preview"):
            main.toggle_preview()
        if main.has_class("with-facets") != (pane.selector == "#facets"):
            facets.toggle(run.dtk.context, main, None)
        await run.until(lambda: main.table.count > 20 and main.table.current_row is not None)
    if pane.key and app.screen is main:
        main.table.focus()
        await run.until(lambda: main.table.has_focus)
        await run.press(pane.key)
        await run.until(lambda: app.screen is not main)
    screen = app.screen
    assert isinstance(screen, ContextScreen)
    widget = screen.query_one(pane.selector)
    if isinstance(widget, FacetList | VirtualTable):
        await run.until(lambda: widget.count > 1)
    if isinstance(widget, VirtualTable):
        widget.clear_selection()
    if isinstance(widget, CursorList):
        widget.cursor = 1 if isinstance(widget, FolderTree) else widget.count // 2
    widget.focus()
    await run.until(lambda: widget.has_focus)
    await run.pilot.pause()
    return screen


async def walk(run: Running, pane: Pane) -> list[str]:
    """Press the key of each command in a pane; return what neither acted nor said why."""
    faults: list[str] = []
    screen = await arrive(run, pane, None)
    commands = [one for one in offered(screen) if one.area in pane.areas and one.id not in _UNSEEN]
    for command in sorted(commands, key=lambda one: one.id in _LAST):
        screen = await arrive(run, pane, screen)
        run.told.clear()
        before, why = seen(run), command.refusal(screen)
        await run.press(command.pressed({}).split(",")[0])
        try:
            await run.until(lambda before=before, why=why: why in run.told if why else seen(run) != before, 20.0)
        except AssertionError as error:
            faults.append(f"{command.id} in {pane.selector}: {error}")
    return faults


_FIRST = ("images", "preview", "facets", "folders")


@pytest.mark.slow
@pytest.mark.parametrize("names", [_FIRST, [name for name in _PANES if name not in _FIRST]], ids=["first", "others"])
async def test_a_command_acts_or_says_why(tidied: Database, settings: Config, names: list[str]) -> None:
    config = Config(settings.paths, Settings(preview=PreviewSettings(protocol="off")))
    async with library_app(tidied, config, _SIZE) as run:
        await run.shows("029.png")
        faults = [fault for name in names for fault in await walk(run, _PANES[name])]
    assert not faults, "\n".join(faults)


def test_every_command_of_a_screen_is_tried() -> None:
    tried = {area for pane in _PANES.values() for area in pane.areas}
    assert {one.area for one in COMMANDS} - tried == {"search", "find"}, "these are typed into a line"


async def test_in_the_preview_work_is_for_the_picture_that_it_shows(tidied: Database, settings: Config) -> None:
    async with library_app(tidied, settings, _SIZE) as run:
        await run.shows("029.png")
        await run.press("space", "space", "down")
        await run.shows("2 selected")
        facts = run.main.query_one("#facts")
        facts.focus()
        await run.until(lambda: facts.has_focus)
        await run.press("t")
        await run.shows("1 queued")
        await run.press("T")
        await run.shows("This takes the folders below a folder along: choose one in the tree.")
        await run.press("ctrl+p")
        await run.until(lambda: run.app.screen is not run.main)
        await run.write("queue with")
        await run.shows("Queue with subfolders")
        await run.press("enter")
        await run.until(lambda: any(told.startswith("This takes the folders below") for told in run.told))

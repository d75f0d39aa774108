"""The thresholds of a tagger in the app: counted while they are typed, applied, stopped, gone on with."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.thresholds import TagThreshold
from dtk_tui.services.library import thresholds
from dtk_tui.store.database import Database
from dtk_tui.store.library.tagging import derive
from dtk_tui.store.library.tagging import thresholds as store
from dtk_tui.ui.screens.thresholds import ThresholdsScreen
from tests.helpers.running_app import NARROW, WIDE, library_app
from tests.helpers.tag_scores import WD, give_scores, tags
from tests.ui.test_hostile import assert_clean


@pytest.fixture
def tagged(db: Database, library: Path) -> Database:
    """Thirty images, four of them tagged."""
    give_scores(db)
    return db


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_what_comes_and_goes_is_counted_while_one_types(
    tagged: Database, config: Config, size: tuple[int, int]
) -> None:
    async with library_app(tagged, config, size) as run:
        await run.shows("029.png")
        await run.press("H")
        await run.shows("Thresholds of wd-vit-tagger-v3")
        await run.shows("0 tags come, 0 go, of 0 images.")
        await run.shows("the best one holds")
        await run.press("end", *["backspace"] * 4)
        await run.write("0.8")
        await run.shows("1 tag comes, 0 go, of 1 image.")
        await run.press("tab", "end", *["backspace"] * 6)
        await run.shows("general needs a score, such as 0.4.")
        await run.write("0.01")
        await run.shows("0.01 is no threshold for general")
        await run.press("backspace")
        await run.write("4")
        await run.shows("0.04 is no threshold for general")
        await run.press("backspace", "backspace")
        await run.write("4")
        await run.shows("1 tag comes, 2 go, of 2 images.")
        assert {name for _, name, _, _ in tags(tagged)} >= {"snow/general"}, "only counted so far"
        await run.press("enter")
        await run.shows("Make the tags anew?")
        await run.press("y")
        tasks = run.dtk.context.tasks
        await run.until(lambda: tasks.editing is not None and not tasks.is_editing)
        await run.until(lambda: isinstance(run.app.screen, ThresholdsScreen))
        await run.shows("1 tag comes, 2 go, of 2 images.")
        assert (2, "miku/character") in {(image, name) for image, name, _, _ in tags(tagged)}
        rows = run.app.screen.query_one("#threshold-rows")
        await run.until(lambda: not rows.display)
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.press("H")
        await run.shows("0.8")
    assert {one.category: round(one.threshold, 4) for one in thresholds.find_tagger(tagged, WD).thresholds} == {
        "character": 0.8,
        "general": 0.4,
        "rating": 0.05,
    }


async def test_it_goes_on_without_its_dialog_and_can_be_stopped(
    tagged: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, begun = threading.Event(), threading.Event()
    real = derive.derive_some

    def derive_some(*args: object) -> object:
        begun.set()
        assert go_on.wait(300)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(derive, "SOME", 1)
    monkeypatch.setattr(derive, "derive_some", derive_some)
    async with library_app(tagged, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("H")
        await run.shows("0 tags come, 0 go, of 0 images.")
        await run.press("enter")
        await run.shows("Make the tags anew?")
        await run.press("y")
        await run.until(begun.is_set)
        await run.shows("0 of 4")
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.press("H")
        await run.shows("c stops it")
        await run.press("c")
        await run.shows("It is being stopped")
        go_on.set()
        await run.shows("It was stopped: 1 of 4 images")
        await run.press("enter")
        await run.until(lambda: run.app.screen is run.main)
        await run.press("H")
        await run.shows("Made anew only in part, 1 image so far")
        await run.shows("0 tags come, 0 go, of 0 images.")
        await run.press("enter")
        await run.shows("Make the tags anew?")
        tasks = run.dtk.context.tasks
        stopped = tasks.editing
        await run.press("y")
        await run.until(lambda: tasks.editing is not stopped and not tasks.is_editing)
    assert thresholds.find_tagger(tagged, WD).unfinished is None


async def test_hostile_names_of_categories_are_harmless(tagged: Database, config: Config) -> None:
    hostile = "[red]x[/] \x1b[31m [@click=app.quit]y[/]"
    with tagged.connection() as conn:
        store.adopt(conn, WD, [TagThreshold(hostile, 0.4, 0.05, False)])
        store.adopt(conn, WD, [TagThreshold(f"z{n}", 0.4, 0.05, False) for n in range(30)])
    give_scores(tagged, {5: (("fox", "general", 0.9),)}, tagger="joytag")
    async with library_app(tagged, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("H")
        await run.shows("Thresholds of which tagger")
        await run.press("down", "enter")
        await run.until(lambda: isinstance(run.app.screen, ThresholdsScreen))
        await run.shows("[red]x[/]")
        await run.shows("0 tags come, 0 go, of 0 images.")
        assert_clean(run)


async def test_without_tags_it_says_so(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("H")
        await run.shows("No image was tagged yet: queue some for tags first.")

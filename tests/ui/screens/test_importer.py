"""Importing a Diffusion Toolkit database on the screen: offered once, asked, followed, stopped, resumed, reported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from textual.widgets import OptionList

from dtk_tui.config import Config, load
from dtk_tui.services.diffusion_toolkit.find import find_sources
from dtk_tui.services.diffusion_toolkit.inspect import common_prefixes, inspect_source
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.store.database import Database
from dtk_tui.ui.app import DtkApp
from dtk_tui.ui.messages import ImportOpened
from dtk_tui.ui.screens.importer import ImportScreen
from dtk_tui.ui.widgets.safe_input import SafeInput
from tests.helpers.imports.hostile_source import write_hostile_source
from tests.helpers.running_app import NARROW, WIDE, library_app, running


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A database with 40 ordinary images, one without a path and one with a hostile path."""
    return write_hostile_source(tmp_path / "home of [x]" / "diffusion-toolkit.db", 40)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_an_import_from_the_form_to_the_report(
    db: Database, config: Config, source: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    (tmp_path / "here").mkdir()
    async with library_app(db, config, size) as run:
        await run.press("I")
        await run.shows("none found")
        await run.press("enter")
        await run.shows("Which file?")
        # As pasted behind the folder that stands there to begin with.
        run.app.screen.query_one(SafeInput).value += str(source)
        await run.press("enter")
        await run.shows("42 images")
        await run.shows("D:\\AI\\outputs")
        await run.shows("not here")
        await run.press("down", "down", "down", "enter")
        await run.shows("Where is D:\\AI\\outputs?")
        run.app.screen.query_one(SafeInput).value = str(tmp_path / "here")
        await run.press("enter")
        await run.until(lambda: run.text().count("not here") == 1)
        # What was said is there when one comes back to it.
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.press("I")
        await run.shows("42 images")
        await run.until(lambda: run.text().count("not here") == 1)
        await run.press("d")
        await run.shows("this was a dry run")
        await run.shows("refused")
        if size == WIDE:
            await run.shows("has no path")
        await run.press("i")
        await run.shows("Written to the library")
        await run.shows("all equal")
        await run.press("escape")
        await run.shows("39.png")
        assert "\x1b" not in run.text()
    with db.connection() as conn:
        assert conn.execute("SELECT count(*) FROM image").fetchone() == (41,)
        found = conn.execute("SELECT count(*) FROM folder WHERE path = %s", (f"{tmp_path}/here/1",)).fetchone()
    assert found == (1,)


@contextmanager
def held(config: Config) -> Iterator[None]:
    """Let imports stand still when they write."""
    with psycopg.connect(config.database_url or "") as blocker:
        blocker.execute("LOCK TABLE album_image IN ROW EXCLUSIVE MODE")
        yield


async def test_an_import_is_stopped_resumed_and_taken_back(db: Database, config: Config, source: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        with held(config):
            run.dtk.post_message(ImportOpened(str(source)))
            await run.shows("42 images")
            await run.press("i")
            await run.until(lambda: " of 42" in run.text() and "rows/s" in run.text())
            await run.shows("\u25b8 comparing and writing")
            await run.press("c")
            await run.shows("The library is as it was.")
            await run.shows("r goes on")
            await run.press("n")
            await run.shows("42 images")
            await run.press("d")
            await run.shows("r finishes it; n begins anew and throws it away.")
            assert "--undo" not in run.text()
        await run.press("escape")
        await run.shows("This library is empty.")
        await run.press("I")
        await run.shows("r goes on with the import")
        await run.press("r")
        await run.shows("Written to the library")
        await run.press("u")
        await run.shows("Remove what this import brought?")
        await run.press("y")
        await run.until(lambda: isinstance(run.app.screen, ImportScreen) and "42 images" in run.text())
    with db.connection() as conn:
        assert conn.execute("SELECT count(*) FROM image").fetchone() == (0,)


async def test_an_import_is_taken_back_long_after_its_report(db: Database, config: Config, source: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        run.dtk.post_message(ImportOpened(str(source)))
        await run.shows("42 images")
        assert "Undo" not in run.text()
        await run.press("i")
        await run.shows("Written to the library")
        await run.press("escape", "I")
        await run.shows("u Undo")
        await run.press("u")
        await run.shows("Remove what this import brought?")
        await run.shows("diffusion-toolkit.db")
        await run.press("y")
        await run.shows("41 images removed")
        await run.until(lambda: "u Undo" not in run.text())
        await run.press("escape")
        await run.shows("This library is empty.")


async def test_what_is_typed_on_the_form_is_checked_at_once(db: Database, config: Config, source: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        run.dtk.post_message(ImportOpened(str(source)))
        await run.shows("42 images")
        await run.press("down", "enter")
        await run.shows("its dates are in the local time")
        run.app.screen.query_one(SafeInput).value = "Europe/Nowhere"
        await run.press("enter")
        await run.shows("Europe/Nowhere is not known.")
        run.app.screen.query_one(SafeInput).value = "Europe/Berlin"
        await run.press("enter")
        await run.shows("Time zone  Europe/Berlin")
        await run.press("down", "down", "enter")
        await run.shows("Where is D:\\AI\\outputs?")
        run.app.screen.query_one(SafeInput).value = "pictures/of mine"
        await run.press("enter")
        await run.shows("A whole path is needed")
        await run.press("escape")
        await run.until(lambda: isinstance(run.app.screen, ImportScreen) and "pictures/of mine" not in run.text())


async def test_the_screen_can_be_left_while_it_imports(db: Database, config: Config, source: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        with held(config):
            run.dtk.post_message(ImportOpened(str(source)))
            await run.shows("42 images")
            await run.press("i")
            await run.shows("\u25b8 comparing and writing")
            await run.press("escape")
            await run.shows("Importing, comparing and writing")
            assert "db does not answer" not in run.text()
        await run.shows("The import is done. I shows its report.")
        await run.shows("39.png")
        await run.until(lambda: "Importing, " not in run.text())
        await run.press("I")
        await run.shows("all equal")


async def test_what_cannot_be_read_is_said_on_the_form(db: Database, config: Config, tmp_path: Path) -> None:
    broken = tmp_path / "[broken].db"
    broken.write_bytes(b"no database at all")
    async with library_app(db, config, NARROW) as run:
        run.dtk.post_message(ImportOpened(str(broken)))
        await run.shows("not a SQLite database")
        await run.press("i", "d", "r", "c", "u")
        assert isinstance(run.app.screen, ImportScreen)
        assert run.app.screen.query_one("#import-form", OptionList).has_focus


async def test_a_database_is_offered_once(
    db: Database, config: Config, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)
    async with library_app(db, config, NARROW) as run:
        await run.shows("A database of Diffusion Toolkit is here.")
        await run.press("n")
        await run.shows("This library is empty.")
    async with library_app(db, config, NARROW) as run:
        await run.shows("This library is empty.")
        await run.until(lambda: not _is_finding())
        await run.pilot.pause()
        assert "is here." not in run.text()
        await run.press("I")
        await run.shows("42 images")


def _is_finding() -> bool:
    import threading

    return any(thread.name == "dtk-find" for thread in threading.enumerate())


async def test_a_library_with_images_is_offered_nothing(
    db: Database, config: Config, library: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)
    async with running(DtkApp(LibraryBrowser(db, config), None), NARROW) as run:
        await run.shows("029.png")
        await run.until(lambda: run.dtk.context.stats.current is not None and not _is_finding())
        assert "is here." not in run.text()


def test_databases_are_found_in_the_usual_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    machine, home = tmp_path / "machine", tmp_path / "user"
    profile = "AppData/Roaming/DiffusionToolkit/diffusion-toolkit.db"
    places = [
        tmp_path / "named.db",
        home / "DiffusionToolkit" / "diffusion-toolkit.db",
        machine / "mnt" / "c" / "Users" / "me" / profile,
        machine / "media" / "me" / "disk" / "DiffusionToolkit" / "diffusion-toolkit.db",
    ]
    for place in places:
        write_hostile_source(place, 1)
    other = machine / "mnt" / "d" / "diffusion-toolkit.db"
    other.parent.mkdir()
    other.write_bytes(b"something else")
    (tmp_path / "dtk").mkdir()
    (tmp_path / "dtk" / "config.toml").write_text(f'[migrate]\nsource = "{places[0]}"\n')
    config = load({"HOME": str(home), "DTK_HOME": str(tmp_path / "dtk")})
    assert find_sources(config, home, machine) == [str(place) for place in places]


def test_prefixes_are_those_under_which_everything_lies(tmp_path: Path, config: Config) -> None:
    counts = {
        "D:\\AI\\out\\a": 5,
        "D:\\AI\\out\\b": 2,
        "d:/ai/OUT/c": 1,
        "\\\\nas\\x\\y": 3,
        "/srv/a/b": 1,
        "/srv/a/c": 1,
    }
    assert common_prefixes(counts) == [("D:\\AI\\out", 8), ("\\\\nas\\x\\y", 3), ("/srv/a", 2)]
    assert common_prefixes({"C:\\one\\deep": 2, "C:\\two": 1}) == [("C:\\one\\deep", 2), ("C:\\two", 1)]
    (tmp_path / "pictures").mkdir()
    source = write_hostile_source(tmp_path / "a.db", 3, "Z:\\my\\pictures")
    found = inspect_source(str(source), config, [str(tmp_path / "pictures")]).prefixes[0]
    assert (found.path, found.images, found.target, found.is_here) == (
        "Z:\\my\\pictures", 3, str(tmp_path / "pictures"), True,
    )  # fmt: skip

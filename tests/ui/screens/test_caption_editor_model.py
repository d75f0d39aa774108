"""The caption editor and the model: a real server of chat completions answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from dtk_tui.ui.dialogs import ErrorDialog, Menu
from dtk_tui.ui.screens.caption_editor import CaptionEditorScreen
from dtk_tui.ui.widgets.captions.versions import VersionList
from tests.helpers.caption_editing import (
    area,
    asks,
    current,
    drafts,
    editor,
    is_open,
    open_editor,
    versions,
    with_captioner,
    write,
)
from tests.helpers.fault_server import chunk, fault_server, http, said, stream
from tests.helpers.running_app import NARROW, Running, library_app

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


async def ask(run: Running, *keys: str) -> None:
    await run.press("ctrl+g")
    await asks(run, Menu, "Let the model write which caption?")
    await run.press(*keys, "enter")


async def test_the_model_writes_and_the_text_before_is_kept(db: Database, config: Config, ids: list[int]) -> None:
    write(db, ids[0], "a fox")
    with fault_server(stream(chunk("A red"), chunk(" fox.\n"), chunk(None, "stop"))) as server:
        async with library_app(db, with_captioner(config, server), NARROW) as run:
            await open_editor(run)
            await run.press("x")
            await ask(run)
            await run.until(lambda: is_open(run) and area(run).text == "A red fox.")
            await run.until(lambda: editor(run).query_one(VersionList).count == 3)
            found = versions(db, ids[0])
            assert [(one.text, one.is_user_edited) for one in found] == [
                ("A red fox.", False),
                ("xa fox", True),
                ("a fox", False),
            ]
            assert found[0].prompt_used == server.bodies[0]["messages"][1]["content"][1]["text"]
            assert (found[0].model, current(db, ids[0])) == ("joy", ["a fox"]), "nothing is current before it is saved"
            await run.press("ctrl+z")
            assert area(run).text == "xa fox"
            await run.press("ctrl+y", "ctrl+s")
            await run.shows("Saved.")
            assert current(db, ids[0]) == ["A red fox."]


async def test_another_type_is_written_into_a_caption_of_its_own(db: Database, config: Config, ids: list[int]) -> None:
    write(db, ids[0], "a fox")
    with fault_server(stream(chunk("1fox"), chunk(None, "stop"))) as server:
        async with library_app(db, with_captioner(config, server), NARROW) as run:
            await open_editor(run)
            await run.press("x")
            await ask(run, "down")
            await run.until(lambda: is_open(run) and area(run).text == "1fox")
            assert [(one.type, one.text) for one in drafts(db, ids[0]) if one.type == "descriptive"] == [
                ("descriptive", "xa fox")
            ]
            await run.press("ctrl+s")
            await run.shows("Saved.")
            kinds = {one.type: one.text for one in versions(db, ids[0]) if one.is_current}
            assert len(kinds) == 2 and kinds["descriptive"] == "a fox" and "1fox" in kinds.values()


def slowly(gone: threading.Event) -> Callable[[socket.socket], None]:
    """Say the first words, and no more until the client goes away."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(_HEAD + f"data: {chunk('A red')}\n\n".encode())
        while not gone.is_set():
            connection.sendall(f"data: {chunk('.')}\n\n".encode())
            gone.wait(0.05)

    return answer


async def test_the_model_is_stopped_and_nobody_types_meanwhile(db: Database, config: Config, ids: list[int]) -> None:
    write(db, ids[0], "a fox")
    end = threading.Event()
    with fault_server(slowly(end)) as server:
        async with library_app(db, with_captioner(config, server), NARROW) as run:
            await open_editor(run)
            await ask(run)
            await run.until(lambda: area(run).text.startswith("A red..."))
            for key in ("x", "ctrl+s", "ctrl+n", "ctrl+g", "ctrl+l"):
                await run.press(key)
            assert area(run).is_streaming and isinstance(run.app.screen, CaptionEditorScreen)
            await run.press("escape")
            await run.until(lambda: is_open(run))
            assert area(run).text.startswith("A red...")
            await run.press("ctrl+z")
            assert area(run).text == "a fox"
            assert [one.text for one in versions(db, ids[0])] == ["a fox"]
            end.set()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http({"error": {"message": "Invalid key"}}, 401), "Invalid key"),
        (stream(chunk("A red", None), end=False), "broke off"),
        (http(said("")), "The answer is empty."),
        (http("<html><body>LM Studio", 200, "text/html"), "web page"),
    ],
)
async def test_what_is_no_answer_changes_nothing(
    db: Database, config: Config, ids: list[int], answer: Callable[[socket.socket], None], words: str
) -> None:
    write(db, ids[0], "a fox")
    with fault_server(answer) as server:
        async with library_app(db, with_captioner(config, server), NARROW) as run:
            await open_editor(run)
            await ask(run)
            await asks(run, ErrorDialog, words)
            await run.press("enter")
            await run.until(lambda: is_open(run))
            assert area(run).text == "a fox"
            assert [one.text for one in versions(db, ids[0])] == ["a fox"] and drafts(db, ids[0]) == []

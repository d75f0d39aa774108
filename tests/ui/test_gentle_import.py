"""Imports beside an event loop, which has its turn between two modules."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dtk_tui.ui.gentle_import import gentle_imports

_MODULES = 5


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package that imports its modules, and notes in which order they and turns of the loop came."""
    name = "dtk_gentle_fixture"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "come = []\n" + "".join(f"from {name} import part{n}\n" for n in range(_MODULES)), encoding="utf-8"
    )
    for n in range(_MODULES):
        (folder / f"part{n}.py").write_text(f"import {name}\n{name}.come.append({n})\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for module in [one for one in sys.modules if one.partition(".")[0] == name]:
        del sys.modules[module]


async def test_the_event_loop_has_a_turn_between_two_modules(package: str) -> None:
    loop = asyncio.get_running_loop()
    before, turns = list(sys.meta_path), 0

    def import_it() -> None:
        with gentle_imports(loop):
            importlib.import_module(package)

    importing = loop.run_in_executor(None, import_it)
    come = list[list[int]]()
    while not importing.done():
        turns += 1
        module = sys.modules.get(package)
        come.append(list(getattr(module, "come", ())))
        await asyncio.sleep(0)
    await importing
    assert sys.modules[package].come == list(range(_MODULES))
    assert all(any(len(seen) == n for seen in come) for n in range(_MODULES)), "a turn before each"
    assert sys.meta_path == before


async def test_a_loop_that_waits_for_a_module_is_not_waited_for(package: str) -> None:
    loop = asyncio.get_running_loop()
    imported = threading.Event()

    def import_it() -> None:
        with gentle_imports(loop):
            importlib.import_module(package)
        imported.set()

    thread = threading.Thread(target=import_it)
    thread.start()
    assert imported.wait(60), "the loop has no turn until then"
    thread.join()


def test_a_loop_that_has_ended_holds_nothing_up(package: str) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with gentle_imports(loop):
        assert importlib.import_module(package).come == list(range(_MODULES))

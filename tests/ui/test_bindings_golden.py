"""The ids of all bindings, which a config.toml names, with their keys and what is said of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from msgspec import structs
from textual.binding import Binding
from textual.dom import DOMNode

import dtk_tui.ui
from dtk_tui.config import Config
from dtk_tui.store.database import Database
from tests.helpers.golden import check
from tests.helpers.running_app import NARROW, library_app

GOLDEN = Path(__file__).parent / "__snapshots__" / "bindings.txt"
_NONE = "(no id)"


def _classes(base: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _classes(kind)


def bindings() -> set[Binding]:
    """Return every binding of the program: the one place to change when they come from elsewhere."""
    for module in pkgutil.walk_packages(dtk_tui.ui.__path__, "dtk_tui.ui."):
        importlib.import_module(module.name)
    return {
        binding
        for kind in _classes(DOMNode)
        if kind.__module__.startswith("dtk_tui.")
        for binding in kind.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding)
    }


def test_the_bindings_are_the_golden_ones() -> None:
    rows = {(one.id or _NONE, one.key, one.key_display or "", one.description, one.show) for one in bindings()}
    lines = [
        f"{name:<22} {key:<22} {display:<4} {'footer' if show else '':<7} {words}"
        for name, key, display, words, show in sorted(rows)
    ]
    check(GOLDEN, "\n".join(lines))


async def test_every_id_can_be_given_another_key(db: Database, config: Config) -> None:
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()
    names = [line.split()[0] for line in lines if not line.startswith(_NONE)]
    keys = {**dict.fromkeys(names, "f12"), "no.such_action": "f12"}
    config.settings = structs.replace(config.settings, keys=keys)
    async with library_app(db, config, NARROW) as run:
        await run.shows("names actions that do not exist")
        await run.shows("no.such_action")
        assert not [name for name in names if name in run.text()], "none of these is unknown"

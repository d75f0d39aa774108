"""No screen is left out of the tour."""

from __future__ import annotations

import importlib
import pkgutil

from textual.command import CommandPalette
from textual.screen import Screen

import dtk_tui.ui
from tests.helpers.paths import REPOSITORY
from tour.page import page
from tour.stops import STOPS


def _below(base: type[object]) -> set[type[object]]:
    return {base} | {one for child in base.__subclasses__() for one in _below(child)}


def test_every_screen_and_every_dialog_has_a_picture() -> None:
    for module in pkgutil.walk_packages(dtk_tui.ui.__path__, "dtk_tui.ui."):
        importlib.import_module(module.name)
    own = {one for one in _below(Screen) if one.__module__.startswith("dtk_tui.ui.")}
    shown = {one.__name__ for one in own if issubclass(one, CommandPalette) or not _is_base(one, own)}
    missing = shown - {stop.screen for stop in STOPS}
    assert not missing, (
        f"No picture of {', '.join(sorted(missing))}: add a Stop to tour/stops.py and the keys that lead there to "
        "tour/route.py; make tour makes its pictures."
    )
    assert {stop.screen for stop in STOPS} <= {one.__name__ for one in own}


def _is_base(one: type[object], own: set[type[object]]) -> bool:
    return any(one in other.__mro__[1:] for other in own)


def test_the_names_of_pictures_differ() -> None:
    assert len({stop.name for stop in STOPS}) == len(STOPS)


def test_the_page_is_that_of_the_stops_and_shows_what_is_there() -> None:
    folder = REPOSITORY / "docs"
    text = page()
    assert (folder / "tour.md").read_text(encoding="utf-8") == text, "make tour writes it anew"
    missing = [
        link for link in text.replace(")", "(").split("(") if link.endswith(".webp") and not (folder / link).is_file()
    ]
    assert not missing

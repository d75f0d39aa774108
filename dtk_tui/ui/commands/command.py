"""One command: what it is called, which keys it has, what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.widget import Widget

from dtk_tui.domain.queue import Target
from dtk_tui.ui.commands.run import Run
from dtk_tui.ui.context import AppContext, ContextScreen

SCREEN = "This screen"
WORK = "Work on the folder, the image or the selection"
ORGANISE = "Rate, flag, tag and collect"
FOLDERS = "Folders"
TABLES = "Tables"
GRID = "Thumbnails"
LISTS = "Lists"
PREVIEW = "Preview"
SEARCH = "Search line"
FIND = "Find and replace"
EVERYWHERE = "Everywhere"
#: Headings in the order of the help.
GROUPS = (SCREEN, WORK, ORGANISE, FOLDERS, TABLES, GRID, LISTS, PREVIEW, SEARCH, FIND, EVERYWHERE)

#: Says in a sentence why a screen cannot do a command now; empty where it can.
Refusal = Callable[[ContextScreen[Any]], str]


def never(screen: ContextScreen[Any]) -> str:
    """Refuse it nowhere."""
    return ""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a person can do.

    Attributes:
        id: what ``[keys]`` of config.toml calls it; its first part says which screens offer it.
        keys: the keys it is bound to, separated by commas, as Textual names them.
        title: what palette, menus, help and footer call it.
        group: the heading under which the help lists it.
        run: does it, for the context, the screen and what work is for.
        refusal: says why a screen cannot do it now, which a person who presses its key is told.
        in_footer, tooltip, key_name: how the footer shows it; ``key_name`` instead of the first key.
        priority: bound before what has the focus, dialogs included.
        widget: it is offered where one of these can have the focus.
        widget_action: the widget binds its key itself, to this action; ``run`` is for the palette.
    """

    id: str
    keys: str
    title: str
    group: str
    run: Run
    refusal: Refusal = never
    in_footer: bool = False
    tooltip: str = ""
    key_name: str | None = None
    priority: bool = False
    widget: type[Widget] | None = None
    widget_action: str = ""

    @property
    def area(self) -> str:
        """The first part of the id."""
        return self.id.partition(".")[0]

    @property
    def action(self) -> str:
        """What app or screen carry out; without a prefix, the screen that has the binding, even one behind a dialog."""
        place = "app." if self.area == "app" else "" if self.widget is None else "screen."
        return f"{place}command({self.id!r})"

    def binding(self) -> Binding:
        """Return the binding of its keys, which a keymap may change."""
        return Binding(
            self.keys,
            self.action,
            self.title,
            show=self.in_footer,
            key_display=self.key_name,
            priority=self.priority,
            tooltip=self.tooltip,
            id=self.id,
        )

    def pressed(self, keymap: Mapping[str, str]) -> str:
        """Return its keys as Textual hears them, separated by commas."""
        return ",".join(one.key for one in Binding.make_bindings([Binding(keymap.get(self.id, self.keys), "")]))

    def key_names(self, app: App[Any], keymap: Mapping[str, str]) -> str:
        """Return its keys as people read them, e.g. ``\u2191 k``."""
        first, *others = Binding.make_bindings([Binding(keymap.get(self.id, self.keys), "")])
        first = replace(first, key_display=self.key_name)
        return " ".join(app.get_key_display(one) for one in (first, *others))


def of_widget(kind: type[Widget], group: str) -> tuple[Command, ...]:
    """Return the commands that a widget binds itself: moving about in it, which is its own business."""
    own = (one for one in kind.__dict__["BINDINGS"] if isinstance(one, Binding))
    return tuple(
        Command(
            one.id or "",
            one.key,
            one.description,
            group,
            _on_widget(kind, one.action),
            in_footer=one.show,
            key_name=one.key_display,
            widget=kind,
            widget_action=one.action,
        )
        for one in own
    )


def _on_widget(kind: type[Widget], action: str) -> Run:
    def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        widget = next((one for one in screen.focus_chain if isinstance(one, kind)), None)
        if widget is not None:
            screen.call_later(screen.app.run_action, action, widget)

    return run

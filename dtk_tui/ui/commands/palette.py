"""The commands of a screen to choose from: the palette, which is searched, and menus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from dtk_tui.services.view_state import ViewState
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.commands.command import LISTS, Command
from dtk_tui.ui.commands.registry import offered
from dtk_tui.ui.context import ContextScreen
from dtk_tui.ui.dialogs import Entry, Menu

#: What the commands that were chosen last are called in the kept state, how many of all screens it holds, and how many
#: of those of a screen come first.
_KEPT_AS, _MOST, _FIRST = "recent_commands", 40, 5


async def do(app: App[Any], screen: ContextScreen[Any], command: Command) -> None:
    """Do a command of a screen that was chosen by its words; say why where it cannot be done now."""
    if why := command.refusal(screen):
        screen.context.notify(why, severity="warning")
    else:
        await app.run_action(command.action, screen)


def recent(view_state: ViewState) -> list[str]:
    """Return the ids of the commands that were chosen in the palette last, the newest first."""
    kept = view_state.value(_KEPT_AS)
    return [str(name) for name in kept[:_MOST]] if isinstance(kept, list) else []


async def _do_chosen(app: App[Any], screen: ContextScreen[Any], command: Command) -> None:
    """Do a command that was chosen in the palette, which offers it first the next time."""
    state = screen.context.view_state
    others = [name for name in recent(state) if name != command.id]
    await do(app, screen, command)
    await in_thread(state.keep, **{_KEPT_AS: [command.id, *others][:_MOST]})


class CommandProvider(Provider):
    """Offers the commands of a screen with their keys, besides moving about in lists; those chosen last come first."""

    def _commands(self) -> list[tuple[Command, str, Callable[[], Awaitable[None]]]]:
        screen = self.screen
        if not isinstance(screen, ContextScreen):
            return []
        keymap = screen.context.config.settings.keys
        shown = (one for one in offered(screen) if one.group != LISTS)
        return [(one, one.key_names(self.app, keymap), partial(_do_chosen, self.app, screen, one)) for one in shown]

    async def discover(self) -> Hits:
        """Offer all commands before anything is typed."""
        commands = {command.id: (command, keys, run) for command, keys, run in self._commands()}
        last = recent(self.screen.context.view_state) if isinstance(self.screen, ContextScreen) else []
        first = {name: commands[name] for name in [name for name in last if name in commands][:_FIRST]}
        for command, keys, run in (first | commands).values():
            words = Content.assemble(command.title, (f"  {keys}", "dim"))
            if command.id in first:
                words = Content.assemble(words, ("  recent", "dim"))
            yield DiscoveryHit(words, run, text=command.title)

    async def search(self, query: str) -> Hits:
        """Offer the commands that fit."""
        matcher = self.matcher(query)
        for command, keys, run in self._commands():
            score = matcher.match(command.title)
            if score > 0:
                words = Content.assemble(matcher.highlight(command.title), (f"  {keys}", "dim"))
                yield Hit(score, words, run, text=command.title)


def open_menu(app: App[Any], screen: ContextScreen[Any], title: str, command_ids: Sequence[str]) -> None:
    """Offer some commands of a screen in a menu."""
    keymap = screen.context.config.settings.keys
    found = {one.id: one for one in offered(screen) if one.id in command_ids}
    shown = [found[name] for name in command_ids if name in found]
    entries = [Entry(one.title, one.key_names(app, keymap), one.id, one.pressed(keymap)) for one in shown]

    async def chosen(name: str | None) -> None:
        if name is not None:
            await do(app, screen, found[name])

    app.push_screen(Menu(title, entries), chosen)

"""The command palette: every action of the screen below it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from dtk_tui.ui.commands.registry import Action, actions

if TYPE_CHECKING:
    from dtk_tui.ui.app import DtkApp


class Palette(CommandPalette):
    """The palette, in which a key may come before its list is drawn."""

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):  # of a line that is not there yet
            super()._action_command_list(action)


class ActionProvider(Provider):
    """Offers all actions with their keys."""

    def _actions(self) -> list[Action]:
        app = cast("DtkApp", self.app)
        return [one for one in actions(app, self.screen, app.keymap) if not (one.binding.id or "").startswith("list.")]

    async def _run(self, action: Action) -> None:
        await self.app.run_action(action.binding.action, action.node)

    async def discover(self) -> Hits:
        """Offer all actions before anything is typed."""
        for action in self._actions():
            yield DiscoveryHit(
                Content.assemble(action.binding.description, (f"  {action.keys}", "dim")),
                lambda action=action: self._run(action),
                text=action.binding.description,
            )

    async def search(self, query: str) -> Hits:
        """Offer the actions that fit."""
        matcher = self.matcher(query)
        for action in self._actions():
            score = matcher.match(action.binding.description)
            if score > 0:
                yield Hit(
                    score,
                    Content.assemble(matcher.highlight(action.binding.description), (f"  {action.keys}", "dim")),
                    lambda action=action: self._run(action),
                    text=action.binding.description,
                )

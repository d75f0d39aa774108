"""Keys in the order in which they were typed, each with the focus that the one before it left behind."""

from __future__ import annotations

from collections import deque
from functools import partial
from time import monotonic
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen

from dtk_tui.ui.textual_compat import parent_of

#: A screen that opened has this long to say what has the focus.
_OPENS_S = 0.5
#: Where a key is that is not done by then is looked at: what it went to may be gone.
_SLOW_S = 2.0
#: A key that is not done by then holds up no other.
_LONGEST_S = 30.0
_LOOK_S = 0.01


class KeyQueue(App[None]):
    """Gives out one key after the other.

    Textual gives a key at once to what has the focus when it arrives. Of a line that comes in one packet, as it does
    over SSH, or while something slow is drawn, every letter behind the one that opens an input line would be taken for
    a command.
    """

    def __init__(self) -> None:
        super().__init__()
        self._typed: deque[events.Key | events.Paste] = deque()
        self._given_at: float | None = None
        self._at: MessagePump = self
        self._is_watched = False

    async def on_event(self, event: events.Event) -> None:
        """Keep keys and pasted texts until what came before is done."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        self._typed.append(event)
        await self._go_on()

    async def _go_on(self) -> None:
        """Give out the next key if the one before is done, or will never be."""
        if self._given_at is None or self._is_lost(monotonic() - self._given_at):
            await self._give()
        if self._typed and not self._is_watched:
            self._is_watched = True
            self.set_timer(_SLOW_S, self._look_again)

    def _is_lost(self, waiting_s: float) -> bool:
        return waiting_s > (_LONGEST_S if self._at.is_running else _SLOW_S)

    async def _look_again(self) -> None:
        self._is_watched = False
        if self._typed:
            await self._go_on()

    async def _give(self) -> None:
        self._given_at = None
        if self._typed and self.screen_stack:
            self._given_at = monotonic()
            screen = self.screen
            target: MessagePump = self.focused or screen
            await super().on_event(self._typed.popleft())
            self._follow(target, screen)

    def _follow(self, node: MessagePump, screen: Screen[Any]) -> None:
        """Come behind a key through the queues of all that it bubbles to, up to this app."""
        self._at = node
        if node is self:
            # Behind the key here, and then behind the change of focus that its action asked for.
            self.call_later(self.call_later, self._done, screen)
            return
        above = parent_of(node) or self
        if not node.call_later(partial(self._follow, above, screen)):
            self._follow(above, screen)

    async def _done(self, screen: Screen[Any]) -> None:
        if not self.screen_stack:  # the app is ending
            return
        opened = self.screen is not screen and self.screen.focused is None
        if opened and self._given_at is not None and monotonic() - self._given_at < _OPENS_S:
            self.set_timer(_LOOK_S, partial(self._done, screen))
        else:
            await self._give()

"""What a command does: a function of context, screen and target."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from dtk_tui.domain.queue import Target
from dtk_tui.ui.background import start_task
from dtk_tui.ui.context import AppContext, ContextScreen

Run = Callable[[AppContext, ContextScreen[Any], Target | None], None]
RunSlowly = Callable[[AppContext, ContextScreen[Any], Target | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ScreenMethod:
    """A command that is a method of the screen that offers it."""

    method: str
    args: tuple[object, ...] = ()

    def __call__(self, context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        """Call it."""
        getattr(screen, self.method)(*self.args)


def in_background(group: str, *, exclusive: bool = True, asked: bool = False) -> Callable[[RunSlowly], Run]:
    """Make a coroutine function a command that runs beside the screens, as ``start_task`` does."""

    def decorate(function: RunSlowly) -> Run:
        @functools.wraps(function)
        def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
            # A task of the app, not of the screen: what was asked for is done when its screen is left, too.
            work = functools.partial(function, context, screen, target)
            name = function.__qualname__
            start_task(screen.app, work, name=name, group=group, exclusive=exclusive, asked=asked)

        return run

    return decorate

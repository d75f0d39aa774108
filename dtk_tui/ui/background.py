"""Work that must not hold up the event loop."""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Concatenate, ParamSpec, TypeVar

from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.worker import Worker

from dtk_tui.errors import DtkError
from dtk_tui.ui.messages import ErrorReported

_T = TypeVar("_T")
_Q = ParamSpec("_Q")
_log = logging.getLogger(__name__)
_P = ParamSpec("_P")
_N = TypeVar("_N", bound=DOMNode)


# Not the loop's own pool: at the end of the app that one is waited for without a bound.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="dtk-ask")


async def in_thread(function: Callable[_Q, _T], *args: _Q.args, **kwargs: _Q.kwargs) -> _T:
    """Call something that blocks, beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_threads, functools.partial(function, *args, **kwargs))


async def import_in_thread(name: str) -> None:
    """Import a module in a thread unless it is there: the event loop goes on, and nobody waits for it at the start."""
    module = sys.modules.get(name)
    if module is None or getattr(module.__spec__, "_initializing", False):
        await asyncio.to_thread(import_module, name)


def start_task(
    node: DOMNode,
    work: Callable[[], Awaitable[None]],
    *,
    name: str,
    group: str,
    exclusive: bool = True,
    asked: bool = False,
) -> Worker[None]:
    """Start a coroutine as a background task of a node and return at once.

    Slow parts inside it go through ``in_thread``. With ``exclusive`` it cancels the one under way in the same group,
    so a late answer never overwrites a newer one. Failures travel up as ``ErrorReported``. ``asked`` says that a person
    asked for it, who has to know when it was not done.
    """

    guarded = functools.partial(reporting, node, work, name=name, asked=asked)
    return node.run_worker(guarded, name=name, group=group, exclusive=exclusive)


async def reporting(node: DOMNode, work: Callable[[], Awaitable[None]], *, name: str, asked: bool = False) -> None:
    """Wait for a coroutine whose failures travel up from a node, as those of ``start_task`` do."""
    try:
        await work()
    except DtkError as error:
        node.post_message(ErrorReported(error, asked=asked))
    except Exception as error:
        if isinstance(error, NoMatches) and not (node.is_attached and node.display):
            return  # the answer came when the screen that asked for it was being taken apart
        _log.exception("%s failed", name)
        unexpected = DtkError("Something failed that should not.", f"{type(error).__name__}: {error}")
        node.post_message(ErrorReported(unexpected))


def task(
    group: str, *, exclusive: bool = True, asked: bool = False
) -> Callable[[Callable[Concatenate[_N, _P], Awaitable[None]]], Callable[Concatenate[_N, _P], Worker[None]]]:
    """Make a coroutine method a background task of its node, as ``start_task`` does: a call starts it and returns."""

    def decorate(
        method: Callable[Concatenate[_N, _P], Awaitable[None]],
    ) -> Callable[Concatenate[_N, _P], Worker[None]]:
        def start(node: _N, /, *args: _P.args, **kwargs: _P.kwargs) -> Worker[None]:
            work = functools.partial(method, node, *args, **kwargs)
            return start_task(node, work, name=method.__qualname__, group=group, exclusive=exclusive, asked=asked)

        start.__doc__ = method.__doc__
        return start

    return decorate

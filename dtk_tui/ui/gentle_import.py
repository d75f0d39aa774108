"""Imports in a thread that hold up no key: between two modules the event loop has its turn."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

#: An event loop whose turn does not come for so long may itself wait for a module that is being imported.
_LONGEST_S = 0.1


class _Turns(MetaPathFinder):
    """Finds no module, but lets an event loop do what it has to do before one is looked for in this thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._gives_way = True

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None, so that the finders that follow look for the module."""
        if self._gives_way and threading.get_ident() == self._thread:
            turn = threading.Event()
            try:
                self._loop.call_soon_threadsafe(turn.set)
            except RuntimeError:  # the loop has ended
                self._gives_way = False
            else:
                self._gives_way = turn.wait(_LONGEST_S)
        return None


@contextmanager
def gentle_imports(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let an event loop of another thread have its turn before each module that this thread imports.

    Two threads that compute share the interpreter in slices of 5 ms, so a redraw of 25 ms took 60 beside an import.
    """
    turns = _Turns(loop)
    # Another thread may be going through the list: it is replaced, not changed.
    sys.meta_path = [turns, *sys.meta_path]
    try:
        yield
    finally:
        sys.meta_path = [finder for finder in sys.meta_path if finder is not turns]

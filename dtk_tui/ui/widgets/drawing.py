"""A drawing that a thread prepares, and that may be given up meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class GivenUpError(Exception):
    """Nobody wants the drawing any more."""


class Drawing(Generic[T]):
    """One drawing: what it holds of the terminal is freed when it is given up, before it is done or after.

    Args:
        free: gives back what a finished drawing holds.
    """

    def __init__(self, free: Callable[[T], None]) -> None:
        self._free = free
        self._lock = threading.Lock()
        self._is_wanted = True
        self._made: T | None = None

    def check(self) -> None:
        """Raise GivenUpError when it was given up; the thread asks between its steps."""
        if not self._is_wanted:
            raise GivenUpError

    def finish(self, made: T) -> T:
        """Hand over what was made, or free it and raise GivenUpError."""
        with self._lock:
            if self._is_wanted:
                self._made = made
                return made
        self._free(made)
        raise GivenUpError

    def give_up(self) -> None:
        """Want it no more; from any thread."""
        with self._lock:
            self._is_wanted, made, self._made = False, self._made, None
        if made is not None:
            self._free(made)

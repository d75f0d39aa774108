"""Sets of images, and stopping the search for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dtk_tui.errors import DtkError
from dtk_tui.services.background import cancel_when_set
from dtk_tui.store.database import Connection, Database

Ids = npt.NDArray[np.int64]


class SearchStoppedError(DtkError):
    """A person stopped the search for duplicates or clusters."""

    def __init__(self) -> None:
        super().__init__("It was stopped.")


@dataclass(frozen=True, slots=True)
class DuplicateSets:
    """Sets of images.

    Attributes:
        ids: the images, set by set, int64 [n].
        starts: where in ``ids`` each set begins, int64 [m].
        unseen: how many images were not compared: nobody has decoded them yet, or they have no vector.
    """

    ids: Ids
    starts: Ids
    unseen: int = 0

    def __len__(self) -> int:
        return len(self.starts)

    def places(self, number: int) -> slice:
        """Return where in ``ids`` the images of one set stand."""
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.ids)
        return slice(int(self.starts[number]), int(end))

    def members(self, number: int) -> list[int]:
        """Return the images of one set."""
        found: list[int] = self.ids[self.places(number)].tolist()
        return found


def stoppable(progress: Callable[[float], None], stop: threading.Event) -> Callable[[float], None]:
    """Return what tells ``progress``, and raises SearchStoppedError once ``stop`` is set."""

    def tell(share: float) -> None:
        if stop.is_set():
            raise SearchStoppedError
        progress(share)

    return tell


@contextmanager
def connection_until(db: Database, stop: threading.Event) -> Iterator[Connection]:
    """Give a connection whose statements are cancelled once ``stop`` is set, which raises SearchStoppedError."""
    try:
        with db.connection() as conn, cancel_when_set(conn, stop):
            yield conn
    except DtkError as error:
        if stop.is_set() and not isinstance(error, SearchStoppedError):
            raise SearchStoppedError from error
        raise

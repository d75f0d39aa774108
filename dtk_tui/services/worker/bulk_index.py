"""Vector indexes during a bulk run: dropped before it, built once after it, instead of grown row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from dtk_tui.domain.job import Kind
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.worker.files.away import AwayFolders
from dtk_tui.services.worker.state import PipelineState
from dtk_tui.store.database import Connection
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.queue import jobs, results

#: From so many images on, if they are so large a share of the vectors that are there, a bulk run is twice as quick or
#: better (benchmarks/bench_index.py); below that it is not worth that searches are slower meanwhile.
LEAST = 5_000
SHARE = 0.5


class BulkIndexes:
    """Drops and builds the vector indexes of a bulk run; used by the claiming thread alone."""

    def __init__(self, state: PipelineState, away: AwayFolders) -> None:
        self._state = state
        self._away = away
        self._spaces = {kind: handler.indexed_spaces for kind, handler in state.handlers.items()}
        self._unfinished = {kind for kind, spaces in self._spaces.items() if spaces}

    def prepare(self, pending: Mapping[str, int]) -> None:
        """Drop the indexes of a kind if so much is to come that building them anew is quicker.

        Args:
            pending: how many jobs wait, by the kind's word.
        """
        for kind, spaces in self._spaces.items():
            number = pending.get(kind.label, 0)
            if spaces and number >= LEAST:
                self._do(partial(_drop, spaces=spaces, pending=number))
                self._unfinished.add(kind)

    def finish(self) -> None:
        """Build what this or an earlier run dropped, when nothing is left to do of that kind but what is away."""
        for kind in tuple(self._unfinished):
            for space in self._spaces[kind]:
                if not self._do(partial(_build, kind=kind, space=space, without=self._away.ids)):
                    break
                self._unfinished.discard(kind)

    def _do(self, action: Callable[[Connection], bool]) -> bool:
        """Return what a transaction returns; False when it was not possible."""
        try:
            return self._state.transaction(action)
        except DatabaseLostError:
            return False  # stopping while the database is away: the next worker does it
        except DtkError as error:
            self._state.report(error)
            return False


def _drop(conn: Connection, spaces: Sequence[int], pending: int) -> bool:
    """Drop the indexes of the spaces that most is to come into: one of a model that has all its vectors stays."""
    for space in spaces:
        coming = results.coming_vectors(conn, space, pending)
        few = int(coming / SHARE)
        if coming >= LEAST and embedding_spaces.count_up_to(conn, space, few) < few:
            embedding_spaces.drop_index(conn, space)
    return True


def _build(conn: Connection, kind: Kind, space: int, without: Sequence[int]) -> bool:
    """Build one index; False while jobs of that kind are left in other folders than those ``without``."""
    if jobs.is_left(conn, kind, without):
        return False
    embedding_spaces.build_index(conn, space)
    return True

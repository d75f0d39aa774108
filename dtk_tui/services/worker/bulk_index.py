"""Vector indexes during a bulk run: taken away before it, built once after it, instead of grown row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dtk_tui.domain.job import Kind
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.worker.handlers import EmbedHandler
from dtk_tui.services.worker.state import Belt
from dtk_tui.store.library import embedding_spaces as spaces
from dtk_tui.store.queue import jobs

#: From so many images on, if they are so large a share of the vectors that are there, a bulk run is twice as quick or
#: better (benchmarks/bench_index.py); below that it is not worth that searches are slower meanwhile.
LEAST = 5_000
SHARE = 0.5


class BulkIndexes:
    """Used by the claiming thread alone."""

    def __init__(self, belt: Belt) -> None:
        self._belt = belt
        self._unfinished = True

    def _spaces(self) -> Sequence[int]:
        embed = self._belt.steps.get(Kind.EMBED)
        return embed.spaces if isinstance(embed, EmbedHandler) else ()

    def prepare(self, pending: int) -> None:
        """Take the indexes away if so much is to come that building them anew is quicker."""
        if pending < LEAST:
            return
        few = int(pending / SHARE)

        def drop() -> None:
            with self._belt.db.connection() as conn:
                for space in self._spaces():
                    if spaces.count_up_to(conn, space, few) < few:
                        spaces.drop_index(conn, space)

        self._do(drop)
        self._unfinished = True

    def finish(self) -> None:
        """Build what this or an earlier run took away, when nothing is left to embed."""
        if not self._unfinished:
            return

        def build() -> None:
            for space in self._spaces():
                with self._belt.db.connection() as conn:
                    if jobs.is_left(conn, Kind.EMBED):
                        return
                    spaces.build_index(conn, space)
                    self._unfinished = False

        self._do(build)

    def _do(self, action: Callable[[], None]) -> None:
        try:
            self._belt.persist(action)
        except DatabaseLostError:
            pass  # stopping while the database is away: the next worker does it
        except DtkError as error:
            self._belt.report(error)

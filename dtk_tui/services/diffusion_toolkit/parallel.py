"""Running several transactions on the database in parallel."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from dtk_tui.services.background import cancel_when_set
from dtk_tui.services.diffusion_toolkit.errors import StoppedError
from dtk_tui.store.database import Connection, Database

_CONNECTIONS = 2


Piece = Callable[[Connection], None]


def run_parallel(
    db: Database,
    pieces: Sequence[Piece],
    stop: threading.Event,
    report_progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Run all pieces, begun in their order, on two connections; each piece is committed when it is done.

    Args:
        report_progress: is given how many pieces are done, and how many there are.

    Raises:
        StoppedError: ``stop`` was set.
        DtkError: of the first piece that failed; those behind it are not begun.
    """
    left = deque(pieces)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            while left and not failed and not stop.is_set():
                with db.connection() as conn, cancel_when_set(conn, stop):
                    try:
                        piece = left.popleft()
                    except IndexError:
                        return
                    piece(conn)
                report_progress(len(pieces) - len(left) - 1, len(pieces))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, name=f"migrate-{i}", daemon=True) for i in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if stop.is_set():
        raise StoppedError
    if failed:
        raise failed[0]

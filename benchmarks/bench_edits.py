"""Edits of many images by hand, and undo, beside one bare UPDATE of as many rows of the same table.

``ratio`` is to the bare UPDATE, which keeps nothing of what was there before. ``B/image`` are bytes of the journal.
Then the command and PostgreSQL are killed in the middle of an edit of as many, and all is compared with what was there.

DTK_BENCH_EDITED images (default 50,000) are edited, of twice as many: those of ``large_library`` that are as high as
wide. Arguments name the edits to measure; without any, all of them.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from large_library import configured, library
from workload import Home

from dtk_tui.domain.organise import EditDone, Mark, MarkEdit
from dtk_tui.errors import DatabaseLostError
from dtk_tui.services.library import journal
from dtk_tui.services.library.organise import albums, marks, tags
from dtk_tui.services.library.search import find
from dtk_tui.store.database import Database

EDITED = int(os.environ.get("DTK_BENCH_EDITED", "50000"))
SQUARE = "size:square"
STATE = """
SELECT (SELECT md5(string_agg(concat_ws(' ', id, rating, favorite, nsfw, nsfw_by_hand), ',' ORDER BY id)) FROM image),
       (SELECT count(*) FROM image_tag), (SELECT count(*) FROM album_image),
       (SELECT count(*) FROM edit_journal WHERE undone_at IS NULL)
"""
EDITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE query LIKE '%edit_journal_part%' AND state <> 'idle' AND pid <> pg_backend_pid()
"""


def vacuum(db: Database) -> None:
    """Begin each measurement from a table without dead rows."""
    with db.listener() as conn:
        for table in ("image", "image_tag", "album_image", "edit_journal_part"):
            conn.execute(f"VACUUM ANALYZE {table}".encode())


def one(db: Database, sql: Any, *values: object) -> Any:
    """Return the first row of a statement, as soon as the database is there."""
    while True:
        try:
            with db.connection() as conn:
                return conn.execute(sql, values or None).fetchone()
        except DatabaseLostError:
            time.sleep(0.2)


def seconds(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def bare(db: Database, sets: str) -> float:
    """Return the seconds of one UPDATE, which is rolled back."""

    class RolledBackError(Exception):
        pass

    took = 0.0
    try:
        with db.connection() as conn:
            took = seconds(lambda: conn.execute(f"UPDATE image SET {sets} WHERE height = width".encode()))
            raise RolledBackError
    except RolledBackError:
        vacuum(db)
    return took


def show(db: Database, name: str, act: Callable[[], EditDone], floor: float) -> float:
    """Edit, undo, do it again and undo it again; print how long it took, return the first. All must be as it was."""
    before = one(db, STATE)
    done: list[EditDone] = []
    took = seconds(lambda: done.append(act()))
    number = done[0].journal or 0
    size = one(db, "SELECT sum(pg_column_size(p.*) + 24) FROM edit_journal_part p WHERE journal_id = %s", number)[0]
    vacuum(db)
    undone = seconds(lambda: journal.undo(db, number))
    assert one(db, STATE) == before, "all is as it was"
    vacuum(db)
    again = seconds(lambda: journal.redo(db, number))
    journal.undo(db, number)
    vacuum(db)
    changed = done[0].changed
    print(
        f"{name:14}{changed:10,}{took:8.1f}{took / floor:7.1f}{undone:8.1f}{undone / floor:7.1f}{again:8.1f}"
        f"{float(size) / changed:10.1f}",
        flush=True,
    )
    return took


def kill_server(db: Database) -> None:
    """Kill PostgreSQL."""
    pid = db.server.pid() if db.server is not None else None
    if pid is None:
        raise SystemExit("the server does not run")
    os.kill(pid, signal.SIGKILL)


def killed(home: Home, db: Database, rating: int, after_s: float, *, server: bool) -> str:
    """Rate by the command, kill it or the server after some seconds, and return what came of it."""
    before = one(db, STATE)
    command = [str(Path(sys.executable).parent / "dtk"), "rate", "--query", SQUARE, "--rating", str(rating), "--json"]
    with subprocess.Popen(command, env=home.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not one(db, EDITING)[0]:
            time.sleep(0.05)
        time.sleep(after_s)
        assert process.poll() is None, "it is at it"
        kill_server(db) if server else process.kill()
        process.wait()
    while one(db, EDITING)[0]:
        time.sleep(0.05)
    after = one(db, STATE)
    if after == before:
        return "nothing was changed"
    rated = one(db, "SELECT count(*) FROM image WHERE height = width AND rating = %s", rating)[0]
    last = journal.last_edits(db, 1)[0]
    assert (rated, last.undone_at) == (EDITED, None) and after[3] == before[3] + 1, "done, or not done"
    journal.undo(db, last.id)
    assert one(db, STATE) == before
    return f"done, when it was there again (status {process.returncode})"


def main() -> None:
    """Print the table."""
    with library(2 * EDITED) as home:
        config = configured(home)
        db = Database.open(config)
        try:
            ids = find(db, config, SQUARE).ids
            assert len(ids) == EDITED
            plain, kept = bare(db, "rating = 5"), bare(db, "rating = 5, steps = steps")
            print(f"{EDITED:,} of {2 * EDITED:,} images; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
            print(f"bare UPDATE: rating alone {plain:.1f} s, with what keeps the generated column cheap {kept:.1f} s")
            print(
                f"{'edit':14}{'changed':>10}{'s':>8}{'ratio':>7}{'undo s':>8}{'ratio':>7}{'redo s':>8}{'B/image':>10}"
            )
            edits: dict[str, Callable[[], EditDone]] = {
                "rating": partial(marks.apply, db, ids, MarkEdit(Mark.RATING, 5)),
                "favourite": partial(marks.apply, db, ids, MarkEdit(Mark.FAVORITE, 1)),
                "tag": partial(tags.TAGS.add, db, ids, ["azure"]),
                "album": partial(albums.create, db, "All", ids),
            }
            took = [show(db, name, edits[name], min(plain, kept)) for name in sys.argv[1:] or edits]
            print(f"the command killed in the middle: {killed(home, db, 7, took[0] / 2, server=False)}", flush=True)
            print(f"PostgreSQL killed in the middle: {killed(home, db, 8, took[0] / 2, server=True)}", flush=True)
        finally:
            db.close()
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB of memory at most, without the server")


if __name__ == "__main__":
    main()

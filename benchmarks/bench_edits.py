"""Edits of many images by hand, and undo, beside one bare UPDATE of as many rows of the same table.

``ratio`` is to the bare UPDATE, which keeps nothing of what was there before. ``B/image`` are bytes of the journal.

A library is generated in a temporary embedded server: DTK_BENCH_EDITED images (default 50,000) are edited, of twice as
many.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dtk_tui.config import load
from dtk_tui.domain.organise import EditDone, Mark, MarkEdit
from dtk_tui.services.library import journal
from dtk_tui.services.library.organise import albums, marks, tags
from dtk_tui.store.database import Database

EDITED = int(os.environ.get("DTK_BENCH_EDITED", "50000"))
STATE = """
SELECT (SELECT md5(string_agg(concat_ws(' ', id, rating, favorite, nsfw, nsfw_by_hand), ',' ORDER BY id)) FROM image),
       (SELECT count(*) FROM image_tag), (SELECT count(*) FROM album_image)
"""


def fill(db: Database) -> None:
    """Write images as a scan does: each with a prompt, parameters and a fingerprint."""
    with db.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
        conn.execute("INSERT INTO prompt (text) SELECT 'a castle, number ' || n FROM generate_series(1, 1000) n")
        conn.execute(
            "INSERT INTO image (folder_id, prompt_id, file_name, file_size, mtime_ns, created_at, scan_phase, steps,"
            " cfg_scale, seed, sampler, model, width, height, fingerprint, rating)"
            " SELECT 1, 1 + n %% 1000, lpad(n::text, 7, '0') || '.png', 1000000 + n, 1,"
            " now() - n * interval '1 minute',"
            " 1, 20, 7, n, 'Euler a', 'sdxl', 1024, 1024, sha256(n::text::bytea),"
            " CASE WHEN n %% 3 = 0 THEN 1 + n %% 9 END FROM generate_series(1, %s) n",
            (2 * EDITED,),
        )
    vacuum(db)


def vacuum(db: Database) -> None:
    """Begin each measurement from a table without dead rows."""
    with db.listener() as conn:
        for table in ("image", "image_tag", "album_image", "edit_journal_part"):
            conn.execute(f"VACUUM ANALYZE {table}".encode())


def one(db: Database, sql: Any, *values: object) -> Any:
    """Return the first row of a statement."""
    with db.connection() as conn:
        return conn.execute(sql, values).fetchone()


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
            took = seconds(lambda: conn.execute(f"UPDATE image SET {sets} WHERE id <= {EDITED}".encode()))
            raise RolledBackError
    except RolledBackError:
        vacuum(db)
    return took


def show(db: Database, name: str, act: Callable[[], EditDone], floor: float) -> None:
    """Edit, undo, do it again and undo it again; print how long it took. All must be as it was."""
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


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="dtk-bench-") as folder:
        db = Database.open(load({"HOME": folder, "DTK_HOME": str(Path(folder) / "home")}))
        try:
            fill(db)
            plain, kept = bare(db, "rating = 5"), bare(db, "rating = 5, steps = steps")
            print(f"{EDITED:,} of {2 * EDITED:,} images; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
            print(f"bare UPDATE: rating alone {plain:.1f} s, with what keeps the generated column cheap {kept:.1f} s")
            print(
                f"{'edit':14}{'changed':>10}{'s':>8}{'ratio':>7}{'undo s':>8}{'ratio':>7}{'redo s':>8}{'B/image':>10}"
            )
            ids = np.arange(1, EDITED + 1)
            floor = min(plain, kept)
            show(db, "rating", partial(marks.apply, db, ids, MarkEdit(Mark.RATING, 5)), floor)
            show(db, "favourite", partial(marks.apply, db, ids, MarkEdit(Mark.FAVORITE, 1)), floor)
            show(db, "tag", partial(tags.TAGS.add, db, ids, ["azure"]), floor)
            show(db, "album", partial(albums.create, db, "All", ids), floor)
        finally:
            db.close()
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB of memory at most, without the server")


if __name__ == "__main__":
    main()

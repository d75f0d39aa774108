"""Captions: edits of many, and undo, beside one UPDATE of the texts.

``words s`` is what follows an edit or an undo before the next search: the words by which captions are found.
``written`` is how many bytes a row PostgreSQL writes into its log (WAL), for the edit and for these words.

A library is generated in a temporary embedded server: DTK_BENCH_CAPTIONS captions (default 50,000) of about 600
characters in words of a natural frequency, and twice as many images. DTK_BENCH_EDITED (default 50,000) are edited.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from caption_library import library

from dtk_tui.domain.caption_edit import BatchResult, CaptionEdit
from dtk_tui.services.captions import batch as caption_batch
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.library import journal
from dtk_tui.services.library.caption_words import catch_up
from dtk_tui.store.database import Database

CAPTIONS = int(os.environ.get("DTK_BENCH_CAPTIONS", "50000"))
EDITED = min(CAPTIONS, int(os.environ.get("DTK_BENCH_EDITED", "50000")))
EDITED_AGAIN = 500
WHAT_IS_CURRENT = """
SELECT count(*), md5(string_agg(md5(convert_to(text, 'UTF8')), '' ORDER BY current_caption.image_id))
  FROM current_caption JOIN caption ON caption.id = caption_id
"""


def one(db: Database, sql: Any, *values: object) -> Any:
    """Return the first row of a statement."""
    with db.connection() as conn:
        return conn.execute(sql, values).fetchone()


def seconds(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def written(db: Database, act: Callable[[], object]) -> tuple[float, int]:
    """Return how long something takes, and how many bytes PostgreSQL writes into its log meanwhile."""
    begin = one(db, "SELECT pg_current_wal_insert_lsn()")[0]
    took = seconds(act)
    return took, int(one(db, "SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", begin)[0])


def floor(db: Database) -> float:
    """Return the seconds of one UPDATE of as many texts without versions, words or a journal."""
    with db.connection() as conn:
        conn.execute("CREATE TABLE plain AS SELECT id, text FROM caption WHERE id <= %s", (EDITED,))
    return seconds(
        lambda: one(db, "WITH u AS (UPDATE plain SET text = 'x' || text RETURNING 1) SELECT count(*) FROM u")
    )


def main() -> None:
    """Print the table."""
    with library(CAPTIONS) as db:
        ids = 2 * np.arange(1, EDITED + 1)
        before, least = one(db, WHAT_IS_CURRENT), floor(db)
        print(f"{EDITED:,} captions are edited; one UPDATE of the texts takes {least:.1f} s")
        print(
            f"{'edit':12}{'preview s':>10}{'edit s':>8}{'ratio':>7}{'journal B/row':>14}{'written':>9}{'words s':>9}"
            f"{'written':>9}{'undo s':>8}{'words s':>9}{'left':>6}"
        )
        for edit in (
            CaptionEdit("prefix", "ohwx, "),
            CaptionEdit("replace", " la", " LA"),
            CaptionEdit("regex", r"\b(\w)(\w+)$", r"\2\1"),
            CaptionEdit("template", "{caption}, {file_name}, {tags}"),
            CaptionEdit("remove"),
        ):
            show(db, ids, edit, least, before)
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB of memory at most, without the server")


def show(db: Database, ids: Any, edit: CaptionEdit, least: float, before: object) -> None:
    """Edit, edit some again, undo, and print how long it took; all must be as it was."""
    seen = seconds(lambda: caption_batch.preview(db, ids, edit))
    done: list[BatchResult] = []
    took, wrote = written(db, lambda: done.append(caption_batch.apply(db, ids, edit)))
    number = done[0].journal or 0
    size = one(
        db,
        "SELECT sum(pg_column_size(p.*) + 24) FROM edit_journal_part p WHERE journal_id = %s",
        number,
    )[0]
    again: list[int | None] = []
    words, of_words = written(db, lambda: catch_up(db))
    with db.connection() as conn:
        for image_id in ids[:: max(EDITED // EDITED_AGAIN, 1)].tolist():
            again.append(captions.set_text(conn, image_id, "edited again", None, "descriptive")[1])
    left: list[int] = []
    undone = seconds(lambda: left.append(len(journal.undo(db, number).left)))
    words_again = seconds(lambda: catch_up(db))
    for other in again:
        journal.undo(db, other or 0)
    print(
        f"{edit.operation:12}{seen:10.1f}{took:8.1f}{took / least:7.1f}{float(size) / done[0].changed:14.1f}"
        f"{wrote / done[0].changed:9.0f}{words:9.1f}{of_words / done[0].changed:9.0f}{undone:8.1f}{words_again:9.1f}"
        f"{left[0]:6}",
        flush=True,
    )
    assert one(db, WHAT_IS_CURRENT) == before, "all is as it was, byte by byte"


if __name__ == "__main__":
    main()

"""Edits of many captions, and their undo: seconds, memory and bytes, beside one UPDATE of the same texts.

A library is generated in a temporary embedded server: DTK_BENCH_CAPTIONS images (default 50,000) with one caption each,
of about 600 characters in words of a natural frequency.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dtk_tui.config import load
from dtk_tui.domain.caption_edit import CaptionEdit
from dtk_tui.services.library import caption_batch, captions, journal
from dtk_tui.store.database import Database

CAPTIONS = int(os.environ.get("DTK_BENCH_CAPTIONS", "50000"))
EDITED_AGAIN = 500
RNG = np.random.default_rng(15)
VOCABULARY = np.array(
    [
        "".join(RNG.choice(list("bcdfglmnprstv"), 3)[k] + RNG.choice(list("aeiou"), 3)[k] for k in range(3))
        for _ in range(8000)
    ]
)
WHAT_IS_CURRENT = """
SELECT count(*), md5(string_agg(md5(convert_to(text, 'UTF8')), '' ORDER BY current_caption.image_id))
  FROM current_caption JOIN caption ON caption.id = caption_id
"""


def load_captions(db: Database) -> None:
    """Write images with captions, as a model would have."""
    shares = 1.0 / np.arange(20, 20 + len(VOCABULARY))
    with db.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
        conn.execute(
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)"
            " SELECT 1, n || '.png', 1, 0, now() FROM generate_series(1, %s) n",
            (CAPTIONS,),
        )
        columns = "image_id, is_user_edited, source, type, text, model, prompt_used"
        with conn.cursor().copy(f"COPY caption ({columns}) FROM STDIN") as copy:
            for start in range(0, CAPTIONS, 10_000):
                count = min(10_000, CAPTIONS - start)
                picks = RNG.choice(len(VOCABULARY), size=(count, 85), p=shares / shares.sum())
                for number, row in enumerate(picks, start + 1):
                    text = " ".join(VOCABULARY[row])
                    copy.write_row((number, False, "joy", "descriptive", text, "joy", "Describe it."))
        conn.execute(
            "INSERT INTO current_caption (image_id, caption_id, source, type, search)"
            " SELECT image_id, id, source, type, dtk_caption_words(text) FROM caption"
        )
    with db.connection() as conn:
        conn.execute("ANALYZE")


@contextmanager
def library() -> Iterator[Database]:
    """Give a generated library."""
    with tempfile.TemporaryDirectory(prefix="dtk-bench-") as folder:
        db = Database.open(load({"HOME": folder, "DTK_HOME": str(Path(folder) / "home")}))
        try:
            load_captions(db)
            yield db
        finally:
            db.close()


def one(db: Database, sql: Any, *values: object) -> Any:
    """Return the first row of a statement."""
    with db.connection() as conn:
        return conn.execute(sql, values).fetchone()


def seconds(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def floor(db: Database) -> float:
    """Return the seconds of one UPDATE of as many texts without versions, words or a journal."""
    with db.connection() as conn:
        conn.execute("CREATE TABLE plain AS SELECT id, text FROM caption WHERE parent_id IS NULL")
    return seconds(
        lambda: one(db, "WITH u AS (UPDATE plain SET text = 'x' || text RETURNING 1) SELECT count(*) FROM u")
    )


def main() -> None:
    """Print the table."""
    with library() as db:
        ids = np.arange(1, CAPTIONS + 1)
        before, least = one(db, WHAT_IS_CURRENT), floor(db)
        print(f"{CAPTIONS:,} captions; one UPDATE of the texts takes {least:.1f} s")
        print(f"{'edit':12}{'preview s':>10}{'edit s':>8}{'ratio':>7}{'journal B/row':>14}{'undo s':>8}{'left':>6}")
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
    done: list[caption_batch.BatchResult] = []
    took = seconds(lambda: done.append(caption_batch.apply(db, ids, edit)))
    number = done[0].journal or 0
    size = one(
        db,
        "SELECT sum(pg_column_size(p.*) + 24) FROM edit_journal_part p WHERE journal_id = %s",
        number,
    )[0]
    again: list[int | None] = []
    with db.connection() as conn:
        for image_id in ids[:: max(CAPTIONS // EDITED_AGAIN, 1)].tolist():
            again.append(captions.set_text(conn, image_id, "edited again", None, "descriptive")[1])
    left: list[int] = []
    undone = seconds(lambda: left.append(len(journal.undo(db, number).left)))
    for other in again:
        journal.undo(db, other or 0)
    print(
        f"{edit.operation:12}{seen:10.1f}{took:8.1f}{took / least:7.1f}{float(size) / done[0].changed:14.1f}"
        f"{undone:8.1f}{left[0]:6}",
        flush=True,
    )
    journal_again(db, number)
    assert one(db, WHAT_IS_CURRENT) == before, "all is as it was, byte by byte"


def journal_again(db: Database, number: int) -> None:
    """Give back what the first undo had to leave alone."""
    with db.connection() as conn:
        conn.execute("UPDATE edit_journal SET undone_at = NULL WHERE id = %s", (number,))
    journal.undo(db, number)


if __name__ == "__main__":
    main()

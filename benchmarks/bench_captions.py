"""Captions: search in them beside the same without indexes; edits of many, and undo, beside one UPDATE of the texts.

``words s`` is what follows an edit or an undo before the next search: the words by which captions are found.

A library is generated in a temporary embedded server: DTK_BENCH_CAPTIONS captions (default 50,000) of about 600
characters in words of a natural frequency, and twice as many images. DTK_BENCH_EDITED (default 50,000) are edited.
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
from dtk_tui.domain.caption_edit import BatchResult, CaptionEdit
from dtk_tui.domain.query.parser import parse
from dtk_tui.services.captions import batch as caption_batch
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.library import journal
from dtk_tui.services.library.caption_words import catch_up
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.search.search import find_images

CAPTIONS = int(os.environ.get("DTK_BENCH_CAPTIONS", "50000"))
EDITED = min(CAPTIONS, int(os.environ.get("DTK_BENCH_EDITED", "50000")))
EDITED_AGAIN = 500
RUNS, RUNS_WITHOUT_INDEXES, LIMIT = 60, 3, 100
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
            " SELECT 1, n || '.png', 1, 0, now() - n * interval '1 minute' FROM generate_series(1, %s) n",
            (2 * CAPTIONS,),
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
    with db.listener() as conn:
        conn.execute("VACUUM ANALYZE")


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
        conn.execute("CREATE TABLE plain AS SELECT id, text FROM caption WHERE id <= %s", (EDITED,))
    return seconds(
        lambda: one(db, "WITH u AS (UPDATE plain SET text = 'x' || text RETURNING 1) SELECT count(*) FROM u")
    )


def search(db: Database) -> None:
    """Print how long queries take, with a limit and without one."""
    queries: dict[str, Callable[[int], str]] = {
        "a common word": lambda n: f"caption:{VOCABULARY[n]}",
        "a word": lambda n: f"caption:{VOCABULARY[300 + 7 * n]}",
        "a rare word": lambda n: f"caption:{VOCABULARY[7000 + n]}",
        "two words": lambda n: f"caption: {VOCABULARY[n]} {VOCABULARY[2000 + n]}",
        "a phrase": lambda n: f'caption:"{VOCABULARY[n]} {VOCABULARY[n + 3]}"',
        "a word -word": lambda n: f"caption: {VOCABULARY[300 + n]} -{VOCABULARY[n]}",
        "has:caption": lambda n: "has:caption",
    }
    print(f"{CAPTIONS:,} captions, {2 * CAPTIONS:,} images, the newest {LIMIT}, and all")
    print(
        f"{'query':14}{'found':>9}{'p50 ms':>8}{'p99 ms':>8}{'all p50':>9}{'all p99':>9}{'no index ms':>13}{'ratio':>8}"
    )
    with db.connection() as conn:
        for name, line in queries.items():
            some, _ = timed(conn, line, LIMIT, RUNS)
            every, found = timed(conn, line, None, RUNS)
            for kind in ("indexscan", "indexonlyscan", "bitmapscan"):
                conn.execute(f"SET LOCAL enable_{kind} = off")
            slow, _ = timed(conn, line, None, RUNS_WITHOUT_INDEXES)
            for kind in ("indexscan", "indexonlyscan", "bitmapscan"):
                conn.execute(f"SET LOCAL enable_{kind} = on")
            numbers = [np.percentile(times, share) for times in (some, every) for share in (50, 99)]
            shown = f"{numbers[0]:8.1f}{numbers[1]:8.1f}{numbers[2]:9.1f}{numbers[3]:9.1f}"
            exact = float(np.median(slow))
            print(f"{name:14}{found:9,}{shown}{exact:13.1f}{exact / numbers[2]:8.1f}", flush=True)


def timed(conn: Connection, line: Callable[[int], str], limit: int | None, runs: int) -> tuple[list[float], int]:
    """Return the milliseconds of runs, after one that is not counted, and how many were found in the median."""
    times, found = [], []
    for number in range(-1, runs):
        start = time.perf_counter()
        result = find_images(conn, parse(line(max(number, 0))), about=(), like=(), limit=limit)
        if number >= 0:
            times.append(1000 * (time.perf_counter() - start))
            found.append(len(result.ids))
    return times, int(np.median(found))


def main() -> None:
    """Print the table."""
    with library() as db:
        search(db)
        ids = np.arange(1, EDITED + 1)
        before, least = one(db, WHAT_IS_CURRENT), floor(db)
        print(f"{EDITED:,} captions are edited; one UPDATE of the texts takes {least:.1f} s")
        print(
            f"{'edit':12}{'preview s':>10}{'edit s':>8}{'ratio':>7}{'journal B/row':>14}{'words s':>9}"
            f"{'undo s':>8}{'words s':>9}{'left':>6}"
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
    took = seconds(lambda: done.append(caption_batch.apply(db, ids, edit)))
    number = done[0].journal or 0
    size = one(
        db,
        "SELECT sum(pg_column_size(p.*) + 24) FROM edit_journal_part p WHERE journal_id = %s",
        number,
    )[0]
    again: list[int | None] = []
    words = seconds(lambda: catch_up(db))
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
        f"{words:9.1f}{undone:8.1f}{words_again:9.1f}{left[0]:6}",
        flush=True,
    )
    assert one(db, WHAT_IS_CURRENT) == before, "all is as it was, byte by byte"


if __name__ == "__main__":
    main()

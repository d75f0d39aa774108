"""The tree of 86,000 folders, 10,200 of them side by side, in a real terminal while a worker writes: lag of the loop.

The installed ``dtk`` runs in tmux at 200x50; ``app_writer`` writes 200 rows a second, so badges and counts change.
Lag is measured as by ``bench_app``, with its DTK_BENCH_STACKS. Also the milliseconds of the statement that finds
folders by words of their paths.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_app import COLUMNS, ROWS, Actions, Terminal, lags, row, with_ticks, writer
from large_library import IMAGE_ROWS, configured
from workload import home

from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Target
from dtk_tui.services.queue import enqueue
from dtk_tui.store.database import Database
from dtk_tui.store.library import folders

SIBLINGS, OTHERS, INSIDE = 10_200, 758, 99
IMAGES = 200_000
_FOLDERS = """
INSERT INTO folder (path, name, is_root) VALUES ('/out', 'out', true);
INSERT INTO folder (parent_id, path, name) VALUES (1, '/out/flat', 'flat');
INSERT INTO folder (parent_id, path, name)
SELECT 2, '/out/flat/' || name, name FROM (SELECT 'day ' || lpad(n::text, 5, '0') AS name
  FROM generate_series(1, {siblings}) n) AS new;
INSERT INTO folder (parent_id, path, name)
SELECT 1, '/out/' || name, name FROM (SELECT 'project ' || n AS name FROM generate_series(1, {others}) n) AS new;
INSERT INTO folder (parent_id, path, name)
SELECT id, path || '/take ' || n, 'take ' || n
  FROM folder, generate_series(1, {inside}) n WHERE name LIKE 'project %';
INSERT INTO prompt (text) VALUES ('a castle');
"""


def fill(db: Database) -> None:
    """Write folders, and images all over them, of which a fifth waits for tags."""
    statements = _FOLDERS.format(siblings=SIBLINGS, others=OTHERS, inside=INSIDE)
    with db.connection() as conn:
        for statement in statements.split(";\n"):
            conn.execute(statement)
        count = conn.execute("SELECT count(*) FROM folder").fetchone()
        assert count is not None
        conn.execute(IMAGE_ROWS, {"folders": count[0] - 2, "prompts": 1, "models": 20, "images": IMAGES})
    print(f"{count[0]:,} folders, {SIBLINGS:,} side by side, {IMAGES:,} images")


def find(db: Database) -> None:
    """Print what finding folders by words takes."""
    for words in ("flat 00123", "take 7", "no such"):
        taken = []
        with db.connection() as conn:
            for _ in range(7):
                begun = time.perf_counter()
                folders.named(conn, words.split(), 200)
                taken.append((time.perf_counter() - begun) * 1000)
        print(f"folders with {words!r:24}{np.median(taken):8.1f} ms, {max(taken):.1f} ms at most")


def measure(terminal: Terminal) -> Actions:
    """Do everything in the tree."""
    actions = Actions(terminal)
    terminal.waits(r"All images +200,\d{3}\b")
    terminal.press("BTab", "Home")
    do = actions.do

    def go_to(words: str, shown: str) -> None:
        terminal.press("g")
        terminal.waits("Go to a folder")
        terminal.write(words)
        terminal.waits(r"\d folders? ")
        terminal.press("Enter")
        terminal.waits(shown, but="Go to a folder")

    def up() -> None:
        terminal.press("Left")
        terminal.waits("day 00001")

    def close_and_open() -> None:
        for _ in range(3):
            terminal.press("Left")
            terminal.waits("flat", but="day 0")
            terminal.press("Right")
            terminal.waits("day 0")

    def ends() -> None:
        for _ in range(10):
            terminal.press("End", "Home")

    do("the start", lambda: time.sleep(3))
    do("at rest", lambda: time.sleep(6))
    do("find one of 10,200 by typing", lambda: go_to("flat 05123", "day 05123"))
    do("Left: to the folder it lies in", up)
    do("close and open 10,200", close_and_open)
    do("Down held", lambda: actions.hold("Down"))
    do("PageDown held, PageUp held", lambda: actions.hold("NPage", "PPage"))
    do("End, Home", ends)
    do("at rest among 10,200", lambda: time.sleep(6))
    return actions


def main() -> None:
    """Print the table."""
    with home() as made, tempfile.TemporaryDirectory(prefix="dtk-bench-") as folder:
        config = configured(made)
        db = Database.open(config)
        fill(db)
        enqueue(db, config, Target(image_ids=range(1, IMAGES // 5)), [Kind.TAG])
        with db.listener() as conn:
            conn.execute("VACUUM ANALYZE")
        find(db)
        db.close()
        print(f"{COLUMNS}x{ROWS}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        ticks = Path(folder) / "ticks"
        terminal = with_ticks(made.environ, ticks)
        try:
            with writer(made.environ):
                actions = measure(terminal)
        finally:
            terminal.end()
        notes = np.fromfile(ticks).reshape(-1, 2)
    print(f"{'event-loop lag, ms':34}{'ticks':>8}{'p50':>8}{'p99':>8}{'max':>8}")
    for name, begin, end in actions.parts:
        print(row(name, lags(notes, begin, end), f"{end - begin:.1f} s"))


if __name__ == "__main__":
    main()

"""What the benchmarks of captions share: a library whose captions have words of a natural frequency."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from workload import owned_server

from dtk_tui.config import load
from dtk_tui.store.database import Database

RNG = np.random.default_rng(15)
#: Made-up words, the most frequent first.
VOCABULARY = np.array(
    [
        "".join(RNG.choice(list("bcdfglmnprstv"), 3)[k] + RNG.choice(list("aeiou"), 3)[k] for k in range(3))
        for _ in range(8000)
    ]
)


def load_captions(db: Database, count: int) -> None:
    """Write images, twice as many as captions of about 600 characters, as a model would have written them."""
    shares = 1.0 / np.arange(20, 20 + len(VOCABULARY))
    with db.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
        conn.execute(
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, steps)"
            " SELECT 1, n || '.png', 1, 0, now() - n * interval '1 minute', n %% 50 FROM generate_series(1, %s) n",
            (2 * count,),
        )
        columns = "image_id, is_user_edited, source, type, text, model, prompt_used"
        with conn.cursor().copy(f"COPY caption ({columns}) FROM STDIN") as copy:
            for start in range(0, count, 10_000):
                picks = RNG.choice(len(VOCABULARY), size=(min(10_000, count - start), 85), p=shares / shares.sum())
                for number, row in enumerate(picks, start + 1):
                    text = " ".join(VOCABULARY[row])
                    copy.write_row((2 * number, False, "joy", "descriptive", text, "joy", "Describe it."))
        conn.execute("DROP INDEX current_caption_search, current_caption_pairs")
        conn.execute(
            "INSERT INTO current_caption (image_id, caption_id, source, type, search)"
            " SELECT image_id, id, source, type, dtk_caption_words(text) FROM caption"
        )
        conn.execute("SET LOCAL maintenance_work_mem = '512MB'")
        conn.execute("CREATE INDEX current_caption_search ON current_caption USING gin (search)")
        conn.execute("CREATE INDEX current_caption_pairs ON current_caption USING gin (pairs)")
    with db.listener() as conn:
        conn.execute("VACUUM ANALYZE")


@contextmanager
def library(captions: int) -> Iterator[Database]:
    """Give a generated library in a temporary embedded server."""
    with tempfile.TemporaryDirectory(prefix="dtk-bench-") as folder, owned_server(f"{folder}/home"):
        db = Database.open(load({"HOME": folder, "DTK_HOME": str(Path(folder) / "home")}))
        try:
            load_captions(db, captions)
            yield db
        finally:
            db.close()

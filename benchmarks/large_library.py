"""A large library in a home of its own: what benchmarks of the app and of edits work on.

An eighth as many prompts as images, of about 600 characters, five tags an image; a fifth of the images waits for tags.
Half of them are as high as wide, a hundredth each has the same number of steps. No file is there: nobody watches.

DTK_BENCH_LIBRARY names a folder where the library is made once and stays; without it, it is made anew and removed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from caption_library import RNG, VOCABULARY
from workload import Home

from dtk_tui.config import Config, load
from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Target
from dtk_tui.services.queue import enqueue
from dtk_tui.store.database import Connection, Database

FOLDERS, TAGS, MODELS = 500, 2000, 20

IMAGE_ROWS = """
INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, scan_phase, prompt_id, seed, steps, cfg_scale,
                   sampler, model, dialect, rating, width, height, fingerprint, is_embedding_representative)
SELECT 2 + n %% %(folders)s, lpad(n::text, 7, '0') || '.png', 1000000 + n %% 900000, 1000000000::bigint * n,
       timestamptz '2025-11-01' - n * interval '1 minute', 1, 1 + n %% %(prompts)s, n, n %% 100, 7, 'Euler a',
       'model_' || n %% %(models)s, 'a1111', CASE WHEN n %% 3 = 0 THEN n %% 10 END, 1024, 1024 + 512 * (n %% 2),
       sha256(int8send(n)), true
  FROM generate_series(0, %(images)s - 1) n
"""
_TAGGED = """
INSERT INTO image_tag (image_id, tag_id, source, confidence)
SELECT id, 1 + (id * 31 + k * k * 97) %% %s, 'bench', 0.2 + k * 0.15 FROM image, generate_series(1, 5) k
"""


def configured(home: Home) -> Config:
    """Return the config of a home."""
    return load({**home.environ, "HOME": str(home.folder)})


def fill(conn: Connection, images: int) -> None:
    """Write folders, prompts, images and tags."""
    prompts = max(images // 8, 1)
    shares = 1.0 / np.arange(20, 20 + len(VOCABULARY))
    conn.execute("INSERT INTO folder (path, name, is_root) VALUES ('/out', 'out', true)")
    conn.execute(
        "INSERT INTO folder (parent_id, path, name) SELECT 1, '/out/' || n, n::text FROM generate_series(1, %s) n",
        (FOLDERS,),
    )
    with conn.cursor().copy("COPY prompt (text) FROM STDIN") as copy:
        for start in range(0, prompts, 10_000):
            picks = RNG.choice(len(VOCABULARY), size=(min(10_000, prompts - start), 85), p=shares / shares.sum())
            for number, row in enumerate(picks, start):
                copy.write_row((f"{number} {' '.join(VOCABULARY[row])}",))
    conn.execute(IMAGE_ROWS, {"folders": FOLDERS, "prompts": prompts, "models": MODELS, "images": images})
    conn.execute("INSERT INTO tag (name) SELECT 'tag_' || n FROM generate_series(1, %s) n", (TAGS,))
    conn.execute(_TAGGED, (TAGS,))


def _make(home: Home, images: int) -> None:
    home.folder.mkdir(parents=True)
    (home.folder / "config.toml").write_text("[scan]\nwatch = false\n")
    begun, config = time.monotonic(), configured(home)
    db = Database.open(config)
    try:
        with db.connection() as conn:
            fill(conn, images)
        enqueue(db, config, Target(image_ids=range(1, images // 5)), [Kind.TAG])
        with db.listener() as conn:
            conn.execute("VACUUM ANALYZE")
    finally:
        db.close()
    print(f"{images:,} images made in {time.monotonic() - begun:.0f} s", flush=True)


@contextmanager
def _home(images: int) -> Iterator[Home]:
    kept = os.environ.get("DTK_BENCH_LIBRARY")
    if not kept:
        with TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as folder:
            home = Home(Path(folder) / "home")
            _make(home, images)
            yield home
        return
    home, made = Home(Path(kept) / "home"), Path(kept) / "images"
    if not home.folder.exists():
        _make(home, images)
        made.write_text(str(images))
    if not made.exists() or made.read_text() != str(images):
        raise SystemExit(f"{kept} holds another library, or half a one: remove it.")
    yield home


@contextmanager
def library(images: int) -> Iterator[Home]:
    """Give the home of a library of so many images, whose server runs."""
    with _home(images) as home, home.server():
        yield home


if __name__ == "__main__":
    with library(int(sys.argv[1])):
        pass

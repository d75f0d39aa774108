"""What the benchmarks of search share: a library with something of all that a query asks for.

DTK_BENCH_IMAGES images (default 200,000), an eighth as many prompts and three tenths as many captions of about 600
characters in words of a natural frequency, ten tags an image, albums, half as many image vectors of 384 dimensions (the
other half are duplicates), prompt vectors of 384, and a tenth as many image vectors of 1,024 of a joint model.

It is made in the folder DTK_BENCH_LIBRARY where that is given, and kept there; else in a temporary one.
What images have belongs to their time, as models, folders and subjects of people do.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql
from workload import owned_server

from dtk_tui.config import load
from dtk_tui.store.database import Connection, Database, row_of, skip_checks
from dtk_tui.store.maintenance import list_words

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "200000"))
PROMPTS, VECTORS, JOINT = max(IMAGES // 8, 1), max(IMAGES // 2, 1), max(IMAGES // 10, 1)
CAPTIONS = IMAGES * 3 // 10
FOLDERS, TAGS, TAGS_AN_IMAGE, MODELS, ALBUMS, CLUSTERS = 500, 2000, 10, 40, 100, 300
DIMS = {"text": 384, "image": 384, "joint": 1024}

Matrix = npt.NDArray[np.float32]

_KEPT = "library.json"
_WORDS_A_TEXT = 85
_SEED = 20
_RNG = np.random.default_rng(_SEED)
#: Made-up words, the most frequent first.
VOCABULARY = [
    "".join(_RNG.choice(list("bcdfglmnprstv"), 3)[k] + _RNG.choice(list("aeiou"), 3)[k] for k in range(3))
    for _ in range(8000)
]

# n is an image, m what it has in common with its duplicate; the newest comes first, duplicates side by side.
_IMAGES: LiteralString = """
INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, scan_phase, prompt_id, negative_prompt_id,
                   seed, steps, cfg_scale, sampler, model, model_hash, dialect, hypernetwork, hypernetwork_strength,
                   aesthetic_score, rating, favorite, nsfw, for_deletion, is_video, has_workflow, width, height,
                   is_embedding_representative, embedding_source_id)
SELECT 1 + m * %(folders)s / %(vectors)s, substr(md5(n::text), 1, 6) || n || '.png', 500000 + n * 7919 %% 3000000, 0,
       now() - (2 * m + n / %(vectors)s) * interval '30 seconds', 1, 1 + m %% %(prompts)s,
       CASE WHEN m %% 3 = 0 THEN 1 + m %% 20 END, m * 48271 %% 4294967291, 10 + m * 7 %% 41, m * 7919 %% 200 / 2.0,
       'Sampler ' || m %% 12, model.name, md5(model.name), 'dialect ' || m %% 9,
       CASE WHEN m %% 100 = 0 THEN 'net ' || m / 100 %% 7 END, CASE WHEN m %% 100 = 0 THEN m / 100 %% 9 / 8.0 END,
       CASE WHEN m %% 3 = 0 THEN 4 + m %% 600 / 100.0 END, nullif(n %% 7, 6), n %% 50 = 0, n %% 9 = 0, n %% 1000 = 0,
       n %% 200 = 0, n %% 4 = 0, (ARRAY[1024, 832, 1216, 512])[1 + n %% 4], (ARRAY[1024, 1216, 832, 768])[1 + n %% 4],
       n < %(vectors)s, CASE WHEN n >= %(vectors)s THEN 1 + m END
  FROM (SELECT n, n %% %(vectors)s AS m FROM generate_series(0::bigint, %(images)s - 1) n) AS image,
       LATERAL (SELECT 'model ' || CASE WHEN m %% 5 = 0 THEN m / 5 %% %(models)s
                                        ELSE m * %(models)s / %(vectors)s END AS name) AS model
 ORDER BY n
"""
# Two that a third or a twentieth of all have, one of the time, and others that one in 250 has.
_TAGS: LiteralString = """
INSERT INTO image_tag (image_id, tag_id, source, confidence)
SELECT 1 + n, CASE k WHEN 0 THEN 1 + n %% 3 WHEN 1 THEN 11 + n %% 20
                     WHEN 2 THEN 41 + n %% %(vectors)s * 50 / %(vectors)s
                     ELSE 101 + (n * 31 + k * k * 97) %% (%(tags)s - 100) END, 'bench', 0.2 + (n + k) %% 8 * 0.1
  FROM generate_series(0::bigint, %(images)s - 1) n, generate_series(0, %(each)s - 1) k
"""
_ALBUMS: LiteralString = """
INSERT INTO album (name, position, query)
SELECT 'album ' || n, n, NULL FROM generate_series(1, %(albums)s) n
  UNION ALL VALUES ('large', 1000, NULL),
       ('smart', 1001, 'rating:>=4 tag:tag_15'), ('smarter', 1002, 'album:smart steps:20-40')
"""
_MEMBERS: LiteralString = """
INSERT INTO album_image (album_id, image_id, position)
SELECT 1 + n / 5 %% %(albums)s, 1 + n, n FROM generate_series(0, %(images)s - 1, 5) n
 UNION ALL SELECT (SELECT id FROM album WHERE name = 'large'), 1 + n, n FROM generate_series(0, %(images)s - 1, 4) n
"""


@dataclass(frozen=True)
class BenchLibrary:
    """The library, and its vectors by ``text``, ``image`` and ``joint``; the vector of key k is row k - 1."""

    db: Database
    folder: Path
    spaces: dict[str, int]
    vectors: dict[str, Matrix]

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Give a connection that begins no transactions by itself."""
        with psycopg.connect(self.db.conninfo(), autocommit=True) as conn:
            yield conn


@contextmanager
def library() -> Iterator[BenchLibrary]:
    """Give the library, which is made if it is not there."""
    kept = os.environ.get("DTK_BENCH_LIBRARY")
    with tempfile.TemporaryDirectory(prefix="dtk-bench-") as temporary, owned_server(Path(kept or temporary) / "home"):
        folder = Path(kept or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        db = Database.open(load({"HOME": str(folder), "DTK_HOME": str(folder / "home")}))
        try:
            told = folder / _KEPT
            if not told.exists():
                start = time.perf_counter()
                told.write_text(json.dumps({"images": IMAGES, "spaces": _fill(db, folder)}))
                print(f"made in {time.perf_counter() - start:.0f} s", flush=True)
            known = json.loads(told.read_text())
            if known["images"] != IMAGES:
                raise SystemExit(f"{folder} has {known['images']:,} images: say DTK_BENCH_IMAGES={known['images']}")
            list_words(db)
            vectors = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in DIMS}
            yield BenchLibrary(db, folder, known["spaces"], vectors)
        finally:
            db.close()


def texts(count: int, rng: np.random.Generator) -> Iterator[str]:
    """Yield texts in words of a natural frequency."""
    words = np.array(VOCABULARY)
    shares = np.cumsum(1.0 / np.arange(20, 20 + len(words)))
    for start in range(0, count, 10_000):
        some = min(10_000, count - start)
        picks = np.searchsorted(shares, rng.random((some, _WORDS_A_TEXT)) * shares[-1]).clip(max=len(words) - 1)
        yield from (" ".join(row) for row in words[picks].tolist())


def clustered(count: int, dims: int, rng: np.random.Generator) -> Matrix:
    """Return unit vectors around centres as the database has them, in half precision; float32 [count, dims].

    Of half of them the centre is that of their time, as people make series.
    """
    centres = rng.standard_normal((CLUSTERS, dims), np.float32)
    vectors = np.empty((count, dims), np.float32)
    for start in range(0, count, 50_000):
        some = vectors[start : start + 50_000]
        times = (start + np.arange(len(some))) * CLUSTERS // count
        chosen = np.where(rng.random(len(some)) < 0.5, times, rng.integers(0, CLUSTERS, len(some)))
        some[:] = centres[chosen] + 0.8 * rng.standard_normal(some.shape, np.float32)
        some /= np.linalg.norm(some, axis=1, keepdims=True)
        some[:] = some.astype(np.float16)
    return vectors


def _fill(db: Database, folder: Path) -> dict[str, int]:
    spaces: dict[str, int] = {}
    with psycopg.connect(db.conninfo()) as conn:
        conn.execute("SET maintenance_work_mem = '1GB'")
        skip_checks(conn, True)
        for name, fill in (
            ("prompts", _fill_prompts), ("images", _fill_images), ("tags and albums", _fill_tags),
            ("captions", _fill_captions),
        ):  # fmt: skip
            start = time.perf_counter()
            fill(conn)
            print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
        for number, (name, count) in enumerate((("text", PROMPTS), ("image", VECTORS), ("joint", JOINT))):
            start = time.perf_counter()
            vectors = clustered(count, DIMS[name], np.random.default_rng(_SEED + number))
            np.save(folder / f"{name}.npy", vectors)
            spaces[name] = _fill_vectors(conn, name, vectors)
            print(f"vectors of {name}: {time.perf_counter() - start:.0f} s", flush=True)
        conn.commit()
        conn.autocommit = True
        conn.execute("VACUUM ANALYZE")
    return spaces


@contextmanager
def _without_indexes(conn: Connection, *tables: str) -> Iterator[None]:
    """Build the indexes of some tables anew behind what is written, but for those of keys."""
    found = conn.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY (%s::regclass[]) AND NOT indisunique",
        (list(tables),),
    ).fetchall()
    for name, _ in found:
        conn.execute(f"DROP INDEX {name}".encode())
    yield
    for _, definition in found:
        conn.execute(definition.encode())


def _fill_prompts(conn: Connection) -> None:
    with _without_indexes(conn, "prompt"):
        with conn.cursor().copy("COPY prompt (text) FROM STDIN") as copy:
            for number, text in enumerate(texts(PROMPTS, np.random.default_rng(_SEED))):
                copy.write_row((f"{number} {text}",))


def _fill_images(conn: Connection) -> None:
    conn.execute(
        "INSERT INTO folder (path, name) SELECT '/out/' || n, n::text FROM generate_series(1, %s) n", (FOLDERS,)
    )
    numbers = {"images": IMAGES, "vectors": VECTORS, "prompts": PROMPTS, "folders": FOLDERS, "models": MODELS}
    with _without_indexes(conn, "image"):
        conn.execute(_IMAGES, numbers)


def _fill_tags(conn: Connection) -> None:
    numbers = {"images": IMAGES, "vectors": VECTORS, "tags": TAGS, "each": TAGS_AN_IMAGE, "albums": ALBUMS}
    conn.execute("INSERT INTO tag (name) SELECT 'tag_' || n FROM generate_series(1, %s) n", (TAGS,))
    (key,) = row_of(conn, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'image_tag_pkey'")
    conn.execute("ALTER TABLE image_tag DROP CONSTRAINT image_tag_pkey")
    with _without_indexes(conn, "image_tag", "album_image"):
        conn.execute(_TAGS, numbers)
        conn.execute(_ALBUMS, numbers)
        conn.execute(_MEMBERS, numbers)
    conn.execute(f"ALTER TABLE image_tag ADD CONSTRAINT image_tag_pkey {key}".encode())


def _fill_captions(conn: Connection) -> None:
    columns = "image_id, is_user_edited, source, type, text, model, prompt_used"
    step = IMAGES // CAPTIONS
    with _without_indexes(conn, "caption", "current_caption"):
        with conn.cursor().copy(sql.SQL("COPY caption ({}) FROM STDIN").format(sql.SQL(columns))) as copy:
            for number, text in enumerate(texts(CAPTIONS, np.random.default_rng(_SEED + 10))):
                copy.write_row((1 + step * number, False, "joy", "descriptive", text, "joy", "Describe it."))
        conn.execute(
            "INSERT INTO current_caption (image_id, caption_id, source, type, search)"
            " SELECT image_id, id, source, type, dtk_caption_words(text) FROM caption"
        )


def _fill_vectors(conn: Connection, name: str, vectors: Matrix) -> int:
    """Write vectors for the keys 1, 2, ... and build their index after that; return the space."""
    modality, dims = ("text" if name == "text" else "image"), vectors.shape[1]
    (space,) = row_of(conn, "SELECT dtk_embedding_space(%s, %s, %s, 'x', %s)", (name, modality, name, dims))
    part = f"{'prompt' if modality == 'text' else 'image'}_vector_{space}"
    (index,) = row_of(conn, "SELECT indexdef FROM pg_indexes WHERE indexname = %s", (f"{part}_hnsw",))
    conn.execute(f"DROP INDEX {part}_hnsw".encode())
    header = np.frombuffer(np.array([dims, 0], ">u2").tobytes(), np.uint8).tobytes()
    with conn.cursor().copy(f"COPY {part} FROM STDIN (FORMAT binary)".encode()) as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        lengths = (b"\0\x03\0\0\0\x02" + space.to_bytes(2), b"\0\0\0\x08", (4 + 2 * dims).to_bytes(4) + header)
        for start in range(0, len(vectors), 50_000):
            for key, vec in enumerate(vectors[start : start + 50_000].astype(">f2"), start + 1):
                copy.write(lengths[0] + lengths[1] + key.to_bytes(8) + lengths[2] + vec.tobytes())
        copy.write(b"\xff\xff")
    conn.execute(index.encode())
    return int(space)


def neighbours(vectors: Matrix, queries: Sequence[npt.NDArray[np.float32]]) -> list[npt.NDArray[np.float32]]:
    """Return the similarities of all vectors to each query; float32 [vectors]."""
    return list((vectors @ np.stack(queries).T).T)

"""A library of many rows for queries, as PostgreSQL has it and as plain Python values."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from dtk_tui.store.database import Connection
from tests.helpers.search_library import NOON, Library

WORDS = ["castle", "Castles", "sandcastle", "sea", "red fox", "oil, canvas", "50%", "a_b", "soir\u00e9e", "NIGHT"]
FOLDERS = ["/pictures/out", "/pictures/out/sub_dir", "/pictures/Holiday 100%", "/disk/a (b)", "/disk/caf\u00e9"]
MODELS = ["sdXL_base", "dream(v2)", "flux", "Flux", "modelX*", None]
SAMPLERS = ["Euler a", "DDIM", "dpm++ 2m karras", None, None]
TAGS = ["blue_hair", "blue hair", "1girl", "saber_(fate)", "sfw", "Sky"]
ALBUMS = ["best", "So So", "50% off", "empty"]
SEEDS = [0, 7, 123, 12345, 12399, 999, 2**64 - 1, None]
CAPTION_WORDS = ["red", "foxes", "fox", "the", "runs", "running", "snow", "deep", "night"]
#: What the full-text search of PostgreSQL makes of them; the is none of its words.
STEMS = {"foxes": "fox", "fox": "fox", "runs": "run", "running": "run", "the": None}


@dataclass
class Row:
    """One image, as a look at each image knows it."""

    id: int
    path: str
    folder: str
    prompt: str | None
    negative: str | None
    values: dict[str, Any]
    created_at: datetime
    tags: list[tuple[str, float | None]] = field(default_factory=list)
    albums: set[str] = field(default_factory=set)
    captions: list[str] = field(default_factory=list)
    jobs: set[str] = field(default_factory=set)
    has_vector: bool = False
    #: The names of all smart albums, in lower case.
    smart: frozenset[str] = frozenset()

    def __getattr__(self, name: str) -> Any:
        return self.values[name]


def make_rows(conn: Connection, count: int, seed: int = 17, folders: Sequence[str] = FOLDERS) -> None:
    """Write a library of ``count`` images with something of everything that a query asks for."""
    rng, library = random.Random(seed), Library(conn)
    folder_ids = [library.folder(path) for path in folders]
    prompts = [library.prompt(", ".join(rng.sample(WORDS, rng.randint(1, 4))) + f" {n % 7}") for n in range(count // 6)]
    columns = [
        "folder_id", "file_name", "file_size", "mtime_ns", "created_at", "scan_phase", "prompt_id",
        "negative_prompt_id", "width", "height", "steps", "cfg_scale", "seed", "sampler", "model",
        "model_hash", "rating", "favorite", "nsfw", "for_deletion", "is_video", "has_workflow", "dialect",
        "hypernetwork", "hypernetwork_strength", "aesthetic_score",
    ]  # fmt: skip
    with conn.cursor().copy(f"COPY image ({', '.join(columns)}) FROM STDIN") as copy:
        for number in range(count):
            width, height = rng.choice([(512, 768), (768, 512), (640, 640), (1280, 720), (None, None)])
            copy.write_row(
                (
                    rng.choice(folder_ids), f"{rng.choice('abcXY')}{number}.{rng.choice(['png', 'jpg'])}",
                    rng.randint(1, 9) * 1000, 0, NOON - timedelta(minutes=rng.randint(0, 80_000)),
                    rng.choice([0, 1, 1, 1]), rng.choice([*prompts, None]), rng.choice([*prompts[:5], None, None]),
                    width, height, rng.choice([20, 25, 30, 40, None]), rng.choice([5, 7, 7.5, None]),
                    rng.choice(SEEDS), rng.choice(SAMPLERS), rng.choice(MODELS),
                    rng.choice(["AABBCC", "ddeeff", "12", None]), rng.choice([None, None, 1, 2, 3, 4, 5]),
                    rng.random() < 0.2, rng.random() < 0.2, rng.random() < 0.1, rng.random() < 0.1, rng.random() < 0.3,
                    rng.choice(["ComfyUI", "AUTOMATIC1111", None]), rng.choice(["Anime", None, None]),
                    rng.choice([0.5, 0.75, None]), rng.choice([4.5, 5.5, 7.0, None]),
                )
            )  # fmt: skip
    ids = [number for (number,) in conn.execute("SELECT id FROM image ORDER BY id")]
    for tag in TAGS:
        conn.execute("INSERT INTO tag (name) VALUES (%s)", (tag,))
    for name in ALBUMS:
        conn.execute("INSERT INTO album (name) VALUES (%s)", (name,))
    sql = "INSERT INTO image_tag (image_id, tag_id, source, confidence) VALUES (%s, %s, 'test', %s)"
    some = [(number, tag, rng.choice([0.25, 0.5, 0.875, None])) for number in ids for tag in rng.sample(range(1, 7), 2)]
    conn.cursor().executemany(sql, some[::2] + some[1::4])
    members = [(album, number) for album in (1, 2, 3) for number in rng.sample(ids, count // 5)]
    conn.cursor().executemany("INSERT INTO album_image (album_id, image_id) VALUES (%s, %s)", members)
    jobs = [(rng.randint(1, 2), number, rng.choice(["pending", "failed"])) for number in rng.sample(ids, count // 4)]
    conn.cursor().executemany("INSERT INTO job (kind, image_id, state) VALUES (%s, %s, %s)", jobs)
    for kind in ("descriptive", "booru"):
        said = [
            (n, kind, " ".join(rng.choices(CAPTION_WORDS, k=rng.randint(1, 7)))) for n in rng.sample(ids, count // 3)
        ]
        conn.cursor().executemany(
            "INSERT INTO caption (image_id, is_user_edited, source, type, text) VALUES (%s, false, 'joy', %s, %s)", said
        )
    conn.execute(
        "INSERT INTO current_caption (image_id, caption_id, source, type, search)"
        " SELECT image_id, id, source, type, dtk_caption_words(text) FROM caption"
    )
    space = library.space("image")
    conn.execute(
        f"INSERT INTO image_vector SELECT {space}, id, ('[1,0,0,0,0,0,0,' || id % 9 || ']')::halfvec"
        " FROM image WHERE id % 3 = 0"
    )
    copied = "prompt_id, negative_prompt_id, steps, cfg_scale, seed, sampler, model, model_hash"
    conn.execute(
        f"UPDATE image SET ({copied}) = (SELECT {copied} FROM image AS one WHERE one.id = image.id - 1)"
        " WHERE id % 10 = 0"
    )
    conn.execute("SELECT dtk_choose_representatives()")
    conn.execute("ANALYZE image, prompt, folder, image_tag, album_image, current_caption, job")


def read_rows(conn: Connection) -> list[Row]:
    """Return every image with all that is known of it, the newest first, by one plain SELECT a table."""
    tags: dict[int, list[tuple[str, float | None]]] = defaultdict(list)
    for number, name, confidence in conn.execute(
        "SELECT image_id, name, confidence FROM image_tag, tag WHERE id = tag_id"
    ):
        tags[number].append((name, confidence))
    albums, jobs, captions = (
        defaultdict[int, set[str]](set),
        defaultdict[int, set[str]](set),
        defaultdict[int, list[str]](list),
    )
    for number, name in conn.execute("SELECT image_id, name FROM album_image, album WHERE id = album_id"):
        albums[number].add(name)
    for number, state in conn.execute("SELECT image_id, state FROM job"):
        jobs[number].add(state)
    for number, text in conn.execute("SELECT c.image_id, text FROM current_caption c, caption WHERE id = caption_id"):
        captions[number].append(text)
    prompts = dict(conn.execute("SELECT id, text FROM prompt").fetchall())
    paths = dict(conn.execute("SELECT id, path FROM folder").fetchall())
    smart = frozenset(name.lower() for (name,) in conn.execute("SELECT name FROM album WHERE query IS NOT NULL"))
    vectors = {number for (number,) in conn.execute("SELECT image_id FROM image_vector")}
    found = conn.execute("SELECT * FROM image")
    names = [column.name for column in found.description or ()]
    rows = []
    for values in found:
        one = dict(zip(names, values, strict=True))
        if isinstance(one["seed"], Decimal):
            one["seed"] = int(one["seed"])
        number, folder = one.pop("id"), paths[one["folder_id"]]
        rows.append(
            Row(
                id=number,
                path=f"{folder}/{one['file_name']}",
                folder=folder,
                prompt=prompts.get(one["prompt_id"]),
                negative=prompts.get(one["negative_prompt_id"]),
                created_at=one.pop("created_at").astimezone(UTC),
                values=one,
                tags=sorted(tags[number], key=str),
                albums=albums[number],
                captions=sorted(captions[number]),
                jobs=jobs[number],
                has_vector=(one["embedding_source_id"] or number) in vectors,
                smart=smart,
            )
        )
    return sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)

"""A small library in a real database, and how to ask it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from dtk_tui.domain.query.parser import parse
from dtk_tui.store.database import Connection
from dtk_tui.store.search.search import SearchResult, find_images
from dtk_tui.store.text_codec import to_db

NOON = datetime(2025, 3, 1, 12).astimezone()
DIMS = 8


@dataclass
class Library:
    """A small library and how to ask it; images are known by their file names."""

    conn: Connection

    def folder(self, path: str) -> int:
        sql = "INSERT INTO folder (path, name) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id"
        row = self.conn.execute(sql, (to_db(path), to_db(path.rsplit("/", 1)[-1]))).fetchone()
        row = row or self.conn.execute("SELECT id FROM folder WHERE path = %s", (to_db(path),)).fetchone()
        assert row
        return int(row[0])

    def prompt(self, text: str | None) -> int | None:
        if text is None:
            return None
        self.conn.execute("INSERT INTO prompt (text) VALUES (%s) ON CONFLICT DO NOTHING", (to_db(text),))
        row = self.conn.execute("SELECT id FROM prompt WHERE text = %s", (to_db(text),)).fetchone()
        assert row
        return int(row[0])

    def image(self, name: str, prompt: str | None = None, **columns: Any) -> int:
        """Insert an image; each one is a minute older than the one before."""
        (count,) = self.conn.execute("SELECT count(*) FROM image").fetchone() or (0,)
        tags: Sequence[tuple[str, float | None]] = columns.pop("tags", ())
        values = {
            "folder_id": self.folder(columns.pop("folder", "/pictures/out")),
            "file_name": to_db(name),
            "prompt_id": self.prompt(prompt),
            "negative_prompt_id": self.prompt(columns.pop("negative", None)),
            "file_size": 1000,
            "mtime_ns": 0,
            "created_at": NOON - timedelta(minutes=count),
            "scan_phase": 1,
        } | columns
        names, marks = ", ".join(values), ", ".join(f"%({key})s" for key in values)
        row = self.conn.execute(f"INSERT INTO image ({names}) VALUES ({marks}) RETURNING id", values).fetchone()
        assert row
        for tag, confidence in tags:
            self.conn.execute("INSERT INTO tag (name) VALUES (%s) ON CONFLICT DO NOTHING", (tag,))
            self.conn.execute(
                "INSERT INTO image_tag (image_id, tag_id, source, confidence)"
                " SELECT %s, id, 'test', %s FROM tag WHERE name = %s",
                (row[0], confidence, tag),
            )
        return int(row[0])

    def space(self, modality: str, dims: int = DIMS, model: str | None = None) -> int:
        sql = "SELECT dtk_embedding_space(%s, %s, %s, 'x', %s)"
        row = self.conn.execute(sql, (model or modality, modality, model or modality, dims)).fetchone()
        assert row
        return int(row[0])

    def vector(self, space: int, name: str, vec: np.ndarray) -> None:
        """Give an image, or the prompt called so, a vector."""
        text = str(vec.tolist())
        self.conn.execute(
            "INSERT INTO image_vector SELECT %s, id, %s::halfvec FROM image WHERE file_name = %s"
            " AND EXISTS (SELECT 1 FROM embedding_space WHERE id = %s AND modality = 'image')",
            (space, text, name, space),
        )
        self.conn.execute(
            "INSERT INTO prompt_vector SELECT %s, id, %s::halfvec FROM prompt WHERE text = %s"
            " AND EXISTS (SELECT 1 FROM embedding_space WHERE id = %s AND modality = 'text')",
            (space, text, name, space),
        )

    def names(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        known = dict(self.conn.execute("SELECT id, file_name FROM image"))
        return [known[int(number)] for number in ids]

    def ask(self, line: str, limit: int | None = None, about: Any = (), like: Any = ()) -> SearchResult:
        query = parse(line, date(2025, 3, 1))
        return find_images(self.conn, query, about=about, like=like, limit=limit)

    def find(self, line: str, limit: int | None = None, about: Any = (), like: Any = ()) -> list[str]:
        """Return the names of what a line finds, in order."""
        return self.names(self.ask(line, limit, about, like).ids)


def unit(*values: float) -> np.ndarray:
    vec = np.zeros(DIMS, np.float32)
    vec[: len(values)] = values
    return vec / np.linalg.norm(vec)


def fill(library: Library) -> None:
    """Three castles, a dog, an image without metadata, one not read yet, a video."""
    library.image(
        "a.png",
        "Castle by the sea, oil, canvas",
        negative="blurry, text",
        width=512,
        height=768,
        steps=20,
        cfg_scale=7,
        seed=12345,
        sampler="Euler a",
        model="sdXL_base",
        model_hash="AABBCC",
        rating=5,
        favorite=True,
        dialect="AUTOMATIC1111",
        aesthetic_score=5.5,
        tags=[("blue_hair", 0.9), ("sfw", None)],
    )
    library.image(
        "b.png",
        "100% castle_wall (ruined)",
        width=1280,
        height=720,
        steps=30,
        cfg_scale=7.5,
        seed=18446744073709551615,
        sampler="DDIM",
        model="dream(v2)",
        model_hash="ddeeff",
        rating=2,
        folder="/pictures/out/sub_dir",
        dialect="ComfyUI",
        has_workflow=True,
        hypernetwork="Anime",
        hypernetwork_strength=0.75,
        tags=[("blue hair", 0.4)],
    )
    library.image(
        "c.png", "sandcastle", negative="castle", width=640, height=640, steps=40, dialect="ComfyUI", aesthetic_score=7
    )
    library.image("d.png", "a dog", nsfw=True, for_deletion=True, seed=999, created_at=NOON - timedelta(days=3))
    library.image("plain.jpg", folder="/pictures/Holiday 100%", created_at=NOON - timedelta(days=40))
    library.image("unread.png", scan_phase=0)
    library.image("film.mp4", is_video=True, dialect="ComfyUI", error="The file ends early.")
    library.conn.execute("INSERT INTO job (kind, image_id) SELECT 1, id FROM image WHERE file_name = 'a.png'")
    library.conn.execute("INSERT INTO job (kind, image_id, state) SELECT 2, id, 'failed' FROM image WHERE steps = 30")
    for number, (name, members) in enumerate({"best": ("a.png", "c.png"), "so so": ("c.png",), "empty": ()}.items()):
        library.conn.execute("INSERT INTO album (name, position) VALUES (%s, %s)", (name, number))
        library.conn.execute(
            "INSERT INTO album_image (album_id, image_id) SELECT album.id, image.id FROM album, image"
            " WHERE name = %s AND file_name = ANY (%s)",
            (name, list(members)),
        )

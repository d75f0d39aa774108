"""Plans that auto_explain told of the statements of a search, and a library for which they are made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import numpy as np

from dtk_tui.store.database import Connection
from dtk_tui.store.library import postings
from tests.helpers.search_library import NOON, Library


def plan_of(message: str) -> dict[str, Any]:
    """Return the plan in a message of auto_explain; empty where it is none."""
    start = message.find("{")
    if start < 0:
        return {}
    told = json.loads(message[start:])
    return told["Plan"] | {"finds all": "AS matched" in told["Query Text"]}


def load(library: Library) -> None:
    """Fill a library with 30,000 images and 3,000 vectors."""
    conn = library.conn
    for number in range(100):
        library.folder(f"/pictures/{number}")
    conn.execute(
        "INSERT INTO prompt (text)"
        " SELECT 'picture ' || md5(n::text) || ' of ' || md5((n * 7)::text) || repeat(' x', 50)"
        " || CASE WHEN n % 100 = 0 THEN repeat(' fish', 1 + n / 100 % 6) ELSE '' END"
        " || CASE WHEN n % 500 = 0 THEN ', castle, soirée' WHEN n % 500 = 1 THEN normalize(', soirée', NFD) ELSE '' END"
        " FROM generate_series(1, 6000) n"
    )
    conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, prompt_id, steps)"
        " SELECT 1 + n %% 100, n || '.png', 1, 0, %s - n * interval '1 minute', 1 + n %% 6000, n %% 50"
        " FROM generate_series(1, 30000) n",
        (NOON.astimezone(UTC),),
    )
    conn.execute("INSERT INTO tag (name) SELECT 'tag_' || n FROM generate_series(1, 1000) n")
    conn.execute(
        "INSERT INTO image_tag (image_id, tag_id, source, confidence)"
        " SELECT image.id, 1 + (image.id * 7 + k) % 1000, 'test', 0.5 FROM image, generate_series(1, 5) k"
    )
    conn.execute(
        "INSERT INTO caption (image_id, is_user_edited, source, type, text)"
        " SELECT image.id, false, 'joy', 'descriptive', 'seen ' || md5((image.id % 500)::text) || repeat(' x', 50)"
        " FROM image WHERE image.id % 2 = 0"
    )
    conn.execute(
        "INSERT INTO current_caption (image_id, caption_id, source, type, search)"
        " SELECT image_id, id, source, type, dtk_caption_words(text) FROM caption"
    )
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(3000, 64)).astype(np.float32)
    for modality, table in (("text", "prompt_vector"), ("image", "image_vector")):
        space = library.space(modality, 64)
        with conn.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for number, vec in enumerate(vectors, 1):
                copy.write_row((space, number, str(vec.tolist())))
    while postings.list_some(conn, least=1):
        pass
    conn.execute("ANALYZE")


def told(conn: Connection) -> None:
    """Wait for the plan of the last statement: it ends, and is explained, when the next one begins."""
    conn.execute("SET LOCAL search_path = public")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give a node of a plan and all below it."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def all_nodes(plans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the nodes of some plans."""
    return [node for plan in plans for node in nodes(plan)] if plans else []


def indexes(plans: list[dict[str, Any]]) -> set[str]:
    """Return the names of the indexes that plans use."""
    return {node["Index Name"] for node in all_nodes(plans) if "Index Name" in node}


def scanned(plans: list[dict[str, Any]]) -> set[str]:
    """Return the names of the tables that plans read as a whole."""
    return {node["Relation Name"] for node in all_nodes(plans) if node.get("Node Type") == "Seq Scan"}

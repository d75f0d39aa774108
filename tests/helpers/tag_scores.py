"""Raw scores of a tagger, put into a library as a worker does, and the tags that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dtk_tui.services.library import thresholds
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.queue import results

WD = "wd-vit-tagger-v3"
#: Of the images 1 to 4: tags with category and score, ratings first, as the tagger lists them.
SCORES: Mapping[int, Sequence[tuple[str, str, float]]] = {
    1: (("general", "rating", 0.9), ("explicit", "rating", 0.1), ("fox", "general", 0.5), ("snow", "general", 0.3)),
    2: (
        ("general", "rating", 0.2), ("explicit", "rating", 0.7), ("fox", "general", 0.2614), ("miku", "character", 0.8),
    ),
    3: (("general", "rating", 0.4), ("explicit", "rating", 0.4), ("fox", "general", 0.2), ("miku", "character", 0.9)),
    4: (("general", "rating", 0.06), ("snow", "general", 0.45)),
}  # fmt: skip


def add_images(conn: Connection, count: int) -> None:
    """Insert images with the ids from 1 on."""
    conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
    conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)"
        " SELECT 1, n || '.png', 1, 1, now() FROM generate_series(1, %s) n",
        (count,),
    )


def give_scores(
    db: Database, scores: Mapping[int, Sequence[tuple[str, str, float]]] = SCORES, tagger: str = WD, sha256: str = "x"
) -> None:
    """Give images raw scores of a tagger, and the tags that hold by the thresholds in force."""
    with db.connection() as conn:
        number = results.tagger(conn, tagger, sha256)
        rows = []
        for image, said in scores.items():
            ids = results.tag_ids(conn, [(name, category) for name, category, _ in said])
            rows.append((image, ids, [score for _, _, score in said], [False] * len(said)))
        results.save_tags(conn, number, tagger, rows)
    thresholds.apply(db, thresholds.find_tagger(db, tagger), {})


def tags(db: Database, source: str | None = None) -> set[tuple[int, str, str, float | None]]:
    """Return the tags of all images: image, tag, source, confidence."""
    with db.connection() as conn:
        rows = conn.execute(
            "SELECT image_id, tag.name || '/' || category, source, confidence FROM image_tag"
            " JOIN tag ON tag.id = tag_id WHERE source = coalesce(%s, source)",
            (source,),
        )
        return {tuple(row) for row in rows}

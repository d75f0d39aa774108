"""Saving results: vectors and tags, written in the transaction that ends their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, LiteralString

from pgvector import HalfVector
from pgvector.psycopg import register_vector

from dtk_tui.store.arrays import Bigints, Integers, Reals
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.queue import shared_vectors
from dtk_tui.store.text_codec import from_db, to_db

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dtk_tui.store.arrays import SomeIds

    Vectors = npt.NDArray[np.float32]
    Flags = npt.NDArray[np.bool_]

_PROMPT_VECTOR = """
INSERT INTO prompt_vector (space_id, prompt_id, vec)
SELECT %s, id, %s FROM prompt WHERE id = %s
    ON CONFLICT (space_id, prompt_id) DO NOTHING
"""
_IMAGE_VECTOR = """
INSERT INTO image_vector (space_id, image_id, vec)
SELECT %s, id, %s FROM image WHERE id = %s AND is_embedding_representative
    ON CONFLICT (space_id, image_id) DO UPDATE SET vec = excluded.vec
"""
_MISSING_PROMPTS = """
SELECT prompt.id, left(prompt.text, %(limit)s), length(prompt.text) > %(limit)s FROM prompt
 WHERE prompt.id = ANY (%(ids)s) AND prompt.text ~ '\\S'
   AND NOT EXISTS (SELECT 1 FROM prompt_vector WHERE space_id = %(space)s AND prompt_vector.prompt_id = prompt.id)
"""
_PROMPT = "SELECT left(text, %s) FROM prompt WHERE id = %s"
_HAS_VECTOR: LiteralString = "EXISTS (SELECT 1 FROM image_vector WHERE space_id = %s AND image_id = job.image_id)"
_SHARES: LiteralString = "EXISTS (SELECT 1 FROM shared_vector shared WHERE shared.image_id = job.image_id{})"
_SOURCE_IS_THERE: LiteralString = " AND EXISTS (SELECT 1 FROM image WHERE image.id = shared.source_id)"
# What a bulk run writes to a space; the inner limit bounds the work, since only a comparison is wanted.
_COMING_IMAGES = """
SELECT count(*) FROM (
    SELECT FROM job
     WHERE kind = 2 AND state = 'pending'
       AND (again OR NOT EXISTS (SELECT 1 FROM image_vector WHERE space_id = %(space)s AND image_id = job.image_id))
     LIMIT %(most)s) AS coming
"""
_COMING_PROMPTS = """
SELECT count(*) FROM (
    SELECT DISTINCT image.prompt_id FROM job JOIN image ON image.id = job.image_id
     WHERE job.kind = 2 AND job.state = 'pending' AND image.prompt_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM prompt_vector
                        WHERE space_id = %(space)s AND prompt_vector.prompt_id = image.prompt_id)
     LIMIT %(most)s) AS coming
"""
# One statement for all images of a batch: a statement a row costs more than the row.
_PREDICTIONS = """
INSERT INTO tag_prediction (image_id, tagger_id, ids, scores)
SELECT image_id, %(tagger)s, (%(ids)s)[first:last], (%(scores)s)[first:last]
  FROM unnest(%(images)s, %(firsts)s, %(lasts)s) AS row (image_id, first, last)
 ORDER BY image_id
    ON CONFLICT (image_id, tagger_id) DO UPDATE SET ids = excluded.ids, scores = excluded.scores
"""
# Tags come from what the newest version of a tagger said.
_FORGET_OLDER = """
DELETE FROM tag_prediction USING tagger
 WHERE image_id = ANY (%s) AND tagger.id = tagger_id AND tagger.name = %s AND tagger_id <> %s
"""
_TAGS = """
INSERT INTO image_tag (image_id, tag_id, source, confidence)
SELECT image_id, tag_id, %(source)s, confidence
  FROM unnest(%(images)s, %(tags)s, %(scores)s) AS row (image_id, tag_id, confidence)
 ORDER BY image_id, tag_id
    ON CONFLICT (image_id, tag_id, source) DO UPDATE SET confidence = excluded.confidence
"""
_NEW_TAGS = """
INSERT INTO tag (name, category) SELECT * FROM unnest(%s::text[], %s::text[])
    ON CONFLICT (name, category) DO NOTHING
"""
_TAG_IDS = """
SELECT tag.id FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS wanted (name, category, place)
  JOIN tag USING (name, category) ORDER BY wanted.place
"""


def tagger(conn: Connection, name: str, model_sha256: str) -> int:
    """Register a tagger, or find it again; return its id."""
    conn.execute("INSERT INTO tagger (name, model_sha256) VALUES (%s, %s) ON CONFLICT DO NOTHING", (name, model_sha256))
    sql = "SELECT id FROM tagger WHERE name = %s AND model_sha256 = %s"
    return int(row_of(conn, sql, (name, model_sha256))[0])


def tag_ids(conn: Connection, tags: Sequence[tuple[str, str]]) -> list[int]:
    """Register tags given as (name, category) and return their ids in the same order."""
    names, categories = [to_db(name) for name, _ in tags], [to_db(category) for _, category in tags]
    conn.execute(_NEW_TAGS, (names, categories))
    return [int(number) for (number,) in conn.execute(_TAG_IDS, (names, categories))]


def lacking_spaces(
    conn: Connection, job_ids: Sequence[int], spaces: Sequence[int], *, shares: bool
) -> dict[int, tuple[int, ...]]:
    """Return by job which of some image spaces lack the vector of its image; jobs asked for again are left out.

    An image that shares the vectors of another one lacks none where ``shares``, and all else.
    """
    own = f"{_HAS_VECTOR} AND NOT {_SHARES.format('')}"
    if shares:
        own += f" OR {_SHARES.format(_SOURCE_IS_THERE)}"
    found = ", ".join([f"({own})"] * len(spaces))
    sql = f"SELECT job.id, {found} FROM job WHERE job.id = ANY (%s) AND NOT job.again"  # noqa: S608 (constants)
    return {
        number: tuple(space for space, is_there in zip(spaces, there, strict=True) if not is_there)
        for number, *there in conn.execute(sql.encode(), (*spaces, list(job_ids)))
    }


def coming_vectors(conn: Connection, space_id: int, most: int) -> int:
    """Return how many vectors the jobs that wait will bring into a space, counting no further than ``most``."""
    (modality,) = row_of(conn, "SELECT modality FROM embedding_space WHERE id = %s", (space_id,))
    sql = _COMING_IMAGES if modality == "image" else _COMING_PROMPTS
    return int(row_of(conn, sql, {"space": space_id, "most": most})[0])


def missing_prompts(
    conn: Connection, space_id: int, prompt_ids: Sequence[int], limit: int
) -> list[tuple[int, str, bool]]:
    """Return the prompts that have no vector in a space yet: id, first ``limit`` characters, whether there are more."""
    rows = conn.execute(_MISSING_PROMPTS, {"limit": limit, "ids": list(prompt_ids), "space": space_id})
    return [(int(number), from_db(text), is_longer) for number, text, is_longer in rows]


def prompt_text(conn: Connection, prompt_id: int, limit: int) -> str:
    """Return the first ``limit`` characters of a prompt, empty when it went away."""
    found = conn.execute(_PROMPT, (limit, prompt_id)).fetchone()
    return from_db(found[0]) if found else ""


def save_prompt_vectors(conn: Connection, space_id: int, ids: Sequence[int], vectors: Vectors) -> None:
    """Write unit vectors, float32 [n, dims], for prompts; one that another worker wrote meanwhile stays."""
    register_vector(conn)
    rows = sorted(zip(ids, vectors, strict=True), key=lambda row: row[0])
    with conn.cursor() as cursor:
        cursor.executemany(_PROMPT_VECTOR, [(space_id, HalfVector(vec), number) for number, vec in rows])


def save_image_vectors(conn: Connection, space_id: int, ids: Sequence[int], vectors: Vectors) -> None:
    """Write unit vectors, float32 [n, dims], for images; an older one of the same space is replaced.

    Whoever shares the vector of an image gets the new one. Of an image that is no representative any more its vector is
    not written. Whoever regroups it looks at its job,
    which the caller has locked (``jobs.still_owned``), and so comes before this transaction or after it.
    """
    register_vector(conn)
    rows = sorted(zip(ids, vectors, strict=True), key=lambda row: row[0])
    with conn.cursor() as cursor:
        cursor.executemany(_IMAGE_VECTOR, [(space_id, HalfVector(vec), number) for number, vec in rows])
    shared_vectors.settle(conn, space_id, [number for number, _ in rows])


def save_tags(
    conn: Connection,
    tagger_id: int,
    source: str,
    rows: Sequence[tuple[int, SomeIds, Sequence[float] | Vectors, Sequence[bool] | Flags]],
) -> None:
    """Write what one tagger says of images, in place of what it said before.

    Args:
        rows: for each image its id, the tag ids kept raw, their scores (0 to 1), and which of them pass the threshold.
    """
    import numpy as np

    images = [row[0] for row in rows]
    conn.execute("DELETE FROM image_tag WHERE image_id = ANY (%s) AND source = %s", (Bigints(images), source))
    conn.execute(_FORGET_OLDER, (Bigints(images), source, tagger_id))
    if not rows:
        return
    counts = np.array([len(row[1]) for row in rows], np.int64)
    ids = np.concatenate([np.asarray(row[1], np.int64) for row in rows])
    scores = np.concatenate([np.asarray(row[2], np.float32) for row in rows])
    passing = np.concatenate([np.asarray(row[3], np.bool_) for row in rows])
    lasts = np.cumsum(counts)
    conn.execute(
        _PREDICTIONS,
        {
            "tagger": tagger_id,
            "images": Bigints(images),
            "ids": Integers(ids),
            "scores": Reals(scores),
            "firsts": Integers(lasts - counts + 1),
            "lasts": Integers(lasts),
        },
    )
    # Two scores of a tagger may stand for one tag: the last holds.
    passed = {
        (image, tag): score
        for image, tag, score in zip(
            np.repeat(images, counts)[passing].tolist(), ids[passing].tolist(), scores[passing].tolist(), strict=True
        )
    }
    if passed:
        parameters = {
            "source": source,
            "images": Bigints([image for image, _ in passed]),
            "tags": Bigints([tag for _, tag in passed]),
            "scores": Reals(list(passed.values())),
        }
        conn.execute(_TAGS, parameters)

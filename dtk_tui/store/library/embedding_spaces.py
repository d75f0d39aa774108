"""Embedding spaces, and which of them belong to the models that are in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgvector.psycopg import register_vector
from psycopg.types.json import Jsonb

from dtk_tui.store.database import Connection, row_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_CURRENT = """
SELECT (SELECT id FROM embedding_space WHERE model = %s AND modality = %s ORDER BY used_at DESC, id DESC LIMIT 1)
"""
_OTHER_PREPARATION = """
SELECT space.name, space.preparation FROM embedding_space space
 WHERE space.model = %(model)s AND space.model_sha256 = %(sha256)s AND space.modality = 'image'
   AND NOT EXISTS (SELECT 1 FROM embedding_space same
                    WHERE same.model = %(model)s AND same.model_sha256 = %(sha256)s AND same.modality = 'image'
                      AND same.preparation = %(preparation)s)
   AND EXISTS (SELECT 1 FROM image_vector WHERE space_id = space.id)
 ORDER BY space.used_at DESC, space.id DESC LIMIT 1
"""
_SET_IN_USE = "UPDATE embedding_space SET in_use = NOT in_use WHERE in_use <> (id = ANY (%(ids)s::smallint[]))"
_TAGGERS = "SELECT max(id) FROM tagger WHERE name = ANY (%s) GROUP BY name"
# A member of a group is found by the vector of its representative.
_IMAGE_VECTOR = """
SELECT image_vector.vec FROM image
  JOIN image_vector ON image_vector.image_id = coalesce(image.embedding_source_id, image.id)
 WHERE image.id = %s AND image_vector.space_id = %s
"""
_COUNT_UP_TO = """
SELECT (SELECT count(*) FROM (SELECT FROM image_vector WHERE space_id = %(space)s LIMIT %(most)s) AS images)
     + (SELECT count(*) FROM (SELECT FROM prompt_vector WHERE space_id = %(space)s LIMIT %(most)s) AS prompts)
"""


@dataclass(frozen=True, slots=True)
class CurrentModels:
    """Where the results of the present models stand; the default of each kind first, None for one that never ran."""

    text_spaces: tuple[int | None, ...]
    image_spaces: tuple[int | None, ...]
    taggers: tuple[int, ...]
    tagger_count: int


def register(
    conn: Connection,
    name: str,
    modality: str,
    model_sha256: str,
    dims: int,
    preparation: Mapping[str, object] | None = None,
) -> int:
    """Register an embedding space, with its partition and index, or find it again; return its id.

    Args:
        preparation: what prepares its pictures (`ImageInput.preparation`): another one makes another space. A space of
            which none is known takes it on.
    """
    sql = "SELECT dtk_embedding_space(%s, %s, %s, %s, %s, %s)"
    kept = None if preparation is None else Jsonb(preparation)
    return int(row_of(conn, sql, (name, modality, name, model_sha256, dims, kept))[0])


def set_in_use(conn: Connection, space_ids: Sequence[int]) -> None:
    """Say that these are the spaces of the present models, and no others."""
    conn.execute(_SET_IN_USE, {"ids": list(space_ids)})


def other_preparation(
    conn: Connection, model: str, model_sha256: str, preparation: Mapping[str, object]
) -> tuple[str, dict[str, object] | None] | None:
    """Return a space of the same image model whose pictures were prepared in another way, if none of this way is there.

    Returns:
        Its name, and what prepared its pictures (None where that is not known); None when nothing is to be told apart.
    """
    parameters = {"model": model, "sha256": model_sha256, "preparation": Jsonb(preparation)}
    row = conn.execute(_OTHER_PREPARATION, parameters).fetchone()
    return None if row is None else (str(row[0]), row[1])


def current(
    conn: Connection, text_models: Sequence[str], image_models: Sequence[str], taggers: Sequence[str]
) -> CurrentModels:
    """Look up the newest spaces and taggers of the models named in the config."""
    text = tuple(newest(conn, model, "text") for model in text_models)
    image = tuple(newest(conn, model, "image") for model in image_models)
    numbers = tuple(int(number) for (number,) in conn.execute(_TAGGERS, (list(taggers),)))
    return CurrentModels(text, image, numbers, len(taggers))


def newest(conn: Connection, model: str, modality: str) -> int | None:
    """Return the newest space of a model, None where it never ran."""
    found = row_of(conn, _CURRENT, (model, modality))[0]
    return None if found is None else int(found)


def all_ids(conn: Connection) -> list[int]:
    """Return the ids of all spaces, also of models that are not in use any more."""
    return [int(number) for (number,) in conn.execute("SELECT id FROM embedding_space ORDER BY id")]


def drop_index(conn: Connection, space_id: int) -> bool:
    """Take the HNSW index of a space away before a bulk run; False when there is none."""
    return bool(row_of(conn, "SELECT dtk_drop_vector_index(%s::smallint)", (space_id,))[0])


def build_index(conn: Connection, space_id: int) -> bool:
    """Build the HNSW index of a space if it lacks one; nothing can be written to the space meanwhile."""
    return bool(row_of(conn, "SELECT dtk_build_vector_index(%s::smallint)", (space_id,))[0])


def count_up_to(conn: Connection, space_id: int, most: int) -> int:
    """Return how many vectors a space has, counting no further than ``most``."""
    return int(row_of(conn, _COUNT_UP_TO, {"space": space_id, "most": most})[0])


def image_vector(conn: Connection, image_id: int, space_id: int) -> npt.NDArray[np.float32] | None:
    """Return the vector of an image's group, float32 [dims], or None when it is not embedded yet."""
    import numpy as np

    register_vector(conn)
    row = conn.execute(_IMAGE_VECTOR, (image_id, space_id)).fetchone()
    return None if row is None else np.asarray(row[0].to_numpy(), dtype=np.float32)

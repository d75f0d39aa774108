"""The stored vectors of a space, read in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Halfs = npt.NDArray[np.float16]

# What halfvec_send writes is two numbers of 16 bits, the first of which is the dimensions, and then the halfs.
_BLOCK = """
SELECT string_agg(int8send(image_id) || halfvec_send(vec), ''::bytea ORDER BY image_id)
  FROM (SELECT image_id, vec FROM image_vector
         WHERE space_id = %(space)s AND image_id > %(after)s ORDER BY image_id LIMIT %(count)s) AS block
"""
_COUNT = "SELECT count(*) FROM image_vector WHERE space_id = %s"
_OWN = """
SELECT string_agg(int8send(image_id), ''::bytea) FROM image_vector
 WHERE space_id = %s AND image_id NOT IN (SELECT image_id FROM shared_vector)
"""
_DIMS = "SELECT dims FROM embedding_space WHERE id = %s"
_AT_ONCE = 10_000


def count(conn: Connection, space: int) -> int:
    """Return how many images have a vector of their own in a space."""
    return int(row_of(conn, _COUNT, (space,))[0])


def own(conn: Connection, space: int) -> Ids:
    """Return the images whose vectors in a space were computed of themselves; int64 [n]."""
    return ids_from(row_of(conn, _OWN, (space,))[0])


def dims(conn: Connection, space: int) -> int:
    """Return how many dimensions the vectors of a space have."""
    return int(row_of(conn, _DIMS, (space,))[0])


def blocks(conn: Connection, space: int, at_once: int = _AT_ONCE) -> Iterator[tuple[Ids, Halfs]]:
    """Yield the vectors of images in a space, in the order of their ids: int64 [n] and float16 [n, dims] each."""
    import numpy as np

    row = np.dtype([("id", ">i8"), ("head", ">i2", 2), ("vec", ">f2", (dims(conn, space),))])
    after = -1
    while True:
        values = {"space": space, "after": after, "count": at_once}
        found = row_of(conn, _BLOCK, values)[0]
        if found is None:
            return
        rows = np.frombuffer(found, row)
        ids = rows["id"].astype(np.int64)
        yield ids, rows["vec"].astype(np.float16)
        after = int(ids[-1])

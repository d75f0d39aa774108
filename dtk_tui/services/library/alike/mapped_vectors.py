"""All vectors of a space, in a temporary file that is mapped into memory, so that millions of them take none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile, gettempdir
from typing import IO

import numpy as np
import numpy.typing as npt

from dtk_tui.errors import DtkError
from dtk_tui.services.library.alike.sets import connection_until
from dtk_tui.services.library.hash_pairs import Progress
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.search import stored_vectors

Ids = npt.NDArray[np.int64]
Halfs = npt.NDArray[np.float16]
Floats = npt.NDArray[np.float32]


@contextmanager
def mapped_vectors(db: Database, space: int, stop: threading.Event, progress: Progress) -> Iterator[tuple[Ids, Halfs]]:
    """Give the images with a vector in a space, int64 [n], ascending, and their vectors, float16 [n, dims].

    Raises:
        SearchStoppedError: ``stop`` was set.
        DtkError: the disk of temporary files is full.
    """
    with TemporaryFile(prefix="dtk-vectors-") as file:
        with connection_until(db, stop) as conn:
            known, dims = _written(conn, space, file, progress), stored_vectors.dims(conn, space)
        shape = (len(known), dims)
        yield known, np.memmap(file, np.float16, "r", shape=shape) if len(known) else np.zeros(shape, np.float16)


def _written(conn: Connection, space: int, file: IO[bytes], progress: Progress) -> Ids:
    """Write the vectors of a space to a file; return their images."""
    size, done = stored_vectors.count(conn, space), 0
    parts = [np.zeros(0, np.int64)]
    for ids, vectors in stored_vectors.blocks(conn, space):
        try:
            file.write(vectors.data)
            file.flush()
        except OSError as error:
            raise DtkError(
                "The vectors do not fit on the disk of temporary files.",
                f"{error.strerror}: {gettempdir()} needs {size * vectors[0].nbytes / 1e6:,.0f} MB. Free some space"
                " there, or name another folder in TMPDIR.",
            ) from error
        parts.append(ids)
        done += len(ids)
        progress(min(1.0, done / max(size, 1)))
    return np.concatenate(parts)


def unit_rows(vectors: Halfs) -> Floats:
    """Return vectors of length 1, float32; one of zeros stays one."""
    rows: Floats = vectors.astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    np.divide(rows, lengths, out=rows, where=lengths > 0)
    return rows


def places_in(known: Ids, wanted: Ids) -> Ids:
    """Return where each of ``wanted`` stands in ``known``, which ascends, or -1."""
    if not len(known):
        return np.full(len(wanted), -1, np.int64)
    index = np.searchsorted(known, wanted).clip(max=len(known) - 1)
    return np.where(known[index] == wanted, index, -1)

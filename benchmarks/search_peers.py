"""The peers of a search by vectors: how each is built, and how it is asked for the ten nearest of some.

rclip (4.0.1 wants another Python than this program, and its model from the hub) is there by its formula: the product of
all vectors with that of the query, and all of them sorted. faiss and usearch are taken where they are installed
(pip install faiss-cpu usearch); their indexes are kept beside the library.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float32]
#: Returns the rows of the ten vectors that are nearest, of those that the mask keeps; None: of all.
Nearest = Callable[[Vector, npt.NDArray[np.bool_] | None], list[int]]

COUNT, CONNECTIVITY, EF_CONSTRUCTION, EF_SEARCH = 10, 16, 128, 200


def flat_scan(vectors: Matrix) -> Nearest:
    """Compare with every vector."""

    def nearest(query: Vector, mask: npt.NDArray[np.bool_] | None) -> list[int]:
        similarity = vectors @ query
        if mask is not None:
            similarity[~mask] = -2.0
        best = np.argpartition(-similarity, COUNT)[:COUNT]
        return [int(row) for row in best[np.argsort(-similarity[best])]]

    return nearest


def rclip(vectors: Matrix) -> Nearest:
    """Compare with every vector and sort all, in Python."""

    def nearest(query: Vector, mask: npt.NDArray[np.bool_] | None) -> list[int]:
        similarity = (query[None] @ vectors.T)[0].tolist()
        ordered = sorted(zip(similarity, range(len(similarity)), strict=True), key=lambda pair: pair[0], reverse=True)
        return [row for _, row in islice(((s, row) for s, row in ordered if mask is None or mask[row]), COUNT)]

    return nearest


def faiss(vectors: Matrix, folder: Path) -> Nearest | None:
    """Ask an HNSW index of faiss, which is built if it is not there; None where it is not installed."""
    library = _installed("faiss")
    if library is None:
        return None
    file = folder / "peers.faiss"
    if file.exists():
        index = library.read_index(str(file))
    else:
        index = library.IndexHNSWFlat(vectors.shape[1], CONNECTIVITY, library.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = EF_CONSTRUCTION
        index.add(np.ascontiguousarray(vectors))
        library.write_index(index, str(file))
    chosen: dict[int, Any] = {}

    def nearest(query: Vector, mask: npt.NDArray[np.bool_] | None) -> list[int]:
        options: dict[str, Any] = {"efSearch": EF_SEARCH}
        if mask is not None:
            key = id(mask)
            if key not in chosen:
                chosen[key] = library.IDSelectorBatch(np.flatnonzero(mask))
            options["sel"] = chosen[key]
        rows = index.search(query[None], COUNT, params=library.SearchParametersHNSW(**options))[1][0]
        return [int(row) for row in rows if row >= 0]

    return nearest


def usearch(vectors: Matrix, folder: Path) -> Nearest | None:
    """Ask an HNSW index of usearch, which knows no filter: more are asked for and the others left out."""
    library = _installed("usearch.index")
    if library is None:
        return None
    file = folder / "peers.usearch"
    index = library.Index(
        ndim=vectors.shape[1], metric="ip", dtype="f16", connectivity=CONNECTIVITY, expansion_add=EF_CONSTRUCTION,
        expansion_search=EF_SEARCH,
    )  # fmt: skip
    if file.exists():
        index.load(str(file))
    else:
        index.add(np.arange(len(vectors)), np.ascontiguousarray(vectors))
        index.save(str(file))

    def nearest(query: Vector, mask: npt.NDArray[np.bool_] | None) -> list[int]:
        if mask is None:
            return [int(row) for row in index.search(query, COUNT).keys]
        count = 2 * COUNT * len(mask) // max(int(mask.sum()), 1)
        return [int(row) for row in index.search(query, count).keys if mask[row]][:COUNT]

    return nearest


def _installed(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None

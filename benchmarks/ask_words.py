"""Answers queries of bench_words_before.py by the program that stands first on the path: JSON lines in and out."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import psycopg

import dtk_tui
from dtk_tui.domain.query.parser import parse
from dtk_tui.store.search.search import find_images


def main(conninfo: str) -> None:
    """Answer until there are no more."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        print(json.dumps(dtk_tui.__file__), flush=True)
        for asked in sys.stdin:
            line, space, vector, limit = json.loads(asked)
            about = [(space, np.array(vector, np.float32))] if vector else []
            with conn.transaction():
                start = time.perf_counter()
                found = find_images(conn, parse(line), about=about, like=(), limit=limit)
                took = time.perf_counter() - start
            print(json.dumps([1000 * took, found.ids.tolist()]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

"""Search over a large library: p50 and p99 of each kind of query, and the processor time of one.

The library of search_library.py (DTK_BENCH_IMAGES, DTK_BENCH_LIBRARY). Goal for the first 100 of each kind at 1,000,000
images: 20 ms in the median, 100 ms for the slowest of a hundred; rows that miss it end in a star. ``cpu`` is what this
process and the server used for one query in the mean, which other work on the machine changes little. Facets and whole
results are not waited for by anybody who looks at the first 100: they have no goal here.

DTK_BENCH_ONLY=word,sort measures the kinds whose names have one of these words in them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from search_library import FOLDERS, IMAGES, VECTORS, VOCABULARY, BenchLibrary, library

from dtk_tui.domain.query.nodes import SORT_COLUMNS
from dtk_tui.domain.query.parser import parse
from dtk_tui.services.library.organise.smart_albums import with_smart_albums
from dtk_tui.services.library.queries.examples import Example, combined
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.search import facets
from dtk_tui.store.search.search import condition_of, find_images

RUNS, LIMIT = int(os.environ.get("DTK_BENCH_RUNS", "100")), 100
P50_MS, P99_MS = 20.0, 100.0
#: A slow kind is not asked again after so many seconds, and so many runs.
MOST_SECONDS, LEAST_RUNS = 3.0, 5

Vector = npt.NDArray[np.float32]
Terms = Sequence[tuple[int, Vector]]


@dataclass(frozen=True)
class Case:
    """A kind of query: its line and its vectors for the n-th time; ``limit`` None: all of it, without a goal."""

    name: str
    line: Callable[[int], str]
    about: Callable[[int], Terms] = lambda n: ()
    like: Callable[[int], Terms] = lambda n: ()
    limit: int | None = LIMIT


class Cost:
    """The processor seconds of this process and of the server behind a connection, its parallel workers included."""

    def __init__(self, conn: Connection) -> None:
        (backend,) = row_of(conn, "SELECT pg_backend_pid()")
        self._backend = Path(f"/proc/{backend}")
        # Workers are children of the server, which adds up what those of them used that have ended.
        parent = (self._backend / "stat").read_text().rpartition(")")[2].split()[1]
        self._server = Path(f"/proc/{parent}/stat")

    def now(self) -> float:
        """Return what was used up to now."""
        own = int((self._backend / "schedstat").read_text().split()[0]) / 1e9
        fields = self._server.read_text().rpartition(")")[2].split()
        return own + sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK") + time.process_time()


def word(rank: int) -> str:
    """Return a word of the prompts and captions by its rank."""
    return VOCABULARY[rank % len(VOCABULARY)]


def phrases(conn: Connection) -> list[str]:
    """Return two words that follow each other in a prompt, one for each run."""
    rows = conn.execute("SELECT text FROM prompt WHERE id %% 97 = 3 ORDER BY id LIMIT %s", (RUNS,))
    return [" ".join(text.split()[11:13]) for (text,) in rows]


def words_cases(conn: Connection) -> list[Case]:
    """Return the kinds that ask for words."""
    said = phrases(conn)
    return [
        Case("a common word", lambda n: word(n)),
        Case("a word", lambda n: word(300 + 7 * n)),
        Case("a rare word", lambda n: word(7000 + 9 * n)),
        Case("a part of a word", lambda n: word(300 + 7 * n)[1:5]),
        Case("two terms", lambda n: f"{word(2000 + n)}, {word(5 + n)}"),
        Case("two common terms", lambda n: f"{word(n)}, {word(40 + n)}"),
        Case("a phrase", lambda n: f'"{said[n % len(said)]}"'),
        Case("a word -word", lambda n: f"{word(300 + 7 * n)} -{word(n)}"),
        Case("-word", lambda n: f"-{word(n)}"),
        Case("a word OR another", lambda n: f"{word(300 + 7 * n)} OR {word(4000 + n)}"),
        Case("a word rating:>=4", lambda n: f"{word(300 + 7 * n)} rating:>=4"),
        Case("a word tag:", lambda n: f"{word(n)} tag:tag_{101 + n}"),
        Case("a word model:, of old days", lambda n: f'{word(300 + 7 * n)} model:"model 39"'),
        Case("negative: a word", lambda n: f"negative: {word(n)}"),
        Case("caption: a common word", lambda n: f"caption:{word(n)}"),
        Case("caption: a word", lambda n: f"caption:{word(300 + 7 * n)}"),
        Case("caption: a rare word", lambda n: f"caption:{word(7000 + 9 * n)}"),
        Case("caption: two words", lambda n: f"caption: {word(n)} {word(300 + n)}"),
        Case("caption: a phrase", lambda n: f'caption:"{word(n)} {word(n + 3)}"'),
        Case("caption: a word -word", lambda n: f"caption: {word(300 + n)} -{word(n)}"),
        Case("-caption: a word", lambda n: f"-caption:{word(300 + n)}"),
        Case("a word caption: a word", lambda n: f"{word(100 + n)} caption:{word(300 + n)}"),
        Case("a common word, all", lambda n: word(n), limit=None),
    ]


def sort_line(column: str, n: int) -> str:
    """Return the line that sorts by a column."""
    return f"sort:{column}"


def filter_cases() -> list[Case]:
    """Return the kinds that ask for what stands in columns and in other tables."""
    lines: dict[str, Callable[[int], str]] = {
        "newest": lambda n: "",
        "folder:": lambda n: f"folder:/out/{1 + 5 * n % FOLDERS}",
        "path: starts with": lambda n: f"path: starts with /out/{1 + 5 * n % FOLDERS}/",
        "path: contains": lambda n: f"path: contains t/{1 + 5 * n % FOLDERS}/a",
        "path: a file": lambda n: f"path: ends with {1000 * n + 7}.png",
        "tag:, common": lambda n: f"tag:tag_{1 + n % 3}",
        "tag:, of a time": lambda n: f"tag:tag_{41 + n % 50}",
        "tag:>=0.4": lambda n: f"tag:tag_{101 + 11 * n}>=0.4",
        "two tags": lambda n: f"tag:tag_{1 + n % 3} tag:tag_{11 + n % 20}",
        "-tag:": lambda n: f"-tag:tag_{1 + n % 3}",
        "-tag:, all others": lambda n: f"-tag:tag_1 -tag:tag_2 tag:tag_{101 + 11 * n}",
        "tag: of old days": lambda n: "tag:tag_90",
        "has:caption": lambda n: "has:caption",
        "-has:caption": lambda n: "-has:caption",
        "has:tags has:embedding": lambda n: "has:tags has:embedding",
        "has:workflow": lambda n: "has:workflow",
        "album:": lambda n: f'album:"album {1 + n % 100}"',
        "album:, large": lambda n: "album:large",
        "album:, smart": lambda n: "album:smart",
        "album:, smart of smart": lambda n: "album:smarter",
        "in_album:false": lambda n: "in_album:false",
        "date:": lambda n: f"date: {30 + 2 * n} days ago",
        "date: since": lambda n: f"date: since {30 + n} days ago",
        "date: between": lambda n: f"date: between {90 + n} days ago and {60 + n} days ago",
        "seed:": lambda n: f"seed:{4000 * n * 48271 % 4294967291}",
        "seed:123*": lambda n: f"seed:{123 + n}*",
        "seed:a-b": lambda n: f"seed:{n * 1000000}-{n * 1000000 + 999999}",
        "steps:20|30": lambda n: f"steps:{10 + n % 40}|{11 + n % 40}",
        "steps:, none": lambda n: "steps:99",
        "cfg:": lambda n: f"cfg:{n / 2:g}",
        "sampler:": lambda n: f"sampler: sampler {n % 12}",
        "sampler:, none": lambda n: "sampler: none such",
        "model:": lambda n: f'model:"model {n % 40}"',
        "model:, of old days": lambda n: 'model:"model 39" -steps:10-45',
        "model:*": lambda n: 'model:"model 3*"',
        "model_hash:": lambda n: "model_hash:aabbcc",
        "model_or_hash:": lambda n: f'model_or_hash:"model {n % 40}"|aabbcc',
        "size:": lambda n: "size:512x768",
        "size:16:9": lambda n: "size:16:9",
        "rating:>=4": lambda n: "rating:>=4",
        "rating:none": lambda n: "rating:none",
        "aesthetic_score:": lambda n: "aesthetic_score:>=9.9",
        "hypernet:": lambda n: f'hypernet:"net {n % 7}" hypernet strength:>0.5',
        "favorite: nsfw:": lambda n: "favorite:true nsfw:true",
        "delete:": lambda n: "delete:true",
        "nometa:": lambda n: "nometa:true",
        "type:video": lambda n: "type:video",
        "group:duplicates": lambda n: "group:duplicates",
        "dialect:": lambda n: f'dialect:"dialect {n % 9}"',
        "queue:failed": lambda n: "queue:failed",
        "( OR )": lambda n: f"(tag:tag_{101 + n} OR rating:5) -folder:/out/{1 + n}",
    }
    for column, largest in SORT_COLUMNS.items():
        for way in ("desc", "asc") if largest else ("asc", "desc"):
            lines[f"sort:{column}_{way}"] = partial(sort_line, f"{column}_{way}")
    lines |= {
        "a word sort:rating": lambda n: f"sort:rating {word(n)}",
        "a word sort:date": lambda n: f"sort:date {word(n)}",
        "a word sort:score": lambda n: f"sort:score {word(300 + 7 * n)}",
        "tag: sort:rating": lambda n: f"sort:rating tag:tag_{11 + n % 20}",
        "rating:>=4 sort:date_asc": lambda n: "sort:date_asc rating:>=4",
        "sort:model sort:date": lambda n: "sort:model sort:date",
    }
    return [*(Case(name, line) for name, line in lines.items()), Case("every image", lambda n: "", limit=None)]


def vector_cases(lib: BenchLibrary) -> list[Case]:
    """Return the kinds that rank by vectors."""

    def of(name: str, *places: int, wanted: int = 1) -> Terms:
        vectors, space = lib.vectors[name], lib.spaces[name]
        some = [np.array(vectors[place % len(vectors)]) for place in places]
        return combined([Example(space, vec, number >= wanted) for number, vec in enumerate(some)])

    def about(n: int) -> Terms:
        return of("text", 31 * n)

    def like(n: int) -> Terms:
        return of("image", 31 * n)

    return [
        Case("about:", lambda n: "about:x", about=about),
        Case("like:", lambda n: "like:1", like=like),
        Case("-like:", lambda n: "like:1 -like:2", like=lambda n: of("image", 31 * n, 57 * n + 1)),
        Case("-like: alone", lambda n: "-like:1", like=lambda n: of("image", 31 * n, wanted=0)),
        Case("like: like: like:", lambda n: "like:1", like=lambda n: of("image", n, 31 * n, 57 * n, wanted=3)),
        Case("like: about:", lambda n: "like:1 about:x", about=about, like=like),
        Case("looks:", lambda n: "looks:x", like=lambda n: of("joint", 31 * n)),
        Case("looks: tag:", lambda n: f"looks:x tag:tag_{101 + n}", like=lambda n: of("joint", 31 * n)),
        Case("looks: rating:>=4", lambda n: "looks:x rating:>=4", like=lambda n: of("joint", 31 * n)),
        Case("like: tag:>=0.4", lambda n: f"like:1 tag:tag_{101 + n}>=0.4", like=like),
        Case("like: tag:, common", lambda n: f"like:1 tag:tag_{1 + n % 3}", like=like),
        Case("like: tag:, one in 20", lambda n: f"like:1 tag:tag_{11 + n % 20}", like=like),
        Case("like: rating:>=4", lambda n: "like:1 rating:>=4", like=like),
        Case("like: cfg:, half", lambda n: "like:1 cfg:0-49.5", like=like),
        Case("like: cfg:, one in 20", lambda n: "like:1 cfg:0-4.5", like=like),
        Case("like: cfg:, one in 200", lambda n: "like:1 cfg:7", like=like),
        Case("like: model:", lambda n: f'like:1 model:"model {n % 40}"', like=like),
        Case("like: folder:", lambda n: f"like:1 folder:/out/{1 + n}", like=like),
        Case("like: -tag:", lambda n: f"like:1 -tag:tag_{1 + n % 3}", like=like),
        Case("like: has:caption", lambda n: "like:1 has:caption", like=like),
        Case("like: caption: a word", lambda n: f"like:1 caption:{word(300 + n)}", like=like),
        Case("like: album:", lambda n: f'like:1 album:"album {1 + n % 100}"', like=like),
        Case("about: rating:>=4", lambda n: "about:x rating:>=4", about=about),
        Case("about: tag:>=0.4", lambda n: f"about:x tag:tag_{101 + n}>=0.4", about=about),
        Case("a word about:", lambda n: f"{word(300 + 7 * n)} about:x", about=about),
        Case("a common word about:", lambda n: f"{word(n)} about:x", about=about),
        Case("a word about: rating:>=4", lambda n: f"{word(300 + 7 * n)} about:x rating:>=4", about=about),
        Case("a word like:", lambda n: f"{word(300 + 7 * n)} like:1", like=like),
        Case("like: sort:date", lambda n: "like:1 sort:date", like=like),
    ]


def ask(conn: Connection, case: Case, n: int) -> int:
    """Ask a query for the n-th time; return how many images were found."""
    query = with_smart_albums(conn, parse(case.line(n)))
    like = [(space, vec, None) for space, vec in case.like(n)]
    return len(find_images(conn, query, about=case.about(n), like=like, limit=case.limit).ids)


def count_facets(conn: Connection, line: str, n: int) -> int:
    """Count all facets of a result for the n-th time; return how many images it has."""
    where = condition_of(conn, with_smart_albums(conn, parse(line.format(101 + n))))
    images, _ = facets.fields(conn, where, 20)
    facets.tags(conn, where, 20, facets.MOST_TAGGED)
    return images


def measure(conn: Connection, name: str, act: Callable[[int], int], runs: int, *, has_goal: bool) -> bool:
    """Print the row of a kind; return whether it misses its goal."""
    cost = Cost(conn)
    times, found, used = list[float](), list[int](), 0.0
    for number in range(-1, runs):
        with conn.transaction():
            before, start = cost.now(), time.perf_counter()
            count = act(max(number, 0))
            took = time.perf_counter() - start
        if number >= 0:
            times.append(1000 * took)
            found.append(count)
            used += cost.now() - before
            if number >= LEAST_RUNS and sum(times) > 1000 * MOST_SECONDS:
                break
    p50, p99 = np.percentile(times, [50, 99])
    misses = has_goal and bool(p50 > P50_MS or p99 > P99_MS)
    row = f"{name:28}{int(np.median(found)):9,}{p50:9.1f}{p99:9.1f}{1000 * used / len(times):9.1f}"
    print(f"{row}{' *' if misses else ''}", flush=True)
    return misses


def main() -> None:
    """Print the table."""
    start = time.perf_counter()
    only = os.environ.get("DTK_BENCH_ONLY", "").split(",")
    with library() as lib, lib.connection() as conn:
        print(f"{IMAGES:,} images, {VECTORS:,} of them with vectors; the first {LIMIT}; {RUNS} runs;", end=" ")
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        print(f"{'query':28}{'found':>9}{'p50 ms':>9}{'p99 ms':>9}{'cpu ms':>9}")
        late = 0
        for case in [*words_cases(conn), *filter_cases(), *vector_cases(lib)]:
            if any(part in case.name for part in only):
                runs = RUNS if case.limit else max(RUNS // 10, 1)
                late += measure(conn, case.name, partial(ask, conn, case), runs, has_goal=bool(case.limit))
        for name, line in (("facets of a tag:", "tag:tag_{}"), ("facets of a folder:", "folder:/out/{}")):
            if any(part in name for part in only):
                measure(conn, name, partial(count_facets, conn, line), 10, has_goal=False)
    print(
        f"{late} kinds over {P50_MS:.0f} ms in the median or {P99_MS:.0f} ms at the end; load {os.getloadavg()[0]:.1f};"
    )
    print(f"{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()

"""Captions through the queue beside a bare loop of HTTP requests, other work beside captions, and what the order of a
request is worth.

A small model of random weights behind the real llama.cpp; its encoder makes 576 tokens of a picture, on the processor.
What is compared is answered by one server, in one run, in turn, with the same bytes:

- ``engine``, ``app``: DTK_BENCH_IMAGES pictures (default 300) through the queue, as ``dtk worker run`` does it and by
  the app's own worker, to a bare loop that sends the very same requests, made beforehand, as many at once;
- ``beside``: images embedded and tagged for each processor second that this takes, beside captions to alone, and to
  beside a bare loop of requests: what any other work on the same caches and memory costs it;
- ``types``: four types of one picture in a row, picture first, to four passes over all pictures, text first, with
  answers of 8 and of 150 tokens; and where the time of one request goes.

``python benchmarks/bench_captioner.py [engine] [app] [beside] [types]``: all without a name. DTK_BENCH_RUNS rounds
(default 3).
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from caption_server import (
    Cost,
    Meter,
    Server,
    SharedHandler,
    body_of,
    cpu_s,
    everywhere,
    started,
    thread_cpu_s,
)
from msgspec import convert, structs
from workload import MODELS, owned_server, spread, write_library

from dtk_tui.cli.worker import drain
from dtk_tui.config import Config, load
from dtk_tui.domain.events import Event
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.inference.captioner.base import Question, Sampling
from dtk_tui.inference.captioner.picture import encode
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker import control
from dtk_tui.services.worker.engine import Engine
from dtk_tui.services.worker.handlers import registry
from dtk_tui.services.worker.handlers.embed import EmbedHandler
from dtk_tui.services.worker.handlers.tag import TagHandler
from dtk_tui.services.worker.priority import NICENESS_BESIDE_SCREEN
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Database
from dtk_tui.store.queue import jobs, totals
from dtk_tui.ui.app import DtkApp
from tests.helpers.tiny_gguf import WORDS, write_pair

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "300"))
RUNS = int(os.environ.get("DTK_BENCH_RUNS", "3"))
SLOTS, EDGE, TOKENS = 4, 336, 24
SYSTEM = CaptionSettings().system
TYPES = ("Write a caption.", "Write a MidJourney prompt.", "List tags.", "Write a product listing.")
EVERYTHING = Target(everything=True)
#: The threads that ask the server, and that keep its log, have names that begin like this.
_CAPTIONS = ("dtk-captions-", "dtk-llama-log")
#: Pictures that are asked about one request at a time, for each length of the answers.
SINGLE = 5
#: The pictures of each part: their size and how many.
PARTS = {
    "engine": ((EDGE, EDGE), IMAGES),
    "app": ((EDGE, EDGE), IMAGES),
    "beside": ((512, 768), max(8, IMAGES // 6)),
    "types": ((EDGE, EDGE), 2 * SINGLE + max(8 * RUNS, IMAGES // 5)),
}


def by_command(db: Database, config: Config) -> None:
    """Drain the queue as ``dtk worker run --until-empty`` does."""
    drain(db, config, until_empty=True)


def by_app(db: Database, config: Config) -> None:
    """Drain the queue with the app's worker, on a screen that nobody sees."""

    def news(event: Event) -> None:
        app.take(event)

    async def run() -> None:
        async with app.run_test(size=(200, 50)):
            control.start(db)
            while _left(db, Kind.CAPTION):
                await asyncio.sleep(0.1)

    app = DtkApp(LibraryBrowser(db, config), lambda: Engine(db, config, news, niceness=NICENESS_BESIDE_SCREEN))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.001)
    asyncio.run(run())
    sys.setswitchinterval(interval)
    control.stop(db)


def _left(db: Database, *kinds: Kind) -> int:
    with db.connection() as conn:
        counts = totals.counts(conn)
    words = [kind.label for kind in kinds]
    return sum(counts.by_kind.get(word, 0) + counts.running_by_kind.get(word, 0) for word in words)


def through_queue(
    db: Database,
    config: Config,
    server: Server,
    work: Callable[[Database, Config], None],
    target: Target = EVERYTHING,
) -> Cost:
    """Caption pictures, from the first request to the last caption in the database."""
    asked = SharedHandler.shared
    asked.forget()
    enqueue(db, config, target, [Kind.CAPTION], again=True)
    meter = Meter(server, config.paths.database)
    work(db, config)
    with db.connection() as conn:
        row = conn.execute("SELECT extract(epoch FROM max(finished_at))::float8 FROM job_log").fetchone()
    ended = float(row[0]) if row else 0.0
    return meter.cost(len(asked.asked), asked.tokens, asked.cached, ended - asked.begun)


def bare_loop(config: Config, server: Server, requests: Sequence[bytes]) -> Cost:
    """Send requests as quickly as the server takes them."""
    meter = Meter(server, config.paths.database)
    usages: list[dict[str, Any]] = []
    wall_s = everywhere(
        lambda slot, item: usages.append(server.send(requests[item], slot)["usage"]), len(requests), SLOTS
    )
    cached = sum(usage["prompt_tokens_details"]["cached_tokens"] for usage in usages)
    return meter.cost(len(requests), sum(usage["completion_tokens"] for usage in usages), cached, wall_s)


def measure_engine(db: Database, config: Config, server: Server, name: str) -> None:
    """Print the engine beside the bare loop, each first in turn."""
    work = by_app if name == "app" else by_command
    registry.HANDLERS = (SharedHandler,)
    with db.connection() as conn:
        last = conn.execute("SELECT id FROM image ORDER BY id DESC LIMIT 12").fetchall()
    # What is read and compiled for the first time; those whose turn comes when the server has forgotten them.
    through_queue(db, config, server, work, Target(image_ids=tuple(row[0] for row in last)))
    requests: list[bytes] = []
    ratios = []
    for number in range(RUNS):
        pair: dict[str, Cost] = {}
        for who in ("bare", "engine") if number % 2 else ("engine", "bare"):
            if who == "engine":
                pair[who] = through_queue(db, config, server, work)
                requests = [body_of(*one) for one in SharedHandler.shared.asked]
            else:
                pair[who] = bare_loop(config, server, requests)
            print(pair[who].line(f"{number + 1}: {who if who == 'bare' else name}"))
        rates = {who: cost.requests / cost.wall_s for who, cost in pair.items()}
        ratios.append(rates["engine"] / rates["bare"])
    print(f"{f'captions/s, {name} to a bare loop':58}{spread(ratios)}")


def measure_beside(db: Database, config: Config, server: Server, pictures: Sequence[bytes]) -> None:
    """Print what embedding and tagging keep of their speed beside captions, for each processor second they get."""
    requests = [body_of(one, _question(ask), tokens=TOKENS) for one in pictures for ask in TYPES]
    registry.HANDLERS = (TagHandler, EmbedHandler, SharedHandler)
    engine = Engine(db, config, initial_state=WorkerState.RUNNING)
    engine.open()
    try:
        _devices(db, config)  # sessions make their buffers
        to_alone, to_bare = [], []
        for number in range(RUNS):
            alone_s, alone_cpu_s = _devices(db, config)
            bare_s, bare_cpu_s = _beside_bare_loop(db, config, server, requests)
            with_s, with_cpu_s = _beside_captions(db, config)
            to_alone.append(alone_cpu_s / with_cpu_s)
            to_bare.append(bare_cpu_s / with_cpu_s)
            print(
                f"  {number + 1}: {_images(db)} images alone {alone_s:.1f} s, {alone_cpu_s:.1f} s of processor; beside"
                f" a bare loop {bare_s:.1f} s, {bare_cpu_s:.1f} s; beside captions {with_s:.1f} s, {with_cpu_s:.1f} s"
            )
    finally:
        engine.close()
    print(f"{'embed and tag a processor second, beside captions to alone':58}{spread(to_alone)}")
    print(f"{'  to beside a bare loop of requests':58}{spread(to_bare)}")


def _images(db: Database) -> int:
    with db.connection() as conn:
        row = conn.execute("SELECT count(*) FROM image").fetchone()
    return int(row[0]) if row else 0


def _beside_bare_loop(db: Database, config: Config, server: Server, requests: Sequence[bytes]) -> tuple[float, float]:
    """Do the work of the devices while bare requests are answered all the time."""
    ended = threading.Event()

    def send(slot: int) -> None:
        number = slot
        while not ended.is_set():
            server.send(requests[number % len(requests)], slot)
            number += SLOTS

    threads = [threading.Thread(target=send, args=(slot,), name=f"{_CAPTIONS[0]}bare-{slot}") for slot in range(SLOTS)]
    for thread in threads:
        thread.start()
    try:
        return _devices(db, config)
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _beside_captions(db: Database, config: Config) -> tuple[float, float]:
    """Do the work of the devices while captions are made all the time."""
    asked = SharedHandler.shared
    asked.forget()
    more = ["descriptive", "straightforward", "midjourney", "art-critic", "danbooru-tag-list", "product-listing"]
    enqueue(db, config, EVERYTHING, [Kind.CAPTION], again=True, caption_types=more)
    while not asked.tokens:
        time.sleep(0.05)
    taken = _devices(db, config)
    if not _left(db, Kind.CAPTION):
        raise SystemExit("the captions were done too soon: more of them are needed")
    with db.connection() as conn:
        jobs.remove(conn, kind=Kind.CAPTION)
    while _left(db, Kind.CAPTION):
        time.sleep(0.05)
    return taken


def _devices(db: Database, config: Config) -> tuple[float, float]:
    """Embed and tag everything; return the seconds, and those of the processor without this thread and captions'.

    What the engine's threads do for captions counts as captions', as far as it can be told: their pictures, and what
    the handler does to claim and to save them.
    """
    captions = [thread for thread in threading.enumerate() if thread.name.startswith(_CAPTIONS)]

    def processor_s() -> float:
        return time.process_time() - time.thread_time() - thread_cpu_s(captions) - SharedHandler.own_s

    begun, before = time.perf_counter(), processor_s()
    enqueue(db, config, EVERYTHING, [Kind.EMBED, Kind.TAG], again=True)
    while _left(db, Kind.EMBED, Kind.TAG):
        time.sleep(0.05)
    return time.perf_counter() - begun, processor_s() - before


def measure_types(server: Server, pictures: Sequence[bytes]) -> None:
    """Print four types in a row beside four passes, and where the time of a request goes.

    Each round has pictures of its own: the server must have forgotten those of the round before.
    """
    single, rest = pictures[: 2 * SINGLE], pictures[2 * SINGLE :]
    for place, tokens in enumerate((8, 150)):
        gains, savings = [], []
        for number in range(RUNS):
            some = rest[number :: RUNS * (place + 1)]
            passes = [[body_of(one, _question(ask), text_first=True, tokens=tokens) for one in some] for ask in TYPES]
            rows = [[body_of(one, _question(ask), tokens=tokens) for ask in TYPES] for one in some]
            seconds: dict[str, float] = {}
            processor: dict[str, float] = {}
            for who in ("row", "passes") if number % 2 else ("passes", "row"):
                before = cpu_s([server.pid])
                seconds[who] = _in_passes(server, passes) if who == "passes" else _in_rows(server, rows)
                processor[who] = cpu_s([server.pid]) - before
            gains.append(seconds["passes"] / seconds["row"])
            savings.append(processor["passes"] / processor["row"])
        print(f"{f'four types in a row to four passes, {tokens} tokens':58}{spread(gains)}")
        print(f"{'  the same by processor seconds of the server':58}{spread(savings)}")
        _print_parts(server, single[place * SINGLE :][:SINGLE], tokens)


def _in_passes(server: Server, passes: Sequence[Sequence[bytes]]) -> float:
    """Ask one type of all pictures, then the next one; return the seconds."""
    return sum(
        everywhere(lambda slot, item, bodies=bodies: server.send(bodies[item], slot), len(bodies), SLOTS)  # type: ignore[misc]
        for bodies in passes
    )


def _in_rows(server: Server, rows: Sequence[Sequence[bytes]]) -> float:
    """Ask all types of a picture in a row on one slot; return the seconds."""
    return everywhere(lambda slot, item: [server.send(body, slot) for body in rows[item]], len(rows), SLOTS)


def _question(ask: str) -> Question:
    return Question(ask, SYSTEM, Sampling(max_tokens=1000))


def _print_parts(server: Server, pictures: Sequence[bytes], tokens: int) -> None:
    """Print where the time goes when one request is answered at a time: medians of some pictures.

    The server does not say how long it encodes: it is what a picture takes more than as many tokens of text.
    """
    found: dict[str, list[tuple[float, ...]]] = {}
    for number, picture in enumerate(pictures):
        words = " ".join(random.Random(number).choices(WORDS, k=606))
        plain = server.send(body_of(b"", _question(words), tokens=tokens), 0)["timings"]
        token_ms = plain["prompt_ms"] / plain["prompt_n"]
        for text_first in (True, False):
            for place, ask in enumerate(TYPES):
                body = body_of(picture, _question(ask), text_first=text_first, tokens=tokens)
                begun = time.perf_counter()
                timings = server.send(body, 0)["timings"]
                if timings["predicted_n"] != tokens:
                    raise SystemExit(f"{timings['predicted_n']} tokens were answered instead of {tokens}")
                whole_ms = 1000 * (time.perf_counter() - begun)
                name = "text first" if text_first else "picture first, " + ("the first" if place == 0 else "later ones")
                prompt_ms = min(timings["prompt_ms"], token_ms * timings["prompt_n"])
                parts = timings["prompt_ms"] - prompt_ms, prompt_ms, timings["predicted_ms"], timings["cache_n"]
                found.setdefault(name, []).append((whole_ms, *parts))
    each = {}
    for name, rows in found.items():
        whole, encoded, prompt, answer, cached = (statistics.median(column) for column in zip(*rows, strict=True))
        each[name] = whole
        print(
            f"  {name:28}{whole:7.1f} ms: encoding {encoded:6.1f}, prompt {prompt:6.1f}, answer {answer:7.1f},"
            f" rest {whole - encoded - prompt - answer:5.1f}; {cached:4.0f} tokens from the cache"
        )
    row = each["picture first, the first"] + 3 * each["picture first, later ones"]
    print(f"  {'one request at a time, that is':56}{4 * each['text first'] / row:18.3f}")


def main() -> None:
    """Measure what is asked for, and print one line of ratios each."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    parts = sys.argv[1:] or list(PARTS)
    with TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        model, projector = write_pair(folder / "model", image_size=EDGE, width=512)
        given = {"model": str(model), "projector": str(projector), "slots": SLOTS, "context": 1024, "gpu_layers": 0}
        settings = convert(given | {"max_tokens": TOKENS, "temperature": 1.0}, CaptionSettings)
        for part in parts:
            size, number = PARTS[part]
            paths = write_library(folder / part / "library", number, 4, size)
            with (
                started(settings, folder / part, NICENESS_BESIDE_SCREEN.inference if part == "app" else 0) as server,
                owned_server(folder / part / "home"),
            ):
                if part == "types":
                    measure_types(server, [encode(path, (EDGE, EDGE)) for path in paths])
                else:
                    measure_library(part, settings, server, folder / part, paths)


def measure_library(part: str, settings: CaptionSettings, server: Server, folder: Path, paths: Sequence[str]) -> None:
    """Measure what needs a library, in one of its own."""
    base = load({"HOME": str(folder), "DTK_HOME": str(folder / "home"), "DTK_MODELS": str(MODELS)})
    config = Config(base.paths, structs.replace(base.settings, captions=settings))
    db = Database.open(config)
    try:
        scan(db, config, [str(folder / "library")])
        if part == "beside":
            measure_beside(db, config, server, [encode(path, (EDGE, EDGE)) for path in paths])
        else:
            measure_engine(db, config, server, part)
    finally:
        db.close()


if __name__ == "__main__":
    main()

"""Captions through the queue beside a bare loop of HTTP requests, and what the order of a request is worth.

A small model of random weights behind the real llama.cpp; its encoder makes 576 tokens of a picture, on the processor.
DTK_BENCH_IMAGES pictures (default 60), DTK_BENCH_RUNS pairs (default 3), in turn:
- the engine to a bare loop: as many requests at once, of pictures that are encoded already, no database;
- four types of one picture in a row, picture first, to four passes over all pictures, text first: the same server,
  answers of 8 and of 150 tokens.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from workload import spread, write_library

from dtk_tui.config import CaptionSettings, Config, load
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.inference.captioner.base import Question, Sampling
from dtk_tui.inference.captioner.completion import request_body
from dtk_tui.inference.captioner.llama_server import LlamaCaptioner
from dtk_tui.inference.captioner.picture import encode
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker.engine import Engine
from dtk_tui.services.worker.handlers import registry
from dtk_tui.services.worker.handlers.caption import CaptionHandler
from dtk_tui.store.database import Database
from tests.helpers.tiny_gguf import write_pair

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "60"))
RUNS = int(os.environ.get("DTK_BENCH_RUNS", "3"))
SLOTS, EDGE, TOKENS = 4, 336, 24
SYSTEM = CaptionSettings().system
TYPES = ("Write a caption.", "Write a MidJourney prompt.", "List tags.", "Write a product listing.")


def everywhere(work: Callable[[int, int], None], count: int) -> float:
    """Do ``work(thread, item)`` for all items on as many threads as there are slots; return the seconds."""
    items = iter(range(count))
    lock = threading.Lock()

    def run(number: int) -> None:
        while True:
            with lock:
                item = next(items, None)
            if item is None:
                return
            work(number, item)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(SLOTS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


class Server:
    """The server of a captioner, asked directly."""

    def __init__(self, captioner: LlamaCaptioner) -> None:
        captioner.open()
        process = captioner._servers[0]._process
        if process is None:
            raise SystemExit("the server did not start")
        self._http = httpx.Client(
            base_url=process.url, headers={"Authorization": f"Bearer {process.key}"}, timeout=300, trust_env=False
        )

    def ask(self, picture: bytes, prompt: str, slot: int, tokens: int, *, text_first: bool = False) -> dict[str, Any]:
        """Ask for an answer of exactly so many tokens."""
        body = request_body("", picture, Question(prompt, SYSTEM, Sampling(max_tokens=tokens)), slot, stream=False)
        body["ignore_eos"] = True
        if text_first:
            body["messages"][-1]["content"].reverse()
        answer = self._http.post("/v1/chat/completions", json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def drain(config: Config, paths: Sequence[str]) -> float:
    """Caption all pictures through the queue; return the seconds of the work alone, without loading the model."""
    db = Database.open(config)
    try:
        scan(db, config, [str(Path(paths[0]).parent)])
        enqueue(db, config, Target(everything=True), [Kind.CAPTION], again=True)
        with db.connection() as conn:
            (before,) = conn.execute("SELECT coalesce(max(id), 0) FROM job_log").fetchone() or (0,)
        engine = Engine(db, config, initial_state=WorkerState.RUNNING)
        engine.open()
        try:
            engine.wait_until_empty()
        finally:
            engine.close()
        with db.connection() as conn:
            sql = "SELECT finished_at FROM job_log WHERE outcome = 'done' AND id > %s ORDER BY finished_at"
            ended = [row[0] for row in conn.execute(sql, (before,))]
    finally:
        db.close()
    # The first answers of all slots come with the loading: the time from them to the last is that of all others.
    span_s: float = (ended[-1] - ended[SLOTS]).total_seconds()
    return span_s / (len(ended) - SLOTS - 1) * len(ended)


def main() -> None:
    """Measure and print the table."""
    registry.HANDLERS = (CaptionHandler,)
    with TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        model, projector = write_pair(folder / "model", image_size=EDGE, width=512)
        paths = write_library(folder / "library", IMAGES, 4, (EDGE, EDGE))
        base = load({"HOME": name, "DTK_HOME": str(folder / "home")})
        given = {"model": str(model), "projector": str(projector), "slots": SLOTS, "context": 1024, "gpu_layers": 0}
        settings = CaptionSettings.model_validate(given | {"max_tokens": TOKENS, "temperature": 1.0})
        config = Config(base.paths, base.settings.model_copy(update={"captions": settings}))
        pictures = [encode(path, (EDGE, EDGE)) for path in paths]
        captioner = LlamaCaptioner(settings, folder / "bench.log")
        try:
            measure(config, captioner, paths, pictures)
        finally:
            captioner.close()


def measure(config: Config, captioner: LlamaCaptioner, paths: Sequence[str], pictures: Sequence[bytes]) -> None:
    """Print one line a comparison."""
    server = Server(captioner)
    prompt = "Write a detailed description for this image."
    ratios = []
    for _ in range(RUNS):
        bare_s = everywhere(lambda slot, item: _discard(server.ask(pictures[item], prompt, slot, TOKENS)), IMAGES)
        ratios.append(bare_s / drain(config, paths))
    print(f"{'captions/s of the engine to a bare loop':58}{spread(ratios)}")
    for tokens in (8, 150):
        gains = []
        for run in range(RUNS):
            few = pictures[run::RUNS] if tokens > 8 else pictures
            passes_s = sum(
                everywhere(lambda slot, item, ask=ask: _discard(  # type: ignore[misc]
                    server.ask(few[item], ask, slot, tokens, text_first=True)), len(few))  # noqa: B023
                for ask in TYPES
            )  # fmt: skip
            row_s = everywhere(lambda slot, item: _row(server, few[item], slot, tokens), len(few))  # noqa: B023
            gains.append(passes_s / row_s)
        print(f"{f'four types in a row to four passes, {tokens} tokens':58}{spread(gains)}")
    timings = [server.ask(pictures[0], ask, 0, 8)["timings"] for ask in TYPES]
    for ask, one in zip(TYPES, timings, strict=True):
        print(f"  {ask:30} prompt {one['prompt_ms']:7.1f} ms for {one['prompt_n']:4} tokens, {one['cache_n']:4} cached,"
              f" answer {one['predicted_ms']:6.1f} ms")  # fmt: skip


def _row(server: Server, picture: bytes, slot: int, tokens: int) -> None:
    for ask in TYPES:
        server.ask(picture, ask, slot, tokens)


def _discard(answer: dict[str, Any]) -> None:
    del answer


if __name__ == "__main__":
    main()

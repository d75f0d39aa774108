"""Three hosts of different speed and one that stops answering: all is done once, and how true the time expected is.

Each host is a worker with a home of its own, whose captions come from a server that takes its time: half a second, a
whole one, two. The fourth, as quick as the first, is frozen after a quarter of DTK_BENCH_IMAGES captions (default 400);
once its lease has lapsed, the time expected is compared with what it then took.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from bench_eta import Look
from bench_eta import write as write_pictures
from workload import MODELS, Home, home, jobs_left, wait_until

from dtk_tui.config import load
from dtk_tui.domain.stats import LibraryCounts
from dtk_tui.services.stats import snapshot
from dtk_tui.store.database import Database

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "400"))
TAKES_S = (0.5, 1.0, 2.0, 0.5)
LEASE_S = 4.0
_ANSWER = {"model": "slow", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}}]}


class _Slow(BaseHTTPRequestHandler):
    """Answers like an endpoint for chats, after a while."""

    protocol_version = "HTTP/1.1"
    takes_s = 0.0

    def do_GET(self) -> None:
        self._answer({"object": "list", "data": [{"id": "slow", "object": "model"}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.takes_s)
        told = json.loads(json.dumps(_ANSWER))
        told["choices"][0]["message"]["content"] = "A harbour in the morning, with boats."
        self._answer(told)

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # who was frozen does not wait any more
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def endpoint(takes_s: float) -> Iterator[str]:
    """Serve, and give the address."""
    handler = type("Handler", (_Slow,), {"takes_s": takes_s})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()


@contextmanager
def host(folder: Path, url: str, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker of a host, with one caption at a time."""
    folder.mkdir()
    (folder / "config.toml").write_text(
        f"[worker]\nlease_s = {LEASE_S}\n[captions]\nbackend = 'openai'\nmodel = 'slow'\nbase_url = '{address}'\n"
        "slots = 1\n"
    )
    environ = {name: text for name, text in os.environ.items() if not name.startswith("DTK_")}
    environ |= {"DTK_HOME": str(folder), "DTK_DATABASE_URL": url, "DTK_MODELS": str(MODELS)}
    worker = subprocess.Popen([str(Path(sys.executable).parent / "dtk"), "worker", "run"], env=environ)
    try:
        yield worker
    finally:
        worker.send_signal(signal.SIGCONT)
        worker.send_signal(signal.SIGTERM)
        worker.wait()


def run(place: Home, db: Database, folder: Path) -> None:
    """Drain a queue of captions with four hosts, one of which freezes, and print the table."""
    write_pictures(folder / "library", 0, IMAGES)
    place.dtk("scan", str(folder / "library"))
    with ExitStack() as stack:
        addresses = [stack.enter_context(endpoint(takes_s)) for takes_s in TAKES_S]
        hosts = [
            stack.enter_context(host(folder / f"host{number}", db.conninfo(), address))
            for number, address in enumerate(addresses)
        ]
        wait_until(lambda: len(_paces(db)) == len(hosts))
        place.dtk("queue", "add", "--all", "--kind", "caption")
        wait_until(lambda: jobs_left(db) <= IMAGES * 3 // 4)
        hosts[-1].send_signal(signal.SIGSTOP)
        frozen = time.perf_counter()
        wait_until(lambda: len(_paces(db)) < len(hosts))
        print(
            f"{IMAGES:,} captions, {len(hosts)} hosts; one is frozen at {jobs_left(db):,} left, and its lease lapses",
            end="",
        )
        print(f" after {time.perf_counter() - frozen:.1f} s (load {os.getloadavg()[0]:.1f})")
        looks = []
        while (left := jobs_left(db)) > 0:
            looks.append(Look(time.perf_counter(), left, snapshot(db, LibraryCounts()).eta_s))
            time.sleep(0.5)
        report(looks, time.perf_counter())
        check(db)


def report(looks: list[Look], end: float) -> None:
    """Print what was expected beside the truth."""
    print(f"{'':<28}{'expected s':>12}{'truth s':>10}{'error':>9}")
    first = looks[0].left
    for share in (0, 25, 50, 75):
        one = next(look for look in looks if look.left <= first * (1 - share / 100))
        truth = end - one.at
        shown, error = ("unknown", "") if one.eta_s is None else (f"{one.eta_s:.1f}", f"{one.eta_s / truth - 1:+.1%}")
        print(f"  {share:>2} % of what was left {shown:>14}{truth:10.1f}{error:>9}   {one.left:,} left")


def check(db: Database) -> None:
    """Fail where a caption was made twice or is missing; print who made how many."""
    with db.connection() as conn:
        ended = conn.execute("SELECT outcome, count(*), count(DISTINCT image_id) FROM job_log GROUP BY 1").fetchall()
        captions = conn.execute("SELECT count(*), count(DISTINCT image_id) FROM caption").fetchall()
        by = conn.execute("SELECT worker_id, count(*) FROM job_log GROUP BY 1 ORDER BY 1").fetchall()
    assert ended == [("done", IMAGES, IMAGES)] and captions == [(IMAGES, IMAGES)], (ended, captions)
    print(f"each caption once; by worker: {', '.join(f'{number:,}' for _, number in by)}")


def _paces(db: Database) -> list[int]:
    """Return the workers that are alive and run."""
    return [one.id for one in snapshot(db, LibraryCounts()).workers if one.state == "running"]


def main() -> None:
    """Make a library, measure."""
    with TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as temporary, home() as place:
        db = Database.open(load(place.environ))
        try:
            run(place, db, Path(temporary))
        finally:
            db.close()


if __name__ == "__main__":
    main()

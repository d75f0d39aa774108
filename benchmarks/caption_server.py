"""What the benchmarks of captions share: a server that several clients are measured on, and what each of them costs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx
import workload  # noqa: F401  (lets tests.helpers be found)

from dtk_tui.domain.job import ClaimedJob
from dtk_tui.inference.captioner.base import Answer, Captioner, Question
from dtk_tui.inference.captioner.completion import picture_part, request_body
from dtk_tui.inference.captioner.llama_server import LlamaCaptioner
from dtk_tui.services.worker.handlers.base import Loaded, Resources
from dtk_tui.services.worker.handlers.caption import CaptionHandler
from dtk_tui.services.worker.priority import lower_thread_priority
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Connection

_SLOT = b'"id_slot": 0'


class NotingCaptioner(Captioner):
    """A captioner that outlives the workers that use it, and notes what it is asked.

    Answers of a given length are cut off; here they count as captions, so that nothing is asked again.
    """

    def __init__(self, captioner: LlamaCaptioner) -> None:
        self._captioner = captioner
        self._lock = threading.Lock()
        self.model = captioner.model
        self.slots = captioner.slots
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.asked: list[tuple[bytes, Question]] = []
        self.begun = 0.0
        self.tokens = self.cached = 0

    def open(self) -> None:
        """Do nothing: it runs."""

    def ask(
        self,
        picture: bytes,
        question: Question,
        *,
        slot: int | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Ask the server, and note it."""
        with self._lock:
            self.begun = self.begun or time.time()
            self.asked.append((picture, question))
        answer = self._captioner.ask(picture, question, slot=slot, on_text=on_text)
        with self._lock:
            self.tokens += answer.tokens
            self.cached += answer.cached_tokens
        return replace(answer, finish_reason="stop")

    def models(self) -> list[str]:
        """Return the one model."""
        return [self.model]

    def picture_size(self) -> int | tuple[int, int]:
        """Return the size that the projector sees."""
        return self._captioner.picture_size()

    def close(self) -> None:
        """Leave it running."""


class SharedHandler(CaptionHandler):
    """Captions of a server that was started before.

    Attributes:
        own_s: processor seconds that threads of the engine had for captions: their pictures, and claiming and saving
            them, as far as that is the handler's.
    """

    shared: ClassVar[NotingCaptioner]
    own_s: ClassVar[float] = 0.0
    _lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def open(cls, resources: Resources) -> Self:
        """Take that server."""
        return cls(cls.shared, resources.config.settings.captions)

    @classmethod
    @contextmanager
    def _counted(cls) -> Iterator[None]:
        before = time.thread_time()
        yield
        with SharedHandler._lock:
            SharedHandler.own_s += time.thread_time() - before

    def prepare(self, conn: Connection, jobs: Sequence[ClaimedJob]) -> Mapping[int, Any]:
        """Read what jobs need, and count what that takes."""
        with self._counted():
            return super().prepare(conn, jobs)

    def load(self, job: ClaimedJob) -> Loaded:
        """Make the picture of a job, and count what that takes."""
        with self._counted():
            return super().load(job)

    def save(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        """Write captions, and count what that takes."""
        with self._counted():
            super().save(conn, rows)


@dataclass
class Server:
    """A captioner's server that answers bare requests too."""

    captioner: LlamaCaptioner
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        process = self.captioner._servers[0]._process
        if process is None:
            raise SystemExit("the server did not start")
        self.http = httpx.Client(
            base_url=process.url, headers={"Authorization": f"Bearer {process.key}"}, timeout=300, trust_env=False
        )

    @property
    def pid(self) -> int:
        """Of the process that computes."""
        return self.captioner.pids[0]

    def send(self, body: bytes, slot: int) -> dict[str, Any]:
        """Send a request that was made for slot 0 to a slot."""
        content = body.replace(_SLOT, b'"id_slot": %d' % slot, 1)
        answer = self.http.post("/v1/chat/completions", content=content, headers={"Content-Type": "application/json"})
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def started(settings: CaptionSettings, folder: Path, niceness: int = 0) -> Iterator[Server]:
    """Run a server for a while; its threads have the priority of who starts it."""
    captioner = LlamaCaptioner(settings, folder / "captioner.log")
    try:
        with ThreadPoolExecutor(1, initializer=lower_thread_priority, initargs=(niceness,)) as starter:
            starter.submit(captioner.open).result()
        server = Server(captioner)
        SharedHandler.shared = NotingCaptioner(captioner)
        yield server
        server.http.close()
    finally:
        captioner.close()


def body_of(picture: bytes, question: Question, *, text_first: bool = False, tokens: int | None = None) -> bytes:
    """Return the request that a handler would send, for slot 0.

    Args:
        text_first: puts the question before the picture.
        tokens: exactly so many are answered, whatever the model says.
    """
    part = picture_part(picture)
    if tokens is not None:
        question = replace(question, sampling=replace(question.sampling, max_tokens=tokens))
    body = request_body("joycaption", part, question, 0, stream=False)
    if text_first:
        text = body[body.index(part) + len(part) + 1 : body.index(b"]}", body.index(part))]
        body = body.replace(b"%b,%b" % (part, text), b"%b,%b" % (text, part), 1)
    if tokens is not None:
        body = b'{"ignore_eos":true,%b' % body[1:]
    return body


def everywhere(work: Callable[[int, int], object], count: int, slots: int) -> float:
    """Do ``work(slot, item)`` for all items on as many threads as there are slots; return the seconds."""
    items = iter(range(count))
    lock = threading.Lock()

    def run(slot: int) -> None:
        while True:
            with lock:
                item = next(items, None)
            if item is None:
                return
            work(slot, item)

    with ThreadPoolExecutor(slots) as threads:
        begun = time.perf_counter()
        for ended in [threads.submit(run, slot) for slot in range(slots)]:
            ended.result()
        return time.perf_counter() - begun


def cpu_s(pids: Sequence[int]) -> float:
    """Return the processor seconds that processes, and their children that have ended, have had."""
    ticks = 0
    for pid in pids:
        try:
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
        except OSError:
            continue  # it ended
    return ticks / os.sysconf("SC_CLK_TCK")


def thread_cpu_s(threads: Sequence[threading.Thread]) -> float:
    """Return the processor seconds that threads of this process have had."""
    ticks = 0
    for thread in threads:
        fields = Path(f"/proc/self/task/{thread.native_id}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def server_processes(data: Path) -> list[int]:
    """Return the process ids of the embedded PostgreSQL with a data folder."""
    first = int((data / "postmaster.pid").read_text().split()[0])
    found = [first]
    for task in Path(f"/proc/{first}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


@dataclass(frozen=True)
class Cost:
    """What answering some requests took: seconds in all, and processor seconds by who had them."""

    requests: int
    tokens: int
    cached: int
    wall_s: float
    server_s: float
    worker_s: float
    database_s: float

    def line(self, name: str) -> str:
        """Return one line of a table."""
        each = 1000 / self.requests
        return (
            f"  {name:12}{self.requests / self.wall_s:6.2f}/s {self.tokens / self.requests:6.1f} tokens each,"
            f" {self.cached / self.requests:4.0f} cached; processor ms each: server {self.server_s * each:6.1f},"
            f" here {self.worker_s * each:5.1f}, PostgreSQL {self.database_s * each:4.1f}"
        )


class Meter:
    """Processor seconds of everybody who takes part.

    Args:
        data: the data folder of the embedded PostgreSQL.
    """

    def __init__(self, server: Server, data: Path) -> None:
        self._server, self._data = server, data
        self._before = self._now()

    def _now(self) -> tuple[float, float, float]:
        return cpu_s([self._server.pid]), time.process_time(), cpu_s(server_processes(self._data))

    def cost(self, requests: int, tokens: int, cached: int, wall_s: float) -> Cost:
        """Return what was had since the meter was made."""
        server, worker, database = (now - then for now, then in zip(self._now(), self._before, strict=True))
        return Cost(requests, tokens, cached, wall_s, server, worker, database)

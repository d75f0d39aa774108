"""Tags and captions of the same pictures: one after the other, or side by side, and nothing else waits for either."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import convert, structs

from dtk_tui.config import Config
from dtk_tui.domain.job import NOW, ClaimedJob, Kind
from dtk_tui.domain.queue import Target
from dtk_tui.errors import DtkError
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker import claim
from dtk_tui.services.worker.handlers import registry
from dtk_tui.services.worker.handlers.base import Loaded
from dtk_tui.services.worker.handlers.caption import CaptionHandler
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Connection, Database
from tests.helpers.fault_server import FaultServer, fault_server, http, said
from tests.helpers.pictures import write_many
from tests.helpers.plain_handler import DigestHandler
from tests.helpers.running_worker import EVERYTHING, logged_jobs, one_value, worker

ANSWER = http(said("A fox."))


class GatedTagger(DigestHandler):
    """Says ``fox`` of every picture, when its gate is open; fails for what ``broken`` names.

    While the gate is closed no more pictures may be queued than the lane of the devices holds: the loaders are shared.
    """

    batch_size = 1
    gate: ClassVar[threading.Event]
    broken: ClassVar[str]

    def load(self, job: ClaimedJob) -> Loaded:
        if Path(job.path).name == self.broken:
            raise DtkError("This picture cannot be tagged.")
        return Loaded(job, ())

    def infer(self, batch: Sequence[Loaded]) -> list[Any]:
        self.gate.wait(60)
        return ["fox" for _ in batch]

    def save(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        conn.execute("INSERT INTO tag (name) VALUES ('fox') ON CONFLICT DO NOTHING")
        for image_id, _ in rows:
            conn.execute(
                "INSERT INTO image_tag (image_id, tag_id, source, confidence) SELECT %s, id, 'gated', 1 FROM tag",
                (image_id,),
            )


@pytest.fixture(autouse=True)
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The gate of the tagger, in a worker that loads no model and looks often."""
    monkeypatch.setattr(GatedTagger, "gate", threading.Event(), raising=False)
    monkeypatch.setattr(GatedTagger, "broken", "", raising=False)
    monkeypatch.setattr(registry, "HANDLERS", (GatedTagger, CaptionHandler))
    monkeypatch.setattr(claim, "_IDLE_S", 0.05)
    yield GatedTagger.gate
    GatedTagger.gate.set()


def _library(db: Database, config: Config, server: FaultServer, folder: Path, number: int, **more: Any) -> Config:
    given = {"backend": "openai", "base_url": server.url, "model": "joy", "slots": 2, "type": "mine"}
    given |= {"templates": {"mine": "{file_name} has {tags}"}}
    captions = convert(given | more, CaptionSettings)
    write_many(folder, number)
    scan(db, config, [str(folder)])
    return Config(config.paths, structs.replace(config.settings, captions=captions))


def _ids(db: Database) -> list[int]:
    with db.connection() as conn:
        return [row[0] for row in conn.execute("SELECT id FROM image ORDER BY id")]


def _asked(server: FaultServer) -> list[str]:
    return [body["messages"][1]["content"][1]["text"] for body in server.bodies]


def _wait_for_requests(server: FaultServer, number: int) -> None:
    with server.came:
        assert server.came.wait_for(lambda: len(server.bodies) >= number, 60)


def test_in_sequence_every_caption_knows_the_tags_and_nobody_else_waits(
    db: Database, config: Config, tmp_path: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fault_server(ANSWER) as server:
        here = _library(db, config, server, tmp_path / "library", 5)
        ids = _ids(db)
        with db.connection() as conn:
            names = dict(conn.execute("SELECT id, file_name FROM image").fetchall())
        monkeypatch.setattr(GatedTagger, "broken", names[ids[1]])
        enqueue(db, here, Target(image_ids=tuple(ids[:-1])), [Kind.TAG, Kind.CAPTION])
        enqueue(db, here, Target(image_ids=(ids[-1],)), [Kind.CAPTION])
        with worker(db, here) as (engine, _):
            _wait_for_requests(server, 2)  # of what cannot be tagged, and of what nobody wants tagged
            gate.set()
            engine.wait_until_empty()
    asked = _asked(server)
    assert sorted(asked[:2]) == sorted(f"{names[number]} has" for number in (ids[1], ids[-1]))
    assert sorted(asked[2:]) == sorted(f"{names[number]} has fox" for number in ids[:-1] if number != ids[1])
    assert len(logged_jobs(db)) == 8 and one_value(db, "SELECT count(*) FROM job WHERE state = 'failed'") == 1


def test_in_parallel_captions_do_not_wait_for_tags(
    db: Database, config: Config, tmp_path: Path, gate: threading.Event
) -> None:
    with fault_server(ANSWER) as server:
        here = _library(db, config, server, tmp_path / "library", 3, with_tags="parallel")
        enqueue(db, here, EVERYTHING, [Kind.TAG, Kind.CAPTION])
        with worker(db, here) as (engine, _):
            _wait_for_requests(server, 3)
            assert not any("fox" in words for words in _asked(server))
            gate.set()
            engine.wait_until_empty()
    assert len(logged_jobs(db)) == 6


def test_where_nobody_can_tag_captions_do_not_wait(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "HANDLERS", (CaptionHandler,))
    with fault_server(ANSWER) as server:
        here = _library(db, config, server, tmp_path / "library", 3)
        enqueue(db, here, EVERYTHING, [Kind.TAG, Kind.CAPTION])
        with worker(db, here) as (engine, _):
            engine.wait_until_empty()
    assert [kind for kind, _ in logged_jobs(db)] == [Kind.CAPTION] * 3
    assert one_value(db, "SELECT count(*) FROM job WHERE kind = 1 AND state = 'pending'") == 3


def test_a_caption_that_is_wanted_now_is_asked_for_as_soon_as_its_tags_are_there(
    db: Database, config: Config, tmp_path: Path, gate: threading.Event
) -> None:
    answers = threading.Semaphore(0)
    held: Callable[[Any], None] = lambda connection: (answers.acquire(timeout=60), ANSWER(connection))[1]  # noqa: E731
    with fault_server(held) as server:
        here = _library(db, config, server, tmp_path / "library", 40, slots=1)
        ids = _ids(db)
        enqueue(db, here, EVERYTHING, [Kind.CAPTION])
        with db.connection() as conn:
            conn.execute("DELETE FROM job WHERE image_id = %s", (ids[20],))
        with worker(db, here) as (engine, news):
            _wait_for_requests(server, 1)
            enqueue(db, here, Target(image_ids=(ids[20],)), [Kind.TAG, Kind.CAPTION], priority=NOW)
            for _ in range(9):
                answers.release()
            _wait_for_requests(server, 10)
            gate.set()
            is_claimed = f"SELECT count(*) FROM job WHERE image_id = {ids[20]} AND kind = 3 AND state = 'running'"
            news.wait_for(lambda _: one_value(db, is_claimed) == 1, 60)
            answers.release(100)
            engine.wait_until_empty()
    asked = [json.dumps(body) for body in server.bodies]
    assert len(asked) == 40
    assert any("has fox" in words for words in asked[:20]), "before what was queued before it"

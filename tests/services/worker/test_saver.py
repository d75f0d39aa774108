"""What has ended is saved together, and nobody waits for it longer than needed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert, structs

from dtk_tui.config import Config
from dtk_tui.domain.job import NOW, Kind
from dtk_tui.domain.queue import Target
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker import save
from dtk_tui.services.worker.batch_result import BatchResult
from dtk_tui.services.worker.handlers import registry
from dtk_tui.services.worker.handlers.caption import CaptionHandler
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Database
from tests.helpers.fault_server import Answer, FaultServer, fault_server, http, said
from tests.helpers.pictures import write_many
from tests.helpers.processes import wait_until
from tests.helpers.running_worker import EVERYTHING, one_value, wait_for_jobs, worker


@contextmanager
def _captioner(db: Database, config: Config, folder: Path, images: int) -> Iterator[tuple[Config, FaultServer]]:
    """An endpoint with four slots, and pictures that are scanned."""
    write_many(folder, images)
    with fault_server(http(said("A dog."))) as server:
        given: dict[str, Any] = {"backend": "openai", "base_url": server.url, "model": "joy", "slots": 4}
        given |= {"type": "mine", "templates": {"mine": "{file_name}"}}
        update = {"captions": convert(given, CaptionSettings)}
        here = Config(config.paths, structs.replace(config.settings, **update))
        scan(db, here, [str(folder)])
        yield here, server


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "HANDLERS", (CaptionHandler,))
    monkeypatch.setattr(save, "_PATIENCE_S", 600.0)  # a saver that waits in vain does not end in time


def test_captions_are_saved_together(db: Database, config: Config, tmp_path: Path) -> None:
    with _captioner(db, config, tmp_path / "library", 12) as (here, _):
        enqueue(db, here, EVERYTHING, [Kind.CAPTION])
        with worker(db, here) as (engine, _news):
            engine.wait_until_empty()
    assert one_value(db, "SELECT count(*) FROM job_log") == 12
    assert one_value(db, "SELECT count(DISTINCT xmin::text) FROM job_log") <= 3


def test_what_somebody_waits_for_is_saved_at_once(db: Database, config: Config, tmp_path: Path) -> None:
    with _captioner(db, config, tmp_path / "library", 3) as (here, server):
        first, late = threading.Semaphore(1), threading.Event()

        def only_one(_: dict[str, Any]) -> Answer:
            if not first.acquire(blocking=False) and not server.released.wait(60):
                late.set()
            return http(said("A dog."))

        server.choose = only_one
        enqueue(db, here, EVERYTHING, [Kind.CAPTION], priority=NOW)
        with worker(db, here) as (engine, _news):
            wait_for_jobs(engine)
            assert not late.is_set(), "the other two were waited for"
            server.released.set()
            engine.wait_until_empty()


def test_what_ends_behind_it_does_not_let_it_wait(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saving, may_save, write = threading.Event(), threading.Event(), save.Saver._write

    def held_up(self: save.Saver, batch: list[BatchResult]) -> None:
        saving.set()
        assert may_save.wait(60)
        write(self, batch)

    monkeypatch.setattr(save.Saver, "_write", held_up)
    with _captioner(db, config, tmp_path / "library", 4) as (here, server):
        with db.connection() as conn:
            images = conn.execute("SELECT id, file_name FROM image ORDER BY id").fetchall()
        may_answer = {name: threading.Event() for _, name in images}
        first, urgent, calm, last = may_answer.values()

        def in_turn(body: dict[str, Any]) -> Answer:
            (asked,) = (name for name in may_answer if name in json.dumps(body))
            assert may_answer[asked].wait(180)  # longer than anybody here waits
            return http(said("A dog."))

        server.choose = in_turn
        enqueue(db, here, Target(image_ids=[number for number, _ in images[:2]]), [Kind.CAPTION], priority=NOW)
        enqueue(db, here, EVERYTHING, [Kind.CAPTION])
        with worker(db, here) as (engine, _news):
            first.set()
            assert saving.wait(60)
            assert engine._pipeline is not None
            waiting = engine._pipeline._state.to_save
            for number, event in enumerate((urgent, calm), 1):
                event.set()
                wait_until(lambda number=number: waiting.qsize() == number, "an answer arrives")  # type: ignore[misc]
            may_save.set()
            wait_for_jobs(engine, above=2, timeout_s=30)
            assert not last.is_set(), "the last one is under way"
            last.set()
            engine.wait_until_empty()

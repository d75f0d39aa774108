"""What has ended is saved together, and nobody waits for it longer than needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import NOW, Kind
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker import save
from dtk_tui.services.worker.handlers import registry
from dtk_tui.services.worker.handlers.caption import CaptionHandler
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Database
from tests.helpers.fault_server import Answer, FaultServer, fault_server, http, said
from tests.helpers.pictures import write_many
from tests.helpers.running_worker import EVERYTHING, one_value, wait_for_jobs, worker


@contextmanager
def _captioner(db: Database, config: Config, folder: Path, images: int) -> Iterator[tuple[Config, FaultServer]]:
    """An endpoint with four slots, and pictures that are scanned."""
    write_many(folder, images)
    with fault_server(http(said("A dog."))) as server:
        given = {"backend": "openai", "base_url": server.url, "model": "joy", "slots": 4}
        update = {"captions": CaptionSettings.model_validate(given)}
        here = Config(config.paths, config.settings.model_copy(update=update))
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

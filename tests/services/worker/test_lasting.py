"""An error that nobody foresaw costs its row or a moment, and never a thread of the worker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from dtk_tui.config import Config
from dtk_tui.domain.events import ProblemReported
from dtk_tui.domain.job import Kind
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker import lasting
from dtk_tui.services.worker.claim import Claimer
from dtk_tui.services.worker.control import ControlLoop
from dtk_tui.services.worker.handlers.embed import EmbedHandler
from dtk_tui.services.worker.heartbeat import Heartbeat
from dtk_tui.services.worker.infer import Inferrer
from dtk_tui.store.database import Connection, Database
from tests.helpers.pictures import write_many
from tests.helpers.running_worker import EVERYTHING, News, one_value, worker

pytestmark = pytest.mark.usefixtures("quick_models")

IMAGES = 12


@pytest.fixture
def queued(db: Database, config: Config, tmp_path: Path) -> None:
    write_many(tmp_path / "library", IMAGES)
    scan(db, config, [str(tmp_path / "library")])
    enqueue(db, config, EVERYTHING, [Kind.EMBED])


def _problems(news: News) -> list[str]:
    return [event.detail for event in news.events if isinstance(event, ProblemReported)]


@pytest.mark.usefixtures("queued")
def test_a_result_that_cannot_be_saved_fails_alone(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, save = one_value(db, "SELECT max(id) FROM image"), EmbedHandler.save

    def faulty(self: EmbedHandler, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        if any(image == bad for image, _ in rows):
            raise TypeError("not foreseen")
        save(self, conn, rows)

    monkeypatch.setattr(EmbedHandler, "save", faulty)
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    assert one_value(db, "SELECT count(*) FROM image_vector") == IMAGES - 1
    with db.connection() as conn:
        failed = conn.execute("SELECT image_id, error FROM job WHERE state = 'failed'").fetchall()
    assert failed == [(bad, "TypeError: not foreseen")]


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize(
    ("of", "method"),
    [
        (Claimer, "_claim_for"),
        (ControlLoop, "_apply_desired_state"),
        (Heartbeat, "_beat"),
    ],
)
def test_a_thread_goes_on_after_an_error(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch, of: type, method: str
) -> None:
    real, raised = getattr(of, method), []

    def faulty(self: Any, *arguments: Any) -> Any:
        if not raised:
            raised.append(True)
            raise TypeError("not foreseen")
        return real(self, *arguments)

    monkeypatch.setattr(lasting, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(of, method, faulty)
    with worker(db, config) as (engine, news):
        engine.wait_until_empty()
        assert sum("TypeError: not foreseen" in problem for problem in _problems(news)) == 1
    assert one_value(db, "SELECT count(*) FROM image_vector") == IMAGES


@pytest.mark.usefixtures("queued")
def test_a_batch_that_a_thread_fails_with_ends_with_the_reason(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(self: Inferrer, images: Sequence[Any]) -> Any:
        raise TypeError("not foreseen")

    monkeypatch.setattr(Inferrer, "_infer_images", faulty)
    settings = structs.replace(config.settings.worker, max_retries=1)
    here = Config(config.paths, structs.replace(config.settings, worker=settings))
    with worker(db, here) as (engine, _):
        engine.wait_until_empty()
    with db.connection() as conn:
        failed = conn.execute("SELECT DISTINCT error FROM job WHERE state = 'failed'").fetchall()
    assert failed == [("TypeError: not foreseen",)]
    assert one_value(db, "SELECT count(*) FROM job WHERE state = 'failed'") == IMAGES
